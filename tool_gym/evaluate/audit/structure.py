"""What scenarios are made of: shapes and depths, tools and how they are used, how much of the tool graph is."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tool_gym import jsonio
from tool_gym.errors import UnknownNameError
from tool_gym.generators.coverage import Edge, edges_of, node_of, possible_edges
from tool_gym.generators.domain import load_domain
from tool_gym.scenario import Scenario, ToolSpec


class Structure(NamedTuple):
    """Counts over a pack; figures per scenario are lists in its order."""

    grid: Counter[tuple[str, int]]
    """(shape, calls of the longest chain) → scenarios."""
    domains: Counter[str]
    calls: list[int]
    tools: list[int]
    levels: dict[str, Counter[str]]
    """Knob → value → scenarios."""
    sequences: int
    """Different (domain, shape, sequence of what is asked of which table)."""
    schemas: int
    """Different tools: by name, description and parameters."""
    toolsets: int
    """Different sets of tools."""
    tool_figures: dict[str, Counter[str]]
    """Parameters per tool, required ones, their types and words per description, over the different tools."""
    coverage: dict[str, tuple[int, int]]
    """Domain → (edges used, edges possible)."""
    rarest: list[tuple[str, int]]
    """Operations by how many scenarios need them, the rarest first."""


class Collector:
    """Takes scenarios one after another and counts."""

    def __init__(self) -> None:
        self._grid: Counter[tuple[str, int]] = Counter()
        self._domains: Counter[str] = Counter()
        self._calls: list[int] = []
        self._tools: list[int] = []
        self._levels: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._sequences: set[tuple[Any, ...]] = set()
        self._schemas: dict[bytes, ToolSpec] = {}
        self._toolsets: set[frozenset[bytes]] = set()
        self._edges: defaultdict[str, set[Edge]] = defaultdict(set)
        self._operations: Counter[str] = Counter()

    def add(self, scenario: Scenario) -> None:
        """Count a scenario."""
        self._grid[scenario.shape, scenario.depth] += 1
        self._domains[scenario.domain] += 1
        self._calls.append(len(scenario.plans[0].steps) if scenario.plans else len(scenario.sub_goals))
        self._tools.append(len(scenario.tools))
        for knob, value in scenario.knobs.items():
            self._levels[knob][str(value)] += 1
        nodes = tuple(node_of(sub_goal) for sub_goal in scenario.sub_goals)
        self._operations.update({operation for operation, _ in nodes})
        self._sequences.add((scenario.domain, scenario.shape, nodes))
        keys = {jsonio.dump_bytes([tool.name, tool.description, tool.parameters]): tool for tool in scenario.tools}
        self._schemas.update(keys)
        self._toolsets.add(frozenset(keys))
        self._edges[scenario.domain].update(edges_of(scenario))

    def result(self) -> Structure:
        """Return the counts."""
        return Structure(
            grid=self._grid,
            domains=self._domains,
            calls=self._calls,
            tools=self._tools,
            levels=dict(self._levels),
            sequences=len(self._sequences),
            schemas=len(self._schemas),
            toolsets=len(self._toolsets),
            tool_figures=tool_figures(self._schemas.values()),
            coverage={name: _covered(name, found) for name, found in sorted(self._edges.items())},
            rarest=sorted(self._operations.items(), key=lambda item: (item[1], item[0])),
        )


def tool_figures(tools: Iterable[ToolSpec]) -> dict[str, Counter[str]]:
    """Return the distributions by which documents are compared with those of real tools."""
    parameters: Counter[str] = Counter()
    required: Counter[str] = Counter()
    types: Counter[str] = Counter()
    words: Counter[str] = Counter()
    for tool in tools:
        properties = tool.parameters.get("properties", {})
        parameters[_counted(len(properties))] += 1
        required[_counted(len(tool.parameters.get("required", ())))] += 1
        types.update(_type(schema) for schema in properties.values())
        words[_tens(len(tool.description.split()))] += 1
    return {"parameters": parameters, "required": required, "types": types, "words": words}


def entropy(counts: Mapping[Any, int]) -> float:
    """Return the Shannon entropy of a distribution, in bits."""
    total = sum(counts.values())
    return -sum(count / total * math.log2(count / total) for count in counts.values() if count)


def share_covered(coverage: Mapping[str, tuple[int, int]]) -> float:
    """Return the share of all possible edges that are used, in [0, 1]."""
    return sum(used for used, _ in coverage.values()) / max(1, sum(possible for _, possible in coverage.values()))


def spread(values: Sequence[int]) -> dict[str, float]:
    """Return smallest, median, mean and largest."""
    ordered = sorted(values) or [0]
    median = ordered[len(ordered) // 2]
    return {"min": ordered[0], "median": median, "mean": sum(ordered) / len(ordered), "max": ordered[-1]}


def _covered(domain: str, found: set[Edge]) -> tuple[int, int]:
    try:
        possible = possible_edges(load_domain(domain))
    except UnknownNameError:
        return 0, 0  # a pack from elsewhere: nobody knows what its domain could offer
    return len(possible & found), len(possible)


def _type(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "enum"
    kind = schema.get("type")
    return "number" if kind == "integer" else kind if isinstance(kind, str) else "union or none"


def _counted(count: int) -> str:
    return str(count) if count < 4 else "4 or 5" if count < 6 else "6 or more"


def _tens(count: int) -> str:
    return "none" if count == 0 else f"{count // 10 * 10} to {count // 10 * 10 + 9}" if count < 40 else "40 or more"
