"""Toolset extension (FTRL's fourth strategy): tools that are not needed. Oracle-preserving.

Levels: 0, 3, 6, 10 and 16 more tools, most of them near: of the entity or family of a needed one; some connected by
taking ids the plan produces; few far. From level 2 on there are retired twins beside them: tools that look like one
of the others, whose documents say that they are switched off, and that refuse every call.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from zlib import crc32

from tool_gym.generators.calls import template
from tool_gym.generators.decompose import Call, Concept
from tool_gym.generators.integrate import Interface
from tool_gym.generators.scale.interning import interned
from tool_gym.scenario import ToolSpec

EXTRA_TOOLS = (0, 3, 6, 10, 16)
"""Unneeded tools by level."""

RETIRED_TWINS = (0, 0, 1, 2, 3)
"""Retired twins by level."""

_SHARES = (10, 3, 5, 2)
"""How often an unneeded tool is drawn from each distance, in twentieths."""

_PREFERRED = 3
"""Among how many equally close tools the next one is drawn."""

_WRITES = ("create", "update", "transition", "cancel")
_TWINS = ("legacy_{}", "{}_v1", "{}_old")
_LONGEST_NAME = 64


def extend_toolset(  # noqa: PLR0913, PLR0917 - what there is, what is needed, and how much more is wanted
    interface: Interface,
    needed: list[ToolSpec],
    calls: list[Call],
    level: int,
    order: Sequence[Concept],
    rng: random.Random,
) -> list[ToolSpec]:
    """Return tools that are not needed, mostly close to the needed ones.

    Args:
        interface: Makes them.
        needed: The tools that are there already.
        calls: The plan.
        level: How many more are wanted, 0 to 4.
        order: All concepts, those first that are preferred among equally close ones.
        rng: The stream.
    """
    if EXTRA_TOOLS[level] == 0:
        return []
    entities = {call.concept[1] for call in calls if len(call.concept) > 1}
    families = {call.concept[0] for call in calls}
    left: list[list[Concept]] = [[] for _ in _SHARES]
    distances = {kind: _distance(kind, entities, families) for kind in {concept[:2] for concept in order}}
    for concept in order:
        left[distances[concept[:2]]].append(concept)
    chosen: dict[str, ToolSpec] = {}
    taken = {tool.name for tool in needed}
    done = {interface.function(tool) for tool in needed}
    while len(chosen) < EXTRA_TOOLS[level] and any(left):
        wanted = rng.choices(range(len(_SHARES)), _SHARES)[0]
        concepts = left[wanted]
        if concepts:
            tool = interface.tool(concepts.pop(rng.randrange(min(_PREFERRED, len(concepts)))))
            if tool.name not in taken and interface.function(tool) not in done:
                chosen[tool.name] = tool
                done.add(interface.function(tool))
    return list(chosen.values())


def thinned(tools: list[ToolSpec], rng: random.Random) -> Iterator[list[ToolSpec]]:
    """Yield half of some unneeded tools, a quarter and so on, down to one."""
    while len(tools) > 1:
        kept = set(rng.sample(range(len(tools)), len(tools) // 2))
        tools = [tool for number, tool in enumerate(tools) if number in kept]
        yield tools


def retired_twins(tools: list[ToolSpec], level: int, variant: int) -> list[ToolSpec]:
    """Return retired twins of some tools; of these, each one has at most one.

    Args:
        tools: The tools.
        level: 0 to 4.
        variant: Which of the ways: the same tools tend to have twins, and always by the same names.
    """
    taken = {tool.name for tool in tools}
    twins: list[ToolSpec] = []
    for tool in sorted(tools, key=lambda tool: _rank(tool, variant))[: RETIRED_TWINS[level]]:
        name = _TWINS[_rank(tool, variant) % len(_TWINS)].format(tool.name)
        if name not in taken and len(name) <= _LONGEST_NAME:
            twins.append(_twin(tool, name))
            taken.add(name)
    return twins


def _rank(tool: ToolSpec, variant: int) -> int:
    return crc32(f"{variant} {tool.name}".encode())


def _twin(tool: ToolSpec, name: str) -> ToolSpec:
    def make() -> ToolSpec:
        text = f"{tool.description} Deprecated: switched off, every call is refused; use {tool.name}."
        impl = template(tool).model_copy(update={"retired": f"{name} is switched off; use {tool.name}"})
        return tool.model_copy(update={"name": name, "description": text.strip(), "impl": impl})

    return interned(tool, ("twin", name), make)


def _distance(concept: Concept, entities: set[str | None], families: set[str | None]) -> int:
    """Return 0 for the nearest distractors, 3 for the farthest; unlike writes count as far."""
    near_entity = len(concept) > 1 and concept[1] in entities
    near_family = concept[0] in families
    if concept[0] in _WRITES and not near_family:
        return 2 if near_entity else 3
    return 2 * (not near_entity) + (not near_family)
