"""Pools: lists of words that names and texts are put together from.

A shared pool is cut in three by its first words, so that a name in a test world never occurs in a training world. A
pool in a domain's own file needs no cut: a domain belongs to one split.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from tool_gym import jsonio

Split = Literal["train", "validation", "test"]
"""Which scenarios a domain may be used for."""

_FILE = Path(__file__).resolve().parent / "wording" / "pools.json"
_SPLITS: tuple[Split, ...] = (*("train",) * 6, *("validation",) * 2, *("test",) * 2)
_BARRED = re.compile(r"[\d,;:\"“”{}<>\n]|(?:^|\s)(?:and|or|&)(?:\s|$)|^\s|\s$|\s\s")
_SHOWN = 60


class Pool(BaseModel):
    """Names made of one word (or phrase) of each part."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: Annotated[tuple[tuple[str, ...], ...], Field(min_length=1)]
    join: str = " "
    """What stands between the words."""

    @property
    def size(self) -> int:
        """How many names there are."""
        return math.prod(len(part) for part in self.parts)

    def name(self, number: int) -> str:
        """Return the name of a number from 0 to `size` - 1."""
        words = []
        for part in self.parts:
            number, position = divmod(number, len(part))
            words.append(part[position])
        return self.join.join(words)

    def names(self) -> Iterator[str]:
        """Yield every name."""
        return (self.join.join(words) for words in itertools.product(*self.parts))

    def portion(self, split: Split) -> Pool:
        """Return the pool with only those first words that belong to a split."""
        return Pool(parts=(tuple(w for w in self.parts[0] if split_of(w) == split), *self.parts[1:]), join=self.join)

    def problems(self) -> Iterator[str]:
        """Yield what keeps the names from being told apart, or from being read in a sentence."""
        for words in self.parts:
            barred = next((word for word in words if not word or _BARRED.search(word)), None)
            if barred is not None:
                yield (
                    f"the word {barred!r} would not be read as part of a name; use words without digits, commas, "
                    "quotation marks, brackets, 'and', 'or' and spare spaces"
                )
        seen: set[str] = set()
        for name in self.names():
            if name.casefold() in seen:
                yield f"the name {name[:_SHOWN]!r} comes out twice; make the words of each part different"
                return
            seen.add(name.casefold())


def split_of(word: str) -> Split:
    """Return the split that a first word of a shared pool belongs to: six tenths train, two tenths each of the others.

    It depends on the word alone, so that adding words moves none of the others.
    """
    return _SPLITS[hashlib.blake2b(word.encode(), digest_size=8).digest()[0] % len(_SPLITS)]


@cache
def shared_pools(split: Split) -> dict[str, Pool]:
    """Return the part of every shared pool that belongs to a split."""
    return {name: pool.portion(split) for name, pool in all_pools().items()}


@cache
def all_pools() -> dict[str, Pool]:
    """Return the shared pools, uncut."""
    found = jsonio.loads(_FILE.read_text(encoding="utf-8"))
    return {name: Pool.model_validate(pool) for name, pool in found.items()}
