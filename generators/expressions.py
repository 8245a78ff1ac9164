"""The algebra of goals: what a user may want to know or have done, as typed trees.

An entity expression names one row, a value expression one value, an act one change. `Evaluator` computes them
straight from the tables: the second implementation that every oracle, which only has the tools, must agree with.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tool_gym.units import FACTORS
from tool_gym.world import Row, WorldView


@dataclass(frozen=True, slots=True)
class ByName:
    """The row the user calls by its name."""

    entity: str
    row: str


@dataclass(frozen=True, slots=True)
class ById:
    """The row the user names by its id."""

    entity: str
    row: str


@dataclass(frozen=True, slots=True)
class Follow:
    """The row a reference of another row leads to."""

    entity: str
    column: str
    source: Ent


@dataclass(frozen=True, slots=True)
class Top:
    """The row of a group that comes first in an order; the whole table without a parent."""

    entity: str
    column: str
    descending: bool
    by: str | None = None
    parent: Ent | None = None


@dataclass(frozen=True, slots=True)
class Best:
    """The row of one category, (column, value), that comes first in an order."""

    entity: str
    column: str
    descending: bool
    filter: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Higher:
    """The one of two rows that has more of something."""

    entity: str
    column: str
    first: Ent
    second: Ent


Ent: TypeAlias = ByName | ById | Follow | Top | Best | Higher


@dataclass(frozen=True, slots=True)
class Attr:
    """A cell of a row."""

    source: Ent
    column: str


@dataclass(frozen=True, slots=True)
class Agg:
    """A statistic over a group; `column` is None for a count."""

    entity: str
    operation: str
    column: str | None
    by: str | None = None
    parent: Ent | None = None
    filter: tuple[str, str] | None = None
    listed: bool = False
    """Whether the plan reads the count off a list of the group; the value is the same."""


@dataclass(frozen=True, slots=True)
class Calc:
    """One arithmetic operation on two values."""

    operation: str
    first: Val
    second: Val


@dataclass(frozen=True, slots=True)
class Convert:
    """A value in another unit."""

    source: Val
    unit: str
    target: str


@dataclass(frozen=True, slots=True)
class Days:
    """The number of days between two dates."""

    first: Val
    second: Val


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which rows book others: a table, its columns for what is booked and when, and the states that count."""

    table: str
    ref: str
    date: str
    state: str | None
    blocking: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Free:
    """Whether no booking occupies a row on a date."""

    source: Ent
    date: str
    calendar: Calendar


Val: TypeAlias = Attr | Agg | Calc | Convert | Days | Free


@dataclass(frozen=True, slots=True)
class Update:
    """Set a numeric field."""

    target: Ent
    column: str
    value: float


@dataclass(frozen=True, slots=True)
class Transition:
    """Move to another state."""

    target: Ent
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Cancel."""

    target: Ent
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Create:
    """Make a new row from plain values and the ids of rows."""

    entity: str
    values: tuple[tuple[str, Any], ...]
    refs: tuple[tuple[str, Ent], ...]


Act: TypeAlias = Update | Transition | Cancel | Create
Expression: TypeAlias = Ent | Val | Act


class UndefinedError(Exception):
    """Raised when an expression has no single value in a world: an empty group, a tie, a division by zero."""


class Evaluator:
    """Evaluates expressions on a world's tables, without any tool."""

    def __init__(self, view: WorldView) -> None:
        """Read `view`, changes included."""
        self._view = view

    def row(self, ent: Ent) -> Row:
        """Return the row an entity expression names.

        Raises:
            UndefinedError: If it names none, or more than one.
        """
        if isinstance(ent, ByName | ById):
            return self._row(ent.entity, ent.row)
        if isinstance(ent, Follow):
            return self._row(ent.entity, self.row(ent.source)[ent.column])
        if isinstance(ent, Higher):
            pair = [self.row(ent.first), self.row(ent.second)]
            return _first_of(pair, ent.column, descending=True)
        return _first_of(self.group(ent), ent.column, descending=ent.descending)

    def value(self, val: Val) -> Any:
        """Return the value of a value expression.

        Raises:
            UndefinedError: If it has none.
        """
        if isinstance(val, Attr):
            return self.row(val.source)[val.column]
        if isinstance(val, Agg):
            return _statistic(val, self.group(val))
        if isinstance(val, Convert):
            return round(self.value(val.source) * FACTORS[val.unit][1] / FACTORS[val.target][1], 6)
        if isinstance(val, Free):
            return not self.bookings(val)
        first, second = self.value(val.first), self.value(val.second)
        if isinstance(val, Days):
            return abs((dt.date.fromisoformat(first) - dt.date.fromisoformat(second)).days)
        return _calculate(val.operation, first, second)

    def group(self, of: Top | Best | Agg) -> list[Row]:
        """Return the rows that an expression orders or summarises."""
        rows = list(self._view.rows(of.entity))
        if not isinstance(of, Best) and of.by is not None and of.parent is not None:
            parent_id = self.row(of.parent)["id"]
            rows = [row for row in rows if row[of.by] == parent_id]
        if not isinstance(of, Top) and of.filter is not None:
            column, wanted = of.filter
            rows = [row for row in rows if row[column] == wanted]
        return rows

    def bookings(self, free: Free) -> list[Row]:
        """Return the bookings that occupy a row on the date in question."""
        calendar, row_id = free.calendar, self.row(free.source)["id"]
        return [
            row
            for row in self._view.rows(calendar.table)
            if row[calendar.ref] == row_id
            and row[calendar.date] == free.date
            and (calendar.state is None or row[calendar.state] in calendar.blocking)
        ]

    def _row(self, entity: str, row_id: str) -> Row:
        row = self._view.row(entity, row_id)
        if row is None:
            msg = f"no {entity} {row_id}"
            raise UndefinedError(msg)
        return row


def parts(expression: Expression) -> tuple[Expression, ...]:
    """Return the expressions directly inside an expression."""
    if isinstance(expression, Create):
        return tuple(ent for _, ent in expression.refs)
    inner = (getattr(expression, name) for name in expression.__slots__)
    return tuple(part for part in inner if isinstance(part, _NODES))


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and every expression inside it, innermost last."""
    yield expression
    for part in parts(expression):
        yield from walk(part)


def substitute(expression: Any, old: Expression, new: Expression) -> Any:
    """Return an expression with every `old` inside it replaced by `new`."""
    if expression == old:
        return new
    if isinstance(expression, Create):
        refs = tuple((column, substitute(ent, old, new)) for column, ent in expression.refs)
        return replace(expression, refs=refs)
    inner = {name: getattr(expression, name) for name in expression.__slots__}
    return replace(expression, **{k: substitute(v, old, new) for k, v in inner.items() if isinstance(v, _NODES)})


def _first_of(rows: list[Row], column: str, *, descending: bool) -> Row:
    ordered = sorted(rows, key=lambda row: row[column], reverse=descending)
    if not ordered or (len(ordered) > 1 and ordered[0][column] == ordered[1][column]):
        msg = "tie" if ordered else "empty group"
        raise UndefinedError(msg)
    return ordered[0]


def _statistic(agg: Agg, rows: list[Row]) -> Any:
    if agg.column is None:
        return len(rows)
    cells = [row[agg.column] for row in rows]
    if not cells:
        msg = "empty group"
        raise UndefinedError(msg)
    if agg.operation == "sum":
        return round(sum(cells), 2)
    if agg.operation == "average":
        return round(sum(cells) / len(cells), 2)
    return round(max(cells) if agg.operation == "maximum" else min(cells), 2)


def _calculate(operation: str, first: float, second: float) -> float:
    if operation == "divide":
        if second == 0:
            msg = "division by zero"
            raise UndefinedError(msg)
        return round(first / second, 6)
    if operation == "multiply":
        return round(first * second, 6)
    return round(first + second if operation == "add" else first - second, 6)


_NODES = (
    ByName, ById, Follow, Top, Best, Higher,
    Attr, Agg, Calc, Convert, Days, Free,
    Update, Transition, Cancel, Create,
)  # fmt: skip
