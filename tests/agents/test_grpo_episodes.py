"""What a batch of episodes amounts to: figures and groups; no torch needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.agents.toy import toy_pack
from tool_gym.agents.grpo.episodes import (
    Played,
    advantage_figures,
    episode_figures,
    group_results,
    played,
    timing_figures,
)
from tool_gym.agents.rollouts import Rollout, Timing
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies import OraclePolicy, RepeatPolicy
from tool_gym.envs.policies.base import Policy
from tool_gym.envs.rollout import rollout
from tool_gym.errors import AgentError
from tool_gym.summary import summarize

PACK = toy_pack(2)
PLAYERS: tuple[Policy, ...] = (OraclePolicy(), RepeatPolicy())


def episodes(reward: str, scenarios: Sequence[str] = ("toy0", "toy1")) -> list[Rollout]:
    env = ToolUseEnv(PACK, reward=reward)
    found = []
    for scenario in scenarios:
        for policy in PLAYERS:
            trajectory = rollout(env, policy, seed=0, options={"scenario": scenario})
            rewards = [step.reward for step in trajectory.steps]
            found.append(Rollout(trajectory, [], [], [], [], rewards, overlong=policy.name == "repeat"))
    return found


@pytest.mark.parametrize("reward", ["solve", "step_grained", "ftrl_f1"])
def test_figures_are_those_of_the_summary_whatever_the_reward(reward: str) -> None:
    figures = episode_figures([played(one, PACK) for one in episodes(reward)], 2)
    summary = summarize("", [one.trajectory for one in episodes("solve")])
    assert figures["solve_p"] == pytest.approx(summary.solve_p)
    assert figures["solve_r"] == pytest.approx(summary.solve_r)
    assert figures["solve_f1"] == pytest.approx(summary.solve_f1)
    assert figures["solved"] == summary.answer_accuracy == 0.5
    assert figures["calls"] == summary.calls == (2 + 8) / 2
    assert figures["turns"] == (3 + 9) / 2
    assert figures["junk_calls"] == 7 / 2
    assert figures["overlong"] == 0.5
    assert figures["return"] == pytest.approx(np.mean([sum(one.rewards) for one in episodes(reward)]))


def test_groups_without_spread_are_counted() -> None:
    oracle = played(episodes("solve")[0], PACK)
    farmer = played(episodes("solve")[1], PACK)
    assert episode_figures([oracle, oracle, oracle, farmer], 2)["groups_without_spread"] == 0.5


def test_an_episode_without_a_turn_has_no_figures_of_its_own() -> None:
    silent = Played("toy0", (), {}, 0, overlong=True)
    figures = episode_figures([silent, silent], 2)
    assert figures["return"] == figures["solved"] == figures["turns"] == 0
    assert not {"solve_p", "solve_r", "goals"} & figures.keys()


def test_groups_are_told_with_returns_and_who_solved() -> None:
    results = group_results([played(one, PACK) for one in episodes("solve")], 2)
    assert [result.scenario_id for result in results] == ["toy0", "toy1"]
    assert all(result.solved == (True, False) and result.returns[0] == pytest.approx(1.0) for result in results)


def test_a_group_of_two_scenarios_is_refused() -> None:
    with pytest.raises(AgentError, match=r"toy0.*toy1.*same seed"):
        group_results([played(one, PACK) for one in episodes("solve")][1:3], 2)


def test_deviations_are_of_the_turns_that_two_reached() -> None:
    made: list[Any] = [np.array([1.0, 2.0, 5.0]), np.array([3.0, 2.0]), np.array([])]
    assert advantage_figures(made) == {"advantage_std/turn_0": 1.0, "advantage_std/turn_1": 0.0}


def test_the_environments_share_is_of_all_the_time() -> None:
    timings = [Timing(env_seconds=1, model_seconds=2, encode_seconds=1), Timing(1, 4, 1)]
    assert timing_figures(timings)["env_share"] == pytest.approx(1 / 5)
    assert timing_figures([Timing()])["env_share"] == 0
