"""choose: several tools behind one, told apart by an argument that says which of them is meant.

What merging tools of different tables or families comes to: `list_records(type, …)`, `save_booking(mode, …)`. A call is
handed to the part that the selector names, and serves and changes exactly what that part does.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from pydantic import Field

from tool_gym.errors import ScenarioError
from tool_gym.tools.base import (
    FAMILIES,
    Arguments,
    Bindings,
    Fact,
    Family,
    Parameters,
    Run,
    precondition,
)
from tool_gym.values import Scalar
from tool_gym.world import BaseTables, WorldView


class Part(Bindings):
    """One of the tools: a family, its bindings and constants."""

    family: str
    bindings: dict[str, Any] = Field(default_factory=dict)
    constants: dict[str, Scalar] = Field(default_factory=dict)

    @cached_property
    def bound(self) -> Any:
        """The bindings, checked."""
        return FAMILIES[self.family].bindings.model_validate(self.bindings)


class ChooseBindings(Bindings):
    """The argument that tells the parts apart, and the parts by its values."""

    selector: str
    parts: dict[str, Part] = Field(min_length=1)


def part_parameters(part: Part, base: BaseTables) -> Parameters:
    """Return the arguments one part takes, its constants left out."""
    found = FAMILIES[part.family].parameters(part.bound, base)
    properties = {role: schema for role, schema in found.properties.items() if role not in part.constants}
    return Parameters(properties, tuple(role for role in found.required if role in properties))


def _parameters(bindings: ChooseBindings, base: BaseTables, *, writes: bool) -> Parameters:
    for part in bindings.parts.values():
        family = FAMILIES.get(part.family)
        if family is None or family.writes != writes or family.bindings is ChooseBindings:
            msg = f"{part.family!r} can be no part: wanted a family that {'changes' if writes else 'reads'} the world"
            raise ScenarioError(msg)
    takes = [part_parameters(part, base) for part in bindings.parts.values()]
    properties: dict[str, dict[str, Any]] = {bindings.selector: {"type": "string", "enum": list(bindings.parts)}}
    for one in takes:
        for role, schema in one.properties.items():
            properties[role] = _union(role, properties[role], schema) if role in properties else schema
    always = [role for role in properties if all(role in one.required for one in takes)]
    return Parameters(properties, (bindings.selector, *always))


def _union(role: str, first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    if first == second:
        return first
    if "enum" not in first or "enum" not in second:
        msg = f"the parts take different things as {role!r}: {first} and {second}"
        raise ScenarioError(msg)
    return {**first, "enum": list(dict.fromkeys((*first["enum"], *second["enum"])))}


def _compile(bindings: ChooseBindings, base: BaseTables) -> Run:
    selector = bindings.selector
    parts = {
        value: (FAMILIES[part.family].compile(part.bound, base), part_parameters(part, base), part.constants)
        for value, part in bindings.parts.items()
    }

    def run(view: WorldView, arguments: Arguments) -> Any:
        chosen = arguments[selector]
        part_run, takes, constants = parts[chosen]
        given = {role: value for role, value in arguments.items() if role != selector}
        _check(f"{selector} {chosen!r}", takes, given)
        return part_run(view, {**given, **constants})

    return run


def _check(what: str, takes: Parameters, given: Arguments) -> None:
    """Fail if the arguments are not those of the part: the schema of the whole tool cannot say so."""
    missing = [role for role in takes.required if role not in given]
    strange = [role for role in given if role not in takes.properties]
    if missing or strange:
        msg = f"with {what} the arguments are {', '.join(takes.properties)}; " + (
            f"{missing[0]} is missing" if missing else f"{strange[0]} is not one of them"
        )
        raise precondition(msg)
    for role, value in given.items():
        allowed = takes.properties[role].get("enum")
        if allowed is not None and value not in allowed:
            msg = f"with {what}, {role} must be one of {', '.join(allowed)}"
            raise precondition(msg)


def _facts(bindings: ChooseBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    part = bindings.parts[arguments[bindings.selector]]
    given = {role: item for role, item in arguments.items() if role != bindings.selector}
    return FAMILIES[part.family].facts(part.bound, {**given, **part.constants}, value)


def _tables(bindings: ChooseBindings) -> tuple[str, ...]:
    found = [table for part in bindings.parts.values() for table in FAMILIES[part.family].tables(part.bound)]
    return tuple(dict.fromkeys(found))


FAMILY = Family("choose", ChooseBindings, lambda b, base: _parameters(b, base, writes=False), _compile, _facts, _tables)
WRITING = Family(
    "choose_write",
    ChooseBindings,
    lambda b, base: _parameters(b, base, writes=True),
    _compile,
    _facts,
    _tables,
    writes=True,
)
"""The same over parts that change the world."""
