"""Scaled tools are made once: equal scalings of one tool object give one object, and share what is compiled of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from tool_gym.scenario import ToolSpec

_CAPACITY = 50_000

_made: dict[tuple[int, Hashable], tuple[ToolSpec, ToolSpec]] = {}
"""(id of the tool, operation) → the tool, kept so that its id stays its own, and what became of it."""


def interned(tool: ToolSpec, operation: Hashable, make: Callable[[], ToolSpec]) -> ToolSpec:
    """Return what `make` makes of a tool, the same object each time.

    Args:
        tool: The tool.
        operation: Names what is done to it. Equal tools and operations must give equal results.
        make: Does it.
    """
    key = (id(tool), operation)
    known = _made.get(key)
    if known is None:
        if len(_made) >= _CAPACITY:
            _made.clear()
        known = _made[key] = (tool, make().keep())
    return known[1]
