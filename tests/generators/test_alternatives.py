"""Other minimal plans: which there are, that each is worth what the first is, and that a shorter one is refused."""

from __future__ import annotations

import pytest

from tests.generators.building import assemble, named, world_of
from tests.invariants import CHECKS
from tool_gym.generators.alternatives import MAX_PLANS
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Concept, RejectedError
from tool_gym.generators.expressions import Attr, ById, Condition, Convert, If, Percent, Said, Update
from tool_gym.generators.gates import g02_oracle, g03_differential, g07_needed, g10_orders
from tool_gym.scenario import SubGoal

WORLD = world_of("library")
ARITHMETIC: Concept = ("calculate", "multiply")
LOAN = next(iter(WORLD.tables["loan"].rows))
BOOK = next(
    row
    for row, cells in WORLD.tables["book"].rows.items()
    if cells["replacement_cost"] > 20 and round(cells["replacement_cost"] * 100) % 2 == 0
)


def converted(unit: str, target: str, *extra: Concept) -> Candidate:
    """A candidate that converts a reading time (in minutes), or what stands for one."""
    return assemble((Convert(Attr(ById("loan", LOAN), "reading_time"), unit, target),), WORLD, extra=extra)


def arithmetic(candidate: Candidate) -> list[tuple[str, float]]:
    """The (operation, number) of each plan that does without the converter."""
    plans = candidate.scenario.plans[1:]
    found = [candidate.scenario.sub_goal_by_id[plan.steps[-1].sub_goal].arguments or {} for plan in plans]
    return [(arguments["operation"], arguments["b"]) for arguments in found]


@pytest.mark.parametrize(
    ("unit", "target", "wanted"),
    [
        ("min", "s", [("multiply", 60)]),
        ("min", "h", [("divide", 60)]),
        ("kg", "t", [("divide", 1000), ("multiply", 0.001)]),
        ("mi", "km", []),
    ],
)
def test_a_factor_people_know_makes_a_plan(unit: str, target: str, wanted: list[tuple[str, float]]) -> None:
    assert arithmetic(converted(unit, target, ARITHMETIC)) == wanted


def test_a_tool_that_is_not_there_makes_no_plan() -> None:
    assert len(converted("min", "s").scenario.plans) == 1


def test_every_plan_keeps_the_promises_of_the_reward() -> None:
    candidate = converted("min", "s", ARITHMETIC)
    assert len(candidate.scenario.plans) == 2
    for gate in (g02_oracle, g03_differential, g07_needed, g10_orders):
        gate.check(candidate)
    for check in CHECKS:
        check(candidate.scenario, WORLD)


def test_what_builds_on_a_substitute_is_made_anew() -> None:
    book = ById("book", BOOK)
    halved = assemble((Update(book, "replacement_cost", Percent(Attr(book, "replacement_cost"), -50)),), WORLD)
    scenario = halved.scenario
    first, second = scenario.plans
    writes = [scenario.sub_goal_by_id[plan.steps[-1].sub_goal] for plan in (first, second)]
    assert writes[0].effects == writes[1].effects
    assert [_parents(write) for write in writes] == [{plan.steps[-2].sub_goal} for plan in (first, second)]
    assert set(scenario.goals[0].rests_on) == {write.id for write in writes}
    for gate in (g02_oracle, g03_differential, g07_needed, g10_orders):
        gate.check(halved)
    for check in CHECKS:
        check(scenario, WORLD)


def _parents(sub_goal: SubGoal) -> set[str]:
    return {parent.id for parent in sub_goal.parents}


def test_plans_are_capped() -> None:
    """Three conversions in one request could be made in eight ways."""
    loans = list(WORLD.tables["loan"].rows)[:3]
    goal = tuple(Convert(Attr(ById("loan", loan), "reading_time"), "min", "s") for loan in loans)
    candidate = assemble(goal, WORLD, extra=[ARITHMETIC])
    assert len(candidate.scenario.plans) == MAX_PLANS
    g02_oracle.check(candidate)


def test_a_comparison_of_two_cells_is_refused_where_one_call_makes_it() -> None:
    first, second = named(WORLD, "book"), named(WORLD, "book", 1)
    test = Condition("more", Attr(first, "page_count"), Attr(second, "page_count"))
    goal = (If(test, Update(first, "replacement_cost", 20.5), Update(first, "replacement_cost", 30.5)),)
    assert len(assemble(goal, WORLD).scenario.plans) == 1
    with pytest.raises(RejectedError, match="one call that compares") as rejection:
        assemble(goal, WORLD, extra=[("compare", "book", "page_count")])
    assert rejection.value.gate == "G8"


def test_a_comparison_of_something_else_is_no_shorter_way() -> None:
    book = named(WORLD, "book")
    test = Condition("more", Attr(book, "page_count"), Said(300))
    goal = (If(test, Update(book, "replacement_cost", 20.5), Update(book, "replacement_cost", 30.5)),)
    assemble(goal, WORLD, extra=[("compare", "book", "page_count")])
