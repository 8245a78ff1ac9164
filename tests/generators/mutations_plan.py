"""Mutations of the hop graph and of what counts as done: G7 and G9."""

from __future__ import annotations

from typing import Any

from tests.generators.building import altered, parts_of, with_cells, with_goal, with_sub_goal
from tests.generators.mutation import Mutations
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.expressions import Agg, Update
from tool_gym.generators.gates import g07_needed, g09_writes
from tool_gym.scenario import AnswerGoal, CellEffect, Parent, Plan, PlanStep, StateGoal

mutations = Mutations()


@mutations.of(g07_needed)
def call_that_leads_nowhere(candidate: Candidate) -> Candidate | None:
    found = candidate.scenario.sub_goals
    if not found or found[-1].effects:
        return None
    extra = found[0].model_copy(update={"id": "extra", "arguments": {**(found[0].arguments or {}), "more": 1}})
    steps = (*candidate.scenario.oracle().steps, PlanStep(sub_goal="extra", literals=extra.arguments or {}))
    return altered(candidate, sub_goals=(*found, extra), plans=(Plan(steps=steps),))


@mutations.of(g07_needed)
def parent_that_gives_nothing(candidate: Candidate) -> Candidate | None:
    for number, sub_goal in enumerate(candidate.scenario.sub_goals[1:], 1):
        names = {parent.id for parent in sub_goal.parents}
        other = next((s.id for s in candidate.scenario.sub_goals[:number] if s.id not in names), None)
        if other is not None:
            return with_sub_goal(candidate, number, parents=(*sub_goal.parents, Parent(id=other)))
    return None


@mutations.of(g07_needed)
def sub_goal_outside_the_plan(candidate: Candidate) -> Candidate | None:
    steps = candidate.scenario.oracle().steps
    return altered(candidate, plans=(Plan(steps=steps[:-1]),)) if len(steps) > 1 else None


@mutations.of(g07_needed, least=2)
def filter_that_everything_passes(candidate: Candidate) -> Candidate | None:
    evaluate = candidate.evaluator()
    for agg in parts_of(candidate, Agg):
        if agg.filter is not None:
            column, value = agg.filter
            plain = Agg(agg.entity, agg.operation, agg.column, agg.by, agg.parent)
            cells = {(agg.entity, row["id"], column): value for row in evaluate.group(plain)}
            return altered(candidate, with_cells(candidate.world, cells))
    return None


@mutations.of(g09_writes)
def goal_met_at_the_start(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    return with_goal(candidate, rests_on=()) if isinstance(goal, AnswerGoal) else None


@mutations.of(g09_writes)
def goal_met_by_a_part_of_the_plan(candidate: Candidate) -> Candidate | None:
    goal, found = candidate.scenario.goals[0], candidate.scenario.sub_goals
    if not isinstance(goal, AnswerGoal) or len(found) < 2:
        return None
    return with_goal(candidate, rests_on=(found[0].id,))


@mutations.of(g09_writes)
def goal_the_plan_does_not_reach(candidate: Candidate) -> Candidate | None:
    return another_state(candidate)


def another_state(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal):
        return None
    return with_goal(candidate, required=(*goal.required, goal.required[0].model_copy(update={"after": "more"})))


@mutations.of(g09_writes)
def change_made_to_a_wrong_row_accepted(candidate: Candidate) -> Candidate | None:
    """A new row whose reference may be any: the expected state leaves it open."""
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal) or goal.required[0].row is not None:
        return None
    cell = next(cell for cell in goal.required if cell.field.endswith("_id"))
    target = candidate.world.tables[cell.table].columns[cell.field].table or ""
    allowed = tuple(cell.model_copy(update={"after": row}) for row in candidate.world.tables[target].rows)
    return _loosened(candidate, goal, cell, allowed)


@mutations.of(g09_writes)
def change_to_a_wrong_value_accepted(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal) or goal.required[0].row is not None:
        return None
    cell = next(cell for cell in goal.required if isinstance(cell.after, int | float))
    steps = (-1, 0, 1)
    allowed = tuple(cell.model_copy(update={"after": cell.after + step}) for step in steps)  # type: ignore[operator]  # a number
    return _loosened(candidate, goal, cell, allowed)


def _loosened(candidate: Candidate, goal: StateGoal, cell: CellEffect, allowed: tuple[CellEffect, ...]) -> Candidate:
    """The candidate with one cell of a new row left open, and credit for the state alone."""
    required = tuple(other for other in goal.required if other is not cell)
    rests_on = tuple(parent.id for parent in candidate.scenario.sub_goals[-1].parents)
    return with_goal(candidate, required=required, allowed=allowed, rests_on=rests_on)


@mutations.of(g09_writes)
def change_made_twice_accepted(candidate: Candidate) -> Candidate | None:
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal) or goal.required[0].row is not None:
        return None
    number = max(int(row[len(table.prefix) :]) for table in [_table(candidate, goal)] for row in table.rows)
    table = _table(candidate, goal)
    again = CellEffect(table=goal.required[0].table, field="name", after=f"{table.code or table.prefix}-{number + 2}")
    return with_goal(candidate, allowed=(*goal.required, again))


def _table(candidate: Candidate, goal: StateGoal) -> Any:
    return candidate.world.tables[goal.required[0].table]


@mutations.of(g09_writes)
def one_change_too_many_accepted(candidate: Candidate) -> Candidate | None:
    """Another row of the same table may change as well."""
    goal = candidate.scenario.goals[0]
    if not isinstance(goal, StateGoal) or goal.required[0].row is None:
        return None
    cell, columns = goal.required[0], _table(candidate, goal).columns
    values = [cell.after, columns[cell.field].low, columns[cell.field].high, *columns[cell.field].values]
    allowed = tuple(
        CellEffect(table=cell.table, row=row, field=cell.field, after=value)
        for row in _table(candidate, goal).rows
        for value in values
        if value is not None
    )
    return with_goal(candidate, allowed=allowed)


@mutations.of(g09_writes)
def value_out_of_bounds(candidate: Candidate) -> Candidate | None:
    """The tools let pass what the world does not allow."""
    for act in parts_of(candidate, Update) if candidate.scenario.sub_goals else ():
        spec = candidate.world.tables[act.target.entity]
        column = spec.columns[act.column].model_copy(update={"low": -2.0, "high": -1.0})
        tables = {
            **candidate.world.tables,
            act.target.entity: spec.model_copy(update={"columns": {**spec.columns, act.column: column}}),
        }
        strict = candidate.world.model_copy(update={"tables": tables})
        mutant = Candidate(candidate.scenario, strict, candidate.domain, candidate.draft)
        mutant._runtime = candidate.runtime
        return mutant
    return None
