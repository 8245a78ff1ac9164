"""G1: the scenario, its tools and every argument of its plans fit their schemas, and its shape is what it says.

A scenario that breaks its own schema cannot be loaded, or fails in the middle of a run; one of another shape than it
says spoils every table and every quota by shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tool_gym.errors import ScenarioError
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.scenario import Scenario, ToolSpec
from tool_gym.validation import ArgumentValidator
from tool_gym.values import TextValue

GATE = "G1"

Form = Callable[[Scenario], bool]


def _answers(form: Form) -> Form:
    return lambda scenario: [goal.kind for goal in scenario.goals] == ["answer"] and form(scenario)


def _changes(form: Form) -> Form:
    return lambda scenario: [goal.kind for goal in scenario.goals] == ["state"] and form(scenario)


def _calls(scenario: Scenario) -> int:
    return len(scenario.plans[0].steps) if scenario.plans else 0


def _passes_on(scenario: Scenario) -> bool:
    """Return whether a change takes a value that was found out, and not only rows."""
    found = scenario.sub_goal_by_id
    given = [found[p.id].gold for s in scenario.sub_goals if s.effects for p in s.parents if p.kind == "data"]
    return not all(isinstance(gold, TextValue) for gold in given)


def _decides(scenario: Scenario) -> bool:
    return any(p.kind == "control" and p.id in scenario.sub_goal_by_id for s in scenario.sub_goals for p in s.parents)


SHAPES: dict[str, Form] = {
    "single_hop": _answers(lambda scenario: _calls(scenario) == 1),
    "parallel_single_hop": _answers(lambda scenario: scenario.depth == 1 < _calls(scenario)),
    "multi_hop": _answers(lambda scenario: 1 < scenario.depth == _calls(scenario) and not _decides(scenario)),
    "parallel_multi_hop": _answers(lambda scenario: 1 < scenario.depth < _calls(scenario) and not _decides(scenario)),
    "write": _changes(lambda scenario: not _decides(scenario) and not _passes_on(scenario)),
    "read_then_write": _changes(lambda scenario: not _decides(scenario) and _passes_on(scenario)),
    "conditional": lambda scenario: len(scenario.goals) == 1 and _decides(scenario),
    "multi_turn": lambda scenario: len(scenario.user_turns) > 1,
    "decline": lambda scenario: [goal.kind for goal in scenario.goals] == ["decline"],
    "ask": lambda scenario: scenario.goals[0].kind == "ask",
}
"""Shape → whether a scenario has it."""


def check(candidate: Candidate) -> dict[str, Any]:
    """Reject the candidate unless it survives a round trip and every oracle call is valid; return how many are."""
    scenario = candidate.scenario
    if scenario.world_ref != candidate.world.id:
        raise RejectedError(GATE, "another world than the one it names")
    if scenario.domain != candidate.world.domain:
        raise RejectedError(GATE, "another domain than that of its world")
    if not all(any(map(str.isalnum, line)) for line in scenario.user_turns):
        raise RejectedError(GATE, "a line that says nothing")
    if not SHAPES[scenario.shape](scenario):
        raise RejectedError(GATE, "another shape than it says")
    try:
        if scenario.read_back() != scenario:
            raise RejectedError(GATE, "does not survive a round trip through JSON")
        candidate.runtime.start()  # checks every tool
    except ScenarioError as error:
        raise RejectedError(GATE, str(error)) from None
    for sub_goal in scenario.sub_goals:
        if not scenario.tool_by_name[sub_goal.tool].kept(_validator).is_valid(sub_goal.arguments):
            raise RejectedError(GATE, f"arguments of {sub_goal.tool} do not fit its schema")
    return {"arguments": len(scenario.sub_goals)}


def _validator(tool: ToolSpec) -> ArgumentValidator:
    return ArgumentValidator.of(tool.parameters)
