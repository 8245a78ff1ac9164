"""Mutations by which the order of calls matters though the graph does not say so: gate G10."""

from __future__ import annotations

from typing import Any

from tests.generators.building import altered, assemble, named, world_of
from tests.generators.mutation import Mutations
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Concept
from tool_gym.generators.expressions import ById, Create, Transition, Update
from tool_gym.generators.gates import g10_orders
from tool_gym.scenario import Binding, Plan, PlanStep, SubGoal
from tool_gym.values import EnumValue, NumberValue, Value

mutations = Mutations()

WORLD = world_of("library")


@mutations.of(g10_orders, least=2)
def state_that_a_move_spoils(candidate: Candidate) -> Candidate | None:
    """The state before the change is wanted too, and nothing says that it must be read first."""
    act = candidate.draft.goal[0]
    if not isinstance(act, Transition) or not isinstance(act.target, ById):
        return None
    values = candidate.world.tables[act.target.entity].columns[act.column].values
    return _read_too(candidate, act, EnumValue(value=_before(candidate, act), allowed=values))


@mutations.of(g10_orders, least=2)
def figure_that_an_update_spoils(candidate: Candidate) -> Candidate | None:
    """The old value is wanted too, and nothing says that it must be read before the new one is set."""
    act = candidate.draft.goal[0]
    if not isinstance(act, Update) or not isinstance(act.target, ById):
        return None
    return _read_too(candidate, act, NumberValue(value=_before(candidate, act)))


@mutations.of(g10_orders, least=1)
def count_that_a_new_row_spoils(candidate: Candidate) -> Candidate | None:
    """How many rows there were is wanted too, and nothing says that they must be counted first."""
    act = candidate.draft.goal[0]
    if not isinstance(act, Create):
        return None
    binding = Binding(operation="aggregate", entity=act.entity, inputs=("count",))
    count = NumberValue(value=len(candidate.world.tables[act.entity].rows))
    return _wanted_too(candidate, ("summarize", act.entity, None, "count", None), {}, binding, "value", count)


def ordered() -> list[Candidate]:
    """Candidates that change something about a row named by its id, each with a tool to read it before."""
    loans = WORLD.tables["loan"].rows
    reserved = [row for row, cells in loans.items() if cells["status"] == "reserved"][:2]
    moves = [assemble((Transition(ById("loan", row), "status", "active"),), WORLD, extra=[_get("loan", "status")])
             for row in reserved]  # fmt: skip
    open_ones = [row for row, cells in loans.items() if cells["status"] in ("reserved", "active")][:2]
    updates = [assemble((Update(ById("loan", row), "deposit", 7.25),), WORLD, extra=[_get("loan", "deposit")])
               for row in open_ones]  # fmt: skip
    return [*moves, *updates, booked()]


def booked() -> Candidate:
    """A candidate that makes a new row, with a tool that counts them."""
    values = (("loaned_on", "2025-05-05"), ("deposit", 7.25), ("reading_time", 90))
    refs = (("book_id", named(WORLD, "book")), ("member_id", named(WORLD, "member")))
    counted: Concept = ("summarize", "loan", None, "count", None)
    return assemble((Create("loan", values, refs),), WORLD, extra=[counted])


def _get(entity: str, column: str) -> Concept:
    return ("get", entity, column)


def _before(candidate: Candidate, act: Transition | Update) -> Any:
    return candidate.evaluator().row(act.target)[act.column]


def _read_too(candidate: Candidate, act: Transition | Update, gold: Value) -> Candidate | None:
    row = str(getattr(act.target, "row", ""))
    binding = Binding(operation="read", entity=act.target.entity, row=row, field=act.column)
    concept: Concept = ("get", act.target.entity, act.column)
    return _wanted_too(candidate, concept, {f"{act.target.entity}_id": row}, binding, act.column, gold)


def _wanted_too(  # noqa: PLR0913, PLR0917 - a sub-goal in pieces
    candidate: Candidate, concept: Concept, arguments: dict[str, Any], binding: Binding, key: str, gold: Value
) -> Candidate | None:
    """The candidate with one more sub-goal, which waits for nothing and which nothing waits for."""
    tool = candidate.interface.tool(concept) if candidate.interface is not None else None
    if tool is None or tool.name not in candidate.scenario.tool_by_name:
        return None
    more = SubGoal(id="before", tool=tool.name, arguments=arguments, binding=binding, result_path=(key,), gold=gold)
    goal = candidate.scenario.goals[0].model_copy(update={"rests_on": (*candidate.scenario.goals[0].rests_on, more.id)})
    steps = (PlanStep(sub_goal=more.id, literals=arguments), *candidate.scenario.oracle().steps)
    return altered(
        candidate, sub_goals=(more, *candidate.scenario.sub_goals), goals=(goal,), plans=(Plan(steps=steps),)
    )
