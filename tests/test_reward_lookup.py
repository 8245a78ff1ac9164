"""Rewards by name, with their parameters in the name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tool_gym.errors import ScenarioError, ToolGymError, UnknownNameError
from tool_gym.rewards import REWARDS, SolveReward, StepGrainedReward, ToolMatchReward, get_reward, online_reward


def test_every_reward_is_found_by_its_name() -> None:
    assert {get_reward(name).name for name in REWARDS} == set(REWARDS)


@pytest.mark.parametrize(
    ("line", "reward"),
    [
        ("solve:beta=2:weight=0.25", SolveReward(weight=0.25, beta=2)),
        ("step_grained:mode=mean", StepGrainedReward(mode="mean")),
        ("step_grained:penalty=1e1", StepGrainedReward(penalty=10)),
        ("tool_match:granularity=coarse:correct_max=1", ToolMatchReward("coarse", correct_max=1)),
    ],
)
def test_a_name_may_carry_parameters(line: str, reward: object) -> None:
    assert get_reward(line) == reward


def test_parameters_given_apart_win() -> None:
    assert get_reward("solve:beta=2", beta=3.0) == SolveReward(beta=3)


@pytest.mark.parametrize(
    "reward",
    [
        StepGrainedReward(),
        StepGrainedReward(weight=1 / 3, penalty=7),
        StepGrainedReward(mode="mean", contribution="lcs", call_cost=0.1 + 0.2),
        ToolMatchReward(granularity="intermediate", assignment="optimal", format_max=2, format_min=-1),
    ],
)
def test_a_reward_s_name_leads_back_to_it(reward: StepGrainedReward | ToolMatchReward) -> None:
    assert get_reward(reward.name) == reward
    assert replace(reward).name == reward.name


@pytest.mark.parametrize(
    ("line", "error", "message"),
    [
        ("solv", UnknownNameError, "Did you mean 'solve'"),
        ("", UnknownNameError, "no reward named ''"),
        ("solve:bta=2", UnknownNameError, r"no parameter of solve named 'bta'\. Did you mean 'beta'"),
        ("solve:name=mine", UnknownNameError, "no parameter of solve named 'name'"),
        ("ftrl_f1:beta=2", UnknownNameError, "Known: none"),
        ("solve:beta", ScenarioError, "NAME:PARAMETER=VALUE"),
        ("solve:beta=", ScenarioError, "NAME:PARAMETER=VALUE"),
        ("solve:", ScenarioError, "NAME:PARAMETER=VALUE"),
        ("solve:beta=2:beta=3", ScenarioError, "each parameter once"),
        ("solve:beta=two", ScenarioError, "solve:beta must be a number, not 'two'"),
        ("solve:beta=-1", ScenarioError, "solve needs"),
        ("step_grained:mode=mean_", UnknownNameError, "Did you mean 'mean'"),
    ],
)
def test_a_line_that_names_no_reward_is_told(line: str, error: type[ToolGymError], message: str) -> None:
    for look_up in (get_reward, online_reward):
        with pytest.raises(error, match=message):
            look_up(line)


def test_a_reward_of_one_s_own_passes_through() -> None:
    class Mine:
        name = "mine"

    mine = Mine()
    assert get_reward(mine) is mine  # type: ignore[arg-type,comparison-overlap]  # only the name is looked at here
    assert online_reward(mine) is mine  # type: ignore[arg-type,comparison-overlap]  # as above
