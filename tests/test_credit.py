"""Which sub-goals a call serves, and the matching of calls with them."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.handmade import SCENARIOS, TOOLS, WORLD, call, tool
from tool_gym.rewards.credit import CreditTable, Matching, mask_of
from tool_gym.runtime import InProcessRuntime
from tool_gym.scenario import Binding, Scenario, SubGoal
from tool_gym.turns import Effect, Outcome, ToolCall, ToolResult
from tool_gym.values import NumberValue

OFFERS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2**6 - 1)), max_size=7)


def brute_force(masks: list[int]) -> int:
    """Return the size of the largest matching of calls with different bits of their masks."""
    best = 0
    for order in permutations(masks):
        taken = 0
        for mask in order:
            free = mask & ~taken
            taken |= free & -free
        best = max(best, taken.bit_count())
    return best


def key(number: int) -> tuple[str, bytes]:
    return "tool", bytes([number])


@given(OFFERS)
def test_a_matching_is_as_large_as_any_and_loses_nothing(offers: list[tuple[int, int]]) -> None:
    matching, accepted = Matching(), dict[int, int]()
    for number, candidates in offers:
        before = matching.solved
        matching.offer(key(number), candidates)
        assert before & ~matching.solved == 0, "a solved sub-goal was lost"
        if number not in accepted and matching.solved != before:
            accepted[number] = candidates
        assert matching.solved.bit_count() == len(accepted)
        assert matching.solved & ~mask_of(b for c in accepted.values() for b in range(6) if c >> b & 1) == 0
    distinct = dict(reversed(offers))
    if len(distinct) == len(offers):
        assert matching.solved.bit_count() == brute_force([candidates for _, candidates in offers])


@given(OFFERS, OFFERS, OFFERS)
def test_a_matching_goes_back_to_its_snapshot(
    before: list[tuple[int, int]], after: list[tuple[int, int]], instead: list[tuple[int, int]]
) -> None:
    matching, twin = Matching(), Matching()

    def offer_all(target: Matching, offers: list[tuple[int, int]]) -> int:
        for number, candidates in offers:
            target.offer(key(number), candidates)
        return target.solved

    offer_all(matching, before)
    state = matching.snapshot()
    offer_all(matching, instead)
    matching.restore(state)
    offer_all(twin, before + after)
    assert offer_all(matching, after) == twin.solved


def test_an_identical_call_is_matched_once() -> None:
    matching = Matching()
    matching.offer(key(1), 0b11)
    matching.offer(key(1), 0b11)
    assert matching.solved == 0b01


def test_a_call_that_could_not_be_matched_may_be_made_again() -> None:
    matching = Matching()
    matching.offer(key(1), 0)
    matching.offer(key(1), 0b10)
    assert matching.solved == 0b10


def test_a_matching_moves_as_many_calls_as_it_takes() -> None:
    """Each call took the first of two neighbours; the last one fits only where the first call is."""
    matching = Matching()
    for number in range(10):
        matching.offer(key(number), 0b11 << number)
    matching.offer(key(10), 0b1)
    assert matching.solved == 2**11 - 1


def test_many_calls_for_the_same_sub_goals_take_no_time() -> None:
    """Searching without remembering what was tried takes 24! steps here."""
    matching = Matching()
    for number in range(48):
        matching.offer(key(number), 2**24 - 1)
    assert matching.solved == 2**24 - 1


def served(name: str, made: ToolCall, result: ToolResult | None = None) -> set[str]:
    """Return the sub-goals a call serves, run through the runtime unless its result is given."""
    scenario = SCENARIOS[name]
    table = CreditTable(scenario)
    result = result or InProcessRuntime(scenario.tools, WORLD).start().call(made.name, made.arguments)
    assert result.ok, result
    mask = table.served(made, result)[0]
    return {sub_goal.id for number, sub_goal in enumerate(scenario.sub_goals) if mask >> number & 1}


@pytest.mark.parametrize(
    ("name", "made", "sub_goals"),
    [
        ("multi_hop", call("get_ship", ship_id="SH1", field="owner_id"), {"owner"}),
        ("multi_hop", call("get_ship", ship_id="SH3", field="owner_id"), set[str]()),
        ("multi_hop", call("get_owner", owner_id="OW2", field="home_port"), {"port"}),
        ("multi_hop", call("get_owner", owner_id="OW2", field="name"), set()),
        ("three_hops", call("find_ship", name="  fulmar "), {"ship"}),
        ("three_hops", call("get_ship", ship_id="SH6", field="name"), set()),
        ("days", call("days_between", start="2025-03-11", end="2025-03-04"), {"days"}),
        ("days", call("days_between", start="2025-03-10", end="2025-03-03"), set()),
        ("days", call("get_booking", booking_id="BK1"), {"first"}),
        ("join", call("calculate", operation="add", a=505000.0, b=310000), {"total"}),
        ("join", call("calculate", operation="subtract", a=505000, b=310000), set()),
        ("join", call("calculate", operation="add", a=815000, b=0), set()),
        ("compare", call("compare_ships", first_id="SH6", second_id="SH1", field="draft"), {"deeper"}),
        ("compare", call("compare_ships", first_id="SH6", second_id="SH1", field="length"), set()),
        ("parallel_single_hop", call("search_berths", sort_by="daily_fee"), {"fee"}),
        ("parallel_single_hop", call("search_berths", sort_by="depth"), set()),
        ("parallel_single_hop", call("search_berths", daily_fee=4700, sort_by="daily_fee"), set()),
        ("conditional", call("check_berth", berth_id="BE2", date="2025-03-18"), {"free"}),
        ("conditional", call("check_berth", berth_id="BE2", date="2025-03-04"), set()),
        ("conditional", call("cancel_booking", booking_id="BK4"), {"cancel"}),
        ("conditional", call("set_booking_state", booking_id="BK4", state="cancelled"), {"cancel"}),
        ("conditional", call("set_booking_state", booking_id="BK4", state="docked"), set()),
        ("read_then_write", call("top_booking", ship_id="SH1", order_by="date", direction="descending"), {"latest"}),
        ("read_then_write", call("list_bookings", ship_id="SH1"), set()),
        ("imported", call("get_ship", ship_id="SH1", field="owner_id"), {"owner"}),
        ("imported", call("get_booking", booking_id="BK1"), set()),
    ],
)
def test_a_call_serves_what_it_finds_out(name: str, made: ToolCall, sub_goals: set[str]) -> None:
    assert served(name, made) == sub_goals


def test_a_limit_that_equals_the_value_is_no_echo() -> None:
    berths = Binding(operation="aggregate", entity="berth", filter=(("quay", "east"),), inputs=("count",))
    two = SubGoal(id="two", tool="search_berths", arguments={}, binding=berths, gold=NumberValue(value=2))
    scenario = SCENARIOS["single_hop"].model_copy(update={"sub_goals": (two,), "plans": ()})
    table, made = CreditTable(scenario), call("search_berths", quay="east", limit=2)
    result = InProcessRuntime(TOOLS, WORLD).start().call(made.name, made.arguments)
    assert table.served(made, result)[0] == 1


def test_a_record_serves_all_its_cells() -> None:
    """What keeps a dump from being paid for all of them is the matching."""
    two = [item for item in SCENARIOS["days"].sub_goals if item.id == "first"]
    state = (
        SCENARIOS["checked_decline"]
        .sub_goals[0]
        .model_copy(
            update={"id": "state", "binding": two[0].binding and two[0].binding.model_copy(update={"field": "state"})}
        )
    )
    gold = state.gold and state.gold.model_copy(update={"value": "planned"})
    scenario = SCENARIOS["days"].model_copy(
        update={"sub_goals": (*two, state.model_copy(update={"gold": gold})), "plans": ()}
    )
    table, made = CreditTable(scenario), call("get_booking", booking_id="BK1")
    result = InProcessRuntime(TOOLS, WORLD).start().call(made.name, made.arguments)
    assert table.served(made, result)[0] == 0b11


def test_forged_results_serve_nothing() -> None:
    made = call("get_ship", ship_id="SH1", field="owner_id")
    partly: list[Any] = [{"owner_id": "OW2"}, {"id": [], "owner_id": "OW2"}, {"id": "SH1", "owner_id": ["OW2"]}]
    for value in [None, [], "OW2", *partly]:
        assert served("multi_hop", made, ToolResult(Outcome.OK, value)) == set()
    strange = Effect("ship", "SH5", "crew", None, [8])
    assert served("write", call("update_ship"), ToolResult(Outcome.OK, None, "", (strange,))) == set()


def test_what_was_seen_before_does_not_change_what_a_call_serves() -> None:
    scenario = SCENARIOS["imported"]
    table, made = CreditTable(scenario), call("get_owner", owner_id="OW2", field="home_port")
    other = made._replace(arguments={**made.arguments, "owner_id": "ow2"})
    right, wrong = ({"id": "OW2", "home_port": port} for port in ("Rotterdam", "Bergen"))
    for value, mask in ((right, 2), (wrong, 0), (right, 2), (right, 2), (None, 0)):
        for item in (made, other):
            assert table.key(item) == table.key(made)
            assert table.served(item, ToolResult(Outcome.OK, value))[0] == mask


@pytest.mark.parametrize(
    "arguments",
    [
        {"page": 1, "ship_id": "SH1"},
        {"ship_id": "SH1", "page": 1.0},
        {"ship_id": "sh1 "},
        {"ship_id": "SH1", "page_size": 10, "page": 1},
    ],
)
def test_calls_of_one_meaning_have_one_key(arguments: dict[str, Any]) -> None:
    table = CreditTable(SCENARIOS["write"])
    assert table.key(ToolCall("list_bookings", arguments)) == table.key(call("list_bookings", ship_id="SH1"))
    assert table.key(ToolCall("list_bookings", {**arguments, "page": 2})) != table.key(
        call("list_bookings", ship_id="SH1")
    )


def test_renamed_constant_and_inert_arguments_make_no_other_key() -> None:
    crew = tool(
        "crew",
        "get",
        {"tables": {"ship": ["crew"]}},
        renames={"ship": "id"},
        constants={"field": "crew"},
        inert={"tag": {"type": "string"}},
    )
    scenario = SCENARIOS["single_hop"].model_copy(update={"tools": (*TOOLS, crew)})
    table = CreditTable(scenario)
    assert table.key(call("crew", ship="SH3", tag="x")) == table.key(call("crew", ship="SH3"))
    made = call("crew", ship="SH3", tag="48")
    result = InProcessRuntime(scenario.tools, WORLD).start().call(made.name, made.arguments)
    assert table.served(made, result)[0] == 1


def test_an_echo_in_one_episode_is_none_in_the_next() -> None:
    """Identical calls may differ in what they echo: what is remembered of one must not be told of the other."""
    crew = tool(
        "crew", "get", {"tables": {"ship": ["crew"]}}, constants={"field": "crew"}, inert={"tag": {"type": "string"}}
    )
    wanted = SubGoal(id="crew", tool="crew", gold=NumberValue(value=48))
    scenario = SCENARIOS["imported"].model_copy(update={"tools": (*TOOLS, crew), "sub_goals": (wanted,)})
    table, session = CreditTable(scenario), InProcessRuntime(scenario.tools, WORLD).start()
    for made, mask in ((call("crew", id="SH3", tag="48"), 0), (call("crew", id="SH3"), 1)) * 2:
        assert table.served(made, session.call(made.name, made.arguments))[0] == mask


def test_a_table_is_built_once_for_a_scenario_and_not_for_its_copies() -> None:
    scenario: Scenario = SCENARIOS["single_hop"]
    assert CreditTable.of(scenario) is CreditTable.of(scenario)
    assert CreditTable.of(scenario.model_copy()) is not CreditTable.of(scenario)
    assert not CreditTable.of(scenario).value_only
    assert CreditTable.of(SCENARIOS["imported"]).value_only
