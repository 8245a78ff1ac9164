"""Scenarios written by hand over the harbour: at least one of every shape, golds and all.

They are what the tests and docs/reward.md start from. What plays them is offered here too.
"""

from __future__ import annotations

from typing import Any

from tests.harbour import (
    BERTHS,
    BOOKINGS,
    OWNERS,
    SHIPS,
    TOOLS,
    WORLD,
    answer,
    cell,
    computed,
    found,
    plan,
    read,
    scenario,
    tool,
)
from tests.playing import IDLE_REPLY, call, calls, closing, oracle_turns, play, run
from tool_gym.scenario import (
    AskGoal,
    Binding,
    CellEffect,
    DeclineGoal,
    Fault,
    Parent,
    Plan,
    Scenario,
    StateGoal,
    SubGoal,
)
from tool_gym.values import (
    BooleanValue,
    DateValue,
    EnumValue,
    NameValue,
    NumberValue,
    SequenceValue,
    TextValue,
)

__all__ = [
    "BERTHS",
    "BOOKINGS",
    "IDLE_REPLY",
    "OWNERS",
    "SCENARIOS",
    "SHIPS",
    "TOOLS",
    "WITH_ORACLE",
    "WORLD",
    "answer",
    "call",
    "calls",
    "cell",
    "closing",
    "oracle_turns",
    "plan",
    "play",
    "read",
    "run",
    "scenario",
    "tool",
]


def _single_hop() -> Scenario:
    crew = read(
        "crew", "get_ship", {"ship_id": "SH3", "field": "crew"}, cell("ship", "SH3", "crew"), "crew", _count(48)
    )
    return scenario(
        "single_hop", "How large is the crew of ship SH3?", [crew], [answer(_count(48), "crew")], [plan([crew])]
    )


def _parallel_single_hop() -> Scenario:
    crew = read(
        "crew", "get_ship", {"ship_id": "SH1", "field": "crew"}, cell("ship", "SH1", "crew"), "crew", _count(21)
    )
    fee = read(
        "fee",
        "get_berth",
        {"berth_id": "BE5", "field": "daily_fee"},
        cell("berth", "BE5", "daily_fee"),
        "daily_fee",
        NumberValue(value=4700, unit="USD"),
    )
    gold = SequenceValue(items=(_count(21), NumberValue(value=4700, unit="USD")))
    text = "How large is the crew of ship SH1, and what is the daily fee of berth BE5?"
    return scenario("parallel_single_hop", text, [crew, fee], [answer(gold, "crew", "fee")], [plan([crew, fee])])


def _owner_of(ship: str, owner: str, *parents: str, name: str = "owner") -> SubGoal:
    arguments = {"ship_id": ship, "field": "owner_id"}
    return read(
        name, "get_ship", arguments, cell("ship", ship, "owner_id"), "owner_id", TextValue(value=owner), *parents
    )


def _home_port(owner: str, port: str, *parents: str) -> SubGoal:
    arguments = {"owner_id": owner, "field": "home_port"}
    return read(
        "port", "get_owner", arguments, cell("owner", owner, "home_port"), "home_port", NameValue(value=port), *parents
    )


def _multi_hop(**fields: Any) -> Scenario:
    hops = [_owner_of("SH1", "OW2"), _home_port("OW2", "Rotterdam", "owner")]
    chain = plan(hops, {"port": {"owner_id": ("owner", "owner_id")}})
    goal = answer(NameValue(value="Rotterdam"), "owner", "port")
    return scenario("multi_hop", "What is the home port of the owner of ship SH1?", hops, [goal], [chain], **fields)


def _three_hops() -> Scenario:
    ship = read("ship", "find_ship", {"name": "Fulmar"}, found("ship", "Fulmar"), "id", TextValue(value="SH6"))
    hops = [ship, _owner_of("SH6", "OW5", "ship"), _home_port("OW5", "Gdansk", "owner")]
    links = {"owner": {"ship_id": ("ship", "id")}, "port": {"owner_id": ("owner", "owner_id")}}
    goal = answer(NameValue(value="Gdansk", aliases=("Danzig",)), "ship", "owner", "port")
    return scenario("multi_hop", "What is the home port of the Fulmar's owner?", hops, [goal], [plan(hops, links)])


def _join() -> Scenario:
    def budget(name: str, owner: str, value: int, parent: str) -> SubGoal:
        arguments = {"owner_id": owner, "field": "fleet_budget"}
        key = cell("owner", owner, "fleet_budget")
        return read(name, "get_owner", arguments, key, "fleet_budget", NumberValue(value=value, unit="USD"), parent)

    hops = [
        _owner_of("SH1", "OW2", name="first_owner"),
        _owner_of("SH3", "OW3", name="second_owner"),
        budget("first", "OW2", 310_000, "first_owner"),
        budget("second", "OW3", 505_000, "second_owner"),
        read(
            "total",
            "calculate",
            {"operation": "add", "a": 310_000, "b": 505_000},
            computed("calculate", "add", 310_000, 505_000),
            "value",
            NumberValue(value=815_000, unit="USD"),
            "first",
            "second",
        ),
    ]
    links = {
        "first": {"owner_id": ("first_owner", "owner_id")},
        "second": {"owner_id": ("second_owner", "owner_id")},
        "total": {"a": ("first", "fleet_budget"), "b": ("second", "fleet_budget")},
    }
    goal = answer(NumberValue(value=815_000, unit="USD"), *(hop.id for hop in hops))
    text = "What are the fleet budgets of the owners of ships SH1 and SH3 together?"
    return scenario("parallel_multi_hop", text, hops, [goal], [plan(hops, links)])


def _compare() -> Scenario:
    hops = [
        read("first", "find_ship", {"name": "Aurora"}, found("ship", "Aurora"), "id", TextValue(value="SH1")),
        read("second", "find_ship", {"name": "Fulmar"}, found("ship", "Fulmar"), "id", TextValue(value="SH6")),
        read(
            "deeper",
            "compare_ships",
            {"first_id": "SH1", "second_id": "SH6", "field": "draft"},
            Binding(operation="compare", entity="ship", field="draft", inputs=("higher", "SH1", "SH6")),
            "higher_id",
            TextValue(value="SH6"),
            "first",
            "second",
        ),
    ]
    links = {"deeper": {"first_id": ("first", "id"), "second_id": ("second", "id")}}
    goal = answer(NameValue(value="Fulmar"), "first", "second", "deeper")
    text = "Which of the Aurora and the Fulmar has the deeper draft?"
    return scenario("parallel_multi_hop", text, hops, [goal], [plan(hops, links)])


def _two_plans() -> Scenario:
    def weight(name: str, call: str, arguments: dict[str, Any], key: Binding, gold: tuple[float, str]) -> SubGoal:
        parent = {"half": "cargo", "kg": "cargo", "half_kg": "half", "kg_half": "kg"}[name]
        return read(name, call, arguments, key, "value", NumberValue(value=gold[0], unit=gold[1]), parent)

    def halved(name: str, value: int, gold: tuple[float, str]) -> SubGoal:
        arguments = {"operation": "divide", "a": value, "b": 2}
        return weight(name, "calculate", arguments, computed("calculate", "divide", value, 2), gold)

    def in_kg(name: str, value: int) -> SubGoal:
        arguments = {"value": value, "from_unit": "t", "to_unit": "kg"}
        return weight(name, "convert_unit", arguments, computed("convert", value, "t", "kg"), (value * 1000, "kg"))

    tonnes = NumberValue(value=640, unit="t")
    key = cell("booking", "BK3", "tonnes")
    cargo = read("cargo", "get_booking", {"booking_id": "BK3"}, key, "tonnes", tonnes)
    half, half_kg = halved("half", 640, (320, "t")), in_kg("half_kg", 320)
    kg, kg_half = in_kg("kg", 640), halved("kg_half", 640_000, (320_000, "kg"))
    plans = [
        plan([cargo, half, half_kg], {"half": {"a": ("cargo", "tonnes")}, "half_kg": {"value": ("half", "value")}}),
        plan([cargo, kg, kg_half], {"kg": {"value": ("cargo", "tonnes")}, "kg_half": {"a": ("kg", "value")}}),
    ]
    sub_goals = [cargo, half, half_kg, kg, kg_half]
    goal = answer(NumberValue(value=320_000, unit="kg"), *(item.id for item in sub_goals))
    return scenario("multi_hop", "What is half the cargo of booking BK3, in kilograms?", sub_goals, [goal], plans)


def _cancelled(row: str) -> CellEffect:
    return CellEffect(table="booking", row=row, field="state", after="cancelled")


def _cancel(row: str, *parents: Parent) -> SubGoal:
    arguments = {"booking_id": row}
    return SubGoal(id="cancel", tool="cancel_booking", arguments=arguments, effects=(_cancelled(row),), parents=parents)


def _crew_of(ship: str, crew: int, *, user_turn: int = 0) -> SubGoal:
    cells = (CellEffect(table="ship", row=ship, field="crew", after=crew),)
    arguments = {"ship_id": ship, "field": "crew", "value": crew}
    return SubGoal(id="crew", tool="update_ship", arguments=arguments, effects=cells, user_turn=user_turn)


def _state(sub_goal: SubGoal) -> StateGoal:
    return StateGoal(id="state", required=sub_goal.effects, rests_on=(sub_goal.id,), user_turn=sub_goal.user_turn)


def _write() -> Scenario:
    crew = _crew_of("SH5", 8)
    return scenario("write", "The crew of ship SH5 is now 8: please set it.", [crew], [_state(crew)], [plan([crew])])


def _read_then_write() -> Scenario:
    latest = read(
        "latest",
        "top_booking",
        {"ship_id": "SH1", "order_by": "date", "direction": "descending"},
        Binding(operation="top", entity="booking", field="date", filter=(("ship_id", "SH1"),), inputs=("descending",)),
        "id",
        TextValue(value="BK9"),
    )
    cancel = _cancel("BK9", Parent(id="latest"))
    chain = plan([latest, cancel], {"cancel": {"booking_id": ("latest", "id")}})
    text = "Cancel the latest booking of ship SH1."
    return scenario("read_then_write", text, [latest, cancel], [_state(cancel)], [chain])


def _conditional() -> Scenario:
    free = read(
        "free",
        "check_berth",
        {"berth_id": "BE2", "date": "2025-03-18"},
        Binding(operation="availability", entity="berth", row="BE2", inputs=("2025-03-18",)),
        "available",
        BooleanValue(value=False),
    )
    cancel = _cancel("BK4", Parent(id="free", kind="control"))
    text = "If berth BE2 is free on 2025-03-18, set booking BK4 to docked, else cancel booking BK4."
    return scenario("conditional", text, [free, cancel], [_state(cancel)], [plan([free, cancel])])


def _multi_turn() -> Scenario:
    gold = NumberValue(value=8.7, unit="m")
    draft = read("draft", "get_ship", {"ship_id": "SH4", "field": "draft"}, cell("ship", "SH4", "draft"), "draft", gold)
    crew = _crew_of("SH4", 20, user_turn=1)
    texts = ("What is the draft of ship SH4?", "Thanks. Set the crew of the same ship to 20.")
    return scenario("multi_turn", texts, [draft, crew], [answer(gold, "draft"), _state(crew)], [plan([draft, crew])])


def _two_writes() -> Scenario:
    crew = _crew_of("SH5", 8)
    cancel = _cancel("BK5").model_copy(update={"user_turn": 1})
    texts = ("The crew of ship SH5 is now 8: please set it.", "And cancel booking BK5.")
    goals = [_state(crew).model_copy(update={"id": "crewed"}), _state(cancel)]
    return scenario("multi_turn", texts, [crew, cancel], goals, [plan([crew, cancel])])


def _decline() -> Scenario:
    goal = DeclineGoal(id="decline", reason="no tool reads the wind.")
    return scenario("decline", "How strong is the wind at the East Pier?", [], [goal], [Plan(steps=())])


def _checked_decline() -> Scenario:
    gold = EnumValue(value="left", allowed=("planned", "docked", "left", "cancelled"))
    state = read("state", "get_booking", {"booking_id": "BK7"}, cell("booking", "BK7", "state"), "state", gold)
    goal = DeclineGoal(id="decline", reason="the ship has left.", rests_on=("state",))
    return scenario("decline", "Cancel booking BK7, if it still can be.", [state], [goal], [plan([state])])


def _ask() -> Scenario:
    arguments: dict[str, str | int] = {"ship_id": "SH5", "berth_id": "BE3", "date": "2025-04-02", "tonnes": 15}
    cells: dict[str, str | int] = {**arguments, "state": "planned", "name": "BK-11"}
    book = SubGoal(
        id="book",
        tool="create_booking",
        arguments=arguments,
        effects=tuple(CellEffect(table="booking", field=field, after=after) for field, after in cells.items()),
        parents=(Parent(id="which_day"),),
    )
    ask = AskGoal(id="which_day", slot="date", keywords=("date", "day", "when"), reply="On 2025-04-02.")
    text = "Book berth BE3 for ship SH5, 15 tonnes."
    return scenario("ask", text, [book], [ask, _state(book)], [plan([book])])


def _imported() -> Scenario:
    sub_goals = [
        SubGoal(id="owner", tool="get_ship", gold=TextValue(value="OW2")),
        SubGoal(id="port", tool="get_owner", gold=NameValue(value="Rotterdam")),
    ]
    goal = answer(NameValue(value="Rotterdam"), "owner", "port")
    return scenario("multi_hop", "What is the home port of the owner of ship SH1?", sub_goals, [goal], [])


def _days() -> Scenario:
    def date(name: str, row: str, day: str) -> SubGoal:
        arguments = {"booking_id": row}
        return read(name, "get_booking", arguments, cell("booking", row, "date"), "date", DateValue(value=day))

    hops = [
        date("first", "BK1", "2025-03-04"),
        date("second", "BK6", "2025-03-11"),
        read(
            "days",
            "days_between",
            {"start": "2025-03-04", "end": "2025-03-11"},
            computed("days", "2025-03-04", "2025-03-11"),
            "days",
            _count(7),
            "first",
            "second",
        ),
    ]
    links = {"days": {"start": ("first", "date"), "end": ("second", "date")}}
    goal = answer(_count(7), "first", "second", "days")
    return scenario(
        "parallel_multi_hop", "How many days after booking BK1 is booking BK6?", hops, [goal], [plan(hops, links)]
    )


def _count(value: int) -> NumberValue:
    return NumberValue(value=value)


SCENARIOS: dict[str, Scenario] = {
    "single_hop": _single_hop(),
    "parallel_single_hop": _parallel_single_hop(),
    "multi_hop": _multi_hop(),
    "three_hops": _three_hops(),
    "join": _join(),
    "compare": _compare(),
    "days": _days(),
    "two_plans": _two_plans(),
    "write": _write(),
    "read_then_write": _read_then_write(),
    "conditional": _conditional(),
    "multi_turn": _multi_turn(),
    "two_writes": _two_writes(),
    "decline": _decline(),
    "checked_decline": _checked_decline(),
    "ask": _ask(),
    "fault": _multi_hop(faults=(Fault(tool="get_owner", times=1),)),
    "imported": _imported(),
}
"""Name → scenario."""

WITH_ORACLE = sorted(name for name, item in SCENARIOS.items() if item.plans)
