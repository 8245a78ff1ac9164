"""Worlds that differ in a few cells: what a part of a goal rests on, changed while the world stays a legal one.

G7 asks whether such a change alters what the goal comes to; G11 looks for one that no visible tool could tell.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple, TypeAlias

from tool_gym.generators.expressions import Agg, Attr, Best, Evaluator, Follow, Free, Higher, Top
from tool_gym.world import Column, Row, World, WorldView

Read: TypeAlias = Attr | Follow | Top | Best | Agg | Higher | Free
"""What reads the world; all else is computed from it."""

_OTHERS = 8
"""How many other rows are tried as what a reference leads to, and how many other texts."""

_STEPS = (1, -1, 7, -7, 40, -40)
"""Changes of a number, in units of its last decimal, and of a date, in days."""


class Cell(NamedTuple):
    """A changed cell."""

    table: str
    row: str
    column: str
    after: Any


Change: TypeAlias = tuple[Cell, ...]


def changes(world: World, part: Read) -> dict[str, Iterator[Change]]:
    """Return what a part rests on → changes of the world that could make it come out otherwise.

    Raises:
        UndefinedError: If the part has no value as it is.
    """
    disturber = _Disturber(world)
    if isinstance(part, Attr | Follow):
        row = disturber.evaluate.row(part.source)
        return {"the cell": disturber.cell(part.source.entity, row, part.column)}
    if isinstance(part, Higher):
        return {"the order": disturber.swapped(part)}
    if isinstance(part, Free):
        return {"the bookings": disturber.bookings(part)}
    return disturber.grouped(part)


def changed(world: World, change: Change) -> WorldView:
    """Return a view of the world with the change made."""
    view = WorldView(world.base)
    for cell in change:
        view.update(cell.table, cell.row, {cell.column: cell.after})
    return view


class _Disturber:
    def __init__(self, world: World) -> None:
        self.world = world
        self.evaluate = Evaluator(WorldView(world.base))

    def cell(self, table: str, row: Row, column: str) -> Iterator[Change]:
        """Give a cell other values of its type."""
        spec = self.world.tables[table].columns[column]
        for after in self._others(table, spec, column, row[column]):
            yield (Cell(table, row["id"], column, after),)

    def grouped(self, part: Top | Best | Agg) -> dict[str, Iterator[Change]]:
        """Change what is ordered or summarized: the figures, or which rows belong."""
        rows = self.evaluate.group(part)
        found: dict[str, Iterator[Change]] = {}
        if isinstance(part, Top | Best):
            found["the order"] = self.overtaken(part, rows)
            rows = [self.evaluate.row(part)]
        elif part.column is not None:
            found["the figures"] = self._each(part.entity, rows, part.column)
        if not isinstance(part, Best) and part.by is not None and part.parent is not None:
            joining = self._joined(part, self.evaluate.row(part.parent)["id"])
            found["the group"] = chain(self._each(part.entity, rows, part.by), joining)
        if not isinstance(part, Top) and part.filter is not None:
            found["the category"] = self._each(part.entity, rows, part.filter[0])
        return found or {"the rows": iter(())}  # a count of a whole table rests on no cell

    def overtaken(self, part: Top | Best, rows: list[Row]) -> Iterator[Change]:
        """Let another row of the group change places with the first."""
        first = self.evaluate.row(part)
        others = sorted(
            (row for row in rows if row is not first), key=lambda row: row[part.column], reverse=part.descending
        )
        for other in others[:_OTHERS]:
            yield (
                Cell(part.entity, first["id"], part.column, other[part.column]),
                Cell(part.entity, other["id"], part.column, first[part.column]),
            )

    def swapped(self, part: Higher) -> Iterator[Change]:
        """Let the two rows change places."""
        first, second = self.evaluate.row(part.first), self.evaluate.row(part.second)
        yield (
            Cell(part.entity, first["id"], part.column, second[part.column]),
            Cell(part.entity, second["id"], part.column, first[part.column]),
        )

    def bookings(self, part: Free) -> Iterator[Change]:
        """Free a row that is booked, or book one that is free."""
        calendar, row_id = part.calendar, self.evaluate.row(part.source)["id"]
        taken = self.evaluate.bookings(part)
        if taken:
            for column in (calendar.date, *([calendar.state] if calendar.state is not None else ())):
                together = zip(*(self.cell(calendar.table, row, column) for row in taken), strict=False)
                yield from (tuple(cell for change in several for cell in change) for several in together)
            return
        booked = {calendar.ref: row_id, calendar.date: part.date}
        if calendar.state is not None:
            booked[calendar.state] = calendar.blocking[0]
        rows = self.world.tables[calendar.table].rows.values()
        for row in sorted(rows, key=lambda row: sum(row[column] != after for column, after in booked.items()))[
            :_OTHERS
        ]:
            yield tuple(Cell(calendar.table, row["id"], c, after) for c, after in booked.items() if row[c] != after)

    def _joined(self, part: Top | Agg, parent: str) -> Iterator[Change]:
        """Let a row of another group join."""
        for row_id, row in self.world.tables[part.entity].rows.items():
            if part.by is not None and row[part.by] != parent:
                yield (Cell(part.entity, row_id, part.by, parent),)

    def _each(self, table: str, rows: list[Row], column: str) -> Iterator[Change]:
        """Change the column in one row at a time, the smallest and the largest first."""
        ordered = sorted(rows, key=lambda row: row[column])
        for row in dict.fromkeys(row["id"] for row in (*ordered[:1], *ordered[-1:], *ordered)):
            yield from self.cell(table, self.world.tables[table].rows[row], column)

    def _others(self, table: str, spec: Column, column: str, old: Any) -> Iterator[Any]:
        if spec.type in ("integer", "number"):
            yield from self._numbers(spec, old)
            yield from self._ends(table, column, old)
        elif spec.type == "date":
            day = dt.date.fromisoformat(old)
            yield from ((day + dt.timedelta(days=step)).isoformat() for step in _STEPS)
            yield from self._ends(table, column, old)
        elif spec.type in ("enum", "state"):
            yield from (value for value in spec.values if value != old)
        elif spec.type == "ref":
            yield from [row_id for row_id in self.world.tables[spec.table or ""].rows if row_id != old][:_OTHERS]
        else:
            yield from [row[column] for row in self.world.tables[table].rows.values() if row[column] != old][:_OTHERS]

    def _ends(self, table: str, column: str, old: Any) -> Iterator[Any]:
        """Yield the least and the greatest value of a column: far enough to turn a condition round."""
        cells = [row[column] for row in self.world.tables[table].rows.values()]
        yield from (value for value in (min(cells), max(cells)) if value != old)

    def _numbers(self, spec: Column, old: float) -> Iterator[float]:
        decimals = spec.decimals if spec.type == "number" else 0
        for step in _STEPS:
            new = round(old + step / 10**decimals, decimals) if decimals else old + step
            if not isinstance(spec.low, float) or not isinstance(spec.high, float) or spec.low <= new <= spec.high:
                yield new
