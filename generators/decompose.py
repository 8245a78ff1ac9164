"""Stage A, scenario decomposition: a goal is drawn first, then its hop graph of single calls follows from it.

A goal is a tuple of expressions (`tool_gym.generators.expressions`): values to be told in order, or one act.
`compile_goal` turns it into the calls that find it out, each reading what earlier ones served; equal
sub-expressions share one call.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tool_gym import units
from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import (
    Act,
    Agg,
    Attr,
    ById,
    ByName,
    Calc,
    Cancel,
    Convert,
    Create,
    Days,
    Ent,
    Evaluator,
    Expression,
    Follow,
    Higher,
    Top,
    Transition,
    UndefinedError,
    Update,
    Val,
    walk,
)
from tool_gym.generators.worlds import draw_values
from tool_gym.world import World, WorldView

Goal: TypeAlias = tuple[Expression, ...]
Concept: TypeAlias = tuple[str | None, ...]
"""What a call does, before any tool is chosen for it: (family, entity, …)."""

MIN_GROUP = 3
"""Fewest rows of a group that is ordered or summarised: smaller groups give shortcuts away."""


class RejectedError(Exception):
    """Raised when a draft cannot become a scenario; `gate` and `reason` are counted and reported."""

    def __init__(self, gate: str, reason: str) -> None:
        super().__init__(f"{gate}: {reason}")
        self.gate = gate
        self.reason = reason


@dataclass(slots=True)
class Call:
    """One call of the hop graph; arguments in the family's own names."""

    expression: Expression
    concept: Concept
    path: tuple[str | int, ...]
    """Where the wanted value stands in the result; empty for a write."""
    literals: dict[str, Any] = field(default_factory=dict)
    references: dict[str, tuple[int, tuple[str | int, ...]]] = field(default_factory=dict)
    """Argument → (number of an earlier call, path in its result)."""


@dataclass(slots=True)
class Draft:
    """A goal and its hop graph."""

    goal: Goal
    calls: list[Call]
    outputs: list[tuple[int, tuple[str | int, ...]]]
    """Where each of the goal's values comes from: (number of a call, path in its result)."""


class Sampler:
    """Draws goals over one world."""

    def __init__(self, domain: Domain, world: World, rng: random.Random) -> None:
        self.domain = domain
        self.world = world
        self.evaluate = Evaluator(WorldView(world.base))
        self._rng = rng
        self._rows = {entity: list(table.rows) for entity, table in world.tables.items()}

    def goal(self, shape: str, depth: int) -> Goal:
        """Draw a goal of a shape.

        Args:
            shape: One of the shapes this release builds, decline excepted.
            depth: Calls of the longest chain; ignored by the single-hop shapes.

        Raises:
            RejectedError: If this draw leads nowhere; draw again.
        """
        if shape == "single_hop":
            return (self._single(),)
        if shape == "parallel_single_hop":
            return self._distinct(self._rng.randint(2, 4), self._single)
        if shape == "multi_hop":
            return (self._chain(depth),)
        if shape == "parallel_multi_hop":
            return self._join(depth)
        if shape == "write":
            return (self._act(depth),)
        raise RejectedError("shape", shape)

    def _single(self) -> Expression:
        """Draw something one call finds out."""
        kind = self._rng.choice(("cell", "cell", "top", "statistic", "group"))
        entity = self._rng.choice(list(self.domain.entities))
        if kind == "cell":
            return Attr(ById(entity, self._rng.choice(self._rows[entity])), self._column(entity))
        if kind == "top":
            column = self._orderable(entity)
            return Top(entity, column, self._rng.random() < 0.5)
        if kind == "statistic":
            return self._aggregate(entity, None, None)
        child, by, parent = self._rng.choice(self.domain.groups)
        return self._aggregate(child, by, ById(parent, self._rng.choice(self._rows[parent])))

    def _chain(self, depth: int) -> Val:
        """Draw a value at the end of a chain of `depth` calls."""
        convert = depth >= 3 and self._rng.random() < 0.3
        source = self._entity(depth - 1 - convert)
        value = self._value_of(source)
        return self._converted(value) if convert else value

    def _join(self, depth: int) -> Goal:
        """Draw two chains that meet in one value, or a few chains asked together."""
        kind = self._rng.choice(("calculate", "calculate", "days", "higher", "several"))
        low = max(1, depth - 2)
        if kind == "several":
            return self._distinct(self._rng.randint(2, 3), lambda: self._chain(max(2, depth - 1)))
        if kind == "higher":
            return (self._higher(depth),)
        if kind == "days":
            first, second = (self._dated(self._entity(self._rng.randint(1, low))) for _ in range(2))
            return (Days(first, second),)
        first = self._numeric(self._entity(self._rng.randint(1, low)))
        second = self._numeric(self._entity(self._rng.randint(1, low)))
        if _same(first, second) or self._measure(first) != self._measure(second):
            raise RejectedError("shape", "two figures of different kinds")
        return (Calc(self._rng.choice(("add", "subtract", "subtract", "divide")), first, second),)

    def _higher(self, depth: int) -> Val:
        first = self._entity(self._rng.randint(1, max(1, depth - 2)))
        second = ByName(first.entity, self._rng.choice(self._rows[first.entity]))
        numbers = self.domain.entities[first.entity].of_type("integer", "number")
        if _same(first, second) or len(numbers) < 1:
            raise RejectedError("shape", "nothing to compare")
        column = self._rng.choice(numbers)
        asked = [name for name in self._columns(first.entity) if name != column]
        return Attr(Higher(first.entity, column, first, second), self._rng.choice(asked))

    def _act(self, depth: int) -> Act:
        """Draw a change to one row, found by at most `depth` - 1 calls."""
        entity_of: list[tuple[str, str]] = []
        for key, entity in self.domain.entities.items():
            entity_of += [("update", key)] if any(a.writable for a in entity.columns.values()) else []
            entity_of += [("transition", key), ("cancel", key)] if entity.state is not None else []
            entity_of += [("create", key)] * 2 if entity.creatable else []
        kind, wanted = self._rng.choice(entity_of)
        if kind == "create":
            return self._create(wanted)
        target = self._entity(depth - 1, wanted)
        row = self._row(target)
        if kind == "update":
            return self._update(target, row)
        column = self.domain.entities[wanted].state or ""
        spec = self.world.tables[wanted].columns[column]
        allowed = spec.transitions.get(row[column], ())
        if kind == "cancel":
            if spec.cancel not in allowed:
                raise RejectedError("shape", "already past cancelling")
            return Cancel(target, column, spec.cancel or "")
        choices = [value for value in allowed if value != spec.cancel]
        if not choices:
            raise RejectedError("shape", "no way to move on")
        return Transition(target, column, self._rng.choice(choices))

    def _update(self, target: Ent, row: dict[str, Any]) -> Update:
        entity = self.domain.entities[target.entity]
        state = entity.state
        if state is not None and not self.world.tables[target.entity].columns[state].transitions.get(row[state]):
            raise RejectedError("shape", "the row is closed")
        column = self._rng.choice([name for name, a in entity.columns.items() if a.writable])
        value = draw_values(entity.columns[column], {}, 1, self._rng)[0]
        if value == row[column]:
            raise RejectedError("shape", "no change")
        return Update(target, column, value)

    def _create(self, entity: str) -> Create:
        values, refs = [], []
        for column, attribute in self.domain.entities[entity].columns.items():
            if attribute.entity is not None:
                refs.append((column, ByName(attribute.entity, self._rng.choice(self._rows[attribute.entity]))))
            elif attribute.type != "state":
                values.append((column, draw_values(attribute, {}, 1, self._rng)[0]))
        return Create(entity, tuple(values), tuple(refs))

    def _entity(self, calls: int, wanted: str | None = None) -> Ent:
        """Draw an entity expression that takes `calls` calls, of the `wanted` entity if one is given."""
        for _ in range(20):
            ent = self._try_entity(calls)
            if ent is not None and wanted in (None, ent.entity):
                return ent
        raise RejectedError("shape", "no such chain")

    def _try_entity(self, calls: int) -> Ent | None:
        start = self._rng.choice(list(self.domain.entities))
        row = self._rng.choice(self._rows[start])
        ent: Ent = ById(start, row) if calls == 0 or (calls > 1 and self._rng.random() < 0.15) else ByName(start, row)
        for _ in range(calls - isinstance(ent, ByName)):
            steps = self._steps(ent)
            if not steps:
                return None
            ent = self._rng.choice(steps)
        return ent

    def _steps(self, ent: Ent) -> list[Ent]:
        """Return the ways one more call leads on from a row, none of them back to where it came from."""
        steps: list[Ent] = []
        for column, parent in self.domain.entities[ent.entity].refs.items():
            if not (isinstance(ent, Top) and ent.by == column):
                steps.append(Follow(parent, column, ent))
        for child, by, parent in self.domain.groups:
            if parent == ent.entity and not (isinstance(ent, Follow) and _came_from(ent, child, by)):
                column = self._orderable(child)
                steps.append(Top(child, column, self._rng.random() < 0.5, by, ent))
        return steps

    def _value_of(self, ent: Ent) -> Val:
        """Draw a value of a row: one of its cells, or a statistic over its children."""
        groups = [(child, by) for child, by, parent in self.domain.groups if parent == ent.entity]
        if groups and self._rng.random() < 0.35:
            child, by = self._rng.choice(groups)
            return self._aggregate(child, by, ent)
        return Attr(ent, self._column(ent.entity, skip=ent.column if isinstance(ent, Top | Higher) else None))

    def _aggregate(self, entity: str, by: str | None, parent: Ent | None) -> Agg:
        spec = self.domain.entities[entity]
        operation = self._rng.choice(("count", "sum", "average", "minimum", "maximum"))
        numbers = [name for name in spec.of_type("integer", "number") if operation != "sum" or spec.columns[name].additive]
        if operation != "count" and not numbers:
            operation = "count"
        column = None if operation == "count" else self._rng.choice(numbers)
        kinds = spec.of_type("enum", "state")
        chosen = None
        if kinds and (self._rng.random() < 0.4 or (operation == "count" and by is None)):
            name = self._rng.choice(kinds)
            chosen = (name, self._rng.choice(spec.columns[name].values))
        return Agg(entity, operation, column, by, parent, chosen)

    def _numeric(self, ent: Ent) -> Val:
        value = self._value_of(ent)
        if isinstance(value, Attr) and self._type(value) not in ("integer", "number"):
            raise RejectedError("shape", "no number to calculate with")
        return value

    def _dated(self, ent: Ent) -> Attr:
        dates = self.domain.entities[ent.entity].of_type("date")
        if not dates:
            raise RejectedError("shape", "no date to count from")
        return Attr(ent, self._rng.choice(dates))

    def _converted(self, value: Val) -> Convert:
        unit = self._measure(value)
        targets = units.partners(unit) if unit else ()
        if not targets or unit is None:
            raise RejectedError("shape", "nothing to convert")
        return Convert(value, unit, self._rng.choice(targets))

    def _measure(self, value: Val) -> str | None:
        """Return the unit of a value; 'plain' entity counts get their noun, so that only like is added to like."""
        if isinstance(value, Attr):
            attribute = self.domain.entities[value.source.entity].columns.get(value.column)
            return (attribute.unit or attribute.noun) if attribute is not None else None
        if isinstance(value, Agg):
            if value.column is None:
                return self.domain.entities[value.entity].plural
            attribute = self.domain.attribute(value.entity, value.column)
            return attribute.unit or attribute.noun
        return None

    def _type(self, value: Attr) -> str:
        attribute = self.domain.entities[value.source.entity].columns.get(value.column)
        return attribute.type if attribute is not None else "name"

    def _columns(self, entity: str) -> list[str]:
        """Return the columns a user may ask for."""
        return [name for name, a in self.domain.entities[entity].columns.items() if a.type != "ref"]

    def _column(self, entity: str, skip: str | None = None) -> str:
        columns = [name for name in self._columns(entity) if name != skip]
        open_ended = [name for name in columns if self.domain.attribute(entity, name).type not in ("enum", "state")]
        return self._rng.choice(open_ended if self._rng.random() < 0.8 else columns)

    def _orderable(self, entity: str) -> str:
        columns = self.domain.entities[entity].of_type("integer", "number", "date")
        if not columns:
            raise RejectedError("shape", "nothing to order by")
        return self._rng.choice(columns)

    def _distinct(self, count: int, draw: Callable[[], Expression]) -> Goal:
        drawn = tuple(draw() for _ in range(count))
        if len(set(drawn)) < count:
            raise RejectedError("shape", "the same question twice")
        return drawn

    def _row(self, ent: Ent) -> dict[str, Any]:
        try:
            return self.evaluate.row(ent)
        except UndefinedError as error:
            raise RejectedError("G4", str(error)) from None


def compile_goal(goal: Goal, world: World) -> Draft:
    """Return the calls that reach a goal, each after those it depends on."""
    compiler = _Compiler(world)
    outputs = [compiler.output(expression) for expression in goal]
    return Draft(goal, compiler.calls, outputs)


def groups_of(goal: Goal) -> list[Top | Agg]:
    """Return every ordered or summarised group in a goal."""
    return [part for expression in goal for part in walk(expression) if isinstance(part, Top | Agg)]


class _Compiler:
    def __init__(self, world: World) -> None:
        self.calls: list[Call] = []
        self._world = world
        self._known: dict[Expression, int] = {}

    def output(self, expression: Expression) -> tuple[int, tuple[str | int, ...]]:
        number = self.call(expression)
        path = ("name",) if isinstance(expression, Top) else self.calls[number].path
        return number, path

    def call(self, expression: Expression) -> int:
        """Return the number of the call that finds out `expression`, made on first use."""
        known = self._known.get(expression)
        if known is None:
            built = self._build(expression)
            self.calls.append(built)
            known = self._known[expression] = len(self.calls) - 1
        return known

    def _reference(self, expression: Expression) -> tuple[int, tuple[str | int, ...]]:
        number = self.call(expression)
        return number, self.calls[number].path

    def _bind(self, call: Call, name: str, ent: Ent) -> None:
        """Give a call a row's id: literally where the user said it, else from the call that finds it."""
        if isinstance(ent, ById):
            call.literals[name] = ent.row
        else:
            call.references[name] = self._reference(ent)

    def _build(self, expr: Expression) -> Call:  # noqa: C901, PLR0912 - one branch a node of the algebra
        if isinstance(expr, ByName):
            name = self._world.tables[expr.entity].rows[expr.row]["name"]
            return Call(expr, ("find", expr.entity), ("id",), {"name": name})
        if isinstance(expr, Follow | Attr):
            concept = ("get", expr.source.entity, expr.column)
            call = Call(expr, concept, (expr.column,), {"field": expr.column})
            self._bind(call, "id", expr.source)
        elif isinstance(expr, Top):
            order = "descending" if expr.descending else "ascending"
            call = Call(expr, ("top", expr.entity, expr.by), ("id",), {"order_by": expr.column, "direction": order})
            self._bind_group(call, expr)
        elif isinstance(expr, Agg):
            call = Call(expr, ("summarize", expr.entity, expr.by, expr.operation, expr.column), ("value",))
            call.literals.update({"operation": expr.operation} | ({"field": expr.column} if expr.column else {}))
            call.literals.update([expr.filter] if expr.filter is not None else [])
            self._bind_group(call, expr)
        elif isinstance(expr, Higher):
            call = Call(expr, ("compare", expr.entity), ("higher_id",), {"field": expr.column})
            self._bind(call, "first_id", expr.first)
            self._bind(call, "second_id", expr.second)
        elif isinstance(expr, Calc):
            call = Call(expr, ("calculate",), ("value",), {"operation": expr.operation})
            call.references.update(a=self._reference(expr.first), b=self._reference(expr.second))
        elif isinstance(expr, Convert):
            call = Call(expr, ("convert_unit",), ("value",), {"from_unit": expr.unit, "to_unit": expr.target})
            call.references["value"] = self._reference(expr.source)
        elif isinstance(expr, Days):
            call = Call(expr, ("days_between",), ("days",))
            call.references.update(start=self._reference(expr.first), end=self._reference(expr.second))
        elif isinstance(expr, Create):
            call = Call(expr, ("create", expr.entity), (), dict(expr.values))
            for column, ent in expr.refs:
                self._bind(call, column, ent)
        else:
            call = self._build_change(expr)
        return call

    def _build_change(self, expr: Any) -> Call:
        entity = expr.target.entity
        if isinstance(expr, Update):
            call = Call(expr, ("update", entity), (), {"field": expr.column, "value": expr.value})
        elif isinstance(expr, Transition):
            call = Call(expr, ("transition", entity, expr.column), (), {expr.column: expr.value})
        else:
            call = Call(expr, ("cancel", entity, expr.column), ())
        self._bind(call, "id", expr.target)
        return call

    def _bind_group(self, call: Call, expr: Top | Agg) -> None:
        if expr.by is not None and expr.parent is not None:
            self._bind(call, expr.by, expr.parent)


def _same(first: object, second: object) -> bool:
    return first == second


def _came_from(ent: Follow, child: str, by: str) -> bool:
    """Whether `ent` is the parent of a child just left: its children's extremes lead round in a circle."""
    source = ent.source
    return source.entity == child and ent.column == by and isinstance(source, Top)
