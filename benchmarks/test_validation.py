"""What checking a call's arguments against the tool's schema costs, and what saying what is wrong with them costs.

python -m pytest benchmarks/test_validation.py --benchmark-only --benchmark-columns=min,median
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tool_gym.validation import ArgumentValidator

if TYPE_CHECKING:
    from pytest_benchmark.fixture import BenchmarkFixture


class Case(NamedTuple):
    """A schema, arguments that fit it, and arguments that don't."""

    schema: dict[str, Any]
    fitting: dict[str, Any]
    wrong: dict[str, Any]


_INTEGER = {"type": "integer"}
SMALL = Case(
    {
        "type": "object",
        "properties": {"a": _INTEGER, "b": _INTEGER},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
    {"a": 3, "b": 4},
    {"a": 3, "b": "4"},
)
_ITEM = {
    "type": "object",
    "properties": {
        "parcel_id": {"type": "string", "pattern": "^PC[0-9]{1,6}$"},
        "count": {"type": "integer", "minimum": 1, "maximum": 99},
        "handling": {"type": "string", "enum": ["normal", "fragile", "cold"]},
    },
    "required": ["parcel_id", "count"],
    "additionalProperties": False,
}
_ITEMS = [
    {"parcel_id": "PC17", "count": 2, "handling": "fragile"},
    {"parcel_id": "PC1702", "count": 1},
    {"parcel_id": "PC5", "count": 40, "handling": "cold"},
]
_ORDER = {"customer": "Hansen Lines", "deliver_by": "2025-03-04", "express": True, "items": _ITEMS}
REALISTIC = Case(
    {
        "type": "object",
        "properties": {
            "customer": {"type": "string", "minLength": 1, "maxLength": 200},
            "deliver_by": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"},
            "express": {"type": "boolean"},
            "items": {"type": "array", "items": _ITEM, "minItems": 1, "maxItems": 20},
        },
        "required": ["customer", "items"],
        "additionalProperties": False,
    },
    _ORDER,
    _ORDER | {"items": [*_ITEMS[:2], {"parcel_id": "5", "count": 40}]},
)

pytestmark = pytest.mark.parametrize("case", [SMALL, REALISTIC], ids=["small", "realistic"])


@pytest.mark.benchmark(group="arguments: valid or not")
def test_fitting(benchmark: BenchmarkFixture, case: Case) -> None:
    assert benchmark(ArgumentValidator.of(case.schema).is_valid, case.fitting)


@pytest.mark.benchmark(group="arguments: valid or not")
def test_wrong(benchmark: BenchmarkFixture, case: Case) -> None:
    assert not benchmark(ArgumentValidator.of(case.schema).is_valid, case.wrong)


@pytest.mark.benchmark(group="arguments: what is wrong with them")
def test_explaining(benchmark: BenchmarkFixture, case: Case) -> None:
    assert "must" in benchmark(ArgumentValidator.of(case.schema).explain, case.wrong)


@pytest.mark.benchmark(group="arguments: compiling the schema")
def test_compiling(benchmark: BenchmarkFixture, case: Case) -> None:
    assert benchmark(ArgumentValidator, case.schema).is_valid(case.fitting)
