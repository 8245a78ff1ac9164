"""What a step costs: the full path beside a bare environment, alone and in vector environments, in one run.

    python -m pytest benchmarks/test_step.py --benchmark-only --benchmark-columns=min,median,ops

One round plays all 64 ADD4 episodes, 320 steps; divide by that for one step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gymnasium as gym
import pytest

from benchmarks.add4 import BARE_ID, ENV_ID, PACK, BareEnv, register
from benchmarks.peers.workload import EPISODES, STEPS, Player
from benchmarks.players import all_alike, bare, by_scenario, named, ours, vector
from tool_gym.envs.env import ToolUseEnv

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

pytestmark = pytest.mark.benchmark(group=f"ADD4, {EPISODES * STEPS} steps a round")


@pytest.fixture(autouse=True)
def _registered() -> None:
    register()


def played(benchmark: BenchmarkFixture, play: Player) -> None:
    """Time a round of every episode; each must earn 1."""
    assert benchmark(play, EPISODES) == pytest.approx(EPISODES)


def test_bare_env(benchmark: BenchmarkFixture) -> None:
    played(benchmark, bare(BareEnv()))


def test_bare_env_in_sync_vector_env_of_64(benchmark: BenchmarkFixture) -> None:
    played(benchmark, vector(gym.make_vec(BARE_ID, num_envs=64, vectorization_mode="sync"), all_alike(64)))


def test_full_path(benchmark: BenchmarkFixture) -> None:
    played(benchmark, ours(ToolUseEnv(PACK)))


def test_full_path_through_gym_make(benchmark: BenchmarkFixture) -> None:
    played(benchmark, ours(gym.make(ENV_ID)))


def test_full_path_in_native_vector_env_of_64(benchmark: BenchmarkFixture) -> None:
    played(benchmark, named(gym.make_vec(ENV_ID, num_envs=64, vectorization_mode="vector_entry_point")))


def test_full_path_in_native_vector_env_of_64_that_draws(benchmark: BenchmarkFixture) -> None:
    envs = gym.make_vec(ENV_ID, num_envs=64, vectorization_mode="vector_entry_point")
    played(benchmark, vector(envs, by_scenario))


def test_full_path_in_sync_vector_env_of_64_that_draws(benchmark: BenchmarkFixture) -> None:
    played(benchmark, vector(gym.make_vec(ENV_ID, num_envs=64, vectorization_mode="sync"), by_scenario))


def test_full_path_in_async_vector_env_of_8_that_draws(benchmark: BenchmarkFixture) -> None:
    kwargs = {"shared_memory": False}  # texts have no fixed size
    envs = gym.make_vec(ENV_ID, num_envs=8, vectorization_mode="async", vector_kwargs=kwargs)
    played(benchmark, vector(envs, by_scenario))
    envs.close()
