"""The invariants of `solve`, over every handmade scenario; that the page's numbers hold is tests/test_reward_doc.py."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import invariants
from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD, call, calls, oracle_turns, play, scenario
from tool_gym.errors import ScenarioError
from tool_gym.rewards import REWARDS, SolveReward, get_reward, score
from tool_gym.rewards.solve import SolveScorer
from tool_gym.scenario import AskGoal, Scenario
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import BrokenCall, Outcome, ToolCall, ToolResult, Turn
from tool_gym.world import World

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.parametrize("name", WITH_ORACLE)
@pytest.mark.parametrize("check", invariants.CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("reward", [SolveReward(), SolveReward(weight=0.3, beta=2)], ids=["solve", "beta2"])
def test_invariant_holds(check: Callable[[Scenario, World, SolveReward], None], name: str, reward: SolveReward) -> None:
    check(SCENARIOS[name], WORLD, reward)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
@settings(max_examples=40)
@given(data=st.data())
def test_any_episode_scores_within_bounds_and_folds(name: str, data: st.DataObject) -> None:
    turns = data.draw(invariants.arbitrary_turns(SCENARIOS[name]))
    invariants.check_folding(SCENARIOS[name], turns, WORLD)


@pytest.mark.parametrize("name", ["multi_hop", "two_plans", "write", "multi_turn", "ask", "fault", "imported"])
@settings(max_examples=25)
@given(data=st.data())
def test_a_snapshot_goes_on_as_if_nothing_had_happened(name: str, data: st.DataObject) -> None:
    turns = invariants.arbitrary_turns(SCENARIOS[name])
    before, after, instead = (data.draw(turns) for _ in range(3))
    invariants.check_snapshots(SCENARIOS[name], before, after, instead, WORLD)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
@settings(max_examples=25)
@given(data=st.data())
def test_any_sequence_of_steps_scores_within_bounds(name: str, data: st.DataObject) -> None:
    """A stored trajectory may hold what no tool ever said."""
    item = SCENARIOS[name]
    scored = score(SolveReward(), item, data.draw(invariants.arbitrary_records(item)))
    assert all(0 <= step.score <= 1 + invariants.EXACT for step in scored.steps)
    assert sum(step.delta for step in scored.steps) == pytest.approx(scored.value, abs=1e-9)


def test_a_result_nobody_could_read_scores_nothing() -> None:
    nested: Any = "OW2"
    for _ in range(5000):
        nested = [nested]
    there = [{"owner_id": "OW2", "id": {}}, [["OW2"]]]
    elsewhere = [
        nested,
        {"owner_id": nested},
        {"id": "SH1", "owner_id": "OW" + "2" * 10**6},
        10**400,
        None,
        float("nan"),
        {},
        {"id": []},
    ]
    for value in there + elsewhere:
        for name in ("multi_hop", "imported"):
            turn = calls(call("get_ship", ship_id="SH1", field="owner_id"))
            step = Step(turn, (ToolResult(Outcome.OK, value),))
            scored = score(SolveReward(), SCENARIOS[name], Trajectory("x", (step,)))
            assert scored.parts["solved"] == (name == "imported" and any(value is item for item in there))


@pytest.mark.parametrize("outcome", Outcome)
def test_an_attempt_is_charged_by_its_blame(outcome: Outcome) -> None:
    item, turns = SCENARIOS["multi_hop"], oracle_turns(SCENARIOS["multi_hop"])
    played = play(item, turns)
    extra = Step(
        calls(call("get_ship", ship_id="SH8", field="crew")), (ToolResult(outcome, {"id": "SH8", "crew": 29}),)
    )
    scored = score(SolveReward(), item, played._replace(steps=(extra, *played.steps)))
    assert scored.value == pytest.approx(0.9 if outcome.charged else 1.0)
    assert scored.parts["charged"] == 3 if outcome.charged else 2


def test_a_call_that_is_no_call_is_charged_even_if_recorded_as_ok() -> None:
    step = Step(Turn(calls=(BrokenCall("bad_json", ""),)), (ToolResult(Outcome.OK, {"id": "SH1", "owner_id": "OW2"}),))
    scored = score(SolveReward(), SCENARIOS["multi_hop"], Trajectory("x", (step,)))
    assert (scored.parts["charged"], scored.parts["solved"]) == (1, 0)


def test_one_question_is_good_for_one_slot() -> None:
    goals = [
        AskGoal(id=name, slot=name, keywords=(name, "detail"), reply=f"The {name} is known.")
        for name in ("day", "berth")
    ]
    item = scenario("ask", "Book something.", [], goals, [])
    both = play(item, [Turn("Ask: Which day and which berth?")])
    assert both.steps[0].reply == "The day is known."
    assert both.episode_return == pytest.approx(0.5 * 2 / 3 + 0.5 * 0.5)
    assert play(item, [Turn("Ask: any detail?")] * 2).episode_return == pytest.approx(1)
    assert play(item, [Turn("Ask: day?")] * 2).episode_return == pytest.approx(0.5 * 2 / 4 + 0.5 * 0.5)


def test_parts_have_the_same_keys_at_every_step() -> None:
    played = play(SCENARIOS["join"], oracle_turns(SCENARIOS["join"]))
    keys = [list(step.parts or ()) for step in played.steps]
    assert keys == [list(SolveReward().start(SCENARIOS["join"]).parts())] * len(keys)
    assert score(SolveReward(), SCENARIOS["imported"], Trajectory("x")).parts["value_only"] == 1


def test_scorers_of_one_scenario_do_not_share_state() -> None:
    item = SCENARIOS["multi_hop"]
    played = play(item, oracle_turns(item))
    first, second = SolveReward().start(item), SolveReward().start(item)
    for step in played.steps:
        assert first.step(step).delta == second.step(step).delta


@pytest.mark.parametrize(
    "parameters",
    [{"weight": 0}, {"weight": 1}, {"beta": 0}, {"beta": -1}, {"beta": float("inf")}, {"weight": float("nan")}],
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(ScenarioError, match="solve needs"):
        SolveReward(**parameters)


def test_solve_is_looked_up_by_its_name() -> None:
    assert get_reward("solve", beta=2.0) == SolveReward(beta=2.0)
    assert get_reward("solve").name == "solve"
    assert "solve" in REWARDS
    assert isinstance(get_reward("solve").start(SCENARIOS["write"]), SolveScorer)


def test_scores_do_not_depend_on_the_process() -> None:
    program = (
        "from tests.handmade import *\n"
        "for name in WITH_ORACLE:\n"
        "    played = play(SCENARIOS[name], oracle_turns(SCENARIOS[name])[:-1])\n"
        "    print(name, SCENARIOS[name].id, WORLD.id, played.to_json())\n"
    )
    texts = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1")
    }
    assert len(texts) == 1
    assert "multi_hop" in texts.pop()


def test_identical_calls_are_told_by_what_they_mean() -> None:
    booking: dict[str, Any] = {"booking_id": "BK3"}
    item, same = SCENARIOS["two_plans"], [booking, {**booking, "verbose": True}, {"verbose": False, **booking}]
    for again in same:
        turns = [calls(ToolCall("get_booking", booking)), calls(ToolCall("get_booking", again))]
        assert play(item, turns).steps[1].reward < 0
