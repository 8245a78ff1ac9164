"""Drawing goals over a world: of a shape, with a longest chain of exactly as many calls as asked for.

What is drawn is checked against the tables at once (groups large enough, columns of the type needed), so that few
drafts come to nothing. The gates prove what is only likely here.
"""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterable
from typing import NamedTuple

from tool_gym import units
from tool_gym.generators.acting import Actor
from tool_gym.generators.conditions import Conditions
from tool_gym.generators.decompose import MIN_GROUP, SHAPE, Goal, RejectedError
from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import (
    Agg,
    Attr,
    Best,
    ById,
    Calc,
    Calendar,
    Convert,
    Days,
    Ent,
    Expression,
    Free,
    Higher,
    Top,
    UndefinedError,
    Val,
)
from tool_gym.generators.walks import Walker
from tool_gym.world import World

_KIND = {"integer": "number", "number": "number", "enum": "category", "state": "category"}
"""Type of a column → kind of answer it gives; of other types it is the type itself."""


class Column(NamedTuple):
    """A column of an entity."""

    entity: str
    name: str


_FAR_FETCHED = frozenset(
    {
        ("h", "s"), ("s", "h"), ("g", "t"), ("t", "g"), ("m", "km"), ("m", "mi"), ("mi", "m"),
        ("m", "mm"), ("km", "mm"), ("mi", "mm"), ("mm", "km"), ("mm", "mi"),
        ("m2", "ha"), ("ft2", "ha"), ("ha", "ft2"),
    }
)  # fmt: skip
"""Conversions that units allow and nobody asks for."""

LEAST, MOST = 0.01, 100_000
"""Between what numbers lie that people would have converted to."""


class Sampler:
    """Draws goals over one world."""

    def __init__(self, domain: Domain, world: World, rng: random.Random) -> None:
        self.domain = domain
        self.world = world
        self.rng = rng
        self.walk = Walker(domain, world, rng)

    def goal(self, shape: str, depth: int) -> Goal:
        """Draw a goal of a shape.

        Args:
            shape: One of the shapes this release builds, decline excepted.
            depth: Calls of the longest chain; the single-hop shapes always have 1.

        Raises:
            RejectedError: If this draw leads nowhere; draw again.
        """
        if shape == "parallel_single_hop":
            return self._distinct(self.rng.randint(2, 4), lambda: self._single(among_others=True))
        if shape == "parallel_multi_hop":
            return self._join(depth)
        one: dict[str, Callable[[int], Expression]] = {
            "single_hop": lambda _: self._single(),
            "multi_hop": self.chain,
            "write": Actor(self).act,
            "read_then_write": Actor(self).found,
            "conditional": Conditions(self).rule,
        }
        if shape not in one:
            raise RejectedError(SHAPE, shape)
        return (one[shape](depth),)

    def _single(self, *, among_others: bool = False) -> Expression:
        """Draw something one call finds out."""
        kinds = (
            "cell",
            "cell",
            "cell",
            "top",
            "top",
            "best",
            "statistic",
            "group",
            *(("free",) if among_others else ()),
        )
        kind = self.rng.choice(kinds)
        entities = self.domain.entities
        entity = self.walk.some([name for name in entities if kind != "best" or self.walk.has_categories(name)])
        if kind == "cell":
            return Attr(ById(entity, self.rng.choice(self.walk.rows[entity])), self.column(entity))
        if kind == "top":
            return Top(entity, self.walk.orderable(entity), self.rng.random() < 0.5)
        if kind == "statistic":
            return self.aggregate(entity, None, None)
        if kind == "best":
            return self.walk.best(entity)
        if kind == "free":
            return self.free(0)
        child, by, parent = self.walk.some(self.domain.groups)
        return self.aggregate(child, by, self._parent(0, child, by, parent))

    def chain(self, depth: int) -> Val | Top | Best:
        """Draw a value, or a row to name, at the end of a chain of `depth` calls."""
        if depth >= 3 and self.rng.random() < 0.15:
            return self._converted(depth)
        if self.rng.random() < 0.5:
            found = self.walk.entity(depth, None)
            if isinstance(found, Top):
                return found
        return self.value_of(self.walk.entity(depth - 1, None))

    def _join(self, depth: int) -> Goal:
        """Draw two chains that meet in one value, or a few chains asked together."""
        kinds = ("calculate", "days", "days", "higher", "several", "several", "several")
        kind = self.rng.choice(kinds) if depth > 2 else self.rng.choice(("calculate", "days", "several"))
        if kind == "several":
            return self._several(depth)
        if kind == "higher":
            return (self._higher(depth),)
        calls = [depth - 2, self.rng.randint(0, depth - 2)]
        self.rng.shuffle(calls)
        first, second = self._dates(calls) if kind == "days" else self.figures(calls)
        if first == second:
            raise RejectedError(SHAPE, "the same figure twice")
        if kind == "days":
            return (Days(first, second),)
        operations = ("add", "subtract", "subtract", "divide") if self._adds_up(first) else ("subtract", "divide")
        return (Calc(self.rng.choice(operations), first, second),)

    def _several(self, depth: int) -> Goal:
        """Draw two or three chains; one of them is as long as asked for."""
        longest = self.chain(depth)

        def shorter() -> Expression:
            calls = self.rng.randint(2, depth)
            return self.free(calls - 1) if self.rng.random() < 0.25 else self.chain(calls)

        others = [shorter() for _ in range(self.rng.randint(1, 2))]
        drawn = [longest, *others]
        self.rng.shuffle(drawn)
        return self._distinct(len(drawn), iter(drawn).__next__)

    def _higher(self, depth: int) -> Val:
        """Draw a value of the one of two rows that has more of something."""
        calls = [depth - 2, 1]
        self.rng.shuffle(calls)
        entities = [name for name, entity in self.domain.entities.items() if entity.of_type("integer", "number")]
        first = self.walk.entity(calls[0], entities)
        second = self.walk.entity(calls[1], (first.entity,), lambda row: row["id"] != self.walk.row(first)["id"])
        column = self.rng.choice(self.domain.entities[first.entity].of_type("integer", "number"))
        return Attr(Higher(first.entity, column, first, second), self.column(first.entity, skip=column))

    def _distinct(self, count: int, draw: Callable[[], Expression]) -> Goal:
        drawn = tuple(draw() for _ in range(count))
        if len(set(drawn)) < count:
            raise RejectedError(SHAPE, "the same question twice")
        if all(isinstance(expression, Free) for expression in drawn):
            raise RejectedError(SHAPE, "only yes or no")
        return drawn

    def value_of(self, ent: Ent) -> Val:
        """Draw a value of a row: one of its cells, or a statistic over its children."""
        row = self.walk.row(ent)
        groups = [
            (child, by)
            for child, by, parent in self.domain.groups
            if parent == ent.entity and self.walk.size(child, by, row) >= MIN_GROUP
        ]
        if groups and self.rng.random() < 0.15:
            child, by = self.rng.choice(groups)
            return self.aggregate(child, by, ent)
        skip = ent.column if isinstance(ent, Top | Best | Higher) else None
        return Attr(ent, self.column(ent.entity, skip=skip))

    def aggregate(self, entity: str, by: str | None, parent: Ent | None, wanted: str | None = None) -> Agg:
        """Draw a statistic over a group, of the `wanted` column if one is given."""
        spec = self.domain.entities[entity]
        operations = ("sum", "average", "minimum", "maximum")
        countable = wanted is None and (by is not None or self.walk.has_categories(entity))
        operation = self.rng.choice(("count", *operations) if countable else operations)
        numbers = [wanted] if wanted else list(spec.of_type("integer", "number"))
        numbers = [name for name in numbers if operation != "sum" or spec.columns[name].additive]
        if not numbers and wanted:
            operation, numbers = "average", [wanted]
        if operation == "count" or not numbers:
            return self._count(entity, by, parent)
        plain = Agg(entity, operation, self.rng.choice(numbers), by, parent)
        return self._filtered(plain) if self.rng.random() < 0.3 else plain

    def _count(self, entity: str, by: str | None, parent: Ent | None) -> Agg:
        plain = Agg(entity, "count", None, by, parent)
        if by is None or self.rng.random() < 0.4:
            return self._filtered(plain)
        return Agg(entity, "count", None, by, parent, listed=self.rng.random() < 0.6)

    def _filtered(self, agg: Agg) -> Agg:
        """Return a statistic over one category of the group, if it has one that is neither rare nor everything."""
        categories = self.walk.categories(agg)
        if not categories and agg.column is not None:
            return agg
        return Agg(agg.entity, agg.operation, agg.column, agg.by, agg.parent, self.walk.some(categories))

    def _converted(self, depth: int) -> Convert:
        columns = [column for column in self._numbers() if everyday_units(self._unit_of(column))]
        if not columns:
            raise RejectedError(SHAPE, "nothing to convert")
        column = self.rng.choice(columns)
        unit = self._unit_of(column) or ""
        return self.converted(self.figure(depth - 2, [column]), unit)

    def converted(self, val: Val, unit: str) -> Convert:
        """Draw a unit that people would have a value of `unit` converted to: one that leaves a number of sensible size.

        Raises:
            RejectedError: If there is none.
        """
        try:
            found = [Convert(val, unit, other) for other in everyday_units(unit)]
            found = [value for value in found if LEAST <= abs(self.walk.evaluate.value(value)) <= MOST]
        except UndefinedError as error:
            raise RejectedError(SHAPE, str(error)) from None
        if not found:
            raise RejectedError(SHAPE, "a number that nobody would convert")
        return self.rng.choice(found)

    def figures(self, calls: Iterable[int]) -> list[Val]:
        """Draw numbers of one kind, each a statistic or cell of a row that takes so many calls to find."""
        if self.rng.random() < 0.15:
            child, by, parent = self.walk.some(self.domain.groups)
            return [self._count(child, by, self._parent(n, child, by, parent)) for n in calls]
        measure = self._measure(self.walk.some(self._numbers()))
        columns = [column for column in self._numbers() if self._measure(column) == measure]
        return [self.figure(n, columns) for n in calls]

    def figure(self, calls: int, columns: list[Column]) -> Val:
        """Draw a cell of one of the columns, or a statistic over it."""
        column = self.rng.choice(columns)
        groups = [(by, parent) for child, by, parent in self.domain.groups if child == column.entity]
        if groups and self.rng.random() < 0.35:
            by, parent = self.rng.choice(groups)
            ent = self._parent(calls, column.entity, by, parent)
            return self.aggregate(column.entity, by, ent, column.name)
        ent = self.walk.entity(calls, (column.entity,))
        if isinstance(ent, Top | Best) and ent.column == column.name:
            raise RejectedError(SHAPE, "an extreme that is asked for twice")
        return Attr(ent, column.name)

    def _dates(self, calls: Iterable[int]) -> list[Val]:
        dated = [Column(n, c) for n, entity in self.domain.entities.items() for c in entity.of_type("date")]
        drawn = [(n, self.walk.some(dated)) for n in calls]
        return [Attr(self.walk.entity(n, (column.entity,)), column.name) for n, column in drawn]

    def free(self, calls: int) -> Free:
        """Draw whether a row can be booked: half the time on the date of a booking of its own."""
        bookable = [name for name, entity in self.domain.entities.items() if entity.availability is not None]
        source = self.walk.entity(calls, (self.walk.some(bookable),))
        booked = self.domain.entities[source.entity].availability
        if booked is None:
            raise RejectedError(SHAPE, "nothing to book")
        spec = self.domain.entities[booked.bookings]
        calendar = Calendar(booked.bookings, f"{booked.ref}_id", booked.date, spec.state, booked.blocking)
        rows = list(self.world.tables[booked.bookings].rows.values())
        own = [row for row in rows if row[calendar.ref] == self.walk.row(source)["id"]]
        date: str = self.rng.choice(own if own and self.rng.random() < 0.5 else rows)[calendar.date]
        if self.rng.random() < 0.2:
            date = (dt.date.fromisoformat(date) + dt.timedelta(days=self.rng.randint(1, 9))).isoformat()
        return Free(source, date, calendar)

    def _parent(self, calls: int, child: str, by: str, parent: str) -> Ent:
        """Draw a row with enough children to order or summarize."""
        return self.walk.entity(calls, (parent,), lambda row: self.walk.size(child, by, row) >= MIN_GROUP)

    def same_measure(self, entity: str, column: str) -> list[Column]:
        """Return the number columns that measure what a column does, itself first."""
        own = Column(entity, column)
        measure = self._measure(own)
        return [own, *(other for other in self._numbers() if other != own and self._measure(other) == measure)]

    def _numbers(self) -> list[Column]:
        return [Column(n, c) for n, entity in self.domain.entities.items() for c in entity.of_type("integer", "number")]

    def _unit_of(self, column: Column) -> str | None:
        return self.domain.attribute(*column).unit

    def _measure(self, column: Column) -> str:
        """Return what a column measures: its unit, or its noun where it has none; only like is compared with like."""
        return self._unit_of(column) or self.domain.attribute(*column).noun

    def _adds_up(self, val: Val) -> bool:
        """Return whether a sum with this value means anything."""
        if isinstance(val, Attr):
            return self.domain.attribute(val.source.entity, val.column).additive
        return isinstance(val, Agg) and (val.column is None or val.operation == "sum")

    def column(self, entity: str, skip: str | None = None) -> str:
        """Draw a column a user may ask for: first its kind, mostly one with many possible values."""
        kinds: dict[str, list[str]] = {}
        for name, attribute in self.domain.entities[entity].columns.items():
            if name != skip and attribute.type != "ref":
                kinds.setdefault(_KIND.get(attribute.type, attribute.type), []).append(name)
        many = [kind for kind in kinds if kind != "category"]
        return self.walk.some(kinds[self.walk.some(many if many and self.rng.random() < 0.85 else list(kinds))])


def everyday_units(unit: str | None) -> tuple[str, ...]:
    """Return the units people would have a quantity converted to.

    >>> everyday_units("h"), everyday_units("kg")
    (('min',), ('g', 't'))
    """
    return tuple(other for other in units.partners(unit or "") if (unit, other) not in _FAR_FETCHED)
