"""G11: a request that some visible tool can still meet is never declined, whatever the route."""

from __future__ import annotations

from typing import Any

import pytest

from tests.generators.building import altered, built, named, refusal, with_cells, world_of
from tool_gym.generators.decompose import Concept, Goal, RejectedError
from tool_gym.generators.domain import domain_names
from tool_gym.generators.expressions import (
    Agg,
    Attr,
    Best,
    ById,
    Calc,
    Calendar,
    Cancel,
    Create,
    Free,
    Top,
    Transition,
    Update,
)
from tool_gym.generators.gates import g11_unsolvable
from tool_gym.scenario import PythonImpl

WORLD = world_of("energy")
ROWS = WORLD.tables
CALENDAR = Calendar("inspection", "crew_id", "inspected_on", "status", ("scheduled", "started"))

OPERATOR = next(
    row for row in ROWS["operator"].rows if sum(p["operator_id"] == row for p in ROWS["plant"].rows.values()) >= 4
)
OWN = sorted((p for p in ROWS["plant"].rows.values() if p["operator_id"] == OPERATOR), key=lambda p: p["build_cost"])
PLANT = OWN[-1]["id"]
FAR: tuple[Concept, ...] = (("find", "plant"), ("get", "plant", "licensed_on"), ("get", "operator", "founded_on"))
"""Tools that help with none of these questions."""


def group(operation: str, column: str | None = "build_cost") -> Agg:
    return Agg("plant", operation, column, "operator_id", ById("operator", OPERATOR))


CELL = (Attr(ById("plant", PLANT), "build_cost"),)
CATEGORY = (Attr(ById("plant", PLANT), "source"),)
CLOSED = next(row for row, cells in ROWS["plant"].rows.items() if cells["status"] == "closed")
STATE = (Attr(ById("plant", CLOSED), "status"),)
TOP = (Top("plant", "build_cost", descending=True, by="operator_id", parent=ById("operator", OPERATOR)),)
BEST = (Best("plant", "build_cost", descending=True, filter=("source", str(ROWS["plant"].rows[PLANT]["source"]))),)
CREW = next(iter(ROWS["crew"].rows))
FREE = (Free(ById("crew", CREW), "2025-05-05", CALENDAR), Attr(ById("crew", CREW), "day_rate"))

BY_OPERATOR = ("summarize", "plant", "operator_id")
MEMBERS: Concept = ("list", "plant", "operator_id")
COST: Concept = ("get", "plant", "build_cost")

ROUTES: list[tuple[str, Goal, tuple[Concept, ...]]] = [
    ("the getter itself", CELL, (COST,)),
    ("a search that sorts by it", CELL, (("search", "plant"),)),
    ("an extreme of it", CELL, ((*BY_OPERATOR, "minimum", "build_cost"), (*BY_OPERATOR, "maximum", "build_cost"))),
    ("a comparison of it", CELL, (("compare", "plant"),)),
    ("a search by category", CATEGORY, (("search", "plant"),)),
    ("a count by category", CATEGORY, (("summarize", "plant", None, "count", None),)),
    ("a statistic by category", CATEGORY, (("summarize", "plant", None, "sum", "capacity"),)),
    ("a change of state that fails with a message", STATE, (("transition", "plant", "status"),)),
    ("a cancellation that fails with a message", STATE, (("cancel", "plant", "status"),)),
    ("an update that is refused for closed rows", STATE, (("update", "plant"),)),
    ("the statistic itself", (group("sum"),), ((*BY_OPERATOR, "sum", "build_cost"),)),
    ("the sum for an average", (group("average"),), ((*BY_OPERATOR, "sum", "build_cost"),)),
    ("the average for a sum", (group("sum"),), ((*BY_OPERATOR, "average", "build_cost"),)),
    ("every row one by one", (group("sum"),), (COST, MEMBERS)),
    ("the order for an extreme", (group("maximum"),), (("top", "plant", "operator_id"), COST)),
    ("a list for a count", (group("count", None),), (MEMBERS,)),
    ("references for a count", (group("count", None),), (("get", "plant", "operator_id"), ("list", "plant", None))),
    (
        "sum over average for a count",
        (group("count", None),),
        ((*BY_OPERATOR, "sum", "capacity"), (*BY_OPERATOR, "average", "capacity")),
    ),
    ("the order itself", TOP, (("top", "plant", "operator_id"),)),
    ("each row's cell for an order", TOP, (COST, MEMBERS)),
    ("comparisons for an order", TOP, (("compare", "plant"), MEMBERS)),
    ("a search for an order", TOP, (("search", "plant"), MEMBERS)),
    ("a search for a category's order", BEST, (("search", "plant"),)),
    ("the check itself", FREE, (("check_availability", "crew"), ("get", "crew", "day_rate"))),
    ("the bookings' cells for a check", FREE, (
        ("list", "inspection", "crew_id"), ("get", "inspection", "inspected_on"), ("get", "crew", "day_rate"),
        ("get", "inspection", "status"),
    )),
]  # fmt: skip


@pytest.mark.parametrize(("goal", "tools"), [route[1:] for route in ROUTES], ids=[route[0] for route in ROUTES])
def test_a_route_that_is_left_is_found(goal: Goal, tools: tuple[Concept, ...]) -> None:
    g11_unsolvable.check(refusal(goal, WORLD, FAR))
    with pytest.raises(RejectedError, match="a visible tool still tells") as rejection:
        g11_unsolvable.check(refusal(goal, WORLD, (*FAR, *tools)))
    assert rejection.value.gate == "G11"


MERGED: list[tuple[str, Goal, Concept, dict[str, Any]]] = [
    ("a record", CELL, ("get", "plant", "capacity"), {"getters": "record"}),
    ("any field of a record", CELL, ("get", "plant", "capacity"), {"getters": "by_field"}),
    ("any field of any record", CELL, ("get", "crew", "day_rate"), {"getters": "union"}),
    ("any statistic", (group("sum"),), ("summarize", "plant", "operator_id", "count", None), {"statistics": "merged"}),
]


@pytest.mark.parametrize(("goal", "tool", "merges"), [case[1:] for case in MERGED], ids=[case[0] for case in MERGED])
def test_a_merged_tool_that_covers_it_is_found(goal: Goal, tool: Concept, merges: dict[str, Any]) -> None:
    with pytest.raises(RejectedError, match="a visible tool still tells"):
        g11_unsolvable.check(refusal(goal, WORLD, (("find", "plant"), tool), **merges))


def test_a_cancellation_that_succeeds_from_several_states_tells_nothing() -> None:
    running = next(row for row, cells in ROWS["plant"].rows.items() if cells["status"] == "running")
    goal = (Attr(ById("plant", running), "status"),)
    g11_unsolvable.check(refusal(goal, WORLD, (*FAR, ("cancel", "plant", "status"))))


def test_near_misses_do_not_make_it_solvable() -> None:
    """Other fields, other rows' totals, the other extreme: close, and no help."""
    extremes = (("summarize", "plant", "operator_id", "minimum", "capacity"), ("top", "crew", None))
    g11_unsolvable.check(refusal(CELL, WORLD, (*FAR, *extremes, ("get", "plant", "capacity"))))
    g11_unsolvable.check(refusal((group("sum"),), WORLD, (*FAR, ("summarize", "plant", "operator_id", "count", None))))
    g11_unsolvable.check(refusal((group("maximum"),), WORLD, (*FAR, ("top", "plant", "operator_id"))))
    g11_unsolvable.check(refusal(TOP, WORLD, (*FAR, MEMBERS, ("get", "plant", "capacity"))))
    g11_unsolvable.check(refusal(TOP, WORLD, (*FAR, ("search", "plant"))))  # costs, but not whose


def test_a_figure_above_the_smallest_is_told_once_the_rows_around_it_can_be_changed() -> None:
    """With the cheaper plant made dearer, the smallest cost of the group is the one that was hidden."""
    cheapest, second = OWN[0], OWN[1]
    alike = {("plant", second["id"], column): cheapest[column] for column in ("source", "status")}
    goal = (Attr(ById("plant", second["id"]), "build_cost"),)
    world, least = with_cells(WORLD, alike), (*BY_OPERATOR, "minimum", "build_cost")
    g11_unsolvable.check(refusal(goal, world, (*FAR, least)))
    with pytest.raises(RejectedError):
        g11_unsolvable.check(refusal(goal, world, (*FAR, least, ("update", "plant"))))


def test_one_unknown_operand_is_enough() -> None:
    goal = (Calc("divide", Attr(ById("plant", PLANT), "build_cost"), Attr(ById("plant", PLANT), "capacity")),)
    g11_unsolvable.check(refusal(goal, WORLD, (*FAR, ("get", "plant", "capacity"), ("calculate",))))
    with pytest.raises(RejectedError):
        g11_unsolvable.check(
            refusal(goal, WORLD, (*FAR, ("get", "plant", "capacity"), ("get", "plant", "build_cost"), ("calculate",)))
        )


INSPECTION = next(row for row, cells in ROWS["inspection"].rows.items() if cells["status"] == "scheduled")
TARGET = ById("inspection", INSPECTION)
NEW = Create(
    "inspection",
    (("inspected_on", "2025-05-05"), ("duration", 7.5), ("cost", 900)),
    (("plant_id", named(WORLD, "plant")), ("crew_id", named(WORLD, "crew"))),
)
CHANGES: list[tuple[str, Goal, Concept]] = [
    ("the update itself", (Update(TARGET, "cost", 900),), ("update", "inspection")),
    ("a new row for an update", (Update(TARGET, "cost", 900),), ("create", "inspection")),
    ("the move itself", (Transition(TARGET, "status", "started"),), ("transition", "inspection", "status")),
    ("a new row for a move back", (Transition(TARGET, "status", "scheduled"),), ("create", "inspection")),
    ("the cancellation itself", (Cancel(TARGET, "status", "cancelled"),), ("cancel", "inspection", "status")),
    ("a move for a cancellation", (Cancel(TARGET, "status", "cancelled"),), ("transition", "inspection", "status")),
    ("the creation itself", (NEW,), ("create", "inspection")),
]


@pytest.mark.parametrize(("goal", "tool"), [case[1:] for case in CHANGES], ids=[case[0] for case in CHANGES])
def test_a_change_that_can_still_be_made_is_found(goal: Goal, tool: Concept) -> None:
    g11_unsolvable.check(refusal(goal, WORLD, (*FAR, ("update", "plant"))))
    with pytest.raises(RejectedError, match="a visible tool still does it"):
        g11_unsolvable.check(refusal(goal, WORLD, (*FAR, tool)))


def test_foreign_source_may_do_anything() -> None:
    candidate = refusal(CELL, WORLD, FAR)
    tools = (candidate.scenario.tools[0].model_copy(update={"impl": PythonImpl(source="", entry="f")}),)
    with pytest.raises(RejectedError, match="foreign source"):
        g11_unsolvable.check(altered(candidate, tools=tools))


def test_declines_of_the_pipeline_stop_holding_once_the_hidden_tool_is_back() -> None:
    for domain in domain_names():
        candidate = built(domain, "decline")
        g11_unsolvable.check(candidate)
        for getters in ("atomic", "union"):
            draft = candidate.draft
            solvable = refusal(
                draft.goal,
                candidate.world,
                [call.concept for call in draft.calls],
                getters=getters,
            )
            with pytest.raises(RejectedError):
                g11_unsolvable.check(solvable)


def test_the_change_nobody_notices_is_part_of_the_certificate() -> None:
    found = g11_unsolvable.check(refusal(CELL, WORLD, FAR))
    assert found == {"unnoticed": [f"plant.{PLANT}.build_cost"]}
