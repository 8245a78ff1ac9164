"""What 10,000 live episodes take in memory; the time is what it takes to begin them and play them out.

    python -m pytest benchmarks/test_memory.py --benchmark-only --benchmark-json=memory.json

The MiB stand in the JSON, as `extra_info`; `python -m benchmarks.live_episodes` prints them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.live_episodes import apart

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

MOST = 1024
"""MiB."""


@pytest.mark.benchmark(group="10,000 live episodes")
@pytest.mark.parametrize("options", [("add4",), ("everyday", "--split", "test")], ids=["ADD4", "everyday"])
def test_live_episodes(benchmark: BenchmarkFixture, options: tuple[str, ...]) -> None:
    memory = benchmark.pedantic(apart, options, rounds=1)  # type: ignore[no-untyped-call]  # pytest-benchmark left it untyped
    benchmark.extra_info["MiB"] = memory.episodes
    assert memory.episodes <= MOST
