"""Stage C, function integration: documents of overlapping function are merged into fewer, more general tools.

This is the first of FTRL's four published strategies, functional generalisation. Six operators, each a choice in
`Merges`; an `Interface` is a domain's tools under one choice of each. A merge rewrites the plan: `Interface.route` says
which public tool a call goes to, with what further arguments, under what names, and where in the result the value then
stands. Each is proved where it is used (`tool_gym.generators.merge_proof`).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from tool_gym.generators.concepts import concepts_of, full_concept, padded
from tool_gym.generators.decompose import Call, Concept, Draft
from tool_gym.generators.document import Catalogue
from tool_gym.generators.merges import ATOMIC, Merges
from tool_gym.generators.overlap import Function, function_of
from tool_gym.generators.routes import ROUTES, Route
from tool_gym.scenario import TemplateImpl, ToolSpec


class Integrated(NamedTuple):
    """A draft whose calls go to public tools."""

    draft: Draft
    tools: list[ToolSpec]
    """The public tool of each call."""


class Interface:
    """A domain's tools under one choice of merges.

    Args:
        catalogue: Makes the documents.
        merges: The choice; none by default.
    """

    def __init__(self, catalogue: Catalogue, merges: Merges = ATOMIC) -> None:
        self.catalogue = catalogue
        self.merges = merges
        self._routes: dict[Concept, Route] = {}
        self._functions: dict[str, Function] = {}

    def tool(self, concept: Concept) -> ToolSpec:
        """Return the public tool that does `concept`."""
        return self.route(concept).tool

    @cached_property
    def concepts(self) -> tuple[Concept, ...]:
        """Every concept these tools could be asked for."""
        return tuple(concepts_of(self.catalogue.domain, in_units=self.merges.units == "split"))

    def function(self, tool: ToolSpec) -> Function:
        """Return what one of these tools does; see `overlap.function_of`."""
        known = self._functions.get(tool.name)
        if known is None:
            known = self._functions[tool.name] = function_of(tool, self.catalogue.base)
        return known

    def route(self, concept: Concept) -> Route:
        """Return how calls of a concept are made."""
        known = self._routes.get(concept)
        if known is None:
            full = padded(concept, self.catalogue.domain)
            known = self._routes[concept] = ROUTES[str(full[0])](self.catalogue, self.merges, *full[1:])
        return known

    def integrate(self, draft: Draft) -> Integrated:
        """Return the draft with each call rewritten for its public tool; the given one is left as it is."""
        routes = [self.route(full_concept(call, self.catalogue.domain)) for call in draft.calls]
        calls = [_rewritten(call, route, routes) for call, route in zip(draft.calls, routes, strict=True)]
        outputs = [(number, routes[number].paths.get(path, path)) for number, path in draft.outputs]
        contrary = self.integrate(draft.contrary).draft if draft.contrary is not None else None
        changed = replace(draft, calls=calls, outputs=outputs, contrary=contrary, sub_goals=[], turns=[])
        return Integrated(changed, [route.tool for route in routes])

    def arguments(self, tool: ToolSpec, call: Call) -> dict[str, str]:
        """Return which of a rewritten call's arguments the tool takes: family name → public name."""
        impl = tool.impl
        if not isinstance(impl, TemplateImpl):
            return {}
        public = {role: name for name, role in impl.renames.items()}
        named = {role: public.get(role, role) for role in (*call.literals, *call.references)}
        return {role: name for role, name in named.items() if role not in impl.constants}


def suited(merges: Merges, draft: Draft) -> Merges:
    """Return the merges, but for units where the plan converts some: a tool that does it by itself is a shortcut."""
    converts = any(call.concept[0] == "convert_unit" for call in draft.calls)
    return replace(merges, units="stored") if converts else merges


def _rewritten(call: Call, route: Route, routes: list[Route]) -> Call:
    literals = {route.roles.get(r, r): value for r, value in call.literals.items() if r not in route.dropped}
    references = {
        route.roles.get(role, role): (number, routes[number].paths.get(path, path))
        for role, (number, path) in call.references.items()
    }
    path = route.paths.get(call.path, call.path)
    return replace(call, path=path, literals={**literals, **route.implied}, references=references)
