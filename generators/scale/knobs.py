"""The complexity vector: what is asked of one scenario, operator by operator, and the one number it comes to."""

from __future__ import annotations

import random
from bisect import bisect
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import accumulate
from typing import TypeAlias

from tool_gym.errors import GenerationError, UnknownNameError
from tool_gym.generators.merges import Merges
from tool_gym.values import Scalar

MAX_LEVEL = 4

VARIANTS = 8
"""Ways in which an operator may treat one tool at one level."""

OPERATORS: dict[str, tuple[float, tuple[int, int, int, int, int]]] = {
    "merge": (0.05, (52, 22, 14, 8, 4)),
    "toolset": (0.2, (15, 25, 30, 20, 10)),
    "parameters": (0.1, (48, 28, 15, 6, 3)),
    "types": (0.2, (60, 18, 12, 7, 3)),
    "results": (0.1, (50, 24, 14, 8, 4)),
    "noise": (0.2, (80, 11, 5, 3, 1)),
    "docs": (0.1, (60, 20, 12, 6, 2)),
    "faults": (0.05, (80, 12, 5, 2, 1)),
}
"""Operator → its weight in the scalar level, and how often each level is drawn where none is asked for, in percent."""

ALIKE = 0.6
"""How often an operator's level is drawn at the rank the others share: busy in one way, busy in most."""

Complexity: TypeAlias = int | str | None
"""A level of all operators; a vector as `"toolset=2,types=1"`, what it leaves out being drawn; or None: all drawn."""


@dataclass(frozen=True, slots=True)
class Knobs:
    """A complexity vector; each operator by its level, 0 (off) to 4.

    Args:
        depth: Calls of the longest chain, 1 to 6; no operator of this stage. 0 where it is not known yet.
        merges: How far each merge operator is taken.
        merge: Functional generalisation, which these follow from.
        toolset: Toolset extension.
        parameters: Parameter expansion.
        types: Parameter-type generalisation.
        results: Other forms of results.
        noise: Perturbed names.
        docs: Worn documentation.
        faults: Transient faults.
        variant: Which of the ways the operators treat a tool in; below `VARIANTS`.
    """

    depth: int
    merges: Merges
    merge: int = 0
    toolset: int = 0
    parameters: int = 0
    types: int = 0
    results: int = 0
    noise: int = 0
    docs: int = 0
    faults: int = 0
    variant: int = 0

    @classmethod
    def draw(cls, rng: random.Random, depth: int, complexity: Complexity) -> Knobs:
        """Draw a vector; arguments and errors as for `several`."""
        return replace(cls.several(rng, complexity, 1)[0], depth=depth)

    @classmethod
    def several(cls, rng: random.Random, complexity: Complexity, count: int) -> tuple[Knobs, ...]:
        """Draw vectors for scenarios that share their tools: at equal levels, operators treat a tool alike.

        Args:
            rng: The stream; as much is drawn from it whatever is asked for.
            complexity: What is asked for.
            count: How many vectors; their depth is left at 0.

        Raises:
            GenerationError: If a level is out of range, or the vector is not of the form it must be.
            UnknownNameError: If it names an operator there is none of.
        """
        asked = asked_for(complexity)
        drawn = [_levels(rng) | asked for _ in range(count)]
        variant = rng.randrange(VARIANTS)
        merges = [Merges.draw(rng, level) for level in range(MAX_LEVEL + 1)]
        return tuple(cls(0, merges[levels["merge"]], **levels, variant=variant) for levels in drawn)

    @property
    def vector(self) -> dict[str, int]:
        """Operator → level."""
        return {name: getattr(self, name) for name in OPERATORS}

    @property
    def level(self) -> float:
        """The vector as one number, 0 to 4: the mean of its levels by weight."""
        vector = self.vector
        return round(sum(weight * vector[name] for name, (weight, _) in OPERATORS.items()), 2)

    def record(self) -> dict[str, Scalar]:
        """Return what is stored in a scenario."""
        return {"depth": self.depth, **self.merges.record(), **self.vector}


@lru_cache(maxsize=64)
def asked_for(complexity: Complexity) -> dict[str, int]:
    """Return the levels that `complexity` fixes; raises as `Knobs.draw`.

    >>> asked_for("toolset=2, types=1")
    {'toolset': 2, 'types': 1}
    """
    if complexity is None:
        return {}
    text = str(complexity)
    if "=" not in text:
        return dict.fromkeys(OPERATORS, _level(text))
    levels: dict[str, int] = {}
    for part in text.split(","):
        name, _, level = part.partition("=")
        if name.strip() not in OPERATORS:
            error = UnknownNameError.of("operator", name.strip(), OPERATORS)
            raise error
        levels[name.strip()] = _level(level)
    return levels


def _levels(rng: random.Random) -> dict[str, int]:
    common, levels = rng.random(), dict[str, int]()
    for name, (_, shares) in OPERATORS.items():
        own, goes_along = rng.random(), rng.random() < ALIKE
        levels[name] = bisect(list(accumulate(shares)), 100 * (common if goes_along else own))
    return levels


def _level(text: str) -> int:
    digits = text.strip()
    if digits not in {str(level) for level in range(MAX_LEVEL + 1)}:
        msg = f"complexity must be 0 to {MAX_LEVEL}, or levels of operators as toolset=2,types=1; not {text[:40]!r}"
        raise GenerationError(msg)
    return int(digits)
