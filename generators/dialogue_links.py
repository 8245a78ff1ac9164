"""How a user turn takes up the ones before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from tool_gym.generators.expressions import Ent

Kind: TypeAlias = Literal["opening", "row", "other", "instead", "more", "both", "now"]
"""opening: it stands alone. row: it speaks of a row that was spoken of. other: of the one of two that the turn before
was not about. instead: the same of another row. more: another figure of the same group. both: something made of the
two answers before. now: what a change has led to."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a user turn leaves to be understood from the turns before."""

    kind: Kind
    row: Ent | None = None
    """The row it takes up by a pronoun or as "that …", if it does."""
