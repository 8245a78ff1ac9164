"""Drawing conditional requests: a test on something to be found out, and what to do or tell in either case.

The constant of a test lies close to what is found, and either outcome is common among the rows that could have been
asked about, so that neither can be guessed. One row is at the centre: both branches are about it, and often the test
is too.
"""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any

from tool_gym.generators.acting import Actor
from tool_gym.generators.decompose import MIN_GROUP, SHAPE, RejectedError
from tool_gym.generators.expressions import (
    Act,
    Agg,
    Attr,
    Best,
    ById,
    ByName,
    Condition,
    Create,
    Ent,
    Follow,
    Free,
    If,
    Percent,
    Said,
    Top,
    UndefinedError,
    Update,
    Val,
    walk,
)
from tool_gym.generators.relations import Relation, is_so
from tool_gym.world import Row

if TYPE_CHECKING:
    from tool_gym.generators.sampling import Sampler

MIN_SHARE = 0.15
"""Smallest share of the rows of a table for which a test on one of its cells comes out either way."""

_WANTED_SHARE = 0.25
"""Smallest share that is drawn: what is found by way of other rows must matter too."""

_TRIES = 6
_NEAR_CELL = (0.01, 0.08)
"""How far a constant lies from a cell, as a share of the column's range."""

_NEAR_FIGURE = (0.005, 0.03)
"""How far it lies from a statistic, as a share of that."""

_NUMERIC: tuple[Relation, ...] = ("more", "less", "least", "most")


class Conditions:
    """Draws conditional requests over the world of a sampler."""

    def __init__(self, sampler: Sampler) -> None:
        self._ask = sampler
        self._domain = sampler.domain
        self._walk = sampler.walk
        self._rng = sampler.rng
        self._act = Actor(sampler)

    def rule(self, depth: int) -> If:
        """Draw a conditional request whose longest chain takes `depth` calls."""
        deep = (self._raise, self._parent, self._parent) if depth > 2 else ()
        kinds = (self._own, self._own, self._children, self._other, self._other, self._free, self._two, *deep)
        refused = RejectedError(SHAPE, "no condition")
        for _ in range(_TRIES):
            try:
                rule = self._rng.choice(kinds)(depth)
                self._check_rows(rule)
            except RejectedError as error:
                refused = error
                continue
            keeps = isinstance(rule.then, Create)  # nobody books what is taken
            return rule if keeps or self._rng.random() < 0.5 else If(rule.test, rule.otherwise, rule.then)
        raise refused

    def _check_rows(self, rule: If) -> None:
        """Reject a rule in which one row is described in two ways."""
        rows: dict[str, Ent] = {}
        for part in walk(rule):
            if isinstance(part, Ent) and rows.setdefault(self._walk.row(part)["id"], part) != part:
                raise RejectedError(SHAPE, "two descriptions of one row")

    def _own(self, depth: int) -> If:
        """Test a cell of the row itself."""
        centre = self._centre(depth - 2)
        column = self._column(centre)
        return self._ruled(self._tested(Attr(centre, column)), centre, (column,))

    def _raise(self, depth: int) -> If:
        """Raise a number if it is too low, or else set it."""
        taken = self._rng.random() < 0.5  # raising takes a call more
        centre = self._centre(depth - 3 if taken else depth - 2, changing=True)
        row = self._walk.row(centre)
        column = self._walk.some(self._act.ways(centre.entity, "update", row))
        cell = Attr(centre, column)
        raised = self._act.percent(cell) or self._act.amount(cell)
        if raised is None:
            raise RejectedError(SHAPE, "no value that fits")
        up = raised.percent > 0 if isinstance(raised, Percent) else raised.operation == "add"
        test = self._tested(cell, ("less", "most") if up else ("more", "least"))
        if self._walk.evaluate.holds(test) != taken:
            raise RejectedError(SHAPE, "the other way round")
        then = Update(centre, column, raised)
        return If(test, then, self._told(centre, (column,)) if self._rng.random() < 0.5 else self._set(centre, column))

    def _parent(self, depth: int) -> If:
        """Test a cell of a row it refers to."""
        centre = self._centre(depth - 3)
        column, entity = self._walk.some(list(self._domain.entities[centre.entity].refs.items()))
        parent = Follow(entity, column, centre)
        return self._ruled(self._tested(Attr(parent, self._column(parent))), centre, ())

    def _children(self, depth: int) -> If:
        """Test a statistic over the rows that refer to it."""
        child, by, parent = self._walk.some(self._domain.groups)
        centre = self._walk.entity(depth - 2, (parent,), lambda row: self._walk.size(child, by, row) >= MIN_GROUP)
        return self._ruled(self._tested(self._ask.aggregate(child, by, centre)), centre, ())

    def _other(self, depth: int) -> If:
        """Test something else than the row."""
        value = self._ask.value_of(self._walk.entity(depth - 2, None))
        return self._beside(self._tested(value))

    def _free(self, depth: int) -> If:
        """Test whether something is free on a date."""
        wanted = self._rng.random() < 0.5
        drawn = (self._ask.free(depth - 2) for _ in range(_TRIES))
        value = next((free for free in drawn if self._walk.evaluate.value(free) == wanted), None)
        if value is None:
            raise RejectedError(SHAPE, "never free, or always")
        if isinstance(value.source, ByName | ById) and self._rng.random() < 0.5:
            return self._booked(value)
        return self._beside(Condition("same", value, Said(value=True)))

    def _booked(self, free: Free) -> If:
        """Book something if it is free, or else tell something of it."""
        calendar = free.calendar
        spec = self._domain.entities[calendar.table]
        if not spec.creatable:
            raise RejectedError(SHAPE, "nothing to book")
        plain = self._act.create(calendar.table, 0)
        values = tuple((name, free.date if name == calendar.date else value) for name, value in plain.values)
        refs = tuple(
            (column, free.source if column == calendar.ref else ById(ent.entity, self._walk.row(ent)["id"]))
            for column, ent in plain.refs
        )
        test = Condition("same", free, Said(value=True))
        return If(test, Create(calendar.table, values, refs), self._told(free.source, ()))

    def _two(self, depth: int) -> If:
        """Test which of two figures is the greater."""
        calls = [depth - 1, 1]
        self._rng.shuffle(calls)
        first, second = self._ask.figures(n - 1 for n in calls)
        if first == second or isinstance(first, Agg) != isinstance(second, Agg):
            raise RejectedError(SHAPE, "nothing to compare")
        return self._beside(Condition(self._rng.choice(("more", "less")), first, second))

    def _beside(self, test: Condition) -> If:
        """Draw what to do with a row that the test is not about."""
        centre = self._centre(int(self._rng.random() < 0.8), simple=True)
        return self._ruled(test, centre, ())

    def _centre(self, calls: int, *, changing: bool = False, simple: bool = False) -> Ent:
        """Draw the row that both branches are about: one that may be changed, if they must change it."""
        wanted = [
            name for name, spec in self._domain.entities.items() if any(a.writable for a in spec.columns.values())
        ]

        def fits(row: Row) -> bool:
            return not changing or bool(self._act.ways(self._entity_of(row), "update", row))

        return self._walk.entity(calls, wanted, fits, simple=simple)

    def _entity_of(self, row: Row) -> str:
        return next(name for name, ids in self._walk.rows.items() if row["id"] in ids)

    def _ruled(self, test: Condition, centre: Ent, used: tuple[str, ...]) -> If:
        """Draw the branches: two changes, a change and something to tell, or two things to tell.

        Args:
            test: The condition.
            centre: The row they are about.
            used: Its columns that the test reads, which are not asked for again.
        """
        drawn, changes = self._rng.random(), self._changes(centre, test)
        then: Act | Val
        otherwise: Act | Val
        if drawn < 0.2 or not changes:
            then, otherwise = self._told(centre, used), self._told(centre, used)
        elif drawn < 0.55:
            then, otherwise = self._act.change(centre, *self._rng.choice(changes)), self._told(centre, used)
        else:
            first = self._rng.choice(changes)
            second = first if self._rng.random() < 0.5 else self._rng.choice(changes)
            then, otherwise = self._act.change(centre, *first), self._act.change(centre, *second)
        if then == otherwise:
            raise RejectedError(SHAPE, "nothing to decide")
        return If(test, then, otherwise)

    def _changes(self, centre: Ent, test: Condition) -> list[tuple[str, str]]:
        """Return the (kind, way) of changes the row allows; none of its state where that is what is tested."""
        row, spec = self._walk.row(centre), self._domain.entities[centre.entity]
        tested = isinstance(test.first, Attr) and test.first.source == centre and test.first.column == spec.state
        kinds = ["update", *([] if tested else ["transition", "cancel"])]
        return [(kind, way) for kind in kinds for way in self._act.ways(centre.entity, kind, row)]

    def _set(self, centre: Ent, column: str) -> Act:
        return self._act.change(centre, "update", column)

    def _told(self, centre: Ent, used: tuple[str, ...]) -> Val:
        """Draw something to tell of the row."""
        for _ in range(_TRIES):
            value = self._ask.value_of(centre)
            if not (isinstance(value, Attr) and value.column in used):
                return value
        raise RejectedError(SHAPE, "nothing else to tell")

    def _column(self, ent: Ent) -> str:
        """Draw a column to test."""
        skip = ent.column if isinstance(ent, Top | Best) else None
        spec = self._domain.entities[ent.entity]
        figures = [name for name in spec.of_type("integer", "number", "date") if name != skip]
        kinds = [name for name in spec.of_type("enum", "state") if name != skip]
        return self._walk.some(kinds if kinds and (not figures or self._rng.random() < 0.3) else figures)

    def _tested(self, value: Val, relations: tuple[Relation, ...] = _NUMERIC) -> Condition:
        """Draw a test of a value: true or false as the constant falls."""
        try:
            found = self._walk.evaluate.value(value)
        except UndefinedError as error:
            raise RejectedError(SHAPE, str(error)) from None
        for _ in range(_TRIES):
            test = self._test(value, found, relations)
            if test is not None and self._is_open(test):
                return test
        raise RejectedError(SHAPE, "a test that says it all")

    def _test(self, value: Val, found: Any, relations: tuple[Relation, ...]) -> Condition | None:
        if not isinstance(value, Attr):
            return self._beyond(value, found, self._near(found, abs(found), _NEAR_FIGURE, 2), relations)
        attribute = self._domain.attribute(value.source.entity, value.column)
        if attribute.type in ("enum", "state"):
            others = [Condition("same", value, Said(name)) for name in attribute.values if name != found]
            fitting = [test for test in others if self._is_open(test)]
            if self._rng.random() < 0.5:
                return Condition("same", value, Said(found))
            return self._rng.choice(fitting) if fitting else None
        if attribute.type == "date":
            day = dt.date.fromisoformat(found) + dt.timedelta(days=self._rng.choice((-1, 1)) * self._rng.randint(3, 40))
            return self._beyond(value, found, day.isoformat(), relations)
        if attribute.type not in ("integer", "number"):
            return None
        decimals = attribute.decimals if attribute.type == "number" else 0
        span = float(attribute.high or 0) - float(attribute.low or 0)
        return self._beyond(value, found, self._near(found, span, _NEAR_CELL, decimals), relations)

    def _beyond(self, value: Val, found: Any, constant: Any, relations: tuple[Relation, ...]) -> Condition | None:
        return Condition(self._rng.choice(relations), value, Said(constant)) if constant != found else None

    def _near(self, found: float, span: float, share: tuple[float, float], decimals: int) -> float:
        """Draw a number near another one, as round as it may be."""
        if isinstance(found, int) and span == abs(found) and found < 60:  # a count
            return found + self._rng.choice((-1, 0, 1))
        step = span * self._rng.uniform(*share)
        places = min(decimals, 1 - math.floor(math.log10(step))) if step > 0 else decimals
        near = round(found + self._rng.choice((-1, 1)) * step, places)
        return int(near) if places <= 0 else near

    def _is_open(self, test: Condition) -> bool:
        """Return whether a test on a cell comes out either way for a fair share of the rows."""
        if not isinstance(test.first, Attr):
            return True
        rows = list(self._walk.world.tables[test.first.source.entity].rows.values())
        return _WANTED_SHARE <= share_that_holds(test, rows) <= 1 - _WANTED_SHARE


def share_that_holds(test: Condition, rows: list[Row]) -> float:
    """Return the share of the rows for which a test of one of their cells against a constant holds.

    Args:
        test: Its first value is a cell, its second one is said.
        rows: The rows of the cell's table.
    """
    if not isinstance(test.first, Attr) or not isinstance(test.second, Said):
        msg = f"{test} tests no cell against a constant"
        raise TypeError(msg)
    column, constant = test.first.column, test.second.value
    return sum(is_so(test.relation, row[column], constant) for row in rows) / len(rows)
