"""What scenarios make use of: shapes by depth, and the edges of the typed tool graph; the least covered comes first.

A node of the graph is what a call asks about one table ("top inspection"), whatever tool is called for it; an edge says
that one call's result became the other's argument. `possible_edges` is what a domain could offer, `edges` what one
draft uses.
"""

from __future__ import annotations

from collections import Counter
from typing import TypeAlias

from tool_gym.generators.decompose import Call, Draft
from tool_gym.generators.domain import Domain
from tool_gym.scenario import Scenario, SubGoal

Node: TypeAlias = tuple[str, str]
"""(operation, table), as in `tool_gym.tools.base.FactKey`; the table is empty for pure computation."""

Edge: TypeAlias = tuple[Node, Node]

USER: Node = ("user", "")
"""Feeds the calls that take nothing from others."""

WRITE = "write"
"""The operation of every change."""

_OPERATIONS = {
    "get": "read",
    "find": "find",
    "top": "top",
    "search": "top",
    "list": "aggregate",
    "summarize": "aggregate",
    "compare": "compare",
    "check_availability": "availability",
    "calculate": "calculate",
    "convert_unit": "convert",
    "days_between": "days",
}
"""What calls of a family ask; all others change something."""


class Coverage:
    """How often each shape and depth, and each edge, was used so far."""

    def __init__(self) -> None:
        self._depths: Counter[tuple[str, int]] = Counter()
        self._edges: Counter[Edge] = Counter()

    def next_depth(self, shape: str, depths: tuple[int, ...]) -> int:
        """Return the depth that the shape was used in least; the smallest of several."""
        return min(depths, key=lambda depth: (self._depths[shape, depth], depth))

    def score(self, draft: Draft) -> float:
        """Return how well covered a draft's rarest edge is, and among equals how well all are on average."""
        counts = [self._edges[edge] for edge in edges(draft)]
        return min(counts) + min(sum(counts) / len(counts) / 10_000, 0.9)

    def add(self, shape: str, depth: int, draft: Draft) -> None:
        """Count what a scenario uses."""
        self._depths[shape, depth] += 1
        self._edges.update(edges(draft))


def edges(draft: Draft) -> list[Edge]:
    """Return a draft's edges, each once; a call that nothing feeds is fed by the user."""
    found: dict[Edge, None] = {}
    for call in draft.calls:
        sources = [_node(draft.calls[number]) for number, _ in call.references.values()]
        found.update(dict.fromkeys((source, _node(call)) for source in sources or [USER]))
    return list(found)


def edges_of(scenario: Scenario) -> list[Edge]:
    """Return the edges of a scenario's graph of sub-goals, each once."""
    nodes = {sub_goal.id: node_of(sub_goal) for sub_goal in scenario.sub_goals}
    found: dict[Edge, None] = {}
    for sub_goal in scenario.sub_goals:
        parents = [parent.id for parent in sub_goal.parents if parent.kind == "data" and parent.id in nodes]
        found.update(dict.fromkeys((nodes[name], nodes[sub_goal.id]) for name in parents))
        if not parents:
            found[USER, nodes[sub_goal.id]] = None
    return list(found)


def node_of(sub_goal: SubGoal) -> Node:
    """Return the node of a sub-goal."""
    if sub_goal.binding is None:
        return WRITE, sub_goal.effects[0].table if sub_goal.effects else ""
    return sub_goal.binding.operation, sub_goal.binding.entity or ""


def possible_edges(domain: Domain) -> set[Edge]:
    """Return the edges that a domain's references, groups, numbers and dates make possible.

    Left out is what nobody would ask for: going on from a comparison or from a row just made.
    """
    found: set[Edge] = set()
    for name, entity in domain.entities.items():
        sources = [("find", name), *(("read", other) for other in _referring(domain, name))]
        sources += [("top", name)] if _orderable(domain, name) else []
        found.update((source, reader) for source in sources for reader in _readers(domain, name))
        found.update((USER, (operation, name)) for operation in ("find", "read", "aggregate"))
        numbers, dates = entity.of_type("integer", "number"), entity.of_type("date")
        if numbers:
            found.update(((operation, name), ("calculate", "")) for operation in ("read", "aggregate"))
        if dates:
            found.add((("read", name), ("days", "")))
    return found


def _readers(domain: Domain, name: str) -> list[Node]:
    """Return what takes the id of a row of an entity."""
    entity = domain.entities[name]
    readers = [("read", name)]
    for child, _, parent in domain.groups:
        if parent == name:
            readers.append(("aggregate", child))
            readers += [("top", child)] if _orderable(domain, child) else []
            readers += [(WRITE, child)] if domain.entities[child].creatable else []
    readers += [("availability", name)] if entity.availability is not None else []
    changes = entity.state is not None or any(attribute.writable for attribute in entity.columns.values())
    return readers + ([(WRITE, name)] if changes else [])


def _referring(domain: Domain, name: str) -> list[str]:
    return [other for other, entity in domain.entities.items() if name in entity.refs.values()]


def _orderable(domain: Domain, name: str) -> bool:
    return bool(domain.entities[name].of_type("integer", "number", "date"))


def _node(call: Call) -> Node:
    entity = str(call.concept[1] or "") if len(call.concept) > 1 else ""
    return _OPERATIONS.get(str(call.concept[0]), WRITE), entity
