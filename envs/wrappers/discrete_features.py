"""An episode as a vector of numbers from −1 to 1, of a size that never changes.

state        STATE numbers: how far the episode is, how the latest call ended, what is left to look up
words        WORDS numbers: which words the request has, hashed
latest       LATEST numbers: which words the latest call's name and result keys have, hashed
entries      `len(FEATURES)` numbers for each entry of the menu
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from tool_gym.envs.policies.lexical import words
from tool_gym.envs.wrappers.discrete_entries import FEATURES, Entry
from tool_gym.envs.wrappers.discrete_reading import Reading
from tool_gym.turns import Outcome

Vector: TypeAlias = NDArray[np.float32]

WORDS = 64
LATEST = 32

_OUTCOMES = (None, *Outcome)
_MEASURES = 11
STATE = _MEASURES + len(_OUTCOMES)

HEAD = STATE + WORDS + LATEST
"""Index of the first entry's first number."""


def observe(reading: Reading, entries: Sequence[Entry | None], left: float) -> Vector:
    """Return the observation.

    Args:
        reading: What is known.
        entries: The menu.
        left: Share of the episode's turns that are left, in [0, 1].
    """
    absent = (0.0,) * len(FEATURES)
    rows = [absent if entry is None else (1.0, *entry[1:]) for entry in entries]
    head = [*_state(reading, entries, left), *_hashed(reading.stems, WORDS), *_hashed(_latest(reading), LATEST)]
    vector = np.concatenate([np.array(head, np.float32), np.array(rows, np.float32).ravel()])
    return np.clip(vector, -1.0, 1.0, out=vector)


def _state(reading: Reading, entries: Sequence[Entry | None], left: float) -> list[float]:
    calls = [entry.score for entry in entries if entry is not None and entry.is_call]
    loose = len(reading.loose_ends())
    unused = sum(named.mention.text not in reading.used for named in reading.named)
    latest = reading.latest.served if reading.latest is not None else ()
    fresh = any(one.is_id and one.text not in reading.used for one in latest)
    tool = reading.by_name.get(reading.latest.call.name) if reading.latest is not None else None
    measures = (
        left,
        (len(reading.results) - reading.first) / 8,
        reading.parts / 4,
        loose / 4,
        float(loose == reading.parts),
        unused / 4,
        _uncovered(reading),
        calls[0] if calls else -1.0,
        float(fresh),
        float(tool is not None and tool.writes),
        float(any(reading.says_key(one.key) and not one.is_id for one in latest)),
    )
    return [*measures, *(float(outcome is reading.outcome) for outcome in _OUTCOMES)]


def _uncovered(reading: Reading) -> float:
    """Return the share of the said words of tools that no call has been made for."""
    said = [one for one in reading.weight if one in reading.stems]
    left = [one for one in said if one not in reading.covered]
    return sum(reading.weight[one] for one in left) / (sum(reading.weight[one] for one in said) or 1.0)


def _latest(reading: Reading) -> list[str]:
    result = reading.latest
    if result is None:
        return []
    return [*words(result.call.name), *(one for served in result.served for one in words(served.key))]


def _hashed(stems: Iterable[str], count: int) -> list[float]:
    """Return which of `count` buckets the stems fall into; the same on every machine."""
    buckets = [0.0] * count
    for one in stems:
        buckets[zlib.crc32(one.encode()) % count] = 1.0
    return buckets
