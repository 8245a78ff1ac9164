"""G12: the scaled tools are what they were, can be told apart and understood, and their faults overcome.

Scaling changes names, forms and documents. A tool that no longer does the same, that nothing tells from another one,
or whose parameters nobody could guess, makes a scenario a riddle. Every call of the plan, and the same call about
other rows, is made to the scaled tool and to the one it was made from, and must come to the same; whatever lost its
name has kept its description, and what lost its description its name; and the plan, its calls tried again where they
meet a fault, still earns exactly 1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tool_gym import jsonio
from tool_gym.generators.calls import table_of, template
from tool_gym.generators.candidate import Candidate, Play
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.scale.docs import VAGUE_WORDS
from tool_gym.rewards import SolveReward
from tool_gym.runtime import InProcessRuntime
from tool_gym.scenario import SubGoal, ToolSpec
from tool_gym.tools.codecs import ArgumentError, Quantity
from tool_gym.turns import Outcome, ToolResult

GATE = "G12"

_OTHERS = 2
"""Other rows that a call is made about."""

_WORD = re.compile(r"[\w²%$-]+")
_CLEAR = {vague: clear for clear, vague in VAGUE_WORDS.items()}


def check(candidate: Candidate) -> dict[str, Any] | None:
    """Reject the candidate if scaling broke something; return how many calls were compared, and faults overcome."""
    _check_distinct(candidate)
    for tool in candidate.scenario.tools:
        if tool.name in candidate.origins:
            _check_meaning(tool, candidate.origins[tool.name])
    compared = sum(_compare(candidate, sub_goal) for sub_goal in candidate.scenario.sub_goals)
    faults = _overcome(candidate)
    return {"compared": compared, **({"faults": faults} if faults else {})} if compared or faults else None


def _check_distinct(candidate: Candidate) -> None:
    """Reject two tools that nothing tells apart but names that do not say what they do; retired twins say it."""
    seen: dict[tuple[str, bytes], bool] = {}
    for tool in candidate.scenario.tools:
        if template(tool).retired:
            if "switched off" not in tool.description:
                raise RejectedError(GATE, "a retired tool that does not say so")
            continue
        renamed = tool.name != candidate.origins.get(tool.name, tool).name
        key = (tool.description, jsonio.dump_bytes(tool.parameters["properties"]))
        if key in seen and (renamed or seen[key]):
            raise RejectedError(GATE, "two tools that nothing tells apart")
        seen[key] = renamed


def _check_meaning(tool: ToolSpec, origin: ToolSpec) -> None:
    """Reject a tool whose name or parameters neither kept their name nor say what they are."""
    if tool.name != origin.name and not _still_says(tool.description, origin.description):
        raise RejectedError(GATE, "a tool that nothing identifies")
    impl, before = template(tool), template(origin)
    known = {before.renames.get(name, name): name for name in origin.parameters["properties"]}
    for name, schema in tool.parameters["properties"].items():
        if name in impl.inert:
            continue
        said = schema.get("description", "")
        if name in impl.expected:
            if repr(impl.expected[name]) not in said:
                raise RejectedError(GATE, "a value that must be given and is nowhere said")
            continue
        original = known.get(impl.renames.get(name, name), "")
        codec = impl.codecs.get(name)
        if isinstance(codec, Quantity) and codec.unit not in said:
            raise RejectedError(GATE, "a unit that must be given and is nowhere said")
        if name != original and not _still_says(said, origin.parameters["properties"][original].get("description", "")):
            raise RejectedError(GATE, "a parameter that nothing identifies")


def _still_says(text: str, original: str) -> bool:
    """Return whether a description still says all that the original does, words made vague aside."""
    return bool(original) and _cleared(text).startswith(_cleared(original))


def _cleared(text: str) -> str:
    return " ".join(_CLEAR.get(word, word) for word in _WORD.findall(text.lower()))


def _compare(candidate: Candidate, sub_goal: SubGoal) -> int:
    """Make a call of the plan, and some like it, to the scaled tool and its origin; return how many were compared."""
    tool = candidate.scenario.tool_by_name[sub_goal.tool]
    origin = candidate.origins.get(tool.name)
    if origin is None or origin is tool:
        return 0
    before = InProcessRuntime((origin,), candidate.world)
    given = template(tool).translate(sub_goal.arguments or {})
    compared = 0
    for family in (given, *_samples(candidate, given)):
        was = before.start().call(origin.name, template(origin).public(family))
        now = candidate.runtime.start().call(tool.name, template(tool).public(family))
        if not _is_same(tool, was, now):
            raise RejectedError(GATE, f"{tool.name} is no longer what it was")
        compared += 1
    _check_refusals(candidate, tool, sub_goal)
    return compared


def _samples(candidate: Candidate, given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the arguments with each id replaced by those of other rows."""
    for role, value in given.items():
        table = table_of(candidate.world, value) if isinstance(value, str) else None
        if table is not None:
            others = (row for row in candidate.world.base.rows[table] if row != value)
            yield from ({**given, role: other} for other in islice(others, _OTHERS))


def _is_same(tool: ToolSpec, was: ToolResult, now: ToolResult) -> bool:
    if not (was.ok and now.ok):
        return was.outcome is now.outcome
    try:
        return bool(template(tool).served(now.value) == was.value and now.effects == was.effects)
    except (LookupError, TypeError, ArgumentError):
        return False


def _check_refusals(candidate: Candidate, tool: ToolSpec, sub_goal: SubGoal) -> None:
    """Reject the candidate if a value that has to be given need not be."""
    session = candidate.runtime.start()
    for name in template(tool).expected:
        wrong = {**(sub_goal.arguments or {}), name: "something else"}
        if session.call(tool.name, wrong).outcome is not Outcome.INVALID_ARGUMENTS:
            raise RejectedError(GATE, "a value that has to be given and need not be")


def _overcome(candidate: Candidate) -> int:
    """Play each plan with the scenario's faults, trying again; return how many were met."""
    scenario, met = candidate.scenario, 0
    if not scenario.faults:
        return 0
    runtime = InProcessRuntime(scenario.tools, candidate.world, scenario.faults)
    budget = sum(fault.times for fault in scenario.faults)
    for plan in scenario.plans:
        play = Play(runtime.start(), SolveReward().start(scenario))
        faults = 0
        for turn in candidate.plan_turns(plan):
            while any(result.outcome is Outcome.TRANSIENT_FAULT for result in play.step(turn).results):
                faults += 1
                if faults > budget:
                    raise RejectedError(GATE, "faults without end")
        if abs(play.score - 1.0) > 1e-9:
            raise RejectedError(GATE, f"with its faults overcome the oracle scores {play.score:.3f}")
        met += faults
    return met
