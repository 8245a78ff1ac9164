"""Other forms of results: envelopes, fields that say nothing, other spellings of keys. Rewrites the plan's paths.

Levels: 1 puts the results of two fifths of the tools under a key beside a status; 2 does so for three fifths and adds
fields of the service's own; 3 for four fifths, writes keys another way and turns their order; 4 for all, three keys
deep. Values stay as they are, so scoring stays exact.
"""

from __future__ import annotations

import random

from tool_gym.generators.calls import template
from tool_gym.generators.scale.interning import interned
from tool_gym.generators.seeding import stream
from tool_gym.scenario import ToolSpec
from tool_gym.tools.envelopes import Envelope, Style

SHARES = (0.0, 0.4, 0.6, 0.8, 1.0)
"""Share of the tools whose results are wrapped, by level."""

_KEYS = ("data", "result", "payload", "content")
_INNER = ("body", "record", "response", "output")
_STYLES: tuple[Style, ...] = ("camel", "kebab", "upper")
_NOISE, _STYLED, _DEEP = 2, 3, 4
"""Levels from which fields are added, keys are written another way, and values lie deeper."""


def wrap_results(tool: ToolSpec, level: int, variant: int) -> ToolSpec:
    """Return a tool that shows its results in another form."""
    return tool if level == 0 else interned(tool, ("results", level, variant), lambda: _wrap(tool, level, variant))


def _wrap(tool: ToolSpec, level: int, variant: int) -> ToolSpec:
    rng = stream("results", tool.name, level, variant)
    if rng.random() >= SHARES[level]:
        return tool
    path: tuple[str, ...] = (rng.choice(_KEYS),)
    if level >= _DEEP:
        path = (*path, *rng.sample(_INNER, 2))
    styled = level >= _STYLED
    envelope = Envelope(
        path=path,
        extras=_extras(rng, level),
        style=rng.choice(_STYLES) if styled else "snake",
        last=styled and rng.random() < 0.5,
    )
    impl = template(tool).model_copy(update={"envelope": envelope})
    return tool.model_copy(update={"impl": impl})


def _extras(rng: random.Random, level: int) -> dict[str, object]:
    """Return fields beside the value: no numbers, which could pass for figures, and no words of a world."""
    extras: dict[str, object] = {"status": "ok"}
    if level >= _NOISE:
        extras |= {"request": f"req-{rng.getrandbits(32):08x}", "warnings": []}
    if level >= _STYLED:
        extras |= {"trace": f"TR-{rng.randrange(10_000, 100_000)}", "next": None, "server": rng.choice(("a", "b"))}
    return extras
