"""Mutations of changes to a value found out, of conditions, of further plans and of the order of calls."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tests.generators.building import altered, assemble, parts_of, with_cells, with_goal, with_sub_goal, world_of
from tests.generators.mutation import Mutations
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.expressions import (
    Attr,
    ById,
    Calc,
    Condition,
    Convert,
    Create,
    If,
    Percent,
    Said,
    Update,
    Val,
)
from tool_gym.generators.gates import (
    g02_oracle,
    g03_differential,
    g04_unique,
    g05_guess,
    g07_needed,
    g09_writes,
)
from tool_gym.generators.relations import Relation
from tool_gym.scenario import Parent, Plan, PlanStep, StateGoal, SubGoal
from tool_gym.turns import ToolCall
from tool_gym.values import NumberValue

mutations = Mutations()


def rule_of(candidate: Candidate) -> If | None:
    """The condition of a candidate, if it has one."""
    first = candidate.draft.goal[0]
    return first if isinstance(first, If) else None


def with_draft(candidate: Candidate, **changes: Any) -> Candidate:
    """The candidate with its draft changed."""
    draft = replace(candidate.draft, **changes)
    return replace(candidate, draft=draft)


@mutations.of(g03_differential)
def other_branch_asked_for(candidate: Candidate) -> Candidate | None:
    """The gold is what the branch not taken comes to."""
    rule = rule_of(candidate)
    return None if rule is None else with_draft(candidate, goal=(If(rule.test, rule.otherwise, rule.then),))


@mutations.of(g03_differential)
def condition_turned_round(candidate: Candidate) -> Candidate | None:
    rule = rule_of(candidate)
    opposite: dict[Relation, Relation] = {"more": "most", "less": "least", "most": "more", "least": "less"}
    if rule is None or rule.test.relation not in opposite:
        return None
    test = replace(rule.test, relation=opposite[rule.test.relation])
    return with_draft(candidate, goal=(replace(rule, test=test),))


@mutations.of(g03_differential)
def wrong_value_written(candidate: Candidate) -> Candidate | None:
    """The state asked for is not the value that was found out."""
    goal = candidate.scenario.goals[0]
    written = [act.value for act in parts_of(candidate, Update) if isinstance(act.value, Val)]
    if rule_of(candidate) is not None or not written or not isinstance(goal, StateGoal):
        return None
    cell = goal.required[0]
    return with_goal(candidate, required=(cell.model_copy(update={"after": (cell.after or 0) + 1}),))  # type: ignore[operator]  # a number


@mutations.of(g03_differential)
def value_of_a_new_row_not_the_one_found(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    found = [name for act in parts_of(candidate, Create) for name, value in act.values if isinstance(value, Val)]
    if not found or not isinstance(goal, StateGoal):
        return None
    cells = [
        cell.model_copy(update={"after": (cell.after or 0) + 1}) if cell.field == found[0] else cell  # type: ignore[operator]  # a number
        for cell in goal.required
    ]
    return with_goal(candidate, required=tuple(cells))


@mutations.of(g04_unique)
def threshold_left_out_of_the_request(candidate: Candidate) -> Candidate | None:
    rule = rule_of(candidate)
    if rule is None or not isinstance(rule.test.second, Said) or isinstance(rule.test.second.value, bool):
        return None
    said, text = str(rule.test.second.value).replace("_", " "), candidate.scenario.user_turns[0]
    return altered(candidate, user_turns=(text.replace(said, "so much"),)) if said in text else None


@mutations.of(g04_unique)
def amount_left_out_of_the_request(candidate: Candidate) -> Candidate | None:
    text = candidate.scenario.user_turns[0]
    for part in parts_of(candidate, Percent, Calc) if rule_of(candidate) is None else ():
        number = abs(part.percent) if isinstance(part, Percent) else getattr(part.second, "value", None)
        if number is not None and f" {number}" in text:
            return altered(candidate, user_turns=(text.replace(f" {number}", " somewhat"),))
    return None


@mutations.of(g05_guess)
def condition_that_hardly_any_row_meets(candidate: Candidate) -> Candidate | None:
    return far_off(candidate)


@mutations.of(g07_needed)
def condition_that_cannot_turn_out_otherwise(candidate: Candidate) -> Candidate | None:
    return far_off(candidate)


def far_off(candidate: Candidate) -> Candidate | None:
    """The candidate with a threshold that no cell comes near."""
    rule = rule_of(candidate)
    if rule is None or not isinstance(rule.test.first, Attr) or not isinstance(rule.test.second, Said):
        return None
    value = rule.test.second.value
    if type(value) not in (int, float):
        return None
    raising = candidate.evaluator().holds(rule.test) == (rule.test.relation in ("less", "most"))
    test = replace(rule.test, second=Said(1e9 if raising else -1e9))
    return with_draft(candidate, goal=(replace(rule, test=test),))


@mutations.of(g07_needed)
def control_parent_dropped(candidate: Candidate) -> Candidate | None:
    """A call that the condition decides no longer waits for it."""
    for number, sub_goal in enumerate(candidate.scenario.sub_goals):
        parents = tuple(parent for parent in sub_goal.parents if parent.kind == "data")
        if len(parents) < len(sub_goal.parents):
            return with_sub_goal(candidate, number, parents=parents)
    return None


@mutations.of(g07_needed)
def wait_for_what_decides_nothing(candidate: Candidate) -> Candidate | None:
    found = candidate.scenario.sub_goals
    for number, sub_goal in enumerate(found[1:], 1):
        names = {parent.id for parent in sub_goal.parents}
        other = next((one.id for one in found[:number] if one.id not in names and one.gold is not None), None)
        if other is not None:
            return with_sub_goal(candidate, number, parents=(*sub_goal.parents, Parent(id=other, kind="control")))
    return None


@mutations.of(g09_writes)
def other_branch_reaches_the_goal(candidate: Candidate) -> Candidate | None:
    contrary = candidate.draft.contrary
    if contrary is None:
        return None
    taken = [call for turn in candidate.plan_turns() for call in turn.calls if isinstance(call, ToolCall)]
    return with_draft(candidate, contrary=replace(contrary, turns=taken))


@mutations.of(g09_writes)
def other_branch_cannot_be_taken(candidate: Candidate) -> Candidate | None:
    contrary = candidate.draft.contrary
    if contrary is None:
        return None
    last = contrary.turns[-1]
    broken = last._replace(arguments=dict.fromkeys(last.arguments, "none"))
    return with_draft(candidate, contrary=replace(contrary, turns=[*contrary.turns[:-1], broken]))


@mutations.of(g09_writes)
def other_branch_never_tried(candidate: Candidate) -> Candidate | None:
    contrary = candidate.draft.contrary
    return None if contrary is None else with_draft(candidate, contrary=replace(contrary, turns=[]))


@mutations.of(g09_writes, least=1)
def both_branches_with_one_answer(candidate: Candidate) -> Candidate | None:
    """The cells that either branch tells are the same."""
    rule = rule_of(candidate)
    if rule is None or not isinstance(rule.then, Attr) or not isinstance(rule.otherwise, Attr):
        return None
    kinds = {type(candidate.evaluator().value(val)) for val in (rule.then, rule.otherwise)}
    if len(kinds) > 1:
        return None
    entity, row = rule.then.source.entity, candidate.evaluator().row(rule.then.source)
    taken, other = rule.then.column, rule.otherwise.column
    if not candidate.evaluator().holds(rule.test):
        taken, other = other, taken
    return altered(candidate, with_cells(candidate.world, {(entity, row["id"], other): row[taken]}))


def told_either_way() -> Candidate:
    """A candidate that tells one of two numbers, by a date."""
    world = world_of("library")
    author = ById("author", next(iter(world.tables["author"].rows)))
    test = Condition("more", Attr(author, "born_on"), Said("1960-01-01"))
    return assemble((If(test, Attr(author, "reading_fee"), Attr(author, "follower_count")),), world)


# --- further plans -------------------------------------------------------------------------------------------------


def converted() -> Candidate:
    """A candidate with two plans: a unit converted by its tool, or by arithmetic."""
    world = world_of("library")
    loan = next(iter(world.tables["loan"].rows))
    value = Convert(Attr(ById("loan", loan), "reading_time"), "min", "s")
    return assemble((value,), world, extra=[("calculate", "multiply")])


def _with_second_plan(candidate: Candidate, steps: tuple[PlanStep, ...], *more: SubGoal) -> Candidate | None:
    plans = (candidate.scenario.plans[0], Plan(steps=steps))
    return altered(candidate, plans=plans, sub_goals=(*candidate.scenario.sub_goals, *more))


def _second(candidate: Candidate) -> tuple[PlanStep, ...]:
    return candidate.scenario.plans[1].steps if len(candidate.scenario.plans) > 1 else ()


@mutations.of(g02_oracle, least=1)
def longer_plan(candidate: Candidate) -> Candidate | None:
    """Both the call and its substitute."""
    steps = _second(candidate)
    return _with_second_plan(candidate, (*candidate.scenario.plans[0].steps, steps[-1])) if steps else None


@mutations.of(g02_oracle, least=1)
def shorter_plan(candidate: Candidate) -> Candidate | None:
    steps = _second(candidate)
    return _with_second_plan(candidate, steps[:-1]) if steps else None


@mutations.of(g02_oracle, least=1)
def one_plan_twice(candidate: Candidate) -> Candidate | None:
    return _with_second_plan(candidate, candidate.scenario.plans[0].steps) if _second(candidate) else None


@mutations.of(g02_oracle, least=1)
def plan_that_comes_to_something_else(candidate: Candidate) -> Candidate | None:
    """The substitute multiplies by another number."""
    steps = _second(candidate)
    if not steps:
        return None
    number, old = next((n, s) for n, s in enumerate(candidate.scenario.sub_goals) if s.id == steps[-1].sub_goal)
    name = next(name for name in steps[-1].literals if type(steps[-1].literals[name]) in (int, float))
    arguments = {**(old.arguments or {}), name: 61}
    mutant = with_sub_goal(candidate, number, arguments=arguments)
    step = steps[-1].model_copy(update={"literals": {**steps[-1].literals, name: 61}})
    return altered(mutant, plans=(mutant.scenario.plans[0], Plan(steps=(*steps[:-1], step))))


@mutations.of(g03_differential, least=1)
def substitute_with_another_gold(candidate: Candidate) -> Candidate | None:
    steps = _second(candidate)
    if not steps:
        return None
    number, old = next((n, s) for n, s in enumerate(candidate.scenario.sub_goals) if s.id == steps[-1].sub_goal)
    if not isinstance(old.gold, NumberValue):
        return None
    return with_sub_goal(candidate, number, gold=old.gold.model_copy(update={"value": old.gold.value + 7}))


@mutations.of(g03_differential, least=1)
def substitute_for_nothing(candidate: Candidate) -> Candidate | None:
    return with_draft(candidate, substitutes={}) if candidate.draft.substitutes else None
