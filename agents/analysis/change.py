"""How far weights moved: sums over entries that add up over tensors, and the figures made of them. Needs only numpy."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, stdev
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

CHUNK = 1 << 20
"""Entries that are taken to double precision at a time, so that a large tensor needs little memory."""


class Sums(NamedTuple):
    """Sums over the entries w of a weight and w' of its tuned form; those of several weights add up."""

    entries: int = 0
    changed: int = 0
    """Entries with w' ≠ w."""
    absolute: float = 0.0
    """Σ |w' − w|."""
    squared: float = 0.0
    """Σ (w' − w)²."""
    base: float = 0.0
    """Σ w²."""
    tuned: float = 0.0
    """Σ w'²."""
    product: float = 0.0
    """Σ w·w'."""


class Change(NamedTuple):
    """How far some weights moved, all of them seen as one long vector W, and W' after."""

    entries: int
    relative: float | None
    """‖W' − W‖ / ‖W‖ (Frobenius norms); None where W is zero and W' is not."""
    mean_absolute: float
    """Mean of |w' − w|, in the weights' own unit."""
    changed: float
    """Share of the entries that differ, in [0, 1]."""
    cosine: float | None
    """Cosine of the angle between W and W', in [−1, 1]; None where one of them is zero."""


class Spread(NamedTuple):
    """One figure over several runs."""

    mean: float
    deviation: float | None
    """Sample standard deviation; None for a single run."""
    lowest: float
    highest: float


def sums(base: npt.NDArray[np.floating], tuned: npt.NDArray[np.floating]) -> Sums:
    """Return the sums over two arrays of one shape; not-a-number and infinity go through to the sums.

    Raises:
        ValueError: If the shapes differ.
    """
    if base.shape != tuned.shape:
        msg = f"a weight of shape {base.shape} cannot be compared with one of shape {tuned.shape}"
        raise ValueError(msg)
    before, after = base.reshape(-1), tuned.reshape(-1)
    return total(
        _chunk(before[start : start + CHUNK].astype(np.float64), after[start : start + CHUNK].astype(np.float64))
        for start in range(0, before.size, CHUNK)
    )


def total(parts: Iterable[Sums]) -> Sums:
    """Return the sums over several weights taken together."""
    columns = list(zip(*parts, strict=True))
    return Sums(*map(sum, columns)) if columns else Sums()


def change(of: Sums) -> Change:
    """Return the figures of some sums."""
    norms = math.sqrt(of.base) * math.sqrt(of.tuned)
    relative = math.sqrt(of.squared / of.base) if of.base else (None if of.squared else 0.0)
    return Change(
        entries=of.entries,
        relative=relative,
        mean_absolute=of.absolute / of.entries if of.entries else 0.0,
        changed=of.changed / of.entries if of.entries else 0.0,
        cosine=max(-1.0, min(1.0, of.product / norms)) if norms else None,
    )


def is_finite(of: Sums) -> bool:
    """Return whether neither weight held a not-a-number or an infinity, nor values whose squares are infinite."""
    return math.isfinite(of.base) and math.isfinite(of.tuned)


def spread(values: Sequence[float]) -> Spread:
    """Return mean and spread of one figure over runs.

    >>> spread([1.0, 3.0])
    Spread(mean=2.0, deviation=1.4142135623730951, lowest=1.0, highest=3.0)
    """
    return Spread(fmean(values), stdev(values) if len(values) > 1 else None, min(values), max(values))


def _chunk(before: npt.NDArray[np.float64], after: npt.NDArray[np.float64]) -> Sums:
    with np.errstate(invalid="ignore", over="ignore"):
        moved = after - before
        return Sums(
            before.size,
            int(np.count_nonzero(moved)),
            float(np.abs(moved).sum()),
            float(moved @ moved),
            float(before @ before),
            float(after @ after),
            float(before @ after),
        )
