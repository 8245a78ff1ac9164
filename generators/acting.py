"""Drawing changes over a world: to a value the user says, or to one that must be found out first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tool_gym.generators.decompose import SHAPE, RejectedError
from tool_gym.generators.expressions import (
    Act,
    Attr,
    Calc,
    Cancel,
    Create,
    Ent,
    Percent,
    Said,
    Transition,
    UndefinedError,
    Update,
    Val,
)
from tool_gym.generators.worlds import draw_values
from tool_gym.world import Row

if TYPE_CHECKING:
    from tool_gym.generators.sampling import Sampler

_TRIES = 8
"""How often a value that fits is drawn before the draft is given up."""

_PERCENT = (5, 10, 15, 20, 25, 30, 40, 50, -5, -10, -15, -20, -25, -30, -40, -50)
_AMOUNTS = (1, 2, 5, 10, 15, 20, 25, 30, 40, 50, 75)
_SMALLEST, _LARGEST = 0.01, 0.4
"""Bounds of an amount that a number is raised by, as a share of it."""


class Actor:
    """Draws changes over the world of a sampler."""

    def __init__(self, sampler: Sampler) -> None:
        self._ask = sampler
        self._domain = sampler.domain
        self._walk = sampler.walk
        self._rng = sampler.rng

    def act(self, depth: int) -> Act:
        """Draw a change whose every value is said, the row it is about found by `depth` - 1 calls."""
        kinds: list[tuple[str, str]] = []
        for key, entity in self._domain.entities.items():
            kinds += [("update", key)] if any(a.writable for a in entity.columns.values()) else []
            kinds += [("transition", key), ("cancel", key)] if entity.state is not None else []
            kinds += [("create", key)] * 4 if entity.creatable else []
        kind, wanted = self._walk.some(kinds)
        if kind == "create":
            return self.create(wanted, depth - 1)
        target = self._walk.entity(depth - 1, (wanted,), lambda row: bool(self.ways(wanted, kind, row)))
        return self.change(target, kind)

    def change(self, target: Ent, kind: str, way: str | None = None) -> Act:
        """Draw a change of one kind to a row: update, transition or cancel; `way` is one of its `ways`."""
        row = self._walk.row(target)
        way = way if way is not None else self._walk.some(self.ways(target.entity, kind, row))
        if kind == "update":
            return Update(target, way, self._other_value(target.entity, way, row[way]))
        state = self._domain.entities[target.entity].state or ""
        return Cancel(target, state, way) if kind == "cancel" else Transition(target, state, way)

    def ways(self, entity: str, kind: str, row: Row) -> list[str]:
        """Return the columns that may be updated, or the states the row may move to; none if it is closed."""
        spec = self._domain.entities[entity]
        state = spec.state
        allowed = None if state is None else spec.columns[state].transitions.get(row[state], ())
        if kind == "update":
            return [] if allowed == () else [name for name, a in spec.columns.items() if a.writable]
        cancelled = spec.columns[state or ""].cancel if state is not None else None
        return [value for value in allowed or () if (value == cancelled) == (kind == "cancel")]

    def found(self, depth: int) -> Act:
        """Draw a change to a value that is found out, by a longest chain of `depth` calls with the change."""
        kinds = ["copy", "copy", *(("percent", "amount", "amount", "by") if depth > 2 else ("copy",)), "create"]
        kind = self._rng.choice(kinds)
        refused = RejectedError(SHAPE, "no value that fits")
        for _ in range(_TRIES):
            try:
                act = self._copied_to_new(depth) if kind == "create" else self._rewritten(kind, depth)
            except RejectedError as error:
                refused = error
                continue
            if act is not None:
                return act
        raise refused

    def _rewritten(self, kind: str, depth: int) -> Update | None:
        """Draw an update of one kind, or nothing if its value does not fit."""
        writable = [(n, c) for n, e in self._domain.entities.items() for c, a in e.columns.items() if a.writable]
        entity, column = self._rng.choice(writable)
        if kind in ("percent", "amount"):
            target = self._target(entity, depth - 3)
            old = Attr(target, column)
            value: Val | None = self.percent(old) if kind == "percent" else self.amount(old)
        else:
            spare = depth - (2 if kind == "copy" else 3)  # calls to find the row of the longest chain
            calls = [spare, self._rng.randint(0, spare)]
            self._rng.shuffle(calls)
            if kind == "copy" and calls[0] == spare:
                calls[0] += self._rng.randint(0, 1)
            target, source = self._target(entity, calls[0]), self._source(entity, column, calls[1])
            value = source
            if kind == "by":
                value = Calc(self._rng.choice(("add", "subtract")), Attr(target, column), source)
            if calls[0] < spare and calls[1] < spare:
                return None
        if value is None or not self.fits(entity, column, value, self._walk.row(target)[column]):
            return None
        return Update(target, column, value)

    def create(self, entity: str, calls: int) -> Create:
        """Draw a new row, one of the rows it refers to found by so many calls, the others by name."""
        columns = self._domain.entities[entity].columns
        refs = [(column, a.entity) for column, a in columns.items() if a.entity is not None]
        if not refs:
            raise RejectedError(SHAPE, "nothing to look up")
        chained = self._rng.choice(refs)
        ends = tuple((c, self._walk.entity(calls if (c, e) == chained else 1, (e,), simple=True)) for c, e in refs)
        plain = [(column, a) for column, a in columns.items() if a.entity is None and a.type != "state"]
        values = ((column, draw_values(self._domain, a, {}, 1, self._rng)[0]) for column, a in plain)
        return Create(entity, tuple(values), ends)

    def fits(self, entity: str, column: str, value: Val, old: Any) -> bool:
        """Return whether a value is one the column can hold, and another than it has."""
        attribute = self._domain.attribute(entity, column)
        try:
            new = self._walk.evaluate.value(value)
        except UndefinedError:
            return False
        decimals = attribute.decimals if attribute.type == "number" else 0
        low, high = float(attribute.low or 0), float(attribute.high or 0)
        return bool(new != old and low <= new <= high and round(new, decimals) == new)

    def _target(self, entity: str, calls: int) -> Ent:
        return self._walk.entity(calls, (entity,), lambda row: bool(self.ways(entity, "update", row)))

    def _source(self, entity: str, column: str, calls: int) -> Val:
        """Draw a number of the column's kind: mostly another row's, or a statistic over the same column."""
        own = self._ask.same_measure(entity, column)
        return self._ask.figure(calls, own[:1] if self._rng.random() < 0.6 else own)

    def percent(self, old: Attr) -> Percent | None:
        """Draw a share to raise or lower a cell by; none if the cell cannot hold any of the results."""
        entity, column, now = old.source.entity, old.column, self._walk.row(old.source)[old.column]
        if self._domain.attribute(entity, column).unit == "percent":
            return None  # ten percent more of forty percent could be fifty
        raised = (Percent(old, percent) for percent in self._rng.sample(_PERCENT, len(_PERCENT)))
        return next((value for value in raised if self.fits(entity, column, value, now)), None)

    def amount(self, old: Attr) -> Calc | None:
        """Draw a round amount to raise or lower a number by."""
        attribute = self._domain.attribute(old.source.entity, old.column)
        now = self._walk.row(old.source)[old.column]
        if attribute.unit == "percent" or now <= 0:
            return None
        scale = 10 ** max(0, math.floor(math.log10(now)) - 1)
        amounts = [n * scale for n in _AMOUNTS if _SMALLEST <= n * scale / now <= _LARGEST]
        if not amounts:
            return None
        return Calc(self._rng.choice(("add", "subtract")), old, Said(self._rng.choice(amounts)))

    def _other_value(self, entity: str, column: str, old: float) -> float:
        value: float = draw_values(self._domain, self._domain.attribute(entity, column), {}, 1, self._rng)[0]
        if value == old:
            raise RejectedError(SHAPE, "no change")
        return value

    def _copied_to_new(self, depth: int) -> Create | None:
        """Draw a new row one of whose numbers is found out."""
        entity = self._walk.some([name for name, spec in self._domain.entities.items() if spec.creatable])
        column = self._walk.some(self._domain.entities[entity].of_type("integer", "number"))
        value = self._source(entity, column, depth - 2)
        if not self.fits(entity, column, value, None):
            return None
        plain = self.create(entity, 1)
        given = tuple((name, value if name == column else said) for name, said in plain.values)
        return Create(entity, given, plain.refs)
