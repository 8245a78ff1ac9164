"""The algebra of goals: what a user may want to know or have done, as typed trees.

An entity expression names one row, a value expression one value, an act one change. `Evaluator` computes them
straight from the tables: the second implementation that every oracle, which only has the tools, must agree with.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from tool_gym.generators.arithmetic import UndefinedError as UndefinedError  # noqa: PLC0414 - what evaluation may come to
from tool_gym.generators.arithmetic import calculate, first_of, statistic
from tool_gym.generators.relations import Relation, is_so
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


@dataclass(frozen=True, slots=True)
class Said:
    """A number, date or category the user says."""

    value: float | str


@dataclass(frozen=True, slots=True)
class Percent:
    """A number raised by a share of itself, or lowered by a negative one."""

    source: Val
    percent: int

    @property
    def factor(self) -> float:
        """What the number is multiplied by."""
        return round(1 + self.percent / 100, 6)


Val: TypeAlias = Attr | Agg | Calc | Convert | Days | Free | Said | Percent


@dataclass(frozen=True, slots=True)
class Update:
    """Set a numeric field, to a number the user says or to one that is to be found out."""

    target: Ent
    column: str
    value: float | Val


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
    """Make a new row from values, said or to be found out, and the ids of rows."""

    entity: str
    values: tuple[tuple[str, Any], ...]
    refs: tuple[tuple[str, Ent], ...]


Act: TypeAlias = Update | Transition | Cancel | Create


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether a value found out stands in a relation to one that is said or found out too."""

    relation: Relation
    first: Val
    second: Val


@dataclass(frozen=True, slots=True)
class If:
    """One of two things to do or tell, by a test."""

    test: Condition
    then: Act | Val
    otherwise: Act | Val


Expression: TypeAlias = Ent | Val | Act | Condition | If


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
            return first_of(pair, ent.column, descending=True)
        return first_of(self.group(ent), ent.column, descending=ent.descending)

    def value(self, val: Val) -> Any:
        """Return the value of a value expression.

        Raises:
            UndefinedError: If it has none.
        """
        if isinstance(val, Attr):
            return self.row(val.source)[val.column]
        if isinstance(val, Agg):
            rows = self.group(val)
            return len(rows) if val.column is None else statistic(val.operation, [row[val.column] for row in rows])
        if isinstance(val, Free):
            return not self.bookings(val)
        return val.value if isinstance(val, Said) else self._computed(val)

    def holds(self, test: Condition) -> bool:
        """Return whether a test holds.

        Raises:
            UndefinedError: If one of its values is undefined.
        """
        return is_so(test.relation, self.value(test.first), self.value(test.second))

    def settled(self, expression: Expression) -> Expression:
        """Return what an expression comes down to once its condition, if it has one, is decided.

        Raises:
            UndefinedError: If the condition cannot be decided.
        """
        if not isinstance(expression, If):
            return expression
        return expression.then if self.holds(expression.test) else expression.otherwise

    def group(self, of: Top | Best | Agg) -> list[Row]:
        """Return the rows that an expression orders or summarises."""
        if not isinstance(of, Best) and of.by is not None and of.parent is not None:
            rows = self._children(of.entity, of.by, self.row(of.parent)["id"])
        else:
            rows = list(self._view.rows(of.entity))
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

    def _computed(self, val: Calc | Convert | Days | Percent) -> Any:
        if isinstance(val, Convert):
            return round(self.value(val.source) * FACTORS[val.unit][1] / FACTORS[val.target][1], 6)
        if isinstance(val, Percent):
            return round(self.value(val.source) * val.factor, 6)
        first, second = self.value(val.first), self.value(val.second)
        if isinstance(val, Days):
            return abs((dt.date.fromisoformat(first) - dt.date.fromisoformat(second)).days)
        return calculate(val.operation, first, second)

    def _children(self, table: str, column: str, parent: str) -> list[Row]:
        """Return the rows that refer to a parent; sorted out once for tables that are as they were."""
        view = self._view
        if view.delta.get(table):
            return [row for row in view.rows(table) if row[column] == parent]
        groups: dict[str, list[Row]] | None = view.base.derived.get((Evaluator, table, column))
        if groups is None:
            groups = view.base.derived[Evaluator, table, column] = {}
            for row in view.rows(table):
                groups.setdefault(row[column], []).append(row)
        return list(groups.get(parent, ()))

    def _row(self, entity: str, row_id: str) -> Row:
        row = self._view.row(entity, row_id)
        if row is None:
            msg = f"no {entity} {row_id}"
            raise UndefinedError(msg)
        return row


def parts(expression: Expression) -> tuple[Expression, ...]:
    """Return the expressions directly inside an expression."""
    if isinstance(expression, Create):
        values = (value for _, value in expression.values if isinstance(value, _NODES))
        return (*values, *(ent for _, ent in expression.refs))
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
        values = tuple(
            (column, substitute(value, old, new) if isinstance(value, _NODES) else value)
            for column, value in expression.values
        )
        return replace(expression, refs=refs, values=values)
    inner = {name: getattr(expression, name) for name in expression.__slots__}
    return replace(expression, **{k: substitute(v, old, new) for k, v in inner.items() if isinstance(v, _NODES)})


_NODES = (
    ByName, ById, Follow, Top, Best, Higher,
    Attr, Agg, Calc, Convert, Days, Free, Said, Percent,
    Update, Transition, Cancel, Create, Condition, If,
)  # fmt: skip
