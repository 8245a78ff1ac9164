"""What a scenario asks back for is really open: part of gate G11.

The request could mean several things that are equally good, and nothing but the user tells which: the value that is
left out stands in no line before the reply, no document says it or has a default for it, and with each of several
other values in its place the same plan runs through and comes to something else. (What single rows and columns hold
says nothing about what a user wants; if only one of the rows could be changed at all, that would.) And the question
is due: the calls that take the value wait for the reply, every goal rests on one of them, and without having asked the
plan meets none.
"""

from __future__ import annotations

import re
from typing import Any

from tool_gym import jsonio, units
from tool_gym.generators.calls import Caller, template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Draft, Goal, RejectedError, compile_goal
from tool_gym.generators.dialogue_asks import ASK, CLOSED_LEAST, askers, slot_of
from tool_gym.generators.dialogue_gap import Gap
from tool_gym.generators.expressions import Agg, Convert, Transition
from tool_gym.generators.gates.mentions import mentions_of
from tool_gym.generators.wording.dialogue_asks import keywords_of
from tool_gym.scenario import AskGoal
from tool_gym.world import WorldView

GATE = "G11"

OPEN_LEAST = 4
"""Fewest meanings of a request whose gap could be any row, number or date."""

_ENOUGH = 6
"""Other meanings that are looked for."""

_WORD = re.compile(r"[^\W_]+")


def check_asks(candidate: Candidate) -> dict[str, Any]:
    """Reject the candidate unless its question is due; return some of the values that would do as well."""
    gap, asks = candidate.draft.gap, [goal for goal in candidate.scenario.goals if isinstance(goal, AskGoal)]
    if gap is None or len(asks) != 1:
        raise RejectedError(GATE, "a question and a gap that do not go together")
    _check_slot(candidate, gap, asks[0])
    _check_unsaid(candidate, gap)
    _check_due(candidate, gap)
    found = _meanings(candidate, gap)
    least = CLOSED_LEAST if isinstance(gap.part, Agg | Convert | Transition) else OPEN_LEAST
    if len(found) + 1 < least:
        raise RejectedError(GATE, "too few other things that could be meant")
    return {"as_good": found}


def _check_slot(candidate: Candidate, gap: Gap, ask: AskGoal) -> None:
    """Reject a question that asks for something else, or a reply that does not settle it."""
    if ask.slot != slot_of(gap) or ask.keywords != keywords_of(gap, candidate.domain):
        raise RejectedError(GATE, "a question for something else")
    if not _says(ask.reply, gap, gap.shown(candidate.world)):
        raise RejectedError(GATE, "a reply that does not settle it")


def _check_unsaid(candidate: Candidate, gap: Gap) -> None:
    """Reject a gap that the request fills, or that a document fills."""
    request, row = candidate.scenario.user_turns[0], gap.row
    shown = [gap.shown(candidate.world), *([row.row] if row is not None else [])]
    if any(_says(request, gap, value) for value in shown):
        raise RejectedError(GATE, "the request says it already")
    if isinstance(gap.part, Convert):
        return  # a document lists all units, or says what a figure is recorded in
    for name in askers(candidate.draft, gap):
        tool = candidate.scenario.tool_by_name[candidate.scenario.sub_goal_by_id[name].tool]
        for schema in tool.parameters["properties"].values():
            open_ended = {key: item for key, item in schema.items() if key != "enum"}
            if any(_says(jsonio.dumps(open_ended), gap, value) for value in shown):
                raise RejectedError(GATE, "a document says it already")


def _says(text: str, gap: Gap, value: Any) -> bool:
    if isinstance(gap.part, Convert):
        return any(units.spelled(word) == value for word in _WORD.findall(text))
    return mentions_of(text).has(value)


def _check_due(candidate: Candidate, gap: Gap) -> None:
    """Reject a question that the plan can do without."""
    scenario, asking = candidate.scenario, askers(candidate.draft, gap)
    waiting = set[str]()
    for sub_goal in scenario.sub_goals:
        parents = {parent.id for parent in sub_goal.parents}
        if sub_goal.id in asking or parents & waiting:
            waiting.add(sub_goal.id)
        if (sub_goal.id in waiting) != (ASK in parents):
            raise RejectedError(GATE, "a call that does not wait for the reply, or need not")
    if not all(waiting.intersection(goal.rests_on) for goal in scenario.goals if goal.id != ASK):
        raise RejectedError(GATE, "a goal that does not rest on the reply")
    play = candidate.play()
    play.steps([turn for turn in candidate.plan_turns() if turn.calls or not turn.text.startswith("Ask:")])
    if play.goals > 0:
        raise RejectedError(GATE, "the plan does without the reply")


def _meanings(candidate: Candidate, gap: Gap) -> list[Any]:
    """Return other values with which the plan runs through, each to an end of its own."""
    ends, found = [_end(candidate, candidate.draft.goal)], list[Any]()
    if ends[0] is None:
        raise RejectedError(GATE, "a plan that does not run through")
    for value, goal in gap.completions(candidate.draft.goal, candidate.world):
        end = _end(candidate, goal)
        if end is not None and end not in ends:
            ends.append(end)
            found.append(value)
            if len(found) == _ENOUGH:
                break
    return found


def _end(candidate: Candidate, goal: Goal) -> tuple[Any, ...] | None:
    """Return what a goal comes to through the scenario's tools: its values and changes; None if a call fails."""
    try:
        calls = compile_goal(goal, candidate.world)
        return _run(candidate, candidate.interface.integrate(calls).draft if candidate.interface is not None else calls)
    except (RejectedError, LookupError, TypeError):
        return None


def _run(candidate: Candidate, draft: Draft) -> tuple[Any, ...] | None:
    scenario, caller, view = candidate.scenario, Caller(candidate.world), WorldView(candidate.world.base)
    results: list[Any] = []
    for call, name in zip(draft.calls, candidate.draft.sub_goals, strict=True):
        tool = scenario.tool_by_name[scenario.sub_goal_by_id[name].tool]
        impl = template(tool)
        given = {role: _at(results[number], path) for role, (number, path) in call.references.items()}
        outcome = caller.call(caller.runs(tool), view, {**call.literals, **given, **impl.constants})
        if not outcome.ok:
            return None
        results.append(outcome.shown)
    values = [_at(results[number], path) for number, path in draft.outputs]
    return (*values, view.delta) if view.delta else tuple(values)


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        value = value[part]
    return value
