"""Toolset extension (FTRL's fourth strategy): tools that are not needed. Oracle-preserving.

Levels: 0, 3, 6, 10 and 16 more tools, most of them near: of the entity or family of a needed one; some connected by
taking ids the plan produces; few far. From level 2 on there are retired twins beside them: tools that look like one
of the others, whose documents say that they are switched off, and that refuse every call.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

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

_WRITES = ("create", "update", "transition", "cancel")
_TWINS = ("legacy_{}", "{}_v1", "{}_old")
_LONGEST_NAME = 64


def extend_toolset(
    interface: Interface, needed: list[ToolSpec], calls: list[Call], level: int, rng: random.Random
) -> list[ToolSpec]:
    """Return tools that are not needed, mostly close to the needed ones."""
    if EXTRA_TOOLS[level] == 0:
        return []
    entities = {call.concept[1] for call in calls if len(call.concept) > 1}
    families = {call.concept[0] for call in calls}
    left: list[list[Concept]] = [[] for _ in _SHARES]
    for concept in interface.concepts:
        left[_distance(concept, entities, families)].append(concept)
    chosen: dict[str, ToolSpec] = {}
    taken = {tool.name for tool in needed}
    done = {interface.function(tool) for tool in needed}
    while len(chosen) < EXTRA_TOOLS[level] and any(left):
        wanted = rng.choices(range(len(_SHARES)), _SHARES)[0]
        concepts = left[wanted]
        if concepts:
            tool = interface.tool(concepts.pop(rng.randrange(len(concepts))))
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


def retired_twins(tools: list[ToolSpec], level: int, rng: random.Random) -> list[ToolSpec]:
    """Return retired twins of some tools; of these, each one has at most one."""
    taken = {tool.name for tool in tools}
    twins: list[ToolSpec] = []
    for tool in rng.sample(tools, min(RETIRED_TWINS[level], len(tools))):
        name = rng.choice(_TWINS).format(tool.name)
        if name not in taken and len(name) <= _LONGEST_NAME:
            twins.append(_twin(tool, name))
            taken.add(name)
    return twins


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
