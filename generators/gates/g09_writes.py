"""G9: a goal is met by all of its plan only: doing nothing, doing part of it, or doing it wrongly does not reach it.

Every scenario with a plan: the start and every proper prefix fail, the plan succeeds. A change besides: the same change
to another row, another value for the same row, the change made twice, and the plan with one more change by any visible
tool all fail; and the world's invariants hold after each of them. A condition besides: its other branch can be taken,
too, and then fails.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import islice
from typing import Any

from tool_gym import reading
from tool_gym.generators.calls import Caller, Part, is_write, parts, table_of, template
from tool_gym.generators.candidate import Candidate, Play, answer_of
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.expressions import Act, If
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
    _check_other_branch(candidate, play, first, end)
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


def _check_other_branch(candidate: Candidate, play: Play, start: object, end: Turn) -> None:
    """Reject a condition whose other branch cannot be taken, comes to the same, or reaches the goal."""
    contrary, rule = candidate.draft.contrary, candidate.draft.goal[0]
    if contrary is None or not isinstance(rule, If):
        return
    evaluate = candidate.evaluator()
    other = rule.otherwise if evaluate.settled(rule) == rule.then else rule.then
    told = None if isinstance(other, Act) else answer_of(other, evaluate)
    if told is not None and candidate.act is None and told == answer_of(rule, evaluate):
        raise RejectedError(GATE, "two branches with one answer")
    for last in (end, Turn("Answer: done" if told is None else f"Answer: {told}")):
        play.load(start)
        steps = play.steps([Turn(calls=(call,)) for call in contrary.turns])
        if not steps or not all(step.results[0].ok for step in steps):
            raise RejectedError(GATE, "a branch that cannot be taken")
        for step in steps:
            _check_invariants(candidate, step)
        if _ends_well(play, last):
            raise RejectedError(GATE, "the other branch reaches the goal")


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
    tool = candidate.scenario.tool_by_name[write.name]
    impl, given = template(tool), template(tool).translate(write.arguments)
    properties = {
        impl.renames.get(name, name): schema for name, schema in Caller(candidate.world).properties(tool).items()
    }

    def calls(role: str) -> Iterator[ToolCall]:
        for other in _others(candidate, given[role], properties[role]):
            yield ToolCall(write.name, impl.public({**given, role: other}))

    return [calls(role) for role in given if role in properties]


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
    """Return changes by one tool to the rows of its table, two iterators a field: of other rows, and of the goal's."""
    return [kind for part in parts(tool, candidate.world.base) for kind in _changes(candidate, tool, part)]


def _changes(candidate: Candidate, tool: ToolSpec, part: Part) -> list[Iterator[ToolCall]]:
    impl: TemplateImpl = template(part.tool)
    asked = {cell.row for goal in candidate.scenario.goals if isinstance(goal, StateGoal) for cell in goal.required}
    every = candidate.world.base.rows[impl.bindings["table"]]
    kinds = [[row for row in every if row not in asked], [row for row in every if row in asked]]

    def calls(field: str | None, rows: list[str]) -> Iterator[ToolCall]:
        for arguments in Caller(candidate.world).attempts(part.tool, rows):
            if field is None or field in (*arguments, arguments.get("field")):
                yield ToolCall(tool.name, template(tool).public({**arguments, **part.chosen}))

    fields = impl.bindings["fields"] if impl.family == "update" else [None]
    return [calls(field, rows) for field in fields for rows in kinds]


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
