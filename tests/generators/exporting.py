"""Calls to try an exported tool with, and what it says compared with what the tool here says."""

from __future__ import annotations

import random
import types
from typing import Any, NamedTuple

from tests.handmade import SCENARIOS
from tests.harbour import WORLD
from tool_gym.envs.pack import Task, open_pack
from tool_gym.generators.export.python_module import python_module
from tool_gym.generators.seeding import stream
from tool_gym.runtime import InProcessRuntime, Session
from tool_gym.scenario import DeclineGoal, Scenario, ToolSpec
from tool_gym.turns import Outcome, ToolResult
from tool_gym.world import World

CHECKED_HERE = (Outcome.INVALID_ARGUMENTS,)
"""Outcomes whose messages come from a validator, so that another validator words them otherwise."""


class Tried(NamedTuple):
    """A call."""

    name: str
    arguments: dict[str, Any]


def tasks(count: int) -> list[Task]:
    """Return some scenarios of every shape of the shipped pack."""
    pack = open_pack("everyday")
    of_shape: dict[str, list[str]] = {}
    for entry in pack.entries():
        of_shape.setdefault(entry.shape, []).append(entry.id)
    chosen = [ids[number * len(ids) // count] for ids in of_shape.values() for number in range(min(count, len(ids)))]
    return [pack.task(scenario) for scenario in chosen]


def handmade() -> list[Task]:
    """Return the scenarios written by hand, which have the shapes that the shipped pack has not."""
    return [Task(scenario, WORLD) for scenario in SCENARIOS.values()]


def alone(*tools: ToolSpec) -> Task:
    """Return a scenario over the harbour with these tools."""
    goals = (DeclineGoal(id="g", reason="nothing is asked"),)
    return Task(
        Scenario(
            id="-".join(tool.name for tool in tools)[:60], domain="harbour", shape="decline", user_turns=("Well?",),
            world_ref=WORLD.id, tools=tools, goals=goals,
        ),
        WORLD,
    )  # fmt: skip


def check_same(task: Task, calls: list[Tried]) -> None:
    """Make calls here and in an exported module, and compare what they say and leave behind."""
    module, session = loaded(task), session_of(task)
    for call in calls:
        here, there = session.call(call.name, call.arguments), said(module, call)
        assert same(here, there), (task.scenario.id, call, here, there)
        if here.effects or not here.ok:
            assert module.state() == rows_of(task.world, session)
    module.reset()
    assert module.state() == rows_of(task.world, session_of(task))


def session_of(task: Task) -> Session:
    """Open a session on the tools as they are here."""
    return InProcessRuntime(task.scenario.tools, task.world, task.scenario.faults).start()


def loaded(task: Task) -> Any:
    """Export a scenario as a module and import that."""
    module = types.ModuleType("exported")
    exec(compile(python_module(task), "exported.py", "exec"), module.__dict__)  # noqa: S102 - running it is the test
    return module


def said(module: Any, call: Tried) -> ToolResult:
    """Run a call in an exported module and return what it says as a result."""
    try:
        return ToolResult(Outcome.OK, module.call(call.name, call.arguments))
    except module.ToolError as error:
        return ToolResult(Outcome.of(error.outcome), None, str(error))


def same(here: ToolResult, there: ToolResult) -> bool:
    """Return whether two results say the same, refusals by a validator in whatever words."""
    if here.outcome in CHECKED_HERE:
        return there.outcome is here.outcome and bool(there.message)
    return repr((here.outcome, here.value, here.message)) == repr((there.outcome, there.value, there.message))


def rows_of(world: World, session: Any) -> dict[str, Any]:
    """Return every row a session here sees."""
    return {table: {row["id"]: row for row in session._view.rows(table)} for table in world.tables}


def oracle_calls(scenario: Scenario) -> list[Tried]:
    """Return the calls of the first plan; none where nothing is to be called."""
    steps = scenario.plans[0].steps if scenario.plans else ()
    goals = (scenario.sub_goal_by_id[step.sub_goal] for step in steps)
    return [Tried(goal.tool, goal.arguments or {}) for goal in goals]


def random_calls(task: Task, count: int) -> list[Tried]:
    """Return calls of every kind: most fit their schema, some lead nowhere, some fit nothing."""
    rng = stream("exports", task.scenario.id)
    pool = _pool(task.world)
    tools = task.scenario.tools
    calls = [Tried(tool.name, _arguments(tool, pool, rng)) for tool in tools for _ in range(-(-count // len(tools)))]
    rng.shuffle(calls)
    return [_spoiled(call, rng) if rng.random() < 0.25 else call for call in calls]


def _pool(world: World) -> dict[str, list[Any]]:
    cells = [value for table in world.tables.values() for row in table.rows.values() for value in row.values()]
    texts = sorted({value for value in cells if isinstance(value, str)})
    numbers = sorted({value for value in cells if isinstance(value, int | float)})
    return {"text": [*texts, "", " nobody ", "2025-02-30", "É“x”"], "number": [*numbers, 0, -1, 2.5, 1e301, 3.0]}


def _arguments(tool: ToolSpec, pool: dict[str, list[Any]], rng: random.Random) -> dict[str, Any]:
    required = tool.parameters.get("required", ())
    properties = tool.parameters.get("properties", {})
    given = [name for name in properties if name in required or rng.random() < 0.5]
    return {name: _value(name, properties[name], pool, rng) for name in given}


def _value(name: str, schema: dict[str, Any], pool: dict[str, list[Any]], rng: random.Random) -> Any:
    kind = schema.get("type")
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if kind == "boolean":
        return rng.random() < 0.5
    if kind == "object":
        return {key: _value(key, inner, pool, rng) for key, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [_value(name, schema.get("items", {}), pool, rng)]
    if kind in ("integer", "number"):
        number = rng.choice([rng.randint(1, 12), *rng.sample(pool["number"], 2)])
        return int(number) if kind == "integer" and abs(number) < 1e9 else number
    return rng.choice([text.upper() if rng.random() < 0.1 else text for text in rng.sample(pool["text"], 3)])


def _spoiled(call: Tried, rng: random.Random) -> Tried:
    arguments = dict(call.arguments)
    way = rng.choice(["name", "extra", "missing", "type", "number", "null"])
    if way == "name":
        return Tried(f"{call.name}s", arguments)
    if way == "extra" or not arguments:
        return Tried(call.name, {**arguments, "extra": 1})
    key = rng.choice(sorted(arguments))
    if way == "missing":
        del arguments[key]
        return Tried(call.name, arguments)
    return Tried(call.name, {**arguments, key: {"type": [], "number": 7, "null": None}.get(way)})
