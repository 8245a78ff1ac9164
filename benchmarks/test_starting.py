"""What importing tool-gym and making environments cost.

    python -m pytest benchmarks/test_starting.py --benchmark-only --benchmark-columns=min,median

`python -m benchmarks.starting` tells the parts of an import apart.
"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import gymnasium as gym
import pytest

import tool_gym  # noqa: F401 - registers the environments

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

PROGRAMS = {
    "gymnasium": "import gymnasium",
    "and tool_gym": "import gymnasium, tool_gym",
    "and a first make": "import gymnasium, tool_gym; gymnasium.make('ToolUse-v0')",
}


@pytest.mark.benchmark(group="a new process that imports")
@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_import(benchmark: BenchmarkFixture, program: str) -> None:
    def start() -> int:
        return subprocess.run([sys.executable, "-c", program], check=True, timeout=60).returncode  # noqa: S603 - above

    assert benchmark.pedantic(start, rounds=7) == 0  # type: ignore[no-untyped-call]  # pytest-benchmark left it untyped


@pytest.mark.benchmark(group="gym.make")
@pytest.mark.parametrize("env_id", ["CartPole-v1", "ToolUse-v0"])
def test_warm_make(benchmark: BenchmarkFixture, env_id: str) -> None:
    gym.make(env_id).close()
    env = benchmark(gym.make, env_id)
    assert env.spec is not None
    assert env.spec.id == env_id
