"""What scoring a stored trajectory costs, by each reward.

    python -m pytest benchmarks/test_rewards.py --benchmark-only --benchmark-columns=min,median

One round scores an oracle's episode of every shape in the bundled pack.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import tool_gym
from tool_gym.envs.pack import Task, open_pack
from tool_gym.rewards import REWARDS, Reward, Score, get_reward, score
from tool_gym.trajectory import Trajectory

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


PERFECT = ("solve", "step_grained")
"""Rewards that pay the oracle exactly 1, whatever the shape."""


@pytest.fixture(scope="module")
def stored() -> list[tuple[Task, Trajectory]]:
    """An episode of every shape, played by the oracle and read back as it is stored."""
    pack = open_pack("everyday")
    firsts = {entry.shape: entry.id for entry in reversed(pack.entries("test"))}
    env = tool_gym.ToolUseEnv(pack)
    played = [
        tool_gym.rollout(env, tool_gym.get_policy("oracle"), options={"scenario": name}) for name in firsts.values()
    ]
    return [(pack.task(item.scenario_id), Trajectory.from_json(item.to_json())) for item in played]


@pytest.mark.benchmark(group="scoring an episode of every shape")
@pytest.mark.parametrize("name", REWARDS)
def test_reward(benchmark: BenchmarkFixture, name: str, stored: list[tuple[Task, Trajectory]]) -> None:
    reward = get_reward(name)
    scores = benchmark(scored, reward, stored)
    assert [sum(step.delta for step in item.steps) for item in scores] == pytest.approx([item.value for item in scores])
    if name in PERFECT:
        assert [item.value for item in scores] == pytest.approx([1.0] * len(stored))


def scored(reward: Reward, stored: list[tuple[Task, Trajectory]]) -> list[Score]:
    """Score every stored episode."""
    return [score(reward, task.scenario, trajectory) for task, trajectory in stored]
