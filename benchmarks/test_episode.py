"""What an episode's start, a snapshot and a restore cost, in a small world and in one of a megabyte.

python -m pytest benchmarks/test_episode.py --benchmark-only --benchmark-columns=min,median
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from benchmarks.add4 import PACK, turns_of
from benchmarks.worlds import depot_pack, write_call
from tool_gym.envs.env import ToolUseEnv

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

    from tool_gym.envs.pack import Pack

WRITES = 20
WORLDS = {"small world": PACK, "1 MB world": depot_pack()}

pytestmark = pytest.mark.parametrize("pack", WORLDS.values(), ids=WORLDS)


@pytest.mark.benchmark(group="reset")
def test_reset_to_the_same_scenario(benchmark: BenchmarkFixture, pack: Pack) -> None:
    env = ToolUseEnv(pack)
    options = {"scenario": pack.entries()[0].id}
    assert benchmark(env.reset, options=options)[1]["scenario_id"] == options["scenario"]


@pytest.mark.benchmark(group="reset")
def test_reset_to_another_scenario(benchmark: BenchmarkFixture, pack: Pack) -> None:
    env = ToolUseEnv(pack)
    options = itertools.cycle([{"scenario": entry.id} for entry in pack.entries()])
    assert benchmark(lambda: env.reset(options=next(options)))[0]


@pytest.mark.benchmark(group="reset")
def test_reset_to_a_scenario_drawn(benchmark: BenchmarkFixture, pack: Pack) -> None:
    env = ToolUseEnv(pack)
    env.reset(seed=1)
    assert benchmark(env.reset)[0]


@pytest.mark.benchmark(group="snapshot and restore")
def test_snapshot(benchmark: BenchmarkFixture, pack: Pack) -> None:
    env = under_way(pack)
    assert len(benchmark(env.snapshot).steps) == len(env.trajectory.steps) > 0


@pytest.mark.benchmark(group="snapshot and restore")
def test_restore(benchmark: BenchmarkFixture, pack: Pack) -> None:
    env = under_way(pack)
    digest, steps, state = env.state_digest(), env.trajectory.steps, env.snapshot()
    env.step("Answer: 1")
    benchmark(env.restore, state)
    assert (env.state_digest(), env.trajectory.steps) == (digest, steps)


def under_way(pack: Pack) -> ToolUseEnv:
    """Return an environment in the middle of an episode: after three calls, or in the large world some writes."""
    env = ToolUseEnv(pack)
    env.reset(options={"scenario": pack.entries()[0].id})
    for turn in turns_of(0)[:3] if pack is PACK else [write_call(f"PC{n}", 900 + n) for n in range(1, WRITES + 1)]:
        env.step(turn)
    return env
