"""G8: a shorter way is found, whichever visible tool it leads through; without that tool the candidate passes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from tests.generators.building import assemble, named, world_of
from tool_gym.generators.decompose import Concept, Goal, RejectedError
from tool_gym.generators.domain import load_domain
from tool_gym.generators.expressions import (
    Agg,
    Attr,
    ById,
    ByName,
    Calc,
    Calendar,
    Ent,
    Evaluator,
    Follow,
    Free,
    Higher,
    Top,
    Update,
)
from tool_gym.generators.gates import g08_shortcut
from tool_gym.generators.reach import Reach, TooWideError
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.world import WorldView

WORLD = world_of("energy")
ROWS = WORLD.tables
READ = Evaluator(WorldView(WORLD.base))
CALENDAR = Calendar("inspection", "crew_id", "inspected_on", "status", ("scheduled", "started"))


def check_only_the_tool_matters(goal: Goal, tools: Iterable[Concept | ToolSpec], reason: str, **merges: Any) -> None:
    g08_shortcut.check(assemble(goal, WORLD, **merges))
    with pytest.raises(RejectedError, match=reason) as rejection:
        g08_shortcut.check(assemble(goal, WORLD, extra=tools, **merges))
    assert rejection.value.gate == "G8"


def children(child: str, by: str, parent: str) -> int:
    return sum(row[by] == parent for row in ROWS[child].rows.values())


def operator(least: int = 3) -> ByName:
    """An operator with several plants, none of which comes first or last in anything."""
    for row in ROWS["operator"].rows:
        if children("plant", "operator_id", row) >= least:
            return ByName("operator", row)
    raise AssertionError


def dearest(of: Ent) -> Top:
    return Top("plant", "build_cost", descending=True, by="operator_id", parent=of)


def middle(entity: str) -> list[str]:
    """The two rows that stand farthest from both ends of every order, so that no short list shows them."""
    rows = list(ROWS[entity].rows.values())
    orders = [
        sorted(rows, key=lambda row: row[c])
        for c in load_domain(WORLD.domain).entities[entity].of_type("integer", "number", "date")
    ]

    def rank(row: dict[str, Any]) -> int:
        return min(min(order.index(row), len(rows) - 1 - order.index(row)) for order in orders)

    return [row["id"] for row in sorted(rows, key=rank)[-2:]]


def ordinary_plant() -> Top:
    """The dearest plant of an operator, first in no order over all plants."""
    plants = list(ROWS["plant"].rows.values())
    for row in ROWS["operator"].rows:
        if children("plant", "operator_id", row) < 3:
            continue
        top = dearest(ByName("operator", row))
        best = READ.row(top)
        extremes = {
            pick(plants, key=lambda plant: plant[column])["id"]
            for column in ("capacity", "build_cost", "licensed_on")
            for pick in (min, max)
        }
        if best["id"] not in extremes:
            return top
    raise AssertionError


def test_a_statistic_beside_the_first_of_an_order() -> None:
    tools = [("summarize", "plant", "operator_id", "maximum", "build_cost")]
    check_only_the_tool_matters((Attr(dearest(operator()), "build_cost"),), tools, "a shorter way")


def test_an_order_of_the_whole_table_beside_the_order_of_a_group() -> None:
    costs = {row["id"]: row["build_cost"] for row in ROWS["plant"].rows.values()}
    first = max(costs, key=lambda row: costs[row])
    goal = (Attr(dearest(ByName("operator", ROWS["plant"].rows[first]["operator_id"])), "capacity"),)
    check_only_the_tool_matters(goal, [("top", "plant", None)], "a shorter way")
    check_only_the_tool_matters(goal, [("search", "plant")], "a shorter way")


def test_a_search_that_shows_the_figure_beside_the_name() -> None:
    plants = sorted(ROWS["plant"].rows.values(), key=lambda row: -row["capacity"])
    check_only_the_tool_matters(
        (Attr(ByName("plant", plants[5]["id"]), "capacity"),), [("search", "plant")], "a shorter way"
    )


def test_a_search_that_does_not_show_the_row_is_none() -> None:
    goal = (Attr(ByName("inspection", middle("inspection")[0]), "cost"),)
    g08_shortcut.check(assemble(goal, WORLD, extra=[("search", "inspection")]))


def test_a_record_found_by_another_column() -> None:
    """A tool that finds an inspection by its plant: one call less than by the plant's own order."""
    plant = next(row for row in ROWS["plant"].rows if children("inspection", "plant_id", row) >= 3)
    top = Top("inspection", "cost", descending=True, by="plant_id", parent=ByName("plant", plant))
    goal = (Attr(top, "duration"),)
    best = READ.row(top)
    properties = {"date": {"type": "string"}}
    parameters = {"type": "object", "properties": properties, "required": ["date"]}
    impl = TemplateImpl(
        family="find", bindings={"table": "inspection", "column": "inspected_on"}, renames={"date": "inspected_on"}
    )
    tool = ToolSpec(name="inspection_on", description="Finds it by its date.", parameters=parameters, impl=impl)
    g08_shortcut.check(assemble(goal, WORLD, extra=[tool]))  # nobody says the date
    free = Free(ById("crew", next(iter(ROWS["crew"].rows))), best["inspected_on"], CALENDAR)
    with pytest.raises(RejectedError, match="a shorter way"):
        g08_shortcut.check(assemble((*goal, free), WORLD, extra=[tool]))


def test_a_getter_that_returns_more() -> None:
    plant = ById("plant", next(iter(ROWS["plant"].rows)))
    goal = (Calc("divide", Attr(plant, "build_cost"), Attr(plant, "capacity")),)
    record = next(
        tool
        for tool in assemble((Attr(plant, "capacity"),), WORLD, getters="record").scenario.tools
        if tool.name == "get_plant"
    )
    check_only_the_tool_matters(
        goal, [record.model_copy(update={"name": "plant_record"})], "one call that does for two"
    )


def test_a_list_that_does_the_work_of_two_lookups() -> None:
    first, second = named(WORLD, "operator", 0), named(WORLD, "operator", 1)
    goal = (Calc("subtract", Attr(first, "annual_revenue"), Attr(second, "annual_revenue")),)
    for tool in (("list", "operator", None), ("search", "operator")):
        with pytest.raises(RejectedError, match=r"one call that does for two|a shorter way"):
            g08_shortcut.check(assemble(goal, WORLD, extra=[tool]))
    g08_shortcut.check(assemble(goal, WORLD))


def test_a_comparison_that_tells_the_difference() -> None:
    for number in (0, 1):
        pair = [named(WORLD, "inspection", number), named(WORLD, "inspection", 1 - number)]
        goal = (Calc("subtract", Attr(pair[0], "cost"), Attr(pair[1], "cost")),)
        check_only_the_tool_matters(goal, [("compare", "inspection")], "a shorter way")


def test_a_row_to_change_that_is_found_earlier() -> None:
    costs = {row["id"]: row["build_cost"] for row in ROWS["plant"].rows.values()}
    first = max(costs, key=lambda row: costs[row])
    target = dearest(ByName("operator", ROWS["plant"].rows[first]["operator_id"]))
    check_only_the_tool_matters((Update(target, "build_cost", 5_000_000),), [("top", "plant", None)], "a shorter way")


def test_a_row_that_is_named_elsewhere_in_the_request() -> None:
    inspection = next(iter(ROWS["inspection"].rows.values()))
    chain = Attr(Follow("plant", "plant_id", ByName("inspection", inspection["id"])), "capacity")
    g08_shortcut.check(assemble((chain,), WORLD))
    with pytest.raises(RejectedError, match="a shorter way"):
        g08_shortcut.check(assemble((chain, Attr(ByName("plant", inspection["plant_id"]), "licensed_on")), WORLD))


def test_a_category_counts_as_had_only_where_it_is_of_the_row() -> None:
    """Other rows show the same word early; that is no shortcut. The row itself shown early is."""
    top = ordinary_plant()
    goal = (Attr(top, "source"),)
    g08_shortcut.check(assemble(goal, WORLD, getters="record", extra=[("top", "plant", None)]))
    costs = {row["id"]: row["build_cost"] for row in ROWS["plant"].rows.values()}
    first = max(costs, key=lambda row: costs[row])
    goal = (Attr(dearest(ByName("operator", ROWS["plant"].rows[first]["operator_id"])), "source"),)
    check_only_the_tool_matters(goal, [("top", "plant", None)], "a shorter way", getters="record")


class TestComparisons:
    def higher(self) -> Higher:
        first, second = middle("inspection")
        return Higher("inspection", "cost", ByName("inspection", first), ByName("inspection", second))

    def test_pass_where_each_call_is_needed(self) -> None:
        goal = (Attr(self.higher(), "duration"),)
        for getters in ("atomic", "by_field", "union"):
            g08_shortcut.check(assemble(goal, WORLD, getters=getters))

    def test_whole_records_do_without(self) -> None:
        with pytest.raises(RejectedError, match="records instead"):
            g08_shortcut.check(assemble((Attr(self.higher(), "duration"),), WORLD, getters="record"))

    def test_an_order_gives_the_outcome_away(self) -> None:
        rows = sorted(ROWS["plant"].rows.values(), key=lambda row: -row["capacity"])
        ends = ByName("plant", rows[0]["id"]), ByName("plant", rows[len(rows) // 2]["id"])
        goal = (Attr(Higher("plant", "capacity", *ends), "licensed_on"),)
        check_only_the_tool_matters(goal, [("top", "plant", None)], "an order instead")
        check_only_the_tool_matters(goal, [("search", "plant")], "a shorter way|an order instead")


class TestReach:
    def test_filters_take_the_words_of_the_request(self) -> None:
        goal = (Agg("plant", "count", None, filter=("source", "wind")),)
        candidate = assemble(goal, WORLD, extra=[("search", "plant")])
        reach = Reach(candidate, patience=1)
        list(reach.rounds(1))
        used = {value for reading in reach.readings for value in reading.arguments.values()}
        assert "wind" in used
        assert "solar" not in used

    def test_every_page_is_turned(self) -> None:
        goal = (Attr(ById("inspection", next(iter(ROWS["inspection"].rows))), "cost"),)
        reach = Reach(assemble(goal, WORLD, extra=[("list", "inspection", None)]), patience=100)
        served = next(reach.rounds(1))
        assert set(ROWS["inspection"].rows) <= served

    def test_long_lists_tell_only_of_rows_that_are_known(self) -> None:
        row = list(ROWS["inspection"].rows.values())[30]
        goal = (Attr(ByName("inspection", row["id"]), "cost"),)
        served = next(Reach(assemble(goal, WORLD, extra=[("list", "inspection", None)]), patience=3).rounds(1))
        assert row["id"] in served
        assert len(set(ROWS["inspection"].rows) & served) == 1

    def test_what_rows_refer_to_feeds_the_next_round(self) -> None:
        row = next(iter(ROWS["inspection"].rows.values()))
        goal = (Attr(Follow("crew", "crew_id", ByName("inspection", row["id"])), "day_rate"),)
        first, second, third = map(set, Reach(assemble(goal, WORLD), patience=3).rounds(3))
        assert row["id"] in first
        assert row["crew_id"] not in first
        assert row["crew_id"] in second
        assert ROWS["crew"].rows[row["crew_id"]]["day_rate"] in third - second

    def test_too_many_calls_are_given_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("tool_gym.generators.reach.MAX_CALLS", 1)
        goal = (Attr(Follow("crew", "crew_id", named(WORLD, "inspection")), "day_rate"),)
        with pytest.raises(TooWideError):
            list(Reach(assemble(goal, WORLD), patience=3).rounds(2))
        with pytest.raises(RejectedError, match="too wide"):
            g08_shortcut.check(assemble(goal, WORLD))
