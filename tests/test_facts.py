"""What the result of a call tells: every fact is true, stands where it says, and has one key whoever serves it."""

from __future__ import annotations

import datetime as dt
import statistics
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harbour import BERTHS, BOOKINGS, MORE_TOOLS, NEW_SHIP, OWNERS, SHIPS, TOOLS, WORLD
from tool_gym import units
from tool_gym.runtime import InProcessRuntime, Session
from tool_gym.scenario import TemplateImpl
from tool_gym.tools import FAMILIES
from tool_gym.tools.base import Fact, FactKey
from tool_gym.world import fold

RUNTIME = InProcessRuntime(TOOLS + MORE_TOOLS, WORLD)
BY_NAME = {spec.name: spec for spec in TOOLS + MORE_TOOLS}
ROWS = {"owner": OWNERS, "ship": SHIPS, "berth": BERTHS, "booking": BOOKINGS}


STATISTICS: dict[str, Callable[[Any], float]] = {
    "count": len,
    "sum": sum,
    "average": statistics.fmean,
    "minimum": min,
    "maximum": max,
}


def truth(key: FactKey) -> Any:
    """Answer a question from the tables, without the tools."""
    operation, entity, row, field, where, inputs = key
    rows = list(ROWS.get(entity or "", {}).values())
    for column, value in where:
        rows = [item for item in rows if fold(item[column]) == value]
    if operation == "read":
        return ROWS[entity or ""][row or ""][field or ""]
    if operation == "find":
        (found,) = rows
        return found["id"]
    if operation == "availability":
        taken = [b for b in BOOKINGS.values() if b["berth_id"] == row and b["date"] == inputs[0]]
        return not any(b["state"] in ("planned", "docked") for b in taken)
    if operation == "top":
        ordered = sorted(rows, key=lambda item: (item[field or ""], item["id"]), reverse=inputs[0] == "descending")
        return ordered[0]["id"]
    if operation == "aggregate":
        values = rows if field is None else [item[field] for item in rows]
        result = STATISTICS[inputs[0]](values)
        return round(result, 2) if type(result) is float else result
    return _computed(operation, entity, field, inputs)


def _computed(operation: str, entity: str | None, field: str | None, inputs: tuple[Any, ...]) -> Any:
    if operation == "compare":
        kind, *ids = inputs
        first, second = (ROWS[entity or ""][name][field or ""] for name in ids)
        higher = None if first == second else ids[0] if first > second else ids[1]
        return higher if kind == "higher" else round(abs(first - second), 6)
    if operation == "days":
        first, second = (dt.date.fromisoformat(text) for text in inputs)
        return abs((first - second).days)
    if operation == "convert":
        return units.convert(*inputs)
    name, a, b = inputs
    return round({"add": a + b, "subtract": a - b, "multiply": a * b, "divide": a / b}[name], 6)


ORDERS = ("ascending", "descending")
CALLS: list[tuple[str, dict[str, list[Any]]]] = [
    ("find_ship", {"name": [row["name"] for row in SHIPS.values()]}),
    ("get_ship", {"ship_id": list(SHIPS), "field": ["name", "owner_id", "crew", "built_on"]}),
    ("get_booking", {"booking_id": list(BOOKINGS)}),
    ("record", {"type": ["owner"], "id": list(OWNERS), "field": ["name", "home_port"]}),
    ("list_bookings", {"ship_id": list(SHIPS), "page": [1, 2], "page_size": [2]}),
    ("all_ships", {"page": [1, 2, 3]}),
    ("search_berths", {"quay": ["north", "East"], "sort_by": ["depth", "daily_fee"], "order": list(ORDERS)}),
    ("search_berths", {"daily_fee": [900, 4700.0], "limit": [1]}),
    ("search_ships", {"type": ["cargo", "tug"], "sort_by": ["built_on", "crew"], "limit": [1, 2]}),
    ("top_ship", {"order_by": ["length", "built_on"], "direction": list(ORDERS)}),
    ("top_booking", {"ship_id": ["SH1", "SH2"], "order_by": ["date", "tonnes"], "direction": list(ORDERS)}),
    ("summarize_bookings", {"ship_id": ["SH1", "SH5"], "operation": ["count", "sum", "average"], "field": ["tonnes"]}),
    ("summarize_bookings", {"ship_id": ["SH1"], "operation": ["count"], "state": ["planned", "left"]}),
    ("ship_numbers", {"operation": ["minimum", "maximum", "average"], "field": ["length", "crew"], "type": ["cargo"]}),
    ("count_ships", {"type": ["cargo", "tanker", "ferry", "tug"]}),
    ("compare_ships", {"first_id": ["SH1", "SH2"], "second_id": ["SH1", "SH2", "SH7"], "field": ["crew", "length"]}),
    ("calculate", {"operation": ["add", "subtract", "multiply", "divide"], "a": [3, 0.1], "b": [7, -2.5]}),
    ("convert_unit", {"value": [1, 2.5], "from_unit": ["km"], "to_unit": ["m", "mi", "km"]}),
    ("days_between", {"start": ["2024-03-01", "2023-01-01"], "end": ["2024-02-29"]}),
    ("check_berth", {"berth_id": list(BERTHS), "date": ["2025-03-04", "2025-03-08", "2025-03-09"]}),
    ("bookings", {"ship_id": ["SH1", "SH5"], "berth_id": ["BE2", "BE5"], "page": [1, 2]}),
    ("first_booking", {"ship_id": ["SH1", "SH2"], "order_by": ["date"], "direction": list(ORDERS)}),
    ("tonnage", {"ship_id": ["SH1"], "berth_id": ["BE2", "BE5"], "operation": ["sum", "count"], "field": ["tonnes"]}),
    ("match_berth", {"query": ["south", "north", "Tug Basin"]}),
    ("ship_length", {"id": list(SHIPS), "unit": ["m"]}),
    ("records", {"kind": ["ship"], "type": ["cargo", "tug"], "sort_by": ["crew"], "order": list(ORDERS)}),
    ("records", {"kind": ["berth"], "name": [row["name"] for row in BERTHS.values()]}),
]  # fmt: skip


def facts_of(session: Session, name: str, arguments: dict[str, Any]) -> list[tuple[Fact, Any]]:
    """Return the facts a call serves, each with what stands at its path."""
    impl = BY_NAME[name].impl
    assert isinstance(impl, TemplateImpl)
    result = session.call(name, arguments)
    family, found = FAMILIES[impl.family], []
    if result.ok:
        for fact in family.facts(
            family.bindings.model_validate(impl.bindings), impl.translate(arguments), result.value
        ):
            there = result.value
            for part in fact.path:
                there = there[part]
            found.append((fact, there))
    return found


@pytest.mark.parametrize(("name", "choices"), CALLS, ids=[f"{number}-{name}" for number, (name, _) in enumerate(CALLS)])
def test_facts_are_true_and_stand_where_they_say(name: str, choices: dict[str, list[Any]]) -> None:
    session, seen = RUNTIME.start(), 0
    for chosen in product(*choices.values()):
        for fact, there in facts_of(session, name, dict(zip(choices, chosen, strict=True))):
            seen += 1
            assert there == fact.value
            assert fact.value == truth(fact.key), fact.key
            assert hash(fact.key) is not None
    assert seen


def test_every_family_that_serves_facts_was_asked() -> None:
    asked = {
        spec.impl.family
        for spec in TOOLS + MORE_TOOLS
        if spec.name in dict(CALLS) and isinstance(spec.impl, TemplateImpl)
    }
    assert asked == {name for name, family in FAMILIES.items() if not family.writes}


@given(st.integers(-1000, 1000) | st.floats(-1e6, 1e6), st.integers(-1000, 1000) | st.floats(-1e6, 1e6))
def test_the_order_of_what_commutes_makes_no_other_fact(a: float, b: float) -> None:
    session = RUNTIME.start()
    for operation in ("add", "multiply"):
        (one, _), (other, _) = (
            facts_of(session, "calculate", {"operation": operation, "a": x, "b": y})[0] for x, y in ((a, b), (b, a))
        )
        assert one.key == other.key
        assert one.value == other.value


def test_equal_questions_have_one_key_across_families() -> None:
    session = RUNTIME.start()

    def keys(name: str, /, **arguments: Any) -> set[FactKey]:
        return {fact.key for fact, _ in facts_of(session, name, arguments)}

    assert keys("count_ships", type="tug") <= keys("search_ships", type="tug")
    assert keys("summarize_bookings", ship_id="SH1", operation="count") <= keys("list_bookings", ship_id="SH1")
    assert keys("get_ship", ship_id="SH5", field="crew") <= keys("search_ships", type="tug", sort_by="crew")
    assert keys("find_ship", name="Esperanza") <= keys("search_ships", type="tug")
    top = keys("search_ships", sort_by="built_on", order="descending")
    assert ("top", "ship", None, "built_on", (), ("descending",)) in top
    assert ("aggregate", "ship", None, "built_on", (), ("maximum",)) in top


def test_a_whole_listing_tells_both_ends_of_an_order() -> None:
    session = RUNTIME.start()
    whole, cut = (
        {fact.key: fact.value for fact, _ in facts_of(session, "search_ships", {"sort_by": "built_on", "limit": limit})}
        for limit in (len(SHIPS), len(SHIPS) - 1)
    )
    latest = ("top", "ship", None, "built_on", (), ("descending",))
    assert whole[latest] == max(SHIPS, key=lambda ship: SHIPS[ship]["built_on"])
    assert whole["aggregate", "ship", None, "built_on", (), ("maximum",)] == SHIPS[whole[latest]]["built_on"]
    assert latest not in cut
    assert ("top", "ship", None, "built_on", (), ("ascending",)) in cut


def test_a_quantity_is_the_same_fact_in_every_unit() -> None:
    session = RUNTIME.start()
    for ship, cells in SHIPS.items():
        for unit in ("m", "km"):
            ((fact, there),) = facts_of(session, "ship_length", {"id": ship, "unit": unit})
            assert fact == Fact(("read", "ship", ship, "length", (), ()), cells["length"], ("length",))
            assert there == units.convert(cells["length"], "m", unit)


def test_a_merged_tool_serves_the_facts_of_the_part_that_was_meant() -> None:
    session = RUNTIME.start()
    told = facts_of(session, "records", {"kind": "tug"})
    assert told == facts_of(session, "count_ships", {})
    assert facts_of(session, "records", {"kind": "owner", "sort_by": "fleet_budget"})[1][0].key[1] == "owner"


def test_writes_serve_no_facts() -> None:
    session = RUNTIME.start()
    assert facts_of(session, "update_ship", {"ship_id": "SH1", "field": "crew", "value": 5}) == []
    assert facts_of(session, "create_ship", NEW_SHIP) == []
