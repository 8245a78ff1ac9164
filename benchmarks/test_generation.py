"""What making scenarios costs, every gate passed.

    python -m pytest benchmarks/test_generation.py --benchmark-only --benchmark-timer=time.process_time

One round makes 64 scenarios, 16 over each of four worlds that no round has seen; `python -m
benchmarks.profile_generation` says what stages and gates take.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from benchmarks.generation import make

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

BLOCKS, ROUNDS = 4, 5
_SEEDS = itertools.count(1)


@pytest.mark.benchmark(group="making 64 scenarios")
@pytest.mark.parametrize("complexity", [0, None], ids=["complexity 0", "the full mix"])
def test_making_scenarios(benchmark: BenchmarkFixture, complexity: int | None) -> None:
    def fresh() -> tuple[tuple[int, int, int | None], dict[str, object]]:
        return (BLOCKS, next(_SEEDS), complexity), {}

    made = benchmark.pedantic(make, setup=fresh, rounds=ROUNDS, warmup_rounds=2)  # type: ignore[no-untyped-call]  # it has no annotations
    assert made.scenarios > 0.9 * BLOCKS * 16
    benchmark.extra_info["attempts a scenario"] = made.attempts / made.scenarios
