"""G7: every hop is needed: what a part of the goal rests on could be otherwise, and then so would the answer be.

A hop that could be anything is decoration, and the label "4 hops" a lie. The same holds for a filter that leaves out
nothing that matters, and for a call of the plan that leads nowhere.
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.candidate import Candidate, answer_of
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.disturb import Read, changed, changes
from tool_gym.generators.expressions import (
    Agg,
    Best,
    Cancel,
    Create,
    Evaluator,
    Expression,
    Top,
    Transition,
    UndefinedError,
    Update,
    substitute,
    walk,
)
from tool_gym.scenario import Scenario
from tool_gym.world import WorldView

GATE = "G7"


def check(candidate: Candidate) -> dict[str, Any]:
    """Reject the candidate if some part could be left out; return the number of parts tried."""
    _check_graph(candidate.scenario)
    goal = candidate.draft.goal
    view = WorldView(candidate.world.base)
    try:
        before = _meaning(goal, view)
        reads = dict.fromkeys(part for expression in goal for part in walk(expression) if isinstance(part, Read))
        tried = sum(_check_part(candidate, part, before) for part in reads)
    except UndefinedError as error:
        raise RejectedError(GATE, f"undefined as it is: {error}") from None
    for part in reads:
        plain = _without_filter(part)
        if plain is not None and not _differs(tuple(substitute(e, part, plain) for e in goal), view, before):
            raise RejectedError(GATE, "a filter that leaves out nothing that matters")
    return {"parts": tried}


def _check_graph(scenario: Scenario) -> None:
    """Reject the scenario if a call of its plan leads nowhere, or rests on another one without using it."""
    plans = {step.sub_goal: step for plan in scenario.plans for step in plan.steps}
    needed = {name for goal in scenario.goals for name in goal.rests_on}
    for sub_goal in reversed(scenario.sub_goals):
        if sub_goal.id not in needed:
            raise RejectedError(GATE, "a call that leads nowhere")
        needed |= {parent.id for parent in sub_goal.parents}
        step = plans.get(sub_goal.id)
        if step is None:
            raise RejectedError(GATE, "a sub-goal outside the plan")
        if {reference.sub_goal for reference in step.references.values()} != {p.id for p in sub_goal.parents}:
            raise RejectedError(GATE, "a parent that gives nothing")


def _check_part(candidate: Candidate, part: Read, before: Any) -> int:
    """Reject the candidate unless everything the part rests on matters; return of how many things that was shown."""
    aspects = changes(candidate.world, part)
    for aspect, possible in aspects.items():
        if not any(_differs(candidate.draft.goal, changed(candidate.world, change), before) for change in possible):
            raise RejectedError(GATE, f"{aspect} of {type(part).__name__} changes nothing")
    return len(aspects)


def _without_filter(part: Expression) -> Expression | None:
    if isinstance(part, Best):
        return Top(part.entity, part.column, part.descending)
    if isinstance(part, Agg) and part.filter is not None:
        return Agg(part.entity, part.operation, part.column, part.by, part.parent)
    return None


def _differs(goal: tuple[Expression, ...], view: WorldView, before: Any) -> bool:
    try:
        return bool(_meaning(goal, view) != before)
    except UndefinedError:
        return True  # without it there is no answer at all


def _meaning(goal: tuple[Expression, ...], view: WorldView) -> Any:
    """Return what a goal comes to on the tables of `view`: its answers, or the rows that an act concerns."""
    evaluate = Evaluator(view)
    act: Any = goal[0]
    if isinstance(act, Create):
        return [evaluate.row(ent)["id"] for _, ent in act.refs]
    if isinstance(act, Update | Transition | Cancel):
        return evaluate.row(act.target)["id"]
    return [answer_of(expression, evaluate) for expression in goal]
