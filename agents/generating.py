"""What writes turns, as far as the rest has to know: free of torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeAlias


class Sampled(NamedTuple):
    """One turn a model wrote."""

    ids: list[int]
    """At least one token; the one that ended the turn is among them."""
    stopped: bool
    """Whether the model ended the turn; if not, it was cut."""


Generate: TypeAlias = Callable[[Sequence[Sequence[int]]], list[Sampled]]
"""Writes a turn behind each prefix: a `Sampler` bound to its settings, an inference server, a fake."""
