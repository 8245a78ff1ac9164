"""Mutations: ways to spoil a good candidate, each with the gate that must catch it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tool_gym.generators.candidate import Candidate

Make = Callable[[Candidate], Candidate | None]
"""Spoils a candidate, or returns None where there is nothing to spoil."""


class Mutation(NamedTuple):
    """A way to spoil candidates."""

    gate: Any
    make: Make
    least: int = 3
    """Fewest candidates it must apply to, or the test shows nothing."""


class Mutations(dict[str, Mutation]):
    """Mutations by name."""

    def of(self, gate: Any, least: int = 3) -> Callable[[Make], Make]:
        """Register a function under its name."""

        def register(make: Make) -> Make:
            self[make.__name__] = Mutation(gate, make, least)
            return make

        return register
