"""What scenarios make use of: shapes by depth, and the edges of the typed tool graph; the least covered comes first.

A node of the graph is a family of calls about one table ("top inspection"); an edge says that one call's result became
the other's argument. `possible_edges` is what a domain could offer, `edges` what one draft uses.
"""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

from tool_gym.generators.decompose import Call, Draft
from tool_gym.generators.domain import Domain

Node: TypeAlias = tuple[str, str]
"""(family, table); the table is empty for pure computation."""

Edge: TypeAlias = tuple[Node, Node]


class Coverage:
    """How often each shape and depth, and each edge, was used so far."""

    def __init__(self) -> None:
        self._depths: Counter[tuple[str, int]] = Counter()
        self._edges: Counter[Edge] = Counter()

    def next_depth(self, shape: str, depths: tuple[int, ...]) -> int:
        """Return the depth that the shape was used in least; the smallest of several."""
        return min(depths, key=lambda depth: (self._depths[shape, depth], depth))

    def score(self, draft: Draft) -> float:
        """Return how well covered a draft's edges are already: their mean count; without edges, that of its nodes."""
        found = edges(draft)
        return sum(self._edges[edge] for edge in found) / len(found)

    def add(self, shape: str, depth: int, draft: Draft) -> None:
        """Count what a scenario uses."""
        self._depths[shape, depth] += 1
        self._edges.update(edges(draft))


def edges(draft: Draft) -> list[Edge]:
    """Return a draft's edges, each once; a call that nothing feeds is fed by the user."""
    found: dict[Edge, None] = {}
    for call in draft.calls:
        sources = [_node(draft.calls[number]) for number, _ in call.references.values()]
        for source in sources or [("user", "")]:
            found[source, _node(call)] = None
    return list(found)


def possible_edges(domain: Domain) -> set[Edge]:
    """Return the edges between tools that read, which a domain's references and groups make possible."""
    found: set[Edge] = set()
    for name, entity in domain.entities.items():
        readers = [("get", name)]
        for child, _, parent in domain.groups:
            if parent == name:
                readers += [("list", child), ("summarize", child)]
                readers += [("top", child)] if domain.entities[child].of_type("integer", "number", "date") else []
        if entity.availability is not None:
            readers.append(("check_availability", name))
        sources = [("find", name)]
        sources += [("get", other) for other, spec in domain.entities.items() if name in spec.refs.values()]
        if entity.of_type("integer", "number", "date"):
            sources += [("top", name)]
            sources += [("search", name)] if entity.of_type("enum", "state") else []
        found.update((source, reader) for source in sources for reader in readers)
        found.update((("user", ""), (family, name)) for family in ("find", "get"))
    return found


def _node(call: Call) -> Node:
    return str(call.concept[0]), str(call.concept[1] or "") if len(call.concept) > 1 else ""
