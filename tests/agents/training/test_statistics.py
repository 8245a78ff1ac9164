"""Intervals against what is known of them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tool_gym.agents.training.statistics import paired_bootstrap, t_interval, t_quantile

TABLE = {1: 12.7062, 2: 4.3027, 3: 3.1824, 5: 2.5706, 10: 2.2281, 30: 2.0423, 120: 1.9799}
"""Two-sided 95 % quantiles of Student's t, as any table has them."""


@pytest.mark.parametrize(("freedom", "quantile"), TABLE.items())
def test_the_quantiles_are_student_s(freedom: int, quantile: float) -> None:
    assert t_quantile(freedom) == pytest.approx(quantile, abs=6e-5)


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=6), st.floats(-5, 5), st.floats(0.1, 3))
def test_the_interval_moves_and_stretches_with_the_values(values: list[float], shift: float, scale: float) -> None:
    plain, moved = t_interval(values), t_interval([shift + scale * value for value in values])
    for before, after in zip(plain, moved, strict=True):
        assert before is not None
        assert after == pytest.approx(shift + scale * before, abs=1e-6)


def test_one_seed_has_no_interval() -> None:
    assert t_interval([0.5]) == (0.5, None, None)


def test_three_seeds_by_hand() -> None:
    mean, low, high = t_interval([0.2, 0.4, 0.6])
    half = 4.302653 * 0.2 / math.sqrt(3)
    assert (mean, low, high) == pytest.approx((0.4, 0.4 - half, 0.4 + half), abs=1e-5)


def test_the_coverage_of_the_bootstrap_is_about_what_it_says() -> None:
    rng = np.random.default_rng(7)
    hits = 0
    for trial in range(60):
        noise = rng.normal(0.1, 0.5, size=40)
        after = {(number, 0): float(value) for number, value in enumerate(noise)}
        found = paired_bootstrap(dict.fromkeys(after, 0.0), after, seed=trial)
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= 0.1 <= found.high
    assert 50 <= hits <= 60


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=20))
def test_swapping_the_policies_turns_the_difference_around(pairs: list[tuple[float, float]]) -> None:
    one = {(number, 0): first for number, (first, _) in enumerate(pairs)}
    other = {(number, 0): second for number, (_, second) in enumerate(pairs)}
    there, back = paired_bootstrap(one, other), paired_bootstrap(other, one)
    assert there.mean == pytest.approx(-back.mean)
    assert there.low == pytest.approx(-back.high)  # type: ignore[operator]  # two scenarios or more have bounds


def test_episodes_of_one_scenario_count_as_one_witness() -> None:
    def table(difference: float, repeats: int) -> dict[tuple[int, int], float]:
        signs = [1, -1] * 10
        return {(n, r): 0.5 + sign * difference for n, sign in enumerate(signs) for r in range(repeats)}

    once = paired_bootstrap(table(0.0, 1), table(0.2, 1))
    often = paired_bootstrap(table(0.0, 8), table(0.2, 8))
    assert often.high == pytest.approx(once.high)


def test_what_only_one_of_them_played_is_left_out() -> None:
    found = paired_bootstrap({("a", 0): 0.0, ("b", 0): 1.0}, {("a", 0): 0.5, ("c", 0): 9.0})
    assert found == (0.5, None, None)
    assert math.isnan(paired_bootstrap({}, {}).mean)
