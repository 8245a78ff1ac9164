"""Every tool family: what it serves, what it refuses, what it changes; its facts are in tests/test_facts.py."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harbour import BERTHS, BOOKINGS, MORE_TOOLS, NEW_SHIP, SHIPS, TOOLS, WORLD, tool
from tool_gym.errors import ScenarioError
from tool_gym.runtime import InProcessRuntime
from tool_gym.tools import FAMILIES
from tool_gym.turns import Effect, Outcome, ToolResult
from tool_gym.world import World

RUNTIME = InProcessRuntime(TOOLS + MORE_TOOLS, WORLD)
ABSENT, INVALID, REFUSED = "not_found", "invalid_arguments", "precondition_failed"
BOOKING = {"ship_id": "SH1", "berth_id": "BE1", "date": "2025-04-02", "tonnes": 5}


def named(row: str) -> dict[str, Any]:
    """Return how a list shows a row."""
    return {"id": row, "name": {**SHIPS, **BERTHS, **BOOKINGS}[row]["name"]}


def run(name: str, /, **arguments: Any) -> ToolResult:
    return RUNTIME.start().call(name, arguments)


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("find_ship", {"name": "Aurora"}, {"id": "SH1", "name": "Aurora"}),
        ("find_ship", {"name": " aURORA  "}, {"id": "SH1", "name": "Aurora"}),
        ("get_ship", {"ship_id": "SH3", "field": "crew"}, {"id": "SH3", "crew": 48}),
        (
            "get_booking",
            {"booking_id": "BK2"},
            {"id": "BK2", **{key: item for key, item in BOOKINGS["BK2"].items() if key != "id"}},
        ),
        ("record", {"type": "owner", "id": "OW3", "field": "home_port"}, {"id": "OW3", "home_port": "Genoa"}),
        (
            "list_bookings",
            {"ship_id": "SH1"},
            {
                "total": 3,
                "page": 1,
                "pages": 1,
                "items": [named("BK1"), named("BK6"), named("BK9")],
            },
        ),
        (
            "all_ships",
            {"page": 3},
            {"total": 8, "page": 3, "pages": 3, "items": [named("SH7"), named("SH8")]},
        ),
        ("all_ships", {"page": 9, "page_size": 20}, {"total": 8, "page": 9, "pages": 1, "items": []}),
        ("all_ships", {"page": 3.0, "page_size": 4.0}, {"total": 8, "page": 3, "pages": 2, "items": []}),
        ("all_ships", {"page": 1e300}, {"total": 8, "page": int(1e300), "pages": 3, "items": []}),
        (
            "search_berths",
            {"quay": "east", "sort_by": "depth", "order": "descending", "limit": 1},
            {"total": 2, "items": [{"id": "BE5", "name": "East Pier", "depth": 12.5}]},
        ),
        ("search_ships", {"type": "ferry", "name": "gudrun"}, {"total": 1, "items": [{"id": "SH7", "name": "Gudrun"}]}),
        ("search_ships", {"type": "ferry", "name": "Aurora"}, {"total": 0, "items": []}),
        ("search_plain", {"limit": 1.0}, {"total": 8, "items": [{"id": "SH1", "name": "Aurora"}]}),
        ("top_ship", {"order_by": "built_on", "direction": "ascending"}, {"id": "SH7", "name": "Gudrun"}),
        (
            "top_booking",
            {"ship_id": "SH1", "order_by": "date", "direction": "descending"},
            {"id": "BK9", "name": "BK-509"},
        ),
        ("summarize_bookings", {"ship_id": "SH1", "operation": "sum", "field": "tonnes"}, {"value": 16400}),
        ("summarize_bookings", {"ship_id": "SH1", "operation": "count", "state": "left"}, {"value": 0}),
        ("summarize_bookings", {"ship_id": "SH1", "operation": "average", "field": "tonnes"}, {"value": 5466.67}),
        ("count_ships", {"type": "tanker"}, {"value": 2}),
        ("ship_numbers", {"operation": "maximum", "field": "length", "type": "ferry"}, {"value": 141.2}),
        ("ship_numbers", {"operation": "minimum", "field": "crew", "name": "GUDRUN"}, {"value": 35}),
        (
            "compare_ships",
            {"first_id": "SH1", "second_id": "SH2", "field": "length"},
            {"higher_id": "SH2", "difference": 46.5},
        ),
        (
            "compare_ships",
            {"first_id": "SH1", "second_id": "SH1", "field": "crew"},
            {"higher_id": None, "difference": 0},
        ),
        ("calculate", {"operation": "add", "a": 0.1, "b": 0.2}, {"value": 0.3}),
        ("calculate", {"operation": "divide", "a": 1, "b": 3}, {"value": 0.333333}),
        ("calculate", {"operation": "multiply", "a": 2**40, "b": 2**40}, {"value": 2**80}),
        ("calculate", {"operation": "subtract", "a": 1, "b": 3}, {"value": -2}),
        ("convert_unit", {"value": 2, "from_unit": "h", "to_unit": "min"}, {"value": 120.0, "unit": "min"}),
        ("convert_unit", {"value": 2, "from_unit": "h", "to_unit": "h"}, {"value": 2, "unit": "h"}),
        ("days_between", {"start": "2024-03-01", "end": "2024-02-28"}, {"days": 2}),
        ("check_berth", {"berth_id": "BE2", "date": "2025-03-04"}, {"available": False, "bookings": 1}),
        ("check_berth", {"berth_id": "BE1", "date": "2025-03-08"}, {"available": True, "bookings": 0}),
        ("north_or_south", {"quay": "South", "page": 2}, {"total": 2, "page": 2, "pages": 1, "items": []}),
        ("bookings", {"page": 5}, {"total": 10, "page": 5, "pages": 1, "items": []}),
        ("bookings", {"berth_id": "BE6"}, {"total": 1, "page": 1, "pages": 1, "items": [named("BK10")]}),
        (
            "bookings",
            {"ship_id": "SH1", "berth_id": "BE5"},
            {"total": 1, "page": 1, "pages": 1, "items": [named("BK6")]},
        ),
        ("bookings", {"ship_id": "SH2", "berth_id": "BE5"}, {"total": 0, "page": 1, "pages": 0, "items": []}),
        ("first_booking", {"order_by": "date", "direction": "ascending"}, {"id": "BK10", "name": "BK-510"}),
        (
            "first_booking",
            {"order_by": "date", "direction": "ascending", "ship_id": "SH1"},
            {"id": "BK1", "name": "BK-501"},
        ),
        ("tonnage", {"operation": "sum", "field": "tonnes", "ship_id": "SH1", "berth_id": "BE2"}, {"value": 10300}),
        ("match_berth", {"query": "pier, EAST"}, {"total": 1, "items": [named("BE5")]}),
        ("match_berth", {"query": "south"}, {"total": 2, "items": [named("BE3"), named("BE4")]}),
        ("match_berth", {"query": "sou"}, {"total": 0, "items": []}),
        ("ship_length", {"id": "SH1", "unit": "m"}, {"id": "SH1", "length": 182.5, "unit": "m"}),
        ("ship_length", {"id": "SH1", "unit": "km"}, {"id": "SH1", "length": 0.1825, "unit": "km"}),
        ("records", {"kind": "berth", "name": "east pier"}, {"id": "BE5", "name": "East Pier"}),
        ("records", {"kind": "tug"}, {"value": 8}),
        (
            "records",
            {"kind": "ship", "type": "tug", "sort_by": "crew"},
            {"total": 1, "items": [{"id": "SH5", "name": "Esperanza", "crew": 7}]},
        ),
    ],
)  # fmt: skip
def test_a_read_serves_what_the_tables_hold(name: str, arguments: dict[str, Any], value: Any) -> None:
    result = run(name, **arguments)
    assert result == ToolResult(Outcome.OK, value)
    assert [type(item) for item in value.values()] == [type(item) for item in result.value.values()]


@pytest.mark.parametrize(
    ("name", "arguments", "outcome", "message"),
    [
        ("find_ship", {"name": "Titanic"}, ABSENT, "no ship has the name 'Titanic'"),
        ("get_ship", {"ship_id": "SH99", "field": "crew"}, ABSENT, "no ship has the id 'SH99'"),
        ("get_ship", {"ship_id": "sh1", "field": "crew"}, ABSENT, "no ship has the id 'sh1'"),
        ("get_ship", {"ship_id": "SH1", "field": "colour"}, INVALID, "colour"),
        ("record", {"type": "owner", "id": "OW3", "field": "crew"}, REFUSED, "has no field 'crew'"),
        ("record", {"type": "berth", "id": "BE1", "field": "name"}, INVALID, "berth"),
        ("list_bookings", {"ship_id": "SH99"}, ABSENT, "no ship has the id 'SH99'"),
        ("list_bookings", {"ship_id": "SH1", "page": 0}, INVALID, "page"),
        ("list_bookings", {"ship_id": "SH1", "page": True}, INVALID, "page"),
        ("list_bookings", {"ship_id": "SH1", "page": 1.5}, INVALID, "page"),
        ("list_bookings", {"ship_id": "SH1", "page_size": 21}, INVALID, "page_size"),
        ("top_booking", {"ship_id": "SH99", "order_by": "date", "direction": "ascending"}, ABSENT, "SH99"),
        ("summarize_bookings", {"ship_id": "SH1", "operation": "sum"}, REFUSED, "needs the argument 'field'"),
        ("ship_numbers", {"operation": "sum", "field": "crew", "name": "Titanic"}, ABSENT, "no matching ship"),
        ("compare_ships", {"first_id": "SH1", "second_id": "BE1", "field": "crew"}, ABSENT, "BE1"),
        ("calculate", {"operation": "divide", "a": 1, "b": 0}, REFUSED, "division by zero"),
        ("calculate", {"operation": "divide", "a": 1, "b": -0.0}, REFUSED, "division by zero"),
        ("calculate", {"operation": "multiply", "a": 1e200, "b": 1e200}, REFUSED, "too large"),
        ("calculate", {"operation": "multiply", "a": 10**160, "b": 10**160}, REFUSED, "too large"),
        ("calculate", {"operation": "add", "a": True, "b": 1}, INVALID, "'a'"),
        ("calculate", {"operation": "add", "a": "1", "b": 1}, INVALID, "'a'"),
        ("convert_unit", {"value": 1, "from_unit": "kg", "to_unit": "km"}, REFUSED, "do not measure"),
        ("convert_unit", {"value": 1e305, "from_unit": "t", "to_unit": "g"}, REFUSED, "too large"),
        ("days_between", {"start": "2024-02-30", "end": "2024-03-01"}, REFUSED, "YYYY-MM-DD"),
        ("days_between", {"start": "2024-W09-5", "end": "2024-03-01"}, REFUSED, "YYYY-MM-DD"),
        ("days_between", {"start": "２０２４-03-01", "end": "2024-03-01"}, REFUSED, "YYYY-MM-DD"),  # noqa: RUF001 - digits of another script
        ("days_between", {"start": "0000-01-01", "end": "2024-03-01"}, REFUSED, "YYYY-MM-DD"),
        ("check_berth", {"berth_id": "BE9", "date": "2025-03-04"}, ABSENT, "BE9"),
        ("check_berth", {"berth_id": "BE1", "date": "2025-3-4x"}, INVALID, "date"),
        ("check_berth", {"berth_id": "BE1", "date": "4 March 25"}, REFUSED, "YYYY-MM-DD"),
        ("update_ship", {"ship_id": "SH99", "field": "crew", "value": 5}, ABSENT, "SH99"),
        ("update_ship", {"ship_id": "SH1", "field": "crew", "value": 21}, REFUSED, "already 21"),
        ("update_ship", {"ship_id": "SH1", "field": "crew", "value": 201}, REFUSED, "between 1.0 and 200.0"),
        ("update_ship", {"ship_id": "SH1", "field": "crew", "value": 0}, REFUSED, "between"),
        ("update_ship", {"ship_id": "SH1", "field": "crew", "value": 5.5}, REFUSED, "whole numbers"),
        ("update_ship", {"ship_id": "SH1", "field": "draft", "value": 5.55}, REFUSED, "at most 1 decimals"),
        ("update_ship", {"ship_id": "SH1", "field": "crew", "value": float("nan")}, INVALID, ""),
        ("update_ship", {"ship_id": "SH1", "field": "crew", "value": float("inf")}, INVALID, ""),
        ("update_ship", {"ship_id": "SH1", "field": "crew", "value": 10**400}, REFUSED, "cannot be"),
        ("update_ship", {"ship_id": "SH1", "field": "length", "value": 5}, INVALID, "length"),
        ("set_booking_state", {"booking_id": "BK1", "state": "left"}, REFUSED, "it may move to docked, cancelled"),
        ("set_booking_state", {"booking_id": "BK1", "state": "planned"}, REFUSED, "planned"),
        ("set_booking_state", {"booking_id": "BK7", "state": "planned"}, REFUSED, "may move to nothing"),
        ("set_booking_state", {"booking_id": "BK1", "state": "sunk"}, INVALID, "sunk"),
        ("cancel_booking", {"booking_id": "BK2"}, REFUSED, "docked, which is past this change"),
        ("cancel_booking", {"booking_id": "BK8"}, REFUSED, "cancelled"),
        ("cancel_booking", {"booking_id": "BK99"}, ABSENT, "BK99"),
        ("create_booking", {**BOOKING, "berth_id": "BE9"}, ABSENT, "BE9"),
        ("create_booking", {**BOOKING, "date": "2026-04-02"}, REFUSED, "between 2025-01-01"),
        ("create_booking", {**BOOKING, "date": "soon"}, REFUSED, "YYYY-MM-DD"),
        ("create_booking", {**BOOKING, "tonnes": 0}, REFUSED, "tonnes"),
        ("create_ship", {**NEW_SHIP, "name": "AURORA"}, REFUSED, "already a ship named 'AURORA'"),
        ("create_ship", {**NEW_SHIP, "draft": 4.05}, REFUSED, "decimals"),
        ("bookings", {"ship_id": "SH1", "berth_id": "BE99"}, ABSENT, "no berth has the id 'BE99'"),
        ("first_booking", {"ship_id": "SH99", "order_by": "date", "direction": "ascending"}, ABSENT, "SH99"),
        ("match_berth", {"query": " - "}, REFUSED, "no word to look for"),
        ("ship_length", {"id": "SH99", "unit": "m"}, ABSENT, "SH99"),
        ("ship_length", {"id": "SH1", "unit": "mi"}, INVALID, "mi"),
        ("records", {"kind": "crew"}, INVALID, "crew"),
        ("records", {"kind": "berth"}, REFUSED, "with kind 'berth' the arguments are name; name is missing"),
        ("records", {"kind": "tug", "sort_by": "crew"}, REFUSED, "sort_by is not one of them"),
        ("records", {"kind": "owner", "type": "tug"}, REFUSED, "type is not one of them"),
        ("records", {"kind": "owner", "sort_by": "crew"}, REFUSED, "sort_by must be one of fleet_budget"),
        ("save_ship", {"mode": "update", "id": "SH1"}, REFUSED, "nothing to set; give one of draft, crew"),
        ("save_ship", {"mode": "update", "crew": 5}, REFUSED, "id is missing"),
        ("save_ship", {"mode": "update", "id": "SH1", "length": 5}, REFUSED, "length is not one of them"),
        ("save_ship", {"mode": "update", "id": "SH1", "crew": 5, "draft": 99}, REFUSED, "draft must lie between"),
        ("save_ship", {"mode": "update", "id": "SH1", "crew": 5, "draft": 9.4}, REFUSED, "already 9.4"),
        ("save_ship", {"mode": "create", **NEW_SHIP, "id": "SH1"}, REFUSED, "id is not one of them"),
        ("save_ship", {"mode": "create", "name": "Ingrid"}, REFUSED, "owner_id is missing"),
    ],
)  # fmt: skip
def test_a_call_that_cannot_be_honoured_changes_nothing(
    name: str, arguments: dict[str, Any], outcome: str, message: str
) -> None:
    session = RUNTIME.start()
    before = session.digest()
    result = session.call(name, arguments)
    assert (result.outcome.label, result.value, result.effects) == (outcome, None, ())
    assert message in result.message
    assert len(result.message) <= 300
    assert session.digest() == before


def test_a_closed_row_takes_no_update() -> None:
    booking = tool("update_booking", "update", {"table": "booking", "fields": ["tonnes"]})
    session = InProcessRuntime((booking,), WORLD).start()
    closed = session.call("update_booking", {"id": "BK7", "field": "tonnes", "value": 5})
    assert (closed.outcome.label, closed.message) == (REFUSED, "BK7 is left and can no longer be changed")
    assert session.call("update_booking", {"id": "BK2", "field": "tonnes", "value": 5}).ok


@pytest.mark.parametrize(
    ("name", "arguments", "value", "effects"),
    [
        (
            "update_ship",
            {"ship_id": "SH1", "field": "crew", "value": 22.0},
            {"id": "SH1", "crew": 22, "updated": True},
            [Effect("ship", "SH1", "crew", 21, 22)],
        ),
        (
            "update_draft",
            {"id": "SH1", "value": 9},
            {"id": "SH1", "draft": 9, "updated": True},
            [Effect("ship", "SH1", "draft", 9.4, 9)],
        ),
        (
            "set_booking_state",
            {"booking_id": "BK1", "state": "docked"},
            {"id": "BK1", "state": "docked", "updated": True},
            [Effect("booking", "BK1", "state", "planned", "docked")],
        ),
        (
            "cancel_booking",
            {"booking_id": "BK1"},
            {"id": "BK1", "state": "cancelled", "updated": True},
            [Effect("booking", "BK1", "state", "planned", "cancelled")],
        ),
        (
            "create_booking",
            {"ship_id": "SH1", "berth_id": "BE1", "date": "2025-04-02", "tonnes": 5.0},
            {"id": "BK11", "name": "BK-11"},
            [
                Effect("booking", "BK11", field, None, after, created=True)
                for field, after in {
                    "ship_id": "SH1",
                    "berth_id": "BE1",
                    "date": "2025-04-02",
                    "tonnes": 5,
                    "state": "planned",
                    "name": "BK-11",
                }.items()
            ],
        ),
        (
            "create_ship",
            NEW_SHIP,
            {"id": "SH9", "name": "Ingrid"},
            [Effect("ship", "SH9", field, None, after, created=True) for field, after in NEW_SHIP.items()],
        ),
        (
            "save_ship",
            {"mode": "create", **NEW_SHIP},
            {"id": "SH9", "name": "Ingrid"},
            [Effect("ship", "SH9", field, None, after, created=True) for field, after in NEW_SHIP.items()],
        ),
        (
            "save_ship",
            {"mode": "update", "id": "SH1", "crew": 22, "draft": 9},
            {"id": "SH1", "draft": 9, "crew": 22, "updated": True},
            [Effect("ship", "SH1", "draft", 9.4, 9), Effect("ship", "SH1", "crew", 21, 22)],
        ),
    ],
)
def test_a_write_does_what_it_says(name: str, arguments: dict[str, Any], value: Any, effects: list[Effect]) -> None:
    session = RUNTIME.start()
    before = session.digest()
    result = session.call(name, arguments)
    assert result.ok, result
    assert result.value == value
    assert list(result.effects) == effects
    assert [type(effect.after) for effect in result.effects] == [type(effect.after) for effect in effects]
    assert session.digest() != before
    table, row = effects[0].table, effects[0].row
    kept = getattr(session, "_view").row(table, row)  # noqa: B009 - the type is the protocol's
    assert {effect.field: kept[effect.field] for effect in effects} == {
        effect.field: effect.after for effect in effects
    }


def test_a_write_is_seen_by_every_later_read() -> None:
    session = RUNTIME.start()
    session.call("create_ship", NEW_SHIP)
    session.call("update_ship", {"ship_id": "SH9", "field": "crew", "value": 199})
    session.call("create_booking", {"ship_id": "SH9", "berth_id": "BE6", "date": "2025-04-02", "tonnes": 5})

    def value(name: str, /, **arguments: Any) -> Any:
        return session.call(name, arguments).value

    assert value("find_ship", name="ingrid")["id"] == "SH9"
    assert value("search_ships", sort_by="crew", order="descending", limit=1)["items"][0]["id"] == "SH9"
    assert value("all_ships")["total"] == 9
    assert value("count_ships", type="tug") == {"value": 2}
    assert value("list_bookings", ship_id="SH9")["items"] == [{"id": "BK11", "name": "BK-11"}]
    assert value("check_berth", berth_id="BE6", date="2025-04-02") == {"available": False, "bookings": 1}
    session.call("cancel_booking", {"booking_id": "BK11"})
    assert value("check_berth", berth_id="BE6", date="2025-04-02")["available"] is True
    assert value("compare_ships", first_id="SH9", second_id="SH1", field="crew")["difference"] == 178


@pytest.mark.parametrize(
    ("family", "bindings", "message"),
    [
        ("choose", {"selector": "k", "parts": {"a": {"family": "cancel", "bindings": {}}}}, "a family that reads"),
        ("choose_write", {"selector": "k", "parts": {"a": {"family": "find"}}}, "a family that changes"),
        ("choose", {"selector": "k", "parts": {"a": {"family": "choose"}}}, "'choose' can be no part"),
        ("choose", {"selector": "k", "parts": {"a": {"family": "magic"}}}, "'magic' can be no part"),
        (
            "choose",
            {"selector": "k", "parts": {"a": {"family": "find", "bindings": {"table": "moon"}}}},
            "no table 'moon'",
        ),
        (
            "choose",
            {
                "selector": "k",
                "parts": {
                    "a": {"family": "calculate"},
                    "b": {"family": "search", "bindings": {"table": "owner", "filters": ["operation"]}},
                },
            },
            "no column 'operation'",
        ),
        ("measure", {"table": "ship", "field": "length", "stored": "km", "units": ["m"]}, "is stored in m, not in km"),
        ("measure", {"table": "ship", "field": "length", "stored": "m", "units": ["kg"]}, "nothing converts m into"),
        ("measure", {"table": "ship", "field": "length", "stored": "m", "units": []}, "no unit at all"),
        ("measure", {"table": "ship", "field": "name", "stored": "m", "units": ["m"]}, "no column 'name' of type"),
    ],
)
def test_a_merged_tool_is_refused_where_it_fits_no_world(family: str, bindings: dict[str, Any], message: str) -> None:
    bound = FAMILIES[family].bindings.model_validate(bindings)
    with pytest.raises(ScenarioError, match=message):
        FAMILIES[family].parameters(bound, WORLD.base)


def test_the_row_of_exactly_that_name_comes_first_among_those_that_match() -> None:
    ships = dict(WORLD.tables["ship"].rows)
    longer = {
        f"SH{number}": {**ships["SH1"], "id": f"SH{number}", "name": f"New Aurora {number}"} for number in range(20, 27)
    }
    table = WORLD.tables["ship"].model_copy(update={"rows": {**longer, **ships}})
    world = World(domain=WORLD.domain, tables={**WORLD.tables, "ship": table})
    session = InProcessRuntime((tool("match_ship", "match", {"table": "ship"}),), world).start()
    value = session.call("match_ship", {"query": "aurora"}).value
    assert (value["total"], len(value["items"]), value["items"][0]["id"]) == (8, 5, "SH1")
