"""Paired bootstrap intervals over episodes. Needs only numpy.

Every model plays the same scenarios with the same seeds, so a resample draws *scenarios*, and takes each model's
figures on them: what makes a scenario hard for all falls out of the differences. The interval is the middle 95 % of
the statistic over resamples (percentile method). It speaks of other scenarios of the same kind, not of other training
runs: for those, tune with several seeds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

LEVEL = 0.95

Floats = npt.NDArray[np.float64]


class Estimate(NamedTuple):
    """A figure with its 95 % interval; None where it does not exist."""

    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def is_clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def draws(episodes: int, *, resamples: int, seed: int) -> npt.NDArray[np.intp]:
    """Return which episodes each resample takes: an array (resamples, episodes)."""
    generator = np.random.default_rng(np.random.SeedSequence([seed, episodes]))
    return generator.integers(episodes, size=(resamples, episodes))


def mean(values: Sequence[float | None], drawn: npt.NDArray[np.intp]) -> Estimate:
    """Return the mean over the episodes that have a value."""
    array = as_array(values)
    return _estimate(_mean(array[None, :])[0], _mean(array[drawn]))


def difference(values: Sequence[float | None], other: Sequence[float | None], drawn: npt.NDArray[np.intp]) -> Estimate:
    """Return mean(values) − mean(other) over the same episodes."""
    one, two = as_array(values), as_array(other)
    return _estimate(_mean(one[None, :])[0] - _mean(two[None, :])[0], _mean(one[drawn]) - _mean(two[drawn]))


def ratio(
    part: tuple[Sequence[float | None], Sequence[float | None]],
    whole: tuple[Sequence[float | None], Sequence[float | None]],
    drawn: npt.NDArray[np.intp],
) -> Estimate:
    """Return (mean(part[0]) − mean(part[1])) / (mean(whole[0]) − mean(whole[1])).

    It does not exist where the interval of the denominator holds zero: a share of nothing says nothing.
    """
    if not difference(*whole, drawn).is_clear:
        return Estimate(None)
    a, b, c, d = (as_array(values) for values in (*part, *whole))
    point = (_mean(a[None, :]) - _mean(b[None, :])) / (_mean(c[None, :]) - _mean(d[None, :]))
    with np.errstate(divide="ignore", invalid="ignore"):
        resampled = (_mean(a[drawn]) - _mean(b[drawn])) / (_mean(c[drawn]) - _mean(d[drawn]))
    return _estimate(point[0], resampled)


def as_array(values: Sequence[float | None]) -> Floats:
    """Return figures as an array; None becomes not-a-number."""
    return np.array([np.nan if value is None else value for value in values], dtype=np.float64)


def _mean(rows: Floats) -> Floats:
    """Return the mean of each row over what is a number; not-a-number for a row without any."""
    known = ~np.isnan(rows)
    count = known.sum(axis=-1)
    added = np.where(known, rows, 0.0).sum(axis=-1)
    return np.where(count > 0, added / np.maximum(count, 1), np.nan)


def _estimate(value: float, resampled: Floats) -> Estimate:
    if np.isnan(value):
        return Estimate(None)
    finite = resampled[np.isfinite(resampled)]
    if not finite.size:
        return Estimate(float(value))
    low, high = np.quantile(finite, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(value), float(low), float(high))
