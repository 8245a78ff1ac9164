"""Seeded transient faults: tools of the plan that fail at first and work when called again. Oracle-preserving.

A fault costs the caller nothing but a turn, is always overcome by trying again, and the plan is proved with it.
Levels: one tool that fails once, or twice; two tools up to twice; four tools up to three times. So an episode takes at
most twelve turns more.
"""

from __future__ import annotations

import random
from collections.abc import Iterable

from tool_gym.scenario import Fault

TOOLS = (0, 1, 1, 2, 4)
"""Most tools that fail, by level."""

TIMES = ((0, 0), (1, 1), (2, 2), (1, 2), (1, 3))
"""Fewest and most failures of one of them, by level."""


def draw_faults(needed: Iterable[str], level: int, rng: random.Random) -> tuple[Fault, ...]:
    """Return the faults of a scenario, in order of the tools' names.

    Args:
        needed: Names of the tools its plan calls.
        level: 0 to 4.
        rng: The stream.
    """
    names = sorted(set(needed))
    chosen = rng.sample(names, min(TOOLS[level], len(names)))
    return tuple(Fault(tool=name, times=rng.randint(*TIMES[level])) for name in sorted(chosen))
