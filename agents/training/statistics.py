"""Intervals: over seeds by Student's t, over held-out episodes of one seed by a paired bootstrap."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

CONFIDENCE = 0.95
RESAMPLES = 10_000

_GRID = 20_001
"""Points of the integral under Student's density: exact to about 1e-8."""


class Interval(NamedTuple):
    """A mean and its 95 % interval; the bounds are None where one value says nothing about spread."""

    mean: float
    low: float | None
    high: float | None


def t_interval(values: Sequence[float]) -> Interval:
    """Return the mean of independent runs, and the interval that Student's t puts around it.

    >>> [round(bound, 3) for bound in t_interval([1.0, 2.0, 3.0]) if bound is not None]
    [2.0, -0.484, 4.484]
    """
    mean = float(np.mean(values))
    if len(values) < 2:
        return Interval(mean, None, None)
    half = t_quantile(len(values) - 1) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def t_quantile(freedom: int) -> float:
    """Return the two-sided 95 % quantile of Student's t.

    With x = √n·tan θ the integral of the density is that of cos^(n-1) θ, which is smooth and over a bounded interval.

    >>> [round(t_quantile(freedom), 3) for freedom in (1, 2, 4, 30)]
    [12.706, 4.303, 2.776, 2.042]
    """
    angles = np.linspace(0.0, np.pi / 2, _GRID)
    density = np.cos(angles) ** (freedom - 1)
    below = np.concatenate(([0.0], np.cumsum((density[1:] + density[:-1]) / 2)))
    angle = float(np.interp(CONFIDENCE, below / below[-1], angles))
    return math.sqrt(freedom) * math.tan(angle)


def paired_bootstrap(
    before: Mapping[tuple[Any, int], float], after: Mapping[tuple[Any, int], float], *, seed: int = 0
) -> Interval:
    """Return the mean difference after - before, and its bootstrap interval.

    Scenarios are drawn anew, not episodes: episodes of one scenario are no independent witnesses.

    Args:
        before: (scenario, repetition) → return.
        after: The same of another policy; what only one of them has is left out.
        seed: Seed of the resampling.
    """
    differences: defaultdict[Any, list[float]] = defaultdict(list)
    for key in before.keys() & after.keys():
        differences[key[0]].append(after[key] - before[key])
    if not differences:
        return Interval(float("nan"), None, None)
    chosen = [differences[scenario] for scenario in sorted(differences, key=str)]
    totals = np.array([sum(of_scenario) for of_scenario in chosen])
    counts = np.array([len(of_scenario) for of_scenario in chosen])
    mean = float(totals.sum() / counts.sum())
    if len(chosen) < 2:
        return Interval(mean, None, None)
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    drawn = rng.integers(len(chosen), size=(RESAMPLES, len(chosen)))
    means = totals[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    low, high = np.quantile(means, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return Interval(mean, float(low), float(high))
