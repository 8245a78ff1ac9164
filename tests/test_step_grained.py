"""`step_grained`: the invariants of its online mode, the published combination, and what farming each mode pays."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import chain, invariants
from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD, call, calls, closing, oracle_turns, play
from tool_gym.errors import ScenarioError, UnknownNameError
from tool_gym.rewards import Reward, StepGrainedReward, get_reward, online_reward, score
from tool_gym.rewards.judging import step_returns
from tool_gym.scenario import Scenario
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import Outcome, ToolCall, ToolResult, Turn
from tool_gym.world import World

DEFAULT = StepGrainedReward()
HARSH = StepGrainedReward(weight=0.3, penalty=2.0)
MEAN = StepGrainedReward(mode="mean")
COSTLY = StepGrainedReward(mode="mean", call_cost=0.55)
FINAL = StepGrainedReward(mode="final_only")
MULTI_HOP = SCENARIOS["multi_hop"]
OWNER = calls(call("get_ship", ship_id="SH1", field="owner_id"))
PORT = calls(call("get_owner", owner_id="OW2", field="home_port"))
HARMLESS = calls(call("calculate", operation="add", a=1, b=1))
FAILING = calls(call("get_owner", owner_id="nobody", field="home_port"))
RIGHT = Turn("Answer: Rotterdam")
HORIZON = 32


def paid(reward: Reward, *turns: Turn, scenario: Scenario = MULTI_HOP) -> list[float]:
    return [step.reward for step in play(scenario, turns, reward).steps]


# --- fail_penalty: an online reward


@pytest.mark.parametrize("name", WITH_ORACLE)
@pytest.mark.parametrize("check", invariants.CHECKS, ids=lambda check: check.__name__.removeprefix("check_"))
@pytest.mark.parametrize("reward", [DEFAULT, HARSH], ids=["default", "harsh"])
def test_invariant_holds(check: Callable[[Scenario, World, Reward], None], name: str, reward: Reward) -> None:
    check(SCENARIOS[name], WORLD, reward)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
@settings(max_examples=25)
@given(data=st.data())
def test_any_episode_scores_within_bounds_and_folds(name: str, data: st.DataObject) -> None:
    turns = data.draw(invariants.arbitrary_turns(SCENARIOS[name]))
    invariants.check_folding(SCENARIOS[name], turns, WORLD, HARSH)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
@settings(max_examples=15)
@given(data=st.data())
def test_whatever_a_record_holds_scores_within_bounds(name: str, data: st.DataObject) -> None:
    record = data.draw(invariants.arbitrary_records(SCENARIOS[name]))
    for reward in (DEFAULT, FINAL):
        scored = score(reward, SCENARIOS[name], record)
        assert all(-invariants.EXACT <= step.score <= 1 + invariants.EXACT for step in scored.steps)
    for step in score(MEAN, SCENARIOS[name], record).steps:
        assert all(0 <= step.parts[part] <= 1 for part in ("sc", "con", "solved", "progress"))


@pytest.mark.parametrize("reward", [DEFAULT, COSTLY, FINAL], ids=lambda reward: reward.name)
@pytest.mark.parametrize("name", ["multi_hop", "two_plans", "multi_turn", "ask"])
@settings(max_examples=10)
@given(data=st.data())
def test_a_snapshot_goes_on_as_if_nothing_had_happened(reward: Reward, name: str, data: st.DataObject) -> None:
    turns = invariants.arbitrary_turns(SCENARIOS[name])
    before, after, instead = (data.draw(turns) for _ in range(3))
    invariants.check_snapshots(SCENARIOS[name], before, after, instead, WORLD, reward)


@pytest.mark.parametrize("name", WITH_ORACLE)
@settings(max_examples=25)
@given(data=st.data())
def test_a_useless_attempt_always_costs(name: str, data: st.DataObject) -> None:
    """It lowers a score above 0, and the most that can still be had."""
    scenario = SCENARIOS[name]
    turns = data.draw(invariants.arbitrary_turns(scenario))
    before = play(scenario, turns, DEFAULT)
    if before.terminated:
        return
    after = play(scenario, [*turns, calls(call("no_such_tool"))], DEFAULT)
    assert after.steps[-1].reward < 0 or before.episode_return == 0
    assert ceiling(after) < ceiling(before)


def ceiling(played: Trajectory) -> float:
    """Return the score that the episode would have if everything were solved and met."""
    parts = (played.steps[-1].parts if played.steps else None) or {"needed": 1, "failed": 0, "useless": 0}
    return parts["needed"] / (parts["needed"] + DEFAULT.penalty * (parts["failed"] + parts["useless"] / 2))


def test_the_formula_is_the_one_that_is_written_down() -> None:
    failed, useless = 2 / 2.2, 2 / 2.1
    assert paid(DEFAULT, OWNER, PORT, RIGHT) == pytest.approx([0.25, 0.25, 0.5])
    assert sum(paid(DEFAULT, FAILING, OWNER, PORT, RIGHT)) == pytest.approx(failed)
    assert sum(paid(DEFAULT, HARMLESS, OWNER, PORT, RIGHT)) == pytest.approx(useless)
    assert paid(DEFAULT, OWNER, HARMLESS) == pytest.approx([0.25, 0.25 * useless - 0.25])
    assert paid(DEFAULT, OWNER, OWNER, FAILING)[2] == pytest.approx(0.25 * (2 / 2.3 - 2 / 2.1))
    assert paid(HARSH, OWNER, FAILING) == pytest.approx([0.15, 0.15 * 2 / 4 - 0.15])


@pytest.mark.parametrize("outcome", Outcome)
def test_an_attempt_costs_by_its_blame(outcome: Outcome) -> None:
    played = play(MULTI_HOP, oracle_turns(MULTI_HOP))
    extra = Step(HARMLESS, (ToolResult(outcome, {"value": 2}),))
    value = score(DEFAULT, MULTI_HOP, played._replace(steps=(extra, *played.steps))).value
    cost = 0.5 if outcome is Outcome.OK else 1.0 if outcome.charged else 0.0
    assert value == pytest.approx(2 / (2 + 0.2 * cost))


def test_with_several_plans_the_best_counts() -> None:
    scenario = SCENARIOS["two_plans"]
    for number in range(2):
        assert sum(paid(DEFAULT, *oracle_turns(scenario, number), scenario=scenario)) == pytest.approx(1)
    first, second = (oracle_turns(scenario, number)[1] for number in range(2))
    both = paid(DEFAULT, oracle_turns(scenario)[0], first, second, *oracle_turns(scenario)[2:], scenario=scenario)
    assert sum(both) == pytest.approx(3 / 3.1)


def test_parts_have_the_same_keys_at_every_step() -> None:
    for reward in (DEFAULT, MEAN, FINAL):
        scorer = reward.start(MULTI_HOP)
        keys = [list(scorer.parts())]
        keys += [list(step.parts or ()) for step in play(MULTI_HOP, [OWNER, FAILING, PORT, RIGHT], reward).steps]
        assert keys == [keys[0]] * 5
    parts = play(MULTI_HOP, [OWNER, FAILING, HARMLESS], DEFAULT).steps[-1].parts
    assert parts is not None
    assert {name: parts[name] for name in ("sc", "con", "solved", "progress", "failed", "useless", "needed")} == {
        "sc": 1.0,
        "con": 0.0,
        "solved": 0.0,
        "progress": 0.5,
        "failed": 1.0,
        "useless": 1.0,
        "needed": 2.0,
    }


# --- mean: the published combination


def test_a_call_is_paid_half_for_success_and_half_for_contribution() -> None:
    assert paid(MEAN, OWNER, HARMLESS, FAILING, PORT, RIGHT) == [1.0, 0.5, 0.0, 1.0, 1.0]
    assert paid(MEAN, OWNER, Turn("Answer: Bergen")) == [1.0, 0.0]
    assert paid(COSTLY, OWNER, HARMLESS, FAILING, PORT, RIGHT) == pytest.approx([0.45, -0.05, -0.55, 0.45, 1.0])


def test_the_calls_of_a_turn_are_paid_one_by_one() -> None:
    together = calls(*OWNER.calls, *HARMLESS.calls, *FAILING.calls)
    assert paid(MEAN, together) == pytest.approx([1.5])
    parts = play(MULTI_HOP, [together], MEAN).steps[0].parts
    assert parts is not None
    assert (parts["sc"], parts["con"]) == pytest.approx((2 / 3, 1 / 3))


def test_each_user_turn_is_an_episode_of_its_own() -> None:
    scenario = SCENARIOS["multi_turn"]
    assert paid(MEAN, *oracle_turns(scenario), scenario=scenario) == [1.0] * 4
    assert paid(FINAL, *oracle_turns(scenario), scenario=scenario) == [0.0, 0.5, 0.0, 0.5]
    right = oracle_turns(SCENARIOS["ask"])
    assert paid(MEAN, *right, scenario=SCENARIOS["ask"]) == [1.0] * 3
    assert paid(MEAN, Turn("Ask: who?"), *right, scenario=SCENARIOS["ask"]) == [0.5, 1.0, 1.0, 1.0]


# --- defects of the released trainer: it drops the last reward and counts steps from the wrong end


@pytest.mark.parametrize("reward", [MEAN, FINAL, DEFAULT], ids=lambda reward: reward.mode)
@pytest.mark.parametrize("gamma", [1.0, 0.9])
def test_whether_it_is_solved_changes_the_last_reward_and_every_return(reward: StepGrainedReward, gamma: float) -> None:
    solved, unsolved = (paid(reward, OWNER, HARMLESS, PORT, end) for end in (RIGHT, Turn("Answer: Bergen")))
    assert solved[:-1] == unsolved[:-1]
    change = solved[-1] - unsolved[-1]
    assert change == pytest.approx(0.5 * 2 / 2.1 if reward is DEFAULT else 1.0)
    returns = zip(step_returns(solved, gamma), step_returns(unsolved, gamma), strict=True)
    assert [one - other for one, other in returns] == pytest.approx([change * gamma ** (3 - i) for i in range(4)])


@pytest.mark.parametrize("reward", [MEAN, FINAL, DEFAULT], ids=lambda reward: reward.mode)
def test_an_episode_of_one_step_is_paid(reward: StepGrainedReward) -> None:
    declined = paid(reward, Turn("Decline: no tool reads the wind."), scenario=SCENARIOS["decline"])
    assert declined == [1.0]
    assert step_returns(declined, 0.99) == (1.0,)


# --- farming


def farmed(scenario: Scenario) -> list[Turn]:
    """Return turns whose call succeeds however often it is made."""
    made = [calls(ToolCall(goal.tool, dict(goal.arguments or {}))) for goal in scenario.sub_goals]
    return [
        turn for turn in [*made, HARMLESS] if all(step.results[0].ok for step in play(scenario, [turn] * HORIZON).steps)
    ]


@pytest.mark.parametrize("reward", ["solve", DEFAULT, HARSH, COSTLY, FINAL], ids=["solve", *"abcd"])
@pytest.mark.parametrize("name", WITH_ORACLE)
def test_the_oracle_out_earns_farming_and_giving_up(reward: str | Reward, name: str) -> None:
    scenario, online = SCENARIOS[name], online_reward(reward)
    earned = min(sum(paid(online, *oracle_turns(scenario, n), scenario=scenario)) for n in range(len(scenario.plans)))
    ends = [closing(scenario, number) for number in range(len(scenario.user_turns))]
    for turn in farmed(scenario):
        assert sum(paid(online, *[turn] * HORIZON, scenario=scenario)) < earned
        to_the_end = sum(paid(online, *[turn] * (HORIZON - len(ends)), *ends, scenario=scenario))
        assert to_the_end < earned or (reward is FINAL and to_the_end == earned)  # only the end counts there
    given_up = [Turn("I do not know.")] * len(ends)
    assert sum(paid(online, *given_up, scenario=scenario)) < earned


def test_mean_is_farmed_so_it_is_for_stored_trajectories_only() -> None:
    assert sum(paid(MEAN, *[HARMLESS] * HORIZON)) == 16 > sum(paid(MEAN, *oracle_turns(MULTI_HOP)))
    actions = [0, 1, 2, 3, chain.FINISH]
    solver = chain.play_actions(MEAN.start(chain.CHAIN), iter(actions))
    farmer = chain.play_actions(MEAN.start(chain.CHAIN), iter([4] * chain.HORIZON))
    assert solver.solved
    assert sum(solver.rewards) == sum(farmer.rewards) == 5.0
    with pytest.raises(ScenarioError, match="stored trajectories"):
        online_reward(MEAN)


@pytest.mark.parametrize(
    ("reward", "online"),
    [
        ("step_grained", True),
        ("step_grained:mode=final_only", True),
        ("step_grained:mode=mean", False),
        ("step_grained:mode=mean:call_cost=0.5", False),
        ("step_grained:mode=mean:call_cost=0.55", True),
        ("step_grained:mode=mean:call_cost=0.55:contribution=provenance", False),
        ("solve", True),
    ],
)
def test_only_a_reward_that_cannot_be_farmed_is_for_environments(reward: str, online: bool) -> None:  # noqa: FBT001 - a table's column
    if online:
        assert online_reward(reward) == get_reward(reward)
    else:
        with pytest.raises(ScenarioError, match="not for an environment"):
            online_reward(reward)


def test_a_tabular_agent_learns_the_chain_from_step_rewards_and_not_from_the_end_alone() -> None:
    for seed in chain.SEEDS:
        assert chain.learn(DEFAULT, seed) >= 0.95
        assert chain.learn(FINAL, seed) < 0.5


# --- parameters


@pytest.mark.parametrize(
    "parameters",
    [
        {"weight": 0},
        {"weight": 1},
        {"penalty": 0},
        {"penalty": float("inf")},
        {"penalty": float("nan")},
        {"mode": "mean", "call_cost": 1},
        {"mode": "mean", "call_cost": -0.1},
        {"mode": "mean", "penalty": 1},
        {"call_cost": 0.6},
        {"contribution": "lcs"},
        {"mode": "final_only", "weight": 0.4},
    ],
)
def test_parameters_out_of_place_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(ScenarioError, match="step_grained"):
        StepGrainedReward(**parameters)  # type: ignore[arg-type]  # names come from the table above


def test_unknown_modes_and_contributions_list_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'fail_penalty'"):
        StepGrainedReward(mode="fail-penalty")
    with pytest.raises(UnknownNameError, match="Known: gold, lcs, provenance"):
        StepGrainedReward(mode="mean", contribution="judge")
