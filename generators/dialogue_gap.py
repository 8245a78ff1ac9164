"""What a request leaves out, so that it has to be asked for.

The goal of a draft is whole: it holds what the user will say when asked. Its gap says which part of it the request
keeps back. `completions` are the goals it could just as well be.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tool_gym import units
from tool_gym.generators.expressions import Agg, ById, ByName, Convert, Create, Transition, Update, substitute
from tool_gym.world import Column, World

Holder: TypeAlias = ByName | ById | Update | Transition | Create | Agg | Convert
"""What a value can be left out of."""

MOST = 24
"""Most values that are tried instead of the one left out."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A value of the goal that the request does not say."""

    part: Holder
    """The part of the goal that holds it."""
    column: str = ""
    """Which of its columns it is a value of; empty for a row or a unit."""

    @property
    def value(self) -> Any:
        """What the user will say: a value, a unit, or a row's id."""
        part = self.part
        if isinstance(part, ByName | ById):
            return part.row
        if isinstance(part, Create):
            refs = {column: ent.row for column, ent in part.refs if isinstance(ent, ByName | ById)}
            return dict(part.values).get(self.column, refs.get(self.column))
        if isinstance(part, Agg):
            return part.filter[1] if part.filter is not None else None
        return part.target if isinstance(part, Convert) else part.value

    def shown(self, world: World) -> Any:
        """Return the value as the user will write it: a row by its name, unless it goes by its id."""
        row = self.row
        return self.value if row is None or isinstance(row, ById) else world.tables[row.entity].rows[row.row]["name"]

    @property
    def row(self) -> ByName | ById | None:
        """The row that is left out, if one is."""
        if isinstance(self.part, ByName | ById):
            return self.part
        ref = dict(self.part.refs).get(self.column) if isinstance(self.part, Create) else None
        return ref if isinstance(ref, ByName | ById) else None

    def completions(self, goal: tuple[Any, ...], world: World) -> Iterator[tuple[Any, tuple[Any, ...]]]:
        """Yield the other values it could have, each with the goal that would be meant."""
        for value in self._others(world):
            part = self._with(value)
            yield value, tuple(substitute(expression, self.part, part) for expression in goal)

    def _others(self, world: World) -> list[Any]:
        part, row = self.part, self.row
        if row is not None:
            found: list[Any] = list(world.tables[row.entity].rows)
        elif isinstance(part, Convert):
            found = list(units.partners(part.unit))
        else:
            entity = part.entity if isinstance(part, Create | Agg) else part.target.entity  # type: ignore[union-attr]  # rows are handled above
            found = _range(world.tables[entity].columns.get(self.column), world, entity, self.column)
        return [value for value in found if value != self.value][:MOST]

    def _with(self, value: Any) -> Holder:
        part = self.part
        if isinstance(part, ByName | ById):
            return replace(part, row=value)
        if isinstance(part, Agg):
            return replace(part, filter=(self.column, value))
        if isinstance(part, Convert):
            return replace(part, target=value)
        if not isinstance(part, Create):
            return replace(part, value=value)
        values = tuple((column, value if column == self.column else old) for column, old in part.values)
        refs = tuple((c, replace(ent, row=value) if c == self.column else ent) for c, ent in part.refs)
        return replace(part, values=values, refs=refs)


def _range(column: Column | None, world: World, entity: str, name: str) -> list[Any]:
    """Return values a column may hold: those of a list, else such as other rows have."""
    if column is not None and column.values:
        return list(column.values)
    return list(dict.fromkeys(row[name] for row in world.tables[entity].rows.values()))
