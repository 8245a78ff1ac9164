"""G9: a goal is met by all of its plan only: doing nothing, doing part of it, or doing it wrongly does not reach it.

Every scenario with a plan: the start and every proper prefix fail, the plan succeeds. A change besides: the same change
to another row, another value for the same row, the change made twice, and the plan with one more change by any visible
tool all fail; and the world's invariants hold after each of them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tool_gym import reading
from tool_gym.generators.calls import Caller, is_write, table_of, template
from tool_gym.generators.candidate import Candidate, Play
from tool_gym.generators.decompose import RejectedError
from tool_gym.scenario import StateGoal, TemplateImpl, ToolSpec
from tool_gym.trajectory import Step
from tool_gym.turns import Effect, ToolCall, Turn

GATE = "G9"

_ENOUGH = 2
"""Effective mutants of one kind."""

_TRIED = 40
"""Most mutants of one kind that are tried for that."""


def check(candidate: Candidate) -> dict[str, Any] | None:
    """Reject the candidate if its goal is met too easily; return the number of mutants that changed something."""
    if candidate.scenario.shape == "decline":
        return None
    *calls, end = candidate.plan_turns()
    play = candidate.play()
    first = play.save()
    for turn in calls:
        last = play.save()
        if _ends_well(play, end):
            raise RejectedError(GATE, "a part of the plan reaches the goal")
        play.load(last)
        _check_invariants(candidate, play.step(turn))
    done = play.save()
    if not _ends_well(play, end):
        raise RejectedError(GATE, "the plan does not reach the goal")
    if not any(isinstance(goal, StateGoal) for goal in candidate.scenario.goals):
        return None
    if len(calls) > 1:
        play.load(first)
        play.step(calls[-1])
        if _ends_well(play, end):
            raise RejectedError(GATE, "the change alone reaches the goal")
    write = calls[-1].calls[0]
    if not isinstance(write, ToolCall) or not is_write(candidate.scenario.tool_by_name[write.name]):
        raise RejectedError(GATE, "the plan does not end in a change")
    wrong = _kill(candidate, play, last, _mutants(candidate, write), end)
    if not wrong:
        raise RejectedError(GATE, "nothing to tell a right change from a wrong one")
    extra = [more for tool in candidate.scenario.tools if is_write(tool) for more in _more(candidate, tool)]
    extra.append(iter([write]))
    return {"mutants": wrong + _kill(candidate, play, done, extra, end)}


def _ends_well(play: Play, end: Turn) -> bool:
    play.step(end)
    return play.goals > 0


def _kill(candidate: Candidate, play: Play, start: object, kinds: list[Iterator[ToolCall]], end: Turn) -> int:
    """Play mutants from a state, until enough of each kind changed something; reject if one reaches the goal."""
    effective = 0
    for kind in kinds:
        found = 0
        for call in islice(kind, _TRIED):
            play.load(start)
            step = play.step(Turn(calls=(call,)))
            if not step.results[0].effects:
                continue
            _check_invariants(candidate, step)
            if _ends_well(play, end):
                raise RejectedError(GATE, "a wrong change reaches the goal")
            found += 1
            if found == _ENOUGH:
                break
        effective += found
    return effective


def _mutants(candidate: Candidate, write: ToolCall) -> list[Iterator[ToolCall]]:
    """Return the changing call with each of its arguments replaced, one iterator an argument."""
    properties = candidate.scenario.tool_by_name[write.name].parameters["properties"]

    def calls(name: str) -> Iterator[ToolCall]:
        for other in _others(candidate, write.arguments[name], properties[name]):
            yield ToolCall(write.name, {**write.arguments, name: other})

    return [calls(name) for name in write.arguments]


def _others(candidate: Candidate, value: Any, schema: dict[str, Any]) -> list[Any]:
    if type(value) in (int, float):
        return [value + 1, value - 1]
    if "enum" in schema:
        return [other for other in schema["enum"] if other != value]
    table = table_of(candidate.world, value)
    if table is not None:
        return [row for row in candidate.world.tables[table].rows if row != value]
    if reading.whole_date(value) == value:
        return [(dt.date.fromisoformat(value) + dt.timedelta(days=step)).isoformat() for step in (1, -1)]
    return [f"{value} too"]


def _more(candidate: Candidate, tool: ToolSpec) -> list[Iterator[ToolCall]]:
    """Return changes by one tool to the rows of its table, one iterator a field."""
    impl: TemplateImpl = template(tool)
    public = {role: name for name, role in impl.renames.items()}
    rows = candidate.world.base.rows[impl.bindings["table"]]

    def calls(field: str | None) -> Iterator[ToolCall]:
        for arguments in Caller(candidate.world).attempts(tool, rows):
            if field in (None, arguments.get("field")):
                given = {public.get(role, role): v for role, v in arguments.items() if role not in impl.constants}
                yield ToolCall(tool.name, given)

    fields = impl.bindings["fields"] if impl.family == "update" else [None]
    return [calls(field) for field in fields]


def _check_invariants(candidate: Candidate, step: Step) -> None:
    """Reject the candidate if a tool left a cell outside what its column may hold."""
    for result in step.results:
        for effect in result.effects:
            if not _is_legal(candidate, effect):
                raise RejectedError(GATE, "a change that the world does not allow")


def _is_legal(candidate: Candidate, effect: Effect) -> bool:
    column = candidate.world.tables[effect.table].columns[effect.field]
    if not column.holds(effect.after):
        return False
    if column.type == "state":
        return effect.after == column.initial if effect.created else effect.after in column.transitions[effect.before]
    if column.type == "ref":
        return effect.after in candidate.world.tables[column.table or ""].rows
    return column.low is None or column.high is None or column.low <= effect.after <= column.high
