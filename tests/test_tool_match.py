"""`tool_match` is worth what ToolRL's released code pays, turn by turn, and scores an episode as one turn."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import invariants
from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD, call, calls, oracle_turns, play
from tool_gym.errors import NoOracleError, ScenarioError, UnknownNameError
from tool_gym.rewards import ToolMatchReward, get_reward, score
from tool_gym.rewards.call_match import greedy, match_calls, optimal
from tool_gym.rewards.tool_match import SCHEDULES, has_form, written_calls
from tool_gym.scenario import Scenario
from tool_gym.trajectory import Trajectory
from tool_gym.turns import BrokenCall, ToolCall, Turn

REWARD = ToolMatchReward()
GET = call("get", id=1)
FIND = call("find", name="Aurora")
PING = call("ping")
BROKEN = BrokenCall("bad_json", "not valid JSON")


def written(*made: ToolCall, think: str = "<think>Hm.</think>\n") -> str:
    lines = "\n".join(json.dumps({"name": one.name, "parameters": one.arguments}) for one in made)
    return f"{think}<tool_call>\n{lines}\n</tool_call>"


# --- one turn against a reference, as released


@pytest.mark.parametrize(
    ("gold", "predicted", "correct"),
    [
        ([GET, FIND], [GET, FIND], 3),
        ([GET, FIND], [FIND, GET], 3),
        ([GET], [call("get", id=2)], 1),
        ([GET], [call("get", key=1)], -1),
        ([GET], [call("find", id=1)], -3),
        ([GET], [GET, FIND], 2),
        ([GET, FIND], [GET], 0),
        ([PING], [call("ping", loud=True)], 0),
        ([PING], [PING], 3),
        ([GET], [call("get", id="1")], 1),
        ([GET], [call("get", id=1.0)], 3),
        ([GET], [call("get", id=True)], 3),
        ([GET], [], -3),
        ([GET], [BROKEN], -3),
        ([GET, GET], [GET], 0),
        ([], [GET], 0),
        ([], [], 0),
    ],
)
def test_correctness_is_the_released_one(gold: list[ToolCall], predicted: list[Any], correct: float) -> None:
    assert match_calls(gold, predicted) == pytest.approx(correct)


@pytest.mark.parametrize(
    ("text", "gold", "responds", "total"),
    [
        (written(GET), [GET], False, 4),
        (written(GET, think=""), [GET], False, 3),
        (f"\n{written(GET)}\n", [GET], False, 4),
        (f"{written(GET)}\nSo.", [GET], False, 3),
        (f"{written(GET)}\n<response>So.</response>", [GET], False, 3),
        (f"{written(GET)}\n<response>So.</response>", [GET], True, 4),
        (written(GET), [GET], True, 3),
        (written(GET) + written(GET, think="\n"), [GET], False, 3),
        ("<think>Hm.</think>\n<tool_call>\n{'name'\n</tool_call>", [GET], False, -2),
        ('<think>Hm.</think>\n<tool_call>\n{"name": "get"}\n</tool_call>', [GET], False, -2),
        ('<think>Hm.</think>\n<tool_call>\n["get", {"id": 1}]\n</tool_call>', [GET], False, -2),
        ('<think>Hm.</think>\n<tool_call>\n{"name": 1, "parameters": {}}\n</tool_call>', [GET], False, -2),
        ("<think>Hm.</think>\n<tool_call>\n{}\n</tool_call> <tool_call>", [GET], False, -3),
        ("<think>Hm.</think>\n<response>48</response>", [GET], False, -3),
        ("<think>Hm.</think>\n<response>48</response>", [], True, 1),
        (written(GET), [], True, 0),
        ("<think>Hm.</think>", [], False, 1),
        ("48", [], True, 0),
        ("", [GET], False, -3),
    ],
)
def test_a_turn_is_worth_its_form_and_its_calls(text: str, gold: list[ToolCall], responds: bool, total: float) -> None:  # noqa: FBT001 - a table's column
    assert REWARD.completion(text, gold, responds=responds) == pytest.approx(total)


def test_calls_inside_thinking_are_read_as_released() -> None:
    text = f"<think>{written(GET, think='')}</think>\n<response>48</response>"
    assert written_calls(text) == [GET]
    assert REWARD.completion(text, [GET]) == 3


@pytest.mark.parametrize("text", ["<think>" * 20_000, "</think>\n<tool_call>\n" * 20_000, "<tool_call>" + "[" * 10**6])
def test_hostile_texts_take_no_time(text: str) -> None:
    for wanted, responds in itertools.product((True, False), repeat=2):
        assert not has_form(text, calls=wanted, responds=responds)
    assert written_calls(text + "</tool_call>") is None


# --- properties of the matching


values = st.sampled_from([0, 1, "1", None, [1], {"a": 1}])
arguments = st.dictionaries(st.sampled_from("abc"), values, max_size=3)
some_calls = st.lists(st.builds(ToolCall, st.sampled_from(["get", "find"]), arguments), max_size=4)
unlike = st.lists(
    st.builds(ToolCall, st.sampled_from(["get", "find", "list"]), arguments), max_size=3, unique_by=lambda one: one.name
)


@given(some_calls, some_calls | st.lists(st.just(BROKEN) | st.builds(ToolCall, st.text(max_size=2), arguments)))
def test_correctness_stays_in_its_bounds(gold: list[ToolCall], predicted: list[Any]) -> None:
    for granularity, assignment in itertools.product(("fine", "intermediate", "coarse"), ("greedy", "optimal")):
        correct = match_calls(gold, predicted, granularity=granularity, assignment=assignment)
        assert -3 - 1e-9 <= correct <= 3 + 1e-9


@given(some_calls, some_calls)
def test_the_best_pairing_is_worth_no_less_than_the_greedy_one(gold: list[ToolCall], predicted: list[Any]) -> None:
    assert match_calls(gold, predicted, assignment="optimal") >= match_calls(gold, predicted) - 1e-9


@given(unlike, unlike)
def test_they_are_the_same_where_no_tool_is_called_twice(gold: list[ToolCall], predicted: list[Any]) -> None:
    assert match_calls(gold, predicted, assignment="optimal") == pytest.approx(match_calls(gold, predicted))


@given(some_calls.filter(bool), some_calls)
def test_correctness_is_full_if_and_only_if_the_calls_are_equal(
    gold: list[ToolCall], predicted: list[ToolCall]
) -> None:
    left = list(predicted)
    equal = len(gold) == len(left) and all(one in left and not left.remove(one) for one in gold)  # type: ignore[func-returns-value]  # None, so true
    for granularity in ("fine", "intermediate"):
        assert (match_calls(gold, predicted, granularity=granularity) >= 3 - 1e-9) is equal
    assert (match_calls(gold, predicted, granularity="coarse") == 3) is (gold == predicted)


@given(some_calls, st.data())
def test_the_order_of_equal_calls_does_not_matter(gold: list[ToolCall], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(gold))
    assert match_calls(gold, shuffled) == pytest.approx(match_calls(gold, gold))


@given(some_calls, some_calls, st.data())
def test_under_the_best_pairing_no_order_matters(
    gold: list[ToolCall], predicted: list[ToolCall], data: st.DataObject
) -> None:
    once = match_calls(gold, predicted, assignment="optimal")
    again = match_calls(data.draw(st.permutations(gold)), data.draw(st.permutations(predicted)), assignment="optimal")
    assert once == pytest.approx(again)


def test_the_greedy_pairing_depends_on_the_order() -> None:
    gold = [call("get", id=1, day=1), call("get", id=2, day=1)]
    predicted = [call("get", id=2, day=1), call("get", id=3, day=1)]
    assert match_calls(gold, predicted) < match_calls(gold, predicted[::-1])
    assert match_calls(gold, predicted, assignment="optimal") == match_calls(gold, predicted[::-1])


@given(unlike.filter(bool), unlike, st.data())
def test_putting_a_wrong_value_right_never_costs(
    gold: list[ToolCall], predicted: list[ToolCall], data: st.DataObject
) -> None:
    wanted = data.draw(st.sampled_from(gold))
    worse = [*(one for one in predicted if one.name != wanted.name), wanted._replace(arguments={**wanted.arguments})]
    for name in wanted.arguments:
        worse[-1].arguments[name] = "wrong"
    before = match_calls(gold, worse)
    for name, value in wanted.arguments.items():
        worse[-1].arguments[name] = value
        after = match_calls(gold, worse)
        assert after >= before - 1e-9
        before = after


gains = st.integers(0, 4).flatmap(
    lambda columns: st.lists(st.lists(st.integers(0, 5), min_size=columns, max_size=columns), max_size=4)
)


@given(gains)
def test_the_best_pairing_is_found(rows: list[list[int]]) -> None:
    width = len(rows[0]) if rows else 0
    padded = [row + [0] * len(rows) for row in rows]
    best = max(
        sum(row[column] for row, column in zip(padded, chosen, strict=True))
        for chosen in itertools.permutations(range(width + len(rows)), len(rows))
    )
    assert optimal([list(map(float, row)) for row in rows]) == best >= greedy(rows)


# --- coarser forms and schedules


def test_granularities_differ_in_what_a_near_miss_is_worth() -> None:
    near = [GET, call("find", name="Borealis")]
    worth = {name: match_calls([GET, FIND], near, granularity=name) for name in ("fine", "intermediate", "coarse")}
    assert worth == pytest.approx({"fine": 6 * 4 / 5 - 3, "intermediate": 6 * 2 / 3 - 3, "coarse": -3})
    assert match_calls([GET, FIND], [FIND, GET], granularity="coarse") == -3
    assert match_calls([GET], [call("get", id=2)], most=1) == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("gradual", {0: (2, 2, -2), 30: (2.2, 1.8, -1.6), 75: (2.5, 1.5, -1), 150: (3, 1, -1), 900: (3, 1, -1)}),
        ("two_stage", {0: (1, 1, 0), 29: (1, 1, 0), 30: (3, 0.5, 0), 75: (3, 0.5, 0), 150: (3, 0.5, 0)}),
    ],
)
def test_a_schedule_goes_from_form_to_correctness(name: str, weights: dict[int, tuple[float, ...]]) -> None:
    assert {step: SCHEDULES[name](step) for step in weights} == {
        step: pytest.approx(wanted) for step, wanted in weights.items()
    }
    scheduled = ToolMatchReward(**SCHEDULES[name](0)._asdict())
    assert scheduled.completion(written(GET), [GET]) == scheduled.correct_max + scheduled.format_max
    assert scheduled.completion("48", [GET]) == -scheduled.correct_max + scheduled.format_min


# --- an episode


THINKING = "Let me see."


def played(scenario: Scenario, *turns: Turn, reward: ToolMatchReward = REWARD) -> list[float]:
    return [step.reward for step in play(scenario, turns, reward).steps]


@pytest.mark.parametrize("name", WITH_ORACLE)
def test_the_oracle_makes_the_calls_of_the_reference(name: str) -> None:
    scenario = SCENARIOS[name]
    wanted = 0 if not scenario.sub_goals else 6 * (2 / 3 + 6) / 7 - 3 if name == "fault" else 3
    for number in range(len(scenario.plans)):
        turns = oracle_turns(scenario, number)
        assert sum(played(scenario, *turns)) == pytest.approx(wanted)
        formed = [turn._replace(reasoning=THINKING) for turn in turns]
        assert sum(played(scenario, *formed)) == pytest.approx(wanted + 1)


def test_an_episode_of_one_turn_is_worth_what_the_turn_is() -> None:
    scenario = SCENARIOS["parallel_single_hop"]
    gold = [ToolCall(goal.tool, dict(goal.arguments or {})) for goal in scenario.sub_goals]
    wrong = gold[0]._replace(arguments={**gold[0].arguments, "field": "draft"})
    for made in (gold, gold[:1], [wrong], [wrong, *gold], gold[::-1]):
        turn = Turn(calls=tuple(made), reasoning="Hm.")
        assert played(scenario, turn) == [pytest.approx(REWARD.completion(written(*made), gold))]


def test_the_score_is_what_the_episode_would_be_worth_if_it_ended_there() -> None:
    scenario = SCENARIOS["multi_hop"]
    first, second, end = oracle_turns(scenario)
    assert played(scenario, first, second, end) == pytest.approx([0, 3, 0])
    assert played(scenario, end, second, first) == pytest.approx([-3])
    assert played(scenario, second, first) == pytest.approx([0, 3])
    assert played(scenario, first._replace(reasoning="Hm."), second) == pytest.approx([1, 2.5])


def test_a_turn_with_a_broken_call_counts_as_calls_that_match_nothing() -> None:
    scenario = SCENARIOS["single_hop"]
    (first, _) = oracle_turns(scenario)
    spoilt = calls(*first.calls, BROKEN)
    assert played(scenario, spoilt, first) == pytest.approx([-3, 6 * (1 / 3 + 3) / 4])
    assert score(REWARD, scenario, play(scenario, [spoilt])).parts["calls"] == 2


@pytest.mark.parametrize(
    ("turn", "form"),
    [
        (Turn("Answer: 48", reasoning="Hm."), 1),
        (Turn("Answer: 48"), 0),
        (Turn("", reasoning="Hm."), 0),
        (Turn(calls=(call("get_ship"),), reasoning="Hm."), 1),
        (Turn("Let me look.", calls=(call("get_ship"),), reasoning="Hm."), 0),
        (Turn(calls=(call("get_ship"), BROKEN), reasoning="Hm."), 0),
    ],
)
def test_the_form_of_a_turn(turn: Turn, form: float) -> None:
    assert score(REWARD, SCENARIOS["single_hop"], play(SCENARIOS["single_hop"], [turn])).parts["form"] == form


def test_where_nothing_is_to_be_called_a_call_costs_the_form() -> None:
    looked = calls(call("find_berth", name="East Pier"))._replace(reasoning="Hm.")
    declined = Turn("Decline: no tool reads the wind.", reasoning="Hm.")
    assert played(SCENARIOS["decline"], declined) == [1.0]
    assert played(SCENARIOS["decline"], looked, declined) == [0.0, 0.5]


def test_a_record_without_arguments_has_nothing_to_compare_with() -> None:
    with pytest.raises(NoOracleError, match=r"'owner' of scenario .* carries no arguments"):
        REWARD.start(SCENARIOS["imported"])
    known = [goal.model_copy(update={"arguments": {}}) for goal in SCENARIOS["imported"].sub_goals]
    scenario = SCENARIOS["imported"].model_copy(update={"sub_goals": tuple(known)})
    assert score(REWARD, scenario, Trajectory("x")).parts["due"] == 2


@pytest.mark.parametrize("name", WITH_ORACLE)
@settings(max_examples=20)
@given(data=st.data())
def test_any_episode_stays_in_range_and_folds(name: str, data: st.DataObject) -> None:
    turns = data.draw(invariants.arbitrary_turns(SCENARIOS[name]))
    found = play(SCENARIOS[name], turns, REWARD)
    again = score(REWARD, SCENARIOS[name], found)
    assert [step.delta for step in again.steps] == [step.reward for step in found.steps]
    assert all(-3 - 1e-9 <= step.score <= 4 + 1e-9 for step in again.steps)
    assert found.episode_return == pytest.approx(again.value)
    assert all(step.parts.keys() == again.parts.keys() for step in again.steps)


def test_a_restored_scorer_goes_on_as_if_nothing_had_happened() -> None:
    scenario = SCENARIOS["multi_hop"]
    first, second, end = oracle_turns(scenario)
    invariants.check_snapshots(scenario, [first], [second, end], [end], WORLD, REWARD)


@pytest.mark.parametrize(
    "parameters",
    [{"correct_max": 0}, {"correct_max": float("nan")}, {"format_min": 2}, {"format_max": float("inf")}],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(ScenarioError, match="tool_match needs"):
        ToolMatchReward(**parameters)  # type: ignore[arg-type]  # names come from the table above


def test_unknown_granularities_list_the_known_ones() -> None:
    for name in ("granularity", "assignment"):
        with pytest.raises(UnknownNameError, match="Known: "):
            get_reward("tool_match", **{name: "finest"})
