"""Printing a part of tool-gym as one piece of source that needs nothing but the standard library.

A tool that is exported must do what it does here, so its code is not written a second time: the functions and
classes it rests on are taken from their modules as they stand, with all they need and no more, and put into one
namespace. Annotations go, and so do methods that nothing left in mentions. A record of the data model
(`tool_gym.model.Model`) becomes plain data with the same fields, defaults and methods and without the checks: what
is exported was checked here.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeAlias

from tool_gym.errors import ExportError
from tool_gym.generators.export.definitions import HEAD, Part, definition, printed
from tool_gym.generators.export.sources import Place, check_needs, import_of, is_standard

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

Aliases: TypeAlias = tuple[tuple[Place, str], ...]


class Bundle:
    """Definitions of tool-gym's modules, ready to be printed into one namespace; make it with `bundled`."""

    def __init__(self, roots: Aliases, instead: Mapping[Place, Place], reserved: frozenset[str]) -> None:
        self._instead = instead
        self._places: dict[Place, str] = {}
        """What is in it → the name it would like."""
        self._mentioned: set[str] = set()
        before = -1
        while before < len(self._mentioned):  # what is kept mentions more, which is then kept too
            before = len(self._mentioned)
            self._collect(dict(roots))
        self.names: dict[Place, str] = {}
        for place, alias in self._places.items():
            self.names[place] = self._free(alias, place.module, reserved)

    def name_of(self, thing: Any) -> str:
        """Return what a function or class is called in the bundle."""
        return self.names[place_of(thing)]

    def fields(self, kind: type[BaseModel]) -> dict[str, FieldInfo]:
        """Return the fields of a record that something in the bundle reads."""
        return {name: field for name, field in kind.model_fields.items() if name in self._mentioned}

    def imports(self) -> list[str]:
        """Return the import statements, sorted."""
        foreign = [(place, name) for place, name in self.names.items() if not place.is_ours]
        return sorted(ast.unparse(import_of(place, name)) for place, name in foreign)

    def definitions(self, *, documented: bool = True) -> list[str]:
        """Return the source of each definition, whatever runs at once behind what it needs.

        Args:
            documented: Whether docstrings stay.
        """
        done: dict[Place, None] = {}
        for place in self._places:
            self._settle(place, done)
        return [self._printed(place, documented=documented) for place in done if place.is_ours]

    def _collect(self, left: dict[Place, str]) -> None:
        """Take in definitions and all they need."""
        self._places = {}
        while left:
            place = next(iter(left))
            alias = left.pop(place)
            if place not in self._places:
                self._places[place] = alias
                for part in self._parts(place) if place.is_ours else ():
                    self._mentioned |= part.mentions
                    needs = self._resolved(part.needs)
                    check_needs(place, needs)
                    left.update((need, _alias(need)) for need in needs)

    def _parts(self, place: Place) -> Iterator[Part]:
        """Yield what is kept of a definition; of a class, the methods that are mentioned somewhere.

        Any attribute of that name is a mention, so a method that needs a library is none that is meant.
        """
        for name, part in definition(place).parts.items():
            special = name.startswith("__") and name.endswith("__")
            if name == HEAD or special or (name in self._mentioned and self._is_portable(part)):
                yield part

    def _is_portable(self, part: Part) -> bool:
        """Return whether all a part needs, and what that needs, is ours or the standard library's."""
        found: dict[Place, None] = {}
        left = self._resolved(part.needs)
        while left:
            place = left.pop()
            if not place.is_ours and not is_standard(place):
                return False
            if place.is_ours and place not in found:
                found[place] = None
                head = definition(place).parts[HEAD]
                left.extend(self._resolved(head.needs))
        return True

    def _resolved(self, needs: tuple[Place, ...]) -> list[Place]:
        return [self._instead.get(need, need) for need in needs]

    def _free(self, name: str, module: str, reserved: frozenset[str]) -> str:
        taken = reserved.union(self.names.values())
        candidates = (name, f"{name.rstrip('_')}_{module.rpartition('.')[2]}", *(f"{name}_{n}" for n in range(2, 999)))
        return next(candidate for candidate in candidates if candidate not in taken)

    def _printed(self, place: Place, *, documented: bool) -> str:
        found = definition(place)
        fields = found.record.model_fields if found.record is not None else {}
        parts = list(self._parts(place))
        kept = {name for name, part in found.parts.items() if any(part is one for one in parts)}
        kept |= self._mentioned.intersection(fields)
        needs = dict.fromkeys(need for part in parts for need in part.needs)
        names = tuple((need, self.names[self._instead.get(need, need)]) for need in needs)
        return printed(place, self.names[place], frozenset(kept), names, documented=documented)

    def _settle(self, place: Place, done: dict[Place, None]) -> None:
        """Put a definition behind those that must stand above it."""
        if place in done or not place.is_ours:
            return
        above = self._reach(place) if definition(place).is_constant else self._above(place)
        for need in above:
            if need != place:
                self._settle(need, done)
        done[place] = None

    def _above(self, place: Place) -> list[Place]:
        return [need for part in self._parts(place) for need in self._resolved(part.at_once)]

    def _reach(self, place: Place) -> list[Place]:
        """Return all that a constant's value may call."""
        found, left = {place: None}, [place]
        while left:
            needs = [need for part in self._parts(left.pop()) for need in self._resolved(part.needs) if need.is_ours]
            left.extend(need for need in needs if need not in found)
            found.update(dict.fromkeys(needs))
        return list(found)[::-1]


def bundled(roots: Mapping[Any, str], instead: Mapping[Any, Any], reserved: Collection[str]) -> Bundle:
    """Bundle functions and classes with all they need.

    Args:
        roots: The functions and classes, each with the name it would like.
        instead: What takes the place of what cannot be taken along.
        reserved: Names that nothing in the bundle may have.

    Raises:
        ExportError: If something they need is not there, or not of the standard library.
    """
    wanted = tuple((place_of(thing), name) for thing, name in roots.items())
    others = tuple((place_of(old), place_of(new)) for old, new in instead.items())
    clashes: frozenset[str] = frozenset()
    while True:  # bundles differ in their roots and in what few names they must avoid, so most were made before
        bundle = _bundle(wanted, others, clashes)
        found = clashes.union(reserved).intersection(bundle.names.values())
        if not found:
            return bundle
        clashes |= found


def place_of(thing: Any) -> Place:
    """Return where a function or class is defined.

    Raises:
        ExportError: If that is not at the top level of a module.
    """
    name = getattr(thing, "__qualname__", "")
    if not name.isidentifier():
        msg = f"{thing!r} is no function or class at the top level of a module, so it cannot be exported"
        raise ExportError(msg)
    return Place(thing.__module__, name)


@lru_cache(maxsize=1024)
def _bundle(roots: Aliases, instead: tuple[tuple[Place, Place], ...], reserved: frozenset[str]) -> Bundle:
    return Bundle(roots, dict(instead), reserved)


def _alias(place: Place) -> str:
    return place.name or place.module.replace(".", "_")
