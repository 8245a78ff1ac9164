"""A scenario as a record in the form of FTRL (arXiv 2508.08791): its tools as the source of stateless functions.

A record has `messages`, `tools`, `codes`, `unsolved_set`, `solve_rate`, `data_source`, `split` and `answer`; the
middle ones are JSON texts. What the form has a place for is a request of one user turn with one answer, solved by
reading: the four shapes FTRL has. What does not fit is refused, and says why:

* Tools are stateless: each call runs on the world as it was. A tool that writes is there and answers, and its change is
  gone with the call; a scenario that asks for a change is refused.
* There are no transient faults: a tool with some answers from the first call on.
* Names that are no Python identifiers become some, in `tools`, `codes` and `unsolved_set` alike.
* Sub-answers are the golds as plain text, without their units (`tool_gym.rewards.ftrl`). A record is only written if
  the scenario's own plan solves all of them and the answer by the released rule, so that the oracle earns all there is.
* `split` is train or test; validation becomes test.

Each source is one function with all it needs inside: it imports the standard library and defines nothing outside.
"""

from __future__ import annotations

import builtins
import keyword
import textwrap
from collections import defaultdict
from typing import Any

from tool_gym import jsonio
from tool_gym.envs.pack import Task
from tool_gym.errors import ExportError
from tool_gym.generators.export import standalone
from tool_gym.generators.export.bundle import Bundle, bundled
from tool_gym.generators.export.naming import python_names
from tool_gym.generators.export.plain import Checker
from tool_gym.generators.export.prepared import INSTEAD, Prepared, literal, prepared, registry, roots_of, rows_of
from tool_gym.rewards.ftrl import FtrlReward, answer_text, sub_answer
from tool_gym.runtime import InProcessRuntime
from tool_gym.scenario import AnswerGoal, Scenario
from tool_gym.trajectory import Step
from tool_gym.turns import ToolCall, Turn
from tool_gym.world import Table, World

SHAPES = ("single_hop", "parallel_single_hop", "multi_hop", "parallel_multi_hop")
"""The shapes FTRL has."""

PREAMBLE = (
    "Answer the question with what the tools return, never from memory. If a call fails, put it right and call again."
)


def ftrl_record(task: Task, split: str) -> dict[str, Any]:
    """Return a scenario as an FTRL record.

    Args:
        task: The scenario and its world.
        split: The split of the pack it is in.

    Raises:
        ExportError: If the form has no place for what the scenario is, or the released rule would not pay its plan.
        ScenarioError: If a tool is foreign source, or does not fit its world.
    """
    scenario = task.scenario
    answer = _answer(scenario)
    _check_pay(task)
    tools = prepared(task)
    names = python_names(tool.spec.name for tool in tools)
    open_set: dict[str, list[str]] = defaultdict(list)
    for goal in scenario.sub_goals:
        if goal.gold is not None:
            open_set[names[goal.tool]].append(sub_answer(goal.gold))
    return {
        "messages": [{"role": "user", "content": f"{PREAMBLE}\nQuestion: {scenario.user_turns[0]}"}],
        "tools": jsonio.dumps([_schema(tool, names[tool.spec.name]) for tool in tools]),
        "codes": jsonio.dumps({names[tool.spec.name]: code(tool, names[tool.spec.name], task.world) for tool in tools}),
        "unsolved_set": jsonio.dumps(open_set),
        "solve_rate": 0.0,
        "data_source": f"self/{scenario.shape}",
        "split": "train" if split == "train" else "test",
        "answer": answer,
    }


def code(tool: Prepared, name: str, world: World) -> str:
    """Return the source of one function that does what a tool does, on the world as it is at the start.

    Args:
        tool: The tool.
        name: What the function is called.
        world: Where the tool's tables are.
    """
    tables = _tables(tool, world)
    runtime = (standalone.rows, standalone.base_of, standalone.once, Checker)
    roots: dict[Any, str] = {part: part.__name__ for part in (*runtime, *(() if tool.is_bare else (standalone.tool,)))}
    roots |= roots_of([tool], tables.values())
    bundle = bundled(roots, INSTEAD, {name, "arguments", "base", "made", *tool.spec.parameters.get("properties", {})})
    head, lines = _signature(tool)
    lines += [*bundle.imports(), *bundle.definitions(documented=False)]
    lines.append(f"base = {bundle.name_of(standalone.base_of)}({_literals(tables, bundle)})")
    lines.append(registry([tool], bundle).rstrip())
    run = f"{bundle.name_of(tool.family.compile)}({literal(tool.bindings, bundle)}, base)"
    once = bundle.name_of(standalone.once)
    if tool.is_bare:
        lines.append(f"return {once}(base, {bundle.name_of(Checker)}({tool.schema!r}), {run}, None, arguments)")
    else:
        parts = f"{run}, {literal(tool.impl, bundle)}, {tool.schema!r}, {tool.roles!r}"
        lines.append(f"made = {bundle.name_of(standalone.tool)}({parts})")
        lines.append(f"return {once}(base, made.validator, made.run, made.decode, arguments)")
    return f"def {name}({head}):\n" + textwrap.indent("\n".join(lines), " ") + "\n"


def _answer(scenario: Scenario) -> str:
    """Return the final answer; raises ExportError where FTRL has none."""
    goals = scenario.goals
    problem = ""
    if scenario.shape not in SHAPES:
        problem = f"its shape is {scenario.shape}, and FTRL has only {', '.join(SHAPES)}"
    elif len(scenario.user_turns) > 1:
        problem = "the user speaks more than once"
    elif any(goal.effects for goal in scenario.sub_goals):
        problem = "it changes the world, and FTRL's tools are stateless"
    elif len(goals) != 1 or not isinstance(goals[0], AnswerGoal):
        problem = "its goal is not one answer"
    elif not scenario.plans or not scenario.sub_goals:
        problem = "it has no plan"
    if problem or not isinstance(goals[0], AnswerGoal):
        msg = f"scenario {scenario.id} cannot be an FTRL record: {problem}"
        raise ExportError(msg)
    return answer_text(goals[0].gold)


def _check_pay(task: Task) -> None:
    """Check that the plan, one call a turn, solves every sub-answer and the answer by the released rule."""
    scenario = task.scenario
    scorer = FtrlReward().start(scenario)
    session = InProcessRuntime(scenario.tools, task.world).start()
    for step in scenario.oracle().steps:
        goal = scenario.sub_goal_by_id[step.sub_goal]
        result = session.call(goal.tool, goal.arguments or {})
        paid = scorer.step(Step(Turn(calls=(ToolCall(goal.tool, goal.arguments or {}),)), (result,)))
        if paid.delta < 1:
            msg = f"scenario {scenario.id} cannot be an FTRL record: its rule does not pay the call {goal.id}"
            raise ExportError(msg)
    if scorer.parts()["open"]:
        msg = f"scenario {scenario.id} cannot be an FTRL record: its rule leaves sub-answers of the plan open"
        raise ExportError(msg)


def _schema(tool: Prepared, name: str) -> dict[str, Any]:
    schema = tool.spec.schema
    return {**schema, "function": {**schema["function"], "name": name}}


def _signature(tool: Prepared) -> tuple[str, list[str]]:
    """Return the parameters of a tool's function, and statements that collect them and bare what they hide.

    `...` stands for an argument that is not given: no JSON value is that.
    """
    properties, required = tool.spec.parameters.get("properties", {}), tool.spec.parameters.get("required", ())
    if not all(name.isidentifier() and not keyword.iskeyword(name) for name in properties):
        return "**arguments", []
    order = sorted(properties, key=lambda name: name not in required)
    head = ", ".join(name if name in required else f"{name}=..." for name in order)
    pairs = ", ".join(f"({name!r}, {name})" for name in order)
    hidden = [name for name in order if hasattr(builtins, name)]
    bare = [f"from builtins import {', '.join(hidden)}"] if hidden else []
    return head, [f"arguments = {{key: value for key, value in [{pairs}] if value is not ...}}", *bare]


def _literals(tables: dict[str, Table], bundle: Bundle) -> str:
    """Return tables as an expression, a row a line."""
    lines = []
    for name, table in tables.items():
        shell = literal(table.model_copy(update={"rows": {}}), bundle).removesuffix("rows={})")
        columns, cells = rows_of(table)
        rows = ",\n".join(map(repr, (columns, *cells)))
        lines.append(f"{name!r}: {shell}rows={bundle.name_of(standalone.rows)}(\n{rows}))")
    return "{" + ",\n".join(lines) + "}"


def _tables(tool: Prepared, world: World) -> dict[str, Table]:
    """Return the tables a tool reads; of those it only refers to, the ids."""
    own = tool.family.tables(tool.bindings)
    tables = {name: world.tables[name] for name in own}
    for name in own:
        for column in world.tables[name].columns.values():
            target = column.table
            if target is not None and target not in tables:
                ids = {row_id: {"id": row_id} for row_id in world.tables[target].rows}
                tables[target] = world.tables[target].model_copy(update={"columns": {}, "rows": ids})
    return tables
