"""What a call is said to have contributed when an episode is looked back on."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.handmade import SCENARIOS, WITH_ORACLE, call, calls, oracle_turns, play
from tool_gym.errors import ScenarioError
from tool_gym.rewards import get_reward, score
from tool_gym.rewards.provenance import CONTRIBUTIONS, common_length, lcs, provenance
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import Outcome, ToolResult, Turn

MULTI_HOP = SCENARIOS["multi_hop"]
OWNER = calls(call("get_ship", ship_id="SH1", field="owner_id"))
PORT = calls(call("get_owner", owner_id="OW2", field="home_port"))
NAME = calls(call("get_ship", ship_id="SH1", field="name"))
RIGHT = Turn("Answer: Rotterdam")
UNTOLD = {"compare": [2], "conditional": [0]}
"""Scenario → calls of the oracle whose result says nothing new: a choice among known values, a yes or no."""


def marks(*turns: Turn, name: str = "multi_hop") -> list[float]:
    found = provenance(SCENARIOS[name], play(SCENARIOS[name], turns))
    return [mark for step in found for mark in step]


@pytest.mark.parametrize("name", WITH_ORACLE)
def test_what_the_oracle_finds_is_used(name: str) -> None:
    played = play(SCENARIOS[name], oracle_turns(SCENARIOS[name]))
    outcomes = [result.ok for step in played.steps for result in step.results]
    wanted = [float(ok and number not in UNTOLD.get(name, ())) for number, ok in enumerate(outcomes)]
    assert marks(*oracle_turns(SCENARIOS[name]), name=name) == wanted


def test_a_result_that_nobody_uses_contributes_nothing() -> None:
    assert marks(OWNER, NAME, PORT, RIGHT) == [1, 0, 1]
    assert marks(OWNER, Turn("Answer: Bergen")) == [0]
    assert marks(OWNER, PORT) == [1, 0]


def test_a_value_is_found_out_once() -> None:
    assert marks(OWNER, OWNER, PORT, PORT, RIGHT) == [1, 0, 1, 0]


def test_the_calls_of_a_turn_cannot_use_each_other() -> None:
    assert marks(calls(*OWNER.calls, *PORT.calls), RIGHT) == [0, 1]


def test_an_echo_is_no_news() -> None:
    echo = calls(call("search_berths", daily_fee=4700, sort_by="daily_fee"))
    assert marks(echo, Turn("Answer: 4700 USD"), name="parallel_single_hop") == [0]
    assert marks(calls(call("find_ship", name="Aurora")), Turn("Answer: the Aurora"), name="compare") == [0]


@pytest.mark.parametrize(("said", "mark"), [("4,300 USD", 1), ("43000", 0), ("It is 4300.", 1), ("4300", 1)])
def test_an_answer_uses_whole_words(said: str, mark: float) -> None:
    fee = calls(call("get_berth", berth_id="BE2", field="daily_fee"))
    assert marks(fee, Turn(f"Answer: {said}"), name="parallel_single_hop") == [mark]


def test_a_change_of_the_world_contributes_and_a_failed_call_does_not() -> None:
    update = calls(call("update_ship", ship_id="SH5", field="crew", value=8))
    refused = calls(call("update_ship", ship_id="nobody", field="crew", value=8))
    assert marks(update, refused, Turn("Answer: done"), name="write") == [1, 0]


def test_lcs_is_the_published_rule_and_is_fooled_by_padding() -> None:
    def fed(answer: str) -> tuple[tuple[float, ...], ...]:
        step = Step(OWNER, (ToolResult(Outcome.OK, {"id": "SH1", "owner_id": "OW2"}),))
        return lcs(MULTI_HOP, Trajectory("x", (step, Step(Turn(answer)))))

    assert fed("OW2") == ((0.0,), ())
    assert fed('It is "id" "SH1", "OW2".') == ((1.0,), ())
    assert fed("abcdefghijklmnopqrstuvwxyz" * 9) == ((1.0,), ())
    assert lcs(MULTI_HOP, play(MULTI_HOP, [OWNER, PORT])) == ((0.0,), (0.0,))


@given(st.text("abc", max_size=9), st.text("abc", max_size=9))
def test_the_longest_common_subsequence_is_found(first: str, second: str) -> None:
    @cache
    def longest(i: int, j: int) -> int:
        if i == len(first) or j == len(second):
            return 0
        if first[i] == second[j]:
            return 1 + longest(i + 1, j + 1)
        return max(longest(i + 1, j), longest(i, j + 1))

    assert common_length(first, second) == longest(0, 0)


@pytest.mark.parametrize("rule", CONTRIBUTIONS)
def test_a_rule_can_take_the_place_of_the_golds(rule: str) -> None:
    reward = get_reward("step_grained", mode="mean", contribution=rule)
    played = play(MULTI_HOP, [OWNER, NAME, PORT, RIGHT])
    found = CONTRIBUTIONS[rule](MULTI_HOP, played)
    paid = [step.delta for step in score(reward, MULTI_HOP, played).steps]
    assert paid == [*((1 + mark) / 2 for (mark,) in found[:-1]), 1.0]
    with pytest.raises(ScenarioError, match=r"use tool_gym\.score"):
        reward.start(MULTI_HOP)
