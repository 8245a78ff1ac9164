"""Stage D, complexity scaling: the same task behind a larger, busier set of tools.

Built here, each by level 0 to 4: toolset extension (tools that are not needed: near, sharing the entity or family of
a needed one; connected, taking ids the plan produces; far) and parameter expansion (optional parameters that change
nothing). Both preserve the oracle: its calls stay valid and serve the same. Functional generalisation is stage C.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from tool_gym.generators.decompose import Call, Concept
from tool_gym.generators.integrate import GETTERS, STATISTICS, Getters, Interface, Statistics
from tool_gym.scenario import TemplateImpl, ToolSpec

MAX_LEVEL = 4
EXTRA_TOOLS = (0, 3, 6, 10, 16)
"""Unneeded tools by level of toolset extension."""

_SHARES = (10, 3, 5, 2)
"""How often an unneeded tool is drawn from each distance, in twentieths."""

_WRITES = ("create", "update", "transition", "cancel")
_INERT: dict[str, dict[str, Any]] = {
    "include_metadata": {"type": "boolean", "default": False, "description": "Also return technical metadata."},
    "language": {"type": "string", "enum": ["en", "de", "fr", "es"], "default": "en", "description": "Language."},
    "request_tag": {"type": "string", "maxLength": 40, "description": "Free tag for the request log."},
    "use_cache": {"type": "boolean", "default": True, "description": "Whether a cached result may be used."},
    "priority": {"type": "string", "enum": ["low", "normal", "high"], "default": "normal", "description": "Priority."},
    "trace_level": {"type": "integer", "minimum": 0, "maximum": 3, "default": 0, "description": "Detail of the log."},
}


@dataclass(frozen=True, slots=True)
class Knobs:
    """A complexity vector: what is asked of one scenario.

    Args:
        depth: Calls of the longest chain, 1 to 6.
        getters: How record reads are merged.
        statistics: How statistics are merged.
        toolset: Level of toolset extension, 0 to 4.
        parameters: Level of parameter expansion, 0 to 4.
    """

    depth: int
    getters: Getters
    statistics: Statistics
    toolset: int
    parameters: int

    @classmethod
    def draw(cls, rng: random.Random, depth: int, complexity: int | None) -> Knobs:
        """Draw a vector; `complexity` fixes both scaling levels, None draws them."""
        levels = [rng.randint(0, MAX_LEVEL), rng.randint(0, MAX_LEVEL)]
        getters, statistics = rng.choice(GETTERS), rng.choice(STATISTICS)
        toolset, parameters = levels if complexity is None else (complexity, complexity)
        return cls(depth, getters, statistics, toolset, parameters)


def extend_toolset(
    interface: Interface, needed: list[ToolSpec], calls: list[Call], level: int, rng: random.Random
) -> list[ToolSpec]:
    """Return tools that are not needed, mostly close to the needed ones."""
    entities = {call.concept[1] for call in calls if len(call.concept) > 1}
    families = {call.concept[0] for call in calls}
    left: list[list[Concept]] = [[] for _ in _SHARES]
    for concept in interface.catalogue.concepts():
        left[_distance(concept, entities, families)].append(concept)
    chosen: dict[str, ToolSpec] = {}
    taken = {tool.name for tool in needed}
    while len(chosen) < EXTRA_TOOLS[level] and any(left):
        wanted = rng.choices(range(len(_SHARES)), _SHARES)[0]
        concepts = left[wanted]
        if concepts:
            tool = interface.tool(concepts.pop(rng.randrange(len(concepts))))
            if tool.name not in taken:
                chosen[tool.name] = tool
    return list(chosen.values())


def expand_parameters(tools: list[ToolSpec], level: int, rng: random.Random) -> list[ToolSpec]:
    """Return the tools with up to `level` optional parameters each that change nothing."""
    return [_expanded(tool, rng.sample(list(_INERT), rng.randint(0, level))) for tool in tools]


def _distance(concept: Concept, entities: set[str | None], families: set[str | None]) -> int:
    """Return 0 for the nearest distractors, 3 for the farthest; unlike writes count as far."""
    near_entity = len(concept) > 1 and concept[1] in entities
    near_family = concept[0] in families
    if concept[0] in _WRITES and not near_family:
        return 2 if near_entity else 3
    return 2 * (not near_entity) + (not near_family)


def _expanded(tool: ToolSpec, names: list[str]) -> ToolSpec:
    fresh = [name for name in sorted(names) if name not in tool.parameters["properties"]]
    if not fresh or not isinstance(tool.impl, TemplateImpl):
        return tool
    properties = {**tool.parameters["properties"], **{name: _INERT[name] for name in fresh}}
    impl = tool.impl.model_copy(update={"inert": tuple(fresh)})
    return tool.model_copy(update={"parameters": {**tool.parameters, "properties": properties}, "impl": impl})
