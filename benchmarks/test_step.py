"""What a step costs: our full path beside a bare environment, in one run.

    python -m pytest benchmarks/test_step.py --benchmark-only --benchmark-columns=min,median,ops

One round plays all 64 ADD4 episodes, 320 steps; divide by that for one step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gymnasium as gym
import pytest

from benchmarks.add4 import EPISODES, STEPS, BareEnv, add4_pack, turns_of
from tool_gym.envs.env import ToolUseEnv

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

TURNS = [turns_of(episode) for episode in range(EPISODES)]
PACK = add4_pack()
IDS = [entry.id for entry in PACK.entries()]


def player(env: gym.Env[Any, Any], options: list[dict[str, Any] | None]) -> Callable[[], float]:
    """Return a function that plays every episode and returns the sum of the rewards."""

    def play() -> float:
        total = 0.0
        step, reset = env.step, env.reset
        for turns, option in zip(TURNS, options, strict=True):
            reset(options=option)
            for turn in turns:
                total += float(step(turn)[1])
        return total

    return play


@pytest.fixture
def registered() -> Any:
    """Our environment through `gym.make`, with its default wrappers."""
    gym.register("Add4-v0", entry_point="tool_gym.envs.env:ToolUseEnv", kwargs={"pack": PACK})
    yield gym.make("Add4-v0")
    del gym.registry["Add4-v0"]


def test_bare_env(benchmark: BenchmarkFixture) -> None:
    benchmark.group = f"ADD4, {EPISODES * STEPS} steps a round"
    assert benchmark(player(BareEnv(), [None] * EPISODES)) == EPISODES


def test_full_path(benchmark: BenchmarkFixture) -> None:
    benchmark.group = f"ADD4, {EPISODES * STEPS} steps a round"
    env = ToolUseEnv(PACK)
    assert benchmark(player(env, [{"scenario": name} for name in IDS])) == pytest.approx(EPISODES)


def test_full_path_through_gym_make(benchmark: BenchmarkFixture, registered: Any) -> None:
    benchmark.group = f"ADD4, {EPISODES * STEPS} steps a round"
    assert benchmark(player(registered, [{"scenario": name} for name in IDS])) == pytest.approx(EPISODES)


def test_snapshot(benchmark: BenchmarkFixture) -> None:
    env = ToolUseEnv(PACK)
    env.reset(options={"scenario": IDS[0]})
    for turn in TURNS[0][:3]:
        env.step(turn)
    assert benchmark(env.snapshot).steps


def test_restore(benchmark: BenchmarkFixture) -> None:
    env = ToolUseEnv(PACK)
    env.reset(options={"scenario": IDS[0]})
    env.step(TURNS[0][0])
    state = env.snapshot()
    benchmark(env.restore, state)
    assert len(env.trajectory.steps) == 1
