"""Requests about what is not there: a name that no row carries, a group without rows, a category nothing is of.

Such a request is worded and proved in a second world, the *shadow*, in which one more row is what it speaks of. There
it could be met with the very same tools; here looking shows that it cannot. The plan is the look, the act to decline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from functools import lru_cache

from tool_gym.generators.acting import Actor
from tool_gym.generators.calls import impls
from tool_gym.generators.decompose import SHAPE, Call, Draft, Goal, RejectedError, compile_goal
from tool_gym.generators.expressions import Agg, Attr, Best, ById, ByName, Ent, Top, Update
from tool_gym.generators.sampling import Sampler
from tool_gym.generators.worlds import draw, draw_values
from tool_gym.scenario import DeclineGoal, ToolSpec
from tool_gym.world import Row, World, fold

MAX_LISTED = 10
"""Most rows of a table whose names are looked through one by one: what a list shows without being asked for more."""

TOO_LIKE = 0.8
"""Similarity from which a name could be another one misspelt."""

LOOKS = 2
"""Most calls of a look."""

_NAMES = 16
"""Names that are drawn to find one that tempts."""

_CHANGED = 0.3
"""Share of the requests that want something changed."""


@dataclass(frozen=True, slots=True)
class Missing:
    """What a request speaks of and the world does not have."""

    row: Ent
    """The row as the request describes it."""
    wanted: Attr | Update
    """What is asked about it, or is to be done to it."""
    shadow: World
    """A world that has it."""
    phantom: str
    """Its id there."""

    def reason(self, world: World) -> str:
        """Return why the request cannot be met."""
        noun = world.tables[self.row.entity].noun
        if isinstance(self.row, ByName):
            return f"no {noun} is called {self.shadow.tables[self.row.entity].rows[self.phantom]['name']}."
        return f"there is no such {noun}."

    def refuses(self, tool: ToolSpec) -> bool:
        """Return whether a tool would refuse to look for it, or shows nothing in a way that is not the plan's.

        A search for a name that none has comes back empty, and whoever then declines has looked as well as can be.
        """
        unfit = ("find", "top", "summarize", *(("match",) if isinstance(self.row, ByName) else ()))
        return any(
            impl.family in unfit
            and impl.bindings.get("table") == self.row.entity
            and impl.constants.get("operation") != "count"
            for impl in impls(tool)
        )


class MissingSampler:
    """Draws requests about what the world of a sampler does not have."""

    def __init__(self, sampler: Sampler) -> None:
        self._ask = sampler
        self._domain, self._world = sampler.domain, sampler.world
        self._walk = sampler.walk
        self._rng = sampler.rng

    def draft(self, depth: int) -> Draft:
        """Draw a request whose look takes `depth` calls, and that look; its goal is what the look finds.

        Raises:
            RejectedError: If this draw leads nowhere; draw again.
        """
        kinds: list[Callable[[], Draft]] = [self._group] if depth == 2 else [self._name, self._category]
        if depth > 2:
            raise RejectedError(SHAPE, "no look of that depth")
        return self._rng.choice(kinds)()

    def _name(self) -> Draft:
        """Speak of a row by a name that none has."""
        fitting = [
            key
            for key, entity in self._domain.entities.items()
            if entity.label.code is None and len(self._walk.rows[key]) <= MAX_LISTED
        ]
        entity = self._walk.some(fitting)
        shadow, phantom = self._with_row(entity, name=self._fresh_name(entity))
        look = compile_goal((Agg(entity, "count", None, listed=True),), self._world)
        return self._draft(ByName(entity, phantom), look, shadow, phantom)

    def _group(self) -> Draft:
        """Speak of the row that refers to another one, where none does."""
        empty = [
            (child, by, parent, row)
            for child, by, parent in self._domain.groups
            for row in self._walk.rows[parent]
            if self._walk.size(child, by, self._world.tables[parent].rows[row]) == 0
        ]
        child, by, parent, row = self._walk.some(empty)
        shadow, phantom = self._with_row(child, **{by: row})
        source = ByName(parent, row)
        look = compile_goal((Agg(child, "count", None, by, source, listed=True),), self._world)
        only = Top(child, self._walk.orderable(child), descending=True, by=by, parent=source)
        return self._draft(only, look, shadow, phantom)

    def _category(self) -> Draft:
        """Speak of the first of a category that nothing is of."""
        empty = [
            (key, column, value)
            for key, entity in self._domain.entities.items()
            for column in entity.of_type("enum", "state")
            for value in entity.columns[column].values
            if not any(row[column] == value for row in self._world.tables[key].rows.values())
        ]
        entity, column, value = self._walk.some(empty)
        shadow, phantom = self._with_row(entity, **{column: value})
        best = Best(entity, self._walk.orderable(entity), self._rng.random() < 0.5, (column, value))
        order = "descending" if best.descending else "ascending"
        literals = {column: value, "sort_by": best.column, "order": order, "limit": 1}
        count = Agg(entity, "count", None, filter=(column, value))
        look = Draft((count,), [Call(count, ("search", entity), ("total",), literals)], [(0, ("total",))])
        return self._draft(best, look, shadow, phantom)

    def _draft(self, row: Ent, look: Draft, shadow: World, phantom: str) -> Draft:
        wanted = self._wanted(row, shadow.tables[row.entity].rows[phantom])
        look.missing = Missing(row, wanted, shadow, phantom)
        return look

    def _wanted(self, row: Ent, cells: Row) -> Attr | Update:
        columns = Actor(self._ask).ways(row.entity, "update", cells)
        if not columns or self._rng.random() > _CHANGED:
            return Attr(row, self._ask.column(row.entity, skip=getattr(row, "column", None)))
        column = self._rng.choice(columns)
        value = draw_values(self._domain, self._domain.attribute(row.entity, column), {}, 1, self._rng)[0]
        if value == cells[column]:
            raise RejectedError(SHAPE, "no change")
        return Update(row, column, value)

    def _with_row(self, entity: str, **cells: object) -> tuple[World, str]:
        """Return the world with one more row, like one of the others but for some cells, and the row's id."""
        table = self._world.tables[entity]
        like = table.rows[self._rng.choice(self._walk.rows[entity])]
        phantom = f"{table.prefix}{self._world.base.counter(entity) + 1}"
        name = f"{table.code or table.prefix}-{self._world.base.counter(entity) + 1}"
        rows = {**table.rows, phantom: {**like, "id": phantom, "name": name, **cells}}
        tables = {**self._world.tables, entity: table.model_copy(update={"rows": rows})}
        return World(domain=self._world.domain, tables=tables), phantom

    def _fresh_name(self, entity: str) -> str:
        """Draw a name that no row has and that none could be meant by, one with a word of a row's name if possible."""
        label = self._domain.entities[entity].label
        pool = self._domain.pool(label.pool or "")
        if pool is None:
            raise RejectedError(SHAPE, "no names to draw from")
        drawn = [f"{name}{label.suffix}" for name in draw(pool, min(_NAMES, pool.size), self._rng)]
        names = [row["name"] for table in self._world.tables.values() for row in table.rows.values()]
        own = {
            word for row in self._world.tables[entity].rows.values() for word in _own_words(row["name"], label.suffix)
        }
        for name in sorted(drawn, key=lambda name: own.isdisjoint(_own_words(name, label.suffix))):
            if not any(is_like(name, other) for other in names):
                return name
        raise RejectedError(SHAPE, "no name that is like no other")


def is_like(name: str, other: str) -> bool:
    """Return whether a name could be taken for another one.

    >>> is_like("Amber Ridge Depot", "Amber Ridges Depot"), is_like("Amber Ridge Depot", "Frosted Hollow Depot")
    (True, False)
    """
    first, second = _words(name), _words(other)
    if len(first) != len(second):
        return _reads_alike(" ".join(first), " ".join(second))
    return all(a == b or _reads_alike(a, b) for a, b in zip(first, second, strict=True))


@lru_cache(maxsize=8192)
def _words(name: str) -> tuple[str, ...]:
    return tuple(fold(name).split())


def _reads_alike(text: str, other: str) -> bool:
    if 2 * min(len(text), len(other)) < TOO_LIKE * (len(text) + len(other)):
        return False  # the bound by length alone, before anything is made for the others
    match = SequenceMatcher(None, text, other, autojunk=False)  # its quick ratios are bounds of the ratio
    return match.quick_ratio() >= TOO_LIKE and match.ratio() >= TOO_LIKE


def goal_of(draft: Draft, missing: Missing, world: World) -> DeclineGoal:
    """Return the goal of a request about what is missing: to decline, having looked."""
    return DeclineGoal(id="g1", reason=missing.reason(world), rests_on=(draft.sub_goals[draft.outputs[0][0]],))


def meant(missing: Missing) -> Goal:
    """Return what the request comes to in the shadow, by the id of the row there."""
    row, wanted = ById(missing.row.entity, missing.phantom), missing.wanted
    return (Attr(row, wanted.column) if isinstance(wanted, Attr) else replace(wanted, target=row),)


def _own_words(name: str, suffix: str) -> list[str]:
    return str(fold(name.removesuffix(suffix))).split()
