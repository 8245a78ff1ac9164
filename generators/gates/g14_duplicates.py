"""G14: no scenario twice: neither the same goal on the same world, nor the same wording about another row.

Texts are compared with names, ids, numbers and dates masked, by the Jaccard index of their word triples; candidates
are found by MinHash (Broder 1997) and then compared exactly.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple
from zlib import crc32

import numpy as np

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError

GATE = "G14"
THRESHOLD = 0.8
"""Jaccard index from which two masked texts are near-duplicates."""

_BANDS, _ROWS = 12, 3
_FACTORS = np.array(
    [int.from_bytes(blake2b(bytes([k]), digest_size=8).digest(), "little") | 1 for k in range(_BANDS * _ROWS)],
    np.uint64,
)
"""Odd multipliers."""
_MASKED = re.compile(r"\b[A-Z]{2,4}-?\d+\b|\d[\d,.\-]*")


class Fingerprint(NamedTuple):
    """What of a scenario is compared; computed apart from the comparing, so that any process can."""

    domain: str
    goal: str
    """Hash of the goal and its world."""
    shingles: tuple[int, ...]
    """Checksums of the word triples of the masked text, ascending."""


def fingerprint(candidate: Candidate, text: str) -> Fingerprint:
    """Return what to compare a candidate by, `text` being its request."""
    parts = sorted(map(repr, candidate.draft.goal))  # the same questions in another order are the same
    goal = f"{candidate.world.id} {candidate.scenario.shape} {parts}".encode()
    names = [call.literals["name"] for call in candidate.draft.calls if isinstance(call.literals.get("name"), str)]
    missing = candidate.draft.missing
    if missing is not None:
        names.append(missing.shadow.tables[missing.row.entity].rows[missing.phantom]["name"])
    return Fingerprint(
        candidate.domain.name, blake2b(goal, digest_size=12).hexdigest(), shingles_of(masked(text, names))
    )


class Register:
    """What a pack holds so far."""

    def __init__(self) -> None:
        self._goals: set[str] = set()
        self._shingles: list[frozenset[int]] = []
        self._bands: dict[tuple[int, str, bytes], list[int]] = {}

    def check(self, found: Fingerprint) -> None:
        """Reject a candidate if the pack already has it or nearly has it; else add it."""
        if found.goal in self._goals:
            raise RejectedError(GATE, "the same goal on the same world")
        shingles = frozenset(found.shingles)
        keys = _band_keys(found.domain, found.shingles)
        near = {number for key in keys for number in self._bands.get(key, ())}
        for number in sorted(near):
            other = self._shingles[number]
            both = len(shingles & other)
            if both >= THRESHOLD * (len(shingles) + len(other) - both):
                raise RejectedError(GATE, "nearly the same words")
        self._goals.add(found.goal)
        self._shingles.append(shingles)
        for key in keys:
            self._bands.setdefault(key, []).append(len(self._shingles) - 1)


def masked(text: str, names: Iterable[str]) -> str:
    """Return a request with names, ids, numbers and dates masked."""
    for name in names:
        text = text.replace(name, "*")
    return _MASKED.sub("#", text)


def shingles_of(text: str) -> tuple[int, ...]:
    """Return the checksums of a text's word triples, ascending."""
    words = text.casefold().split()
    triples = {" ".join(words[i : i + 3]) for i in range(max(1, len(words) - 2))}
    return tuple(sorted({crc32(triple.encode()) for triple in triples}))


def _band_keys(domain: str, codes: tuple[int, ...]) -> list[tuple[int, str, bytes]]:
    """Return a key for each band of a MinHash; each hash is the upper half of a product modulo 2^64."""
    products = _FACTORS[:, None] * np.array(codes, np.uint64)[None, :]
    smallest = (products >> np.uint64(32)).min(axis=1).astype("<u4").reshape(_BANDS, _ROWS)
    return [(band, domain, row.tobytes()) for band, row in enumerate(smallest)]
