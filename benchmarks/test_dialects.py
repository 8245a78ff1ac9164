"""What reading a turn costs, in each dialect: one call, and a long thought with three calls.

python -m pytest benchmarks/test_dialects.py --benchmark-only --benchmark-columns=min,median
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tool_gym.dialects import DIALECTS
from tool_gym.turns import ToolCall, Turn

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture

THOUGHT = "The user wants the two weights added. First I look both parcels up, then the depot they lie in. " * 35
ONE_CALL = Turn(calls=(ToolCall("get_parcel", {"parcel_id": "PC1702", "field": "weight"}),))
THINKING = Turn(
    reasoning=THOUGHT.strip(),
    calls=(
        ToolCall("get_parcel", {"parcel_id": "PC1702", "field": "weight"}),
        ToolCall("get_parcel", {"parcel_id": "PC88", "field": "weight"}),
        ToolCall("search_parcels", {"filters": {"due": "2025-03-04", "state": "waiting"}, "limit": 5, "page": 1}),
    ),
)


@pytest.mark.benchmark(group="parse: one call")
@pytest.mark.parametrize("name", DIALECTS)
def test_one_call(benchmark: BenchmarkFixture, name: str) -> None:
    parsed(benchmark, name, ONE_CALL)


@pytest.mark.benchmark(group=f"parse: {len(THOUGHT):,} characters of thought and three calls")
@pytest.mark.parametrize("name", DIALECTS)
def test_thinking_and_three_calls(benchmark: BenchmarkFixture, name: str) -> None:
    parsed(benchmark, name, THINKING)


def parsed(benchmark: BenchmarkFixture, name: str, turn: Turn) -> None:
    """Time the reading of a turn as the dialect writes it; what is read must be what was written."""
    dialect = DIALECTS[name]
    read = benchmark(dialect.parse, dialect.write(turn))
    calls = [call._replace(id="") if isinstance(call, ToolCall) else call for call in read.calls]
    assert (calls, read.reasoning) == (list(turn.calls), turn.reasoning)
