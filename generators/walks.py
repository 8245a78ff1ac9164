"""Drawing rows: chains of references and extremes that take an exact number of calls to follow."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection
from typing import TypeVar

from tool_gym.generators.decompose import MIN_FILTERED, MIN_GROUP, SHAPE, RejectedError
from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import Agg, Best, ById, ByName, Ent, Evaluator, Follow, Top, UndefinedError
from tool_gym.world import Row, World, WorldView

_TRIES = 12
"""How often a chain is drawn again before the draft is given up."""

T = TypeVar("T")


class _Known:
    """What every walker of a world comes to know."""

    def __init__(self, domain: Domain, world: World) -> None:
        self.domain = domain
        self.rows = {entity: list(table.rows) for entity, table in world.tables.items()}
        self.can: dict[tuple[str, int, frozenset[str]], bool] = {}
        self.sizes: dict[tuple[str, str], Counter[str]] = {}


class Walker:
    """Draws rows of one world, each step checked against the tables."""

    def __init__(self, domain: Domain, world: World, rng: random.Random) -> None:
        self.domain = domain
        self.world = world
        self.evaluate = Evaluator(WorldView(world.base))
        known: _Known | None = world.base.derived.get(Walker)
        if known is None or known.domain is not domain:
            known = world.base.derived[Walker] = _Known(domain, world)
        self.rows = known.rows
        self._rng = rng
        self._can = known.can
        self._sizes = known.sizes

    def entity(
        self,
        calls: int,
        wanted: Collection[str] | None,
        fits: Callable[[Row], bool] = lambda _: True,
        *,
        simple: bool = False,
    ) -> Ent:
        """Draw an expression that takes `calls` calls to find a row.

        Args:
            calls: How many; 0 names the row by its id.
            wanted: The entities it may be of; None for any.
            fits: What the row must satisfy.
            simple: Whether one call always means a name.
        """
        ends = frozenset(self.domain.entities if wanted is None else wanted)
        for _ in range(_TRIES):
            ent = self._start(calls, ends, simple=simple)
            if ent is None:
                continue
            done = 0 if isinstance(ent, ById) else 1
            row = self.row(ent)
            for left in reversed(range(calls - done)):
                steps = [step for step in self._steps(ent, row) if self._reaches(step.entity, left, ends)]
                if not steps:
                    break
                ent = self._rng.choice(steps)
                row = self.row(_from_id(ent, row["id"]))
            else:
                if fits(row):
                    return ent
        raise RejectedError(SHAPE, "no such chain")

    def best(self, entity: str) -> Best:
        """Draw the first of an order within one category."""
        category = self.some(self.categories(Agg(entity, "count", None)))
        return Best(entity, self.orderable(entity), self._rng.random() < 0.5, category)

    def orderable(self, entity: str) -> str:
        """Draw a column to order by."""
        return self.some(self.domain.entities[entity].of_type("integer", "number", "date"))

    def has_categories(self, entity: str) -> bool:
        """Return whether the rows of an entity fall into categories."""
        return bool(self.domain.entities[entity].of_type("enum", "state"))

    def categories(self, group: Agg) -> list[tuple[str, str]]:
        """Return the (column, value) pairs that some rows of a group have, but neither very few nor all."""
        rows, found = self.evaluate.group(group), []
        for column in self.domain.entities[group.entity].of_type("enum", "state"):
            cells = Counter(row[column] for row in rows)
            found += [(column, value) for value, count in cells.items() if MIN_FILTERED <= count < len(rows)]
        return found

    def size(self, child: str, by: str, parent: Row) -> int:
        """Return how many rows refer to a parent."""
        sizes = self._sizes.get((child, by))
        if sizes is None:
            sizes = self._sizes[child, by] = Counter(row[by] for row in self.world.tables[child].rows.values())
        return sizes[parent["id"]]

    def row(self, ent: Ent) -> Row:
        """Return the row an expression names; rejects the draft if there is none."""
        try:
            return self.evaluate.row(ent)
        except UndefinedError as error:
            raise RejectedError(SHAPE, str(error)) from None

    def some(self, options: Collection[T]) -> T:
        """Draw one of the options; rejects the draft if there are none."""
        if not options:
            raise RejectedError(SHAPE, "nothing to choose from")
        return self._rng.choice(list(options))

    def _start(self, calls: int, ends: frozenset[str], *, simple: bool) -> Ent | None:
        """Draw where a chain begins: at an id, a name, or the first of an order."""
        drawn = self._rng.random()
        by_id = calls == 0 or (drawn < 0.12 and not (simple and calls == 1))
        left = calls if by_id else calls - 1
        starts = [entity for entity in self.domain.entities if self._reaches(entity, left, ends)]
        if not starts:
            return None
        entity = self._rng.choice(starts)
        if by_id:
            return ById(entity, self._rng.choice(self.rows[entity]))
        if drawn > 0.82 and not simple:
            among_some = drawn > 0.91 and self.has_categories(entity)
            top = Top(entity, self.orderable(entity), self._rng.random() < 0.5)
            ent: Ent = self.best(entity) if among_some else top
            return ent if self._is_defined(ent) else None
        return ByName(entity, self._rng.choice(self.rows[entity]))

    def _reaches(self, entity: str, steps: int, ends: frozenset[str]) -> bool:
        """Return whether `steps` more steps can lead from a row of an entity to a row of one of `ends`."""
        if steps == 0:
            return entity in ends
        key = (entity, steps, ends)
        known = self._can.get(key)
        if known is None:
            onward = [*self.domain.entities[entity].refs.values()]
            onward += [child for child, _, parent in self.domain.groups if parent == entity]
            known = self._can[key] = any(self._reaches(target, steps - 1, ends) for target in onward)
        return known

    def _steps(self, ent: Ent, row: Row) -> list[Ent]:
        """Return the ways one more call leads on from a row, none of them back to where it came from."""
        steps: list[Ent] = []
        for column, parent in self.domain.entities[ent.entity].refs.items():
            if not (isinstance(ent, Top) and ent.by == column):
                steps.append(Follow(parent, column, ent))
        for child, by, parent in self.domain.groups:
            if parent != ent.entity or self.size(child, by, row) < MIN_GROUP:
                continue
            if not (isinstance(ent, Follow) and _came_from(ent, child, by)):
                top = Top(child, self.orderable(child), self._rng.random() < 0.5, by, ent)
                if self._is_defined(_from_id(top, row["id"])):
                    steps.append(top)
        return steps

    def _is_defined(self, ent: Ent) -> bool:
        try:
            self.evaluate.row(ent)
        except UndefinedError:
            return False
        return True


def _from_id(ent: Ent, row_id: str) -> Ent:
    """Return the last step of an expression, taken from a row that is known."""
    if isinstance(ent, Follow):
        return Follow(ent.entity, ent.column, ById(ent.source.entity, row_id))
    if isinstance(ent, Top) and ent.parent is not None:
        return Top(ent.entity, ent.column, ent.descending, ent.by, ById(ent.parent.entity, row_id))
    return ent


def _came_from(ent: Follow, child: str, by: str) -> bool:
    """Whether `ent` is the parent of a child just left: its children's extremes lead round in a circle."""
    source = ent.source
    return source.entity == child and ent.column == by and isinstance(source, Top)
