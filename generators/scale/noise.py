"""Perturbed names, in the four degrees of RoTBench (arXiv 2401.08326). Documents stay truthful; the oracle is renamed.

Levels: 1, slight: a letter inserted, left out or replaced. 2, medium: names written backwards, or letters at random.
3, heavy: tools that bear each other's names, parameters that do, and mandatory parameters of no use. 4, union: all of
these side by side. Only what a description tells apart is given a name that says nothing.
"""

from __future__ import annotations

import random
import re
import string
from collections.abc import Collection

from tool_gym.generators.calls import template
from tool_gym.generators.scale.editing import extended, renamed
from tool_gym.generators.scale.interning import interned
from tool_gym.generators.seeding import stream
from tool_gym.scenario import ToolSpec

SLIGHT, MEDIUM, HEAVY, UNION = 1, 2, 3, 4

TOOLS = 0.6
"""Share of the tools whose names are perturbed."""

PARAMETERS = 0.35
"""Share of the parameters whose names are, and of the tools whose parameters exchange theirs."""

JUNK = 0.3
"""Share of the tools with a parameter of no use, from heavy on."""

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{1,63}")
_FILLER = "none"


def perturb_parameters(tool: ToolSpec, origin: ToolSpec, level: int, variant: int) -> ToolSpec:
    """Return a tool with perturbed names of parameters.

    Args:
        tool: The tool, its parameters still by their own names.
        origin: The tool as it was documented: what it says nothing of keeps its name.
        level: 0 to 4.
        variant: Which of the ways.
    """
    if level == 0:
        return tool
    return interned(tool, ("noise", level, variant), lambda: _perturb(tool, origin, level, variant))


def perturb_names(tools: list[ToolSpec], level: int, variant: int) -> list[ToolSpec]:
    """Return tools under perturbed names, in the same order: the same tool by the same one, if no other has it.

    Args:
        tools: The tools, each still by its own name.
        level: 0 to 4.
        variant: Which of the ways.
    """
    if level == 0:
        return tools
    names = {tool.name: tool.name for tool in tools}
    streams = {name: stream("names", name, level, variant) for name in names}
    chosen = [tool.name for tool in tools if tool.description and streams[tool.name].random() < TOOLS]
    if level >= HEAVY:
        exchanged = [name for name in chosen if level == HEAVY or streams[name].random() < 0.5]
        names.update(_turned(exchanged, stream("names", level, variant, *exchanged)))
        chosen = [] if level == HEAVY else [name for name in chosen if name not in exchanged]
    for name in chosen:
        names[name] = _fresh(name, level, set(names.values()) | names.keys(), streams[name])
    return [_called(tool, names[tool.name]) for tool in tools]


def _called(tool: ToolSpec, name: str) -> ToolSpec:
    if name == tool.name:
        return tool
    return interned(tool, ("name", name), lambda: tool.model_copy(update={"name": name}))


def _perturb(tool: ToolSpec, origin: ToolSpec, level: int, variant: int) -> ToolSpec:
    rng = stream("noise", tool.name, level, variant)
    properties, impl = tool.parameters["properties"], template(tool)
    said = {name for name, of in origin.parameters["properties"].items() if of.get("description")}
    known = [name for name in properties if name in said or name in impl.expected]
    names: dict[str, str] = {}
    if level >= HEAVY and rng.random() < PARAMETERS:
        names = _turned(known, rng)
    if level != HEAVY and not names:
        for name in known:
            if rng.random() < PARAMETERS:
                names[name] = _fresh(name, level, {*properties, *names.values()}, rng)
    tool = renamed(tool, names)
    if level >= HEAVY and rng.random() < JUNK:
        junk = _random(rng)
        schema = {"type": "string", "description": f"Without effect; has to be '{_FILLER}'."}
        tool = extended(tool, {}, {junk: (schema, _FILLER)} if junk not in properties else {})
    return tool


def _turned(names: list[str], rng: random.Random) -> dict[str, str]:
    """Return names exchanged in a circle, so that none keeps its own; nothing where there is only one."""
    circle = list(names)
    rng.shuffle(circle)
    return dict(zip(circle, circle[1:] + circle[:1], strict=True)) if len(circle) > 1 else {}


def _fresh(name: str, level: int, taken: Collection[str], rng: random.Random) -> str:
    """Return a perturbed name that nothing has yet; the name itself if none is found."""
    for _ in range(8):
        slight = level == SLIGHT or (level == UNION and rng.random() < 0.5)
        new = _slight(name, rng) if slight else name[::-1] if rng.random() < 0.5 else _random(rng)
        if new not in taken and _NAME.fullmatch(new):
            return new
    return name


def _slight(name: str, rng: random.Random) -> str:
    place, letter = rng.randrange(1, max(2, len(name))), rng.choice(string.ascii_lowercase)
    before, after = name[:place], name[place + 1 :]
    return rng.choice((before + letter + name[place:], before + after, before + letter + after))


def _random(rng: random.Random) -> str:
    return "".join(rng.choices(string.ascii_lowercase, k=rng.randint(6, 10)))
