"""The garbage collector while packs are made: what is kept lives long and is walked through in vain."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_THRESHOLDS = (50_000, 20, 100)


@contextmanager
def seldom() -> Iterator[None]:
    """Have the garbage collector pass seldom, and spare what is there already; afterwards it is as it was."""
    before, frozen = gc.get_threshold(), gc.get_freeze_count() > 0
    gc.set_threshold(*_THRESHOLDS)
    if not frozen:
        gc.freeze()
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if not frozen:
            gc.unfreeze()
