"""The card of a pack: what it is, what is in it, and how it was built."""

from __future__ import annotations

import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from tool_gym.errors import PackError

NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
"""What a pack can be called."""


class Card(BaseModel):
    """card.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int
    id: str = Field(pattern=f"^{NAME.pattern}$")
    version: str
    title: str = ""
    description: str = ""
    licence: str
    how_built: dict[str, Any] = Field(default_factory=dict)
    """Command, seed and generator version."""
    splits: dict[str, int]
    counts: dict[str, dict[str, int]] = Field(default_factory=dict)
    """Scenarios by shape and by domain."""
    content_hash: str
    """Hash of the unpacked lines: equal content has equal hash, whatever the compressor."""
    files: dict[str, str]
    """File name → SHA-256 of its bytes."""


def check_pack_name(name: str) -> None:
    """Check that a pack can be called `name`.

    Raises:
        PackError: If it cannot.
    """
    if NAME.fullmatch(name) is None:
        msg = f"{name!r} cannot be a pack's name: up to 32 lower-case letters, digits, - and _, the first a letter"
        raise PackError(msg)
