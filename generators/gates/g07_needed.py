"""G7: every hop is needed: what a part of the goal rests on could be otherwise, and then so would the answer be.

A hop that could be anything is decoration, and the label "4 hops" a lie. The same holds for a filter that leaves out
nothing that matters, and for a call of the plan that leads nowhere.
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.candidate import Candidate, answer_of
from tool_gym.generators.decompose import Goal, RejectedError
from tool_gym.generators.disturb import Read, changed, changes
from tool_gym.generators.expressions import (
    Agg,
    Best,
    Cancel,
    Condition,
    Create,
    Evaluator,
    Expression,
    If,
    Top,
    Transition,
    UndefinedError,
    Update,
    Val,
    substitute,
    walk,
)
from tool_gym.scenario import Scenario
from tool_gym.world import World, WorldView

GATE = "G7"


def check(candidate: Candidate) -> dict[str, Any]:
    """Reject the candidate if some part could be left out; return the number of parts tried."""
    _check_graph(candidate.scenario)
    _check_parents(candidate)
    return {"parts": check_goal(candidate.draft.goal, candidate.world)}


def check_goal(goal: Goal, world: World) -> int:
    """Reject a goal if some part of it could be left out; return the number of parts tried, remembered by the world."""
    known: int | None = world.base.derived.get((check_goal, goal))
    if known is None:
        known = world.base.derived[check_goal, goal] = sum(_check_clause(world, clause) for clause in _clauses(goal))
    return known


def _clauses(goal: Goal) -> list[Goal]:
    """Return what of a goal must each have a meaning of its own: a condition, its branches, and all the rest."""
    rest = tuple(expression for expression in goal if not isinstance(expression, If))
    rules = [rule for rule in goal if isinstance(rule, If)]
    return [*([rest] if rest else []), *((part,) for rule in rules for part in (rule.test, rule.then, rule.otherwise))]


def _check_clause(world: World, clause: Goal) -> int:
    """Reject the candidate unless every part of a clause matters to it; return of how many things that was shown."""
    view = WorldView(world.base)
    try:
        before = _meaning(clause, view)
        reads = dict.fromkeys(part for expression in clause for part in walk(expression) if isinstance(part, Read))
        tried = sum(_check_part(world, clause, part, before) for part in reads)
    except UndefinedError as error:
        raise RejectedError(GATE, f"undefined as it is: {error}") from None
    for part in reads:
        plain = _without_filter(part)
        if plain is not None and not _differs(tuple(substitute(e, part, plain) for e in clause), view, before):
            raise RejectedError(GATE, "a filter that leaves out nothing that matters")
    return tried


def _check_graph(scenario: Scenario) -> None:
    """Reject the scenario if a call of a plan leads nowhere, or rests on another one without using it."""
    rests_on = {name for goal in scenario.goals for name in goal.rests_on}
    planned = {step.sub_goal for plan in scenario.plans for step in plan.steps}
    if any(sub_goal.id not in planned for sub_goal in scenario.sub_goals):
        raise RejectedError(GATE, "a sub-goal outside the plan")
    for plan in scenario.plans:
        needed = set(rests_on)
        for step in reversed(plan.steps):
            if step.sub_goal not in needed:
                raise RejectedError(GATE, "a call that leads nowhere")
            parents = scenario.sub_goal_by_id[step.sub_goal].parents
            needed |= {parent.id for parent in parents}
            given = {reference.sub_goal for reference in step.references.values()}
            if given != {parent.id for parent in parents if parent.kind == "data"} & scenario.sub_goal_by_id.keys():
                raise RejectedError(GATE, "a parent that gives nothing")


def _check_parents(candidate: Candidate) -> None:
    """Reject the candidate unless each call rests on those it takes values from, and waits for those that decide it."""
    draft, found = candidate.draft, candidate.scenario.sub_goal_by_id
    for name in (name for name in (*draft.sub_goals, *draft.substitutes) if name in found):
        parents = [parent for parent in found[name].parents if parent.id in found]
        if name in draft.sub_goals:
            sources = {draft.sub_goals[n] for n, _ in draft.calls[draft.sub_goals.index(name)].references.values()}
            if not sources <= {parent.id for parent in parents}:
                raise RejectedError(GATE, "a call that need not find out what it takes")
        deciding = {draft.call_of(draft.sub_goals[number]) for number in draft.calls[draft.call_of(name)].decided_by}
        if not deciding <= {draft.call_of(parent.id) for parent in parents}:
            raise RejectedError(GATE, "a condition that nothing waits for")
        if not {draft.call_of(parent.id) for parent in parents if parent.kind == "control"} <= deciding:
            raise RejectedError(GATE, "a wait for what decides nothing")


def _check_part(world: World, clause: Goal, part: Read, before: Any) -> int:
    """Reject the candidate unless everything the part rests on matters; return of how many things that was shown."""
    aspects = changes(world, part)
    for aspect, possible in aspects.items():
        if not any(_differs(clause, changed(world, change), before) for change in possible):
            raise RejectedError(GATE, f"{aspect} of {type(part).__name__} changes nothing")
    return len(aspects)


def _without_filter(part: Expression) -> Expression | None:
    if isinstance(part, Best):
        return Top(part.entity, part.column, part.descending)
    if isinstance(part, Agg) and part.filter is not None:
        return Agg(part.entity, part.operation, part.column, part.by, part.parent)
    return None


def _differs(clause: Goal, view: WorldView, before: Any) -> bool:
    try:
        return bool(_meaning(clause, view) != before)
    except UndefinedError:
        return True  # without it there is no answer at all


def _meaning(clause: Goal, view: WorldView) -> list[Any]:
    """Return what a clause comes to on the tables of `view`: yes or no, its answers, or the rows and values of acts."""
    evaluate = Evaluator(view)
    return [_comes_to(expression, evaluate) for expression in clause]


def _comes_to(expression: Expression, evaluate: Evaluator) -> Any:
    if isinstance(expression, Condition):
        return evaluate.holds(expression)
    if isinstance(expression, Create):
        values = [evaluate.value(value) for _, value in expression.values if isinstance(value, Val)]
        return [*values, *(evaluate.row(ent)["id"] for _, ent in expression.refs)]
    if isinstance(expression, Update | Transition | Cancel):
        value = evaluate.value(expression.value) if isinstance(expression.value, Val) else None
        return [evaluate.row(expression.target)["id"], value]
    return answer_of(expression, evaluate)
