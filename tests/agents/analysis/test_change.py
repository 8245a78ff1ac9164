"""How far weights moved: sums and figures, without torch; intervals by bootstrap; windows of a text."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tool_gym.agents.analysis import change as module
from tool_gym.agents.analysis.bootstrap import difference, draws, mean, ratio
from tool_gym.agents.analysis.change import Change, Spread, Sums, change, is_finite, spread, sums, total
from tool_gym.agents.analysis.perplexity import windows
from tool_gym.errors import AgentError

FLOATS = st.floats(-100, 100, width=32)
PAIRS = st.integers(1, 30).flatmap(lambda size: st.tuples(*[arrays.arrays(np.float32, size, elements=FLOATS)] * 2))


def test_figures_worked_by_hand() -> None:
    base = np.array([[3.0, 0.0], [0.0, 4.0]], np.float32)
    tuned = np.array([[3.0, 0.0], [1.0, 2.0]], np.float32)
    found = change(sums(base, tuned))
    assert found.entries == 4
    assert found.relative == pytest.approx(math.sqrt(5) / 5)
    assert found.mean_absolute == pytest.approx(3 / 4)
    assert found.changed == 0.5
    assert found.cosine == pytest.approx((9 + 8) / (5 * math.sqrt(14)))


def test_no_change_is_zero_and_a_change_of_nothing_has_no_ratio() -> None:
    zero, one = np.zeros(3, np.float32), np.ones(3, np.float32)
    assert change(sums(one, one))._replace(cosine=None) == Change(3, 0.0, 0.0, 0.0, None)
    assert change(sums(one, one)).cosine == pytest.approx(1.0)
    assert change(sums(zero, zero)) == Change(3, 0.0, 0.0, 0.0, None)
    assert change(sums(zero, one)) == Change(3, None, 1.0, 1.0, None)


@given(PAIRS, st.sampled_from([0.25, 3.0, 1024.0]))
def test_relative_change_and_cosine_do_not_depend_on_scale(pair: tuple[np.ndarray, np.ndarray], scale: float) -> None:
    base, tuned = (one.astype(np.float64) for one in pair)
    one, other = change(sums(base, tuned)), change(sums(base * scale, tuned * scale))
    for name in ("relative", "cosine"):
        before, after = getattr(one, name), getattr(other, name)
        assert (before is None) == (after is None)
        assert before is None or before == pytest.approx(after, rel=1e-6, abs=1e-9)


@given(PAIRS, st.integers(0, 30))
def test_sums_of_parts_are_the_sums_of_the_whole(pair: tuple[np.ndarray, np.ndarray], at: int) -> None:
    base, tuned = pair
    parts = total([sums(base[:at], tuned[:at]), sums(base[at:], tuned[at:])])
    assert np.allclose(parts, sums(base, tuned))


def test_large_arrays_go_through_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    base, tuned = np.random.default_rng(0).normal(size=(2, 7, 11)).astype(np.float32)
    whole = sums(base, tuned)
    monkeypatch.setattr(module, "CHUNK", 5)
    assert np.allclose(sums(base, tuned), whole)


def test_broken_numbers_are_seen_and_other_shapes_refused() -> None:
    assert not is_finite(sums(np.array([1.0]), np.array([math.nan])))
    assert not is_finite(sums(np.array([math.inf]), np.array([1.0])))
    assert is_finite(Sums())
    with pytest.raises(ValueError, match="shape"):
        sums(np.zeros((2, 3)), np.zeros((3, 2)))


def test_spread_over_runs() -> None:
    assert spread([2.0]) == Spread(2.0, None, 2.0, 2.0)
    assert spread([1.0, 2.0, 6.0])._replace(deviation=0.0) == Spread(3.0, 0.0, 1.0, 6.0)
    assert spread([1.0, 2.0, 6.0]).deviation == pytest.approx(math.sqrt(7))


def test_the_interval_of_a_difference_is_paired() -> None:
    hard = np.linspace(0, 1, 200)
    better = [float(value) for value in hard + 0.1]
    drawn = draws(200, resamples=500, seed=1)
    found = difference(better, [float(value) for value in hard], drawn)
    assert found.value == pytest.approx(0.1)
    assert found.low == pytest.approx(0.1)  # unpaired, it would be wide: the scenarios differ by far more
    assert found.is_clear


@given(st.lists(st.one_of(st.none(), st.floats(0, 1)), min_size=1, max_size=20))
def test_a_mean_leaves_out_what_has_no_value(values: list[float | None]) -> None:
    known = [value for value in values if value is not None]
    found = mean(values, draws(len(values), resamples=50, seed=0))
    if not known:
        assert found.value is None
        return
    assert found.value == pytest.approx(sum(known) / len(known))
    assert found.low is not None
    assert found.high is not None
    assert min(known) - 1e-9 <= found.low <= found.high <= max(known) + 1e-9


def test_a_share_of_no_gain_does_not_exist() -> None:
    drawn = draws(6, resamples=200, seed=0)
    base, tuned, part = [0.0] * 6, [1.0, 1.0, 1.0, 1.0, 1.0, 0.5], [0.5] * 6
    assert ratio((part, base), (tuned, base), drawn).value == pytest.approx(0.5 / (5.5 / 6))
    assert ratio((part, base), (base, base), drawn).value is None
    assert ratio((part, base), ([1.0, -1.0] * 3, base), drawn).value is None


@given(st.integers(2, 60), st.integers(2, 20), st.data())
def test_windows_predict_every_token_once_with_context(length: int, window: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, window - 1))
    found = list(windows(length, window, stride))
    assert [token for one in found for token in range(one.first, one.end)] == list(range(1, length))
    for one in found:
        assert one.end - one.begin <= window
        assert one.begin == 0 or one.first - one.begin >= window - stride
        assert one.first > one.begin


@pytest.mark.parametrize(("window", "stride"), [(1, 1), (4, 0), (4, 4)])
def test_windows_that_cannot_be_are_refused(window: int, stride: int) -> None:
    with pytest.raises(AgentError, match="stride"):
        list(windows(9, window, stride))
