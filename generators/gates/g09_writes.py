"""G9: a change is wanted exactly: doing nothing, doing part of it, or doing it wrongly does not reach the goal.

Start fails; every proper prefix of the plan fails; the plan succeeds; the same change to another row, another value
for the same row, and the plan with one more change all fail; and the world's invariants hold at the end.
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.scenario import StateGoal, TemplateImpl
from tool_gym.tools import FAMILIES
from tool_gym.turns import ToolCall, Turn

GATE = "G9"


def check(candidate: Candidate) -> dict[str, Any] | None:
    """Reject the candidate if its state goal is met too easily; return the number of mutants tried."""
    if not any(isinstance(goal, StateGoal) for goal in candidate.scenario.goals):
        return None
    *calls, end = candidate.plan_turns()
    if not _met(candidate, [*calls, end]):
        raise RejectedError(GATE, "the plan does not reach the goal")
    for length in range(len(calls)):
        if _met(candidate, [*calls[:length], end]):
            raise RejectedError(GATE, "a part of the plan reaches the goal")
    mutants = _mutants(candidate, calls)
    effective = 0
    for mutant in mutants:
        steps, parts, _ = candidate.play([*mutant, end])
        effective += bool(steps[-2].results[0].effects)
        if steps[-2].results[0].effects and parts["goals"] == 1.0:
            raise RejectedError(GATE, "a wrong change reaches the goal")
        _check_invariants(candidate, steps)
    return {"mutants": effective}


def _met(candidate: Candidate, turns: list[Turn]) -> bool:
    steps, parts, _ = candidate.play(turns)
    _check_invariants(candidate, steps)
    return parts["goals"] == 1.0


def _mutants(candidate: Candidate, calls: list[Turn]) -> list[list[Turn]]:
    """Return plans with the last change made to another row, with another value, and with one change too many."""
    last = calls[-1].calls[0]
    if not isinstance(last, ToolCall):
        return []
    mutants = [[*calls[:-1], _with(last, name, other)] for name, other in _alternatives(candidate, last)]
    return [*mutants, *[[*calls, *mutant[-1:]] for mutant in mutants]]


def _alternatives(candidate: Candidate, call: ToolCall) -> list[tuple[str, Any]]:
    """Return (argument, another value) pairs of the changing call."""
    tool = candidate.scenario.tool_by_name[call.name]
    if not isinstance(tool.impl, TemplateImpl) or not FAMILIES[tool.impl.family].writes:
        raise RejectedError(GATE, "the plan does not end in a change")
    ids = {row: table for table, spec in candidate.world.tables.items() for row in spec.rows}
    pairs: list[tuple[str, Any]] = []
    for name, value in call.arguments.items():
        if value in ids:
            others = [row for row in candidate.world.tables[ids[value]].rows if row != value]
            pairs += [(name, row) for row in others[:4]]
        elif type(value) in (int, float):
            pairs += [(name, value + 1), (name, value - 1)]
        else:
            enum = tool.parameters["properties"][name].get("enum", ())
            pairs += [(name, other) for other in enum if other != value]
    return pairs


def _with(call: ToolCall, name: str, value: Any) -> Turn:
    return Turn(calls=(ToolCall(call.name, {**call.arguments, name: value}),))


def _check_invariants(candidate: Candidate, steps: list[Any]) -> None:
    """Reject the candidate if a tool left a cell outside its column's bounds."""
    for step in steps:
        for result in step.results:
            for effect in result.effects:
                column = candidate.world.tables[effect.table].columns[effect.field]
                if column.type == "state" and not effect.created:
                    if effect.after not in column.transitions.get(effect.before, ()):
                        raise RejectedError(GATE, "a forbidden change of state")
                elif column.low is not None and column.high is not None:
                    low, high, after = column.low, column.high, effect.after
                    if not low <= after <= high:
                        raise RejectedError(GATE, "a value out of bounds")
