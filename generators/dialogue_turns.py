"""Drawing dialogues: a few requests of one user, each taking up what was said or found out before.

What comes next depends on what came last: after a question about a row, another one about it, about a row it leads to,
about its group, or a change of it; the same question about another row, and then about both; after a figure of a
group, another one; after a change, a figure that the change is part of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from tool_gym.generators.acting import Actor
from tool_gym.generators.decompose import SHAPE, Draft, RejectedError, compile_goal
from tool_gym.generators.dialogue_links import Link
from tool_gym.generators.expressions import (
    Act,
    Agg,
    Attr,
    ById,
    ByName,
    Calc,
    Cancel,
    Create,
    Days,
    Ent,
    Expression,
    Follow,
    Higher,
    Top,
    Transition,
    Update,
)
from tool_gym.generators.sampling import Sampler

_LENGTHS = (2, 2, 3, 3, 3, 4)
"""How many user turns there are, each as likely."""

_TRIES = 12
"""How often a turn, or a dialogue of the right depth, is drawn before the draft is given up."""

_USUAL_DEPTH = 4
"""Depth that dialogues come to by themselves; deeper ones go on from row to row."""

_OPENINGS = ("cell", "cell", "far", "top", "group", "group", "act", "act", "create", "pair")
_MOST_ACTS = 2
_NAMED = 0.4
"""Share of the questions about a row that another one leads to which ask who or which it is."""


class Turn(NamedTuple):
    """One user turn."""

    expression: Expression
    link: Link
    focus: Ent | None
    """The row that the next turn may take up."""


class TurnSampler:
    """Draws dialogues over the world of a sampler."""

    def __init__(self, sampler: Sampler) -> None:
        self._ask = sampler
        self._domain = sampler.domain
        self._walk = sampler.walk
        self._rng = sampler.rng
        self._actor = Actor(sampler)
        self._goes_far = False
        """Whether turns should rather go on from row to row."""

    def draft(self, depth: int) -> Draft:
        """Draw a dialogue whose longest chain has `depth` calls, and the calls it takes.

        Raises:
            RejectedError: If this draw leads nowhere; draw again.
        """
        self._goes_far = depth > _USUAL_DEPTH
        lengths = _LENGTHS[2:] if self._goes_far else _LENGTHS
        for _ in range(_TRIES):
            try:
                turns = self._dialogue(self._rng.choice(lengths))
            except RejectedError:
                continue
            goal = tuple(turn.expression for turn in turns)
            draft = compile_goal(goal, self._ask.world, tuple(range(len(turns))))
            if _depth(draft) == depth:
                draft.links = tuple(turn.link for turn in turns)
                return draft
        raise RejectedError(SHAPE, "no dialogue of that depth")

    def _dialogue(self, length: int) -> list[Turn]:
        turns = [self._opening()]
        while len(turns) < length:
            turns.append(self._next(turns))
        return turns

    def _opening(self) -> Turn:
        kinds = _OPENINGS + ("far",) * len(_OPENINGS) if self._goes_far else _OPENINGS
        kind = self._rng.choice(kinds)
        if kind == "group":
            return self._group()
        if kind == "pair":
            return self._pair()
        if kind == "create":
            creatable = [name for name, entity in self._domain.entities.items() if entity.creatable]
            act = self._actor.create(self._walk.some(creatable), 1)
            return Turn(act, Link("opening"), None)
        if kind == "act":
            change = self._change(self._named())
            return Turn(change, Link("opening"), change.target)
        if kind == "top":
            child, by, parent = self._walk.some(self._domain.groups)
            source = self._walk.entity(1, (parent,), lambda row: self._walk.size(child, by, row) > 2, simple=True)
            top = Top(child, self._walk.orderable(child), self._rng.random() < 0.5, by, source)
            return Turn(top, Link("opening"), top)
        row = self._walk.entity(2, None) if kind == "far" else self._named()
        return Turn(self._cell(row), Link("opening"), row)

    def _pair(self) -> Turn:
        """Ask about the one of two rows that has more of something."""
        measured = [name for name, entity in self._domain.entities.items() if entity.of_type("integer", "number")]
        entity = self._walk.some(measured)
        first, second = (ByName(entity, row) for row in self._rng.sample(self._walk.rows[entity], 2))
        column = self._rng.choice(self._domain.entities[entity].of_type("integer", "number"))
        cell = Attr(Higher(entity, column, first, second), self._ask.column(entity, skip=column))
        return Turn(cell, Link("opening"), None)

    def _group(self) -> Turn:
        child, by, parent = self._walk.some(self._domain.groups)
        source = self._walk.entity(1, (parent,), lambda row: self._walk.size(child, by, row) > 2, simple=True)
        return Turn(self._statistic(child, by, source), Link("opening"), source)

    def _next(self, turns: list[Turn]) -> Turn:
        last, used = turns[-1], {turn.expression for turn in turns}
        for _ in range(_TRIES):
            drawn = self._rng.choice(self._ways(turns))
            try:
                turn = drawn(last)
            except RejectedError:
                continue
            if turn.expression not in used:
                return turn
        raise RejectedError(SHAPE, "nothing more to say")

    def _ways(self, turns: list[Turn]) -> list[Callable[[Turn], Turn]]:
        """Return how a dialogue may go on."""
        last = turns[-1].expression
        acts = sum(isinstance(turn.expression, Act) for turn in turns)
        ways: list[Callable[[Turn], Turn]] = []
        if turns[-1].focus is not None:
            ways += [self._about, self._onward, self._onward]
            ways += [self._onward] * 3 if self._goes_far else []
            changed = {(t.expression.target, t.expression.column) for t in turns if isinstance(t.expression, Update)}
            ways += [lambda turn: self._changed(turn, changed)] * 2 if acts < _MOST_ACTS else []
        if isinstance(last, Attr) and isinstance(last.source, ByName):
            ways += [self._instead]
        if isinstance(last, Agg) and last.by is not None:
            ways += [self._more, self._more]
        if isinstance(last, Act):
            ways += [self._now] * 4
        if isinstance(last, Attr) and isinstance(last.source, Higher):
            ways.append(self._other)
        if turns[-1].link.kind == "instead" and turns[-2].link.kind != "instead":
            first = turns[-2].expression
            ways += [lambda turn: self._both(first, turn)] * 3
        if not ways:
            raise RejectedError(SHAPE, "nothing more to say")
        return ways

    def _about(self, last: Turn) -> Turn:
        """Ask for another cell of the row."""
        row = self._focus(last)
        return Turn(self._cell(row), Link("row", row), row)

    def _onward(self, last: Turn) -> Turn:
        """Ask about a row it leads to, or about the rows that lead to it."""
        row = self._focus(last)
        refs = self._domain.entities[row.entity].refs
        groups = [(child, by) for child, by, parent in self._domain.groups if parent == row.entity]
        groups = [pair for pair in groups if self._walk.size(*pair, self._walk.row(row)) > 2]
        if refs and (not groups or self._rng.random() < 0.6):
            column, entity = self._rng.choice(list(refs.items()))
            there = Follow(entity, column, row)
            return Turn(self._cell(there), Link("row", row), there)
        child, by = self._walk.some(groups)
        if self._rng.random() < 0.5:
            return Turn(self._statistic(child, by, row), Link("row", row), row)
        top = Top(child, self._walk.orderable(child), self._rng.random() < 0.5, by, row)
        self._walk.row(top)
        return Turn(top, Link("row", row), top)

    def _changed(self, last: Turn, before: set[tuple[Ent, str]]) -> Turn:
        """Have the row changed, and no cell that was changed before."""
        row = self._focus(last)
        act = self._change(row)
        if isinstance(last.expression, Act) or (row, act.column) in before:
            raise RejectedError(SHAPE, "one change after another")
        return Turn(act, Link("row", row), row)

    def _other(self, last: Turn) -> Turn:
        """Ask about the one of two rows that the question before was not about, or have it changed."""
        pair = last.expression.source if isinstance(last.expression, Attr) else None
        if not isinstance(pair, Higher):
            raise RejectedError(SHAPE, "no two rows")
        winner = self._walk.row(pair)["id"]
        (other,) = (ent for ent in (pair.first, pair.second) if self._walk.row(ent)["id"] != winner)
        expression = self._change(other) if self._rng.random() < _NAMED else self._cell(other)
        return Turn(expression, Link("other", other), None)

    def _instead(self, last: Turn) -> Turn:
        """Ask the same about another row."""
        cell = last.expression
        if not isinstance(cell, Attr) or cell.column == "name":
            raise RejectedError(SHAPE, "nothing to ask again")
        others = [row for row in self._walk.rows[cell.source.entity] if row != self._walk.row(cell.source)["id"]]
        other = ByName(cell.source.entity, self._walk.some(others))
        return Turn(Attr(other, cell.column), Link("instead"), None)

    def _both(self, first: Expression, last: Turn) -> Turn:
        """Ask for something made of the two answers."""
        second = last.expression
        if not isinstance(first, Attr) or not isinstance(second, Attr):
            raise RejectedError(SHAPE, "no two figures")
        attribute = self._domain.attribute(second.source.entity, second.column)
        if attribute.type == "date":
            return Turn(Days(first, second), Link("both"), None)
        if attribute.type not in ("integer", "number"):
            raise RejectedError(SHAPE, "no two figures")
        operation = self._rng.choice(("add", "subtract") if attribute.additive else ("subtract",))
        return Turn(Calc(operation, first, second), Link("both"), None)

    def _more(self, last: Turn) -> Turn:
        """Ask for another statistic over the same group."""
        agg = last.expression
        if not isinstance(agg, Agg) or agg.by is None or agg.parent is None or agg.filter is not None:
            raise RejectedError(SHAPE, "no group")  # "those" could be what a filter has left
        other = self._statistic(agg.entity, agg.by, agg.parent)
        if other.filter is not None and other.column is not None:
            other = replace(other, filter=None)
        return Turn(other, Link("more", agg.parent), last.focus)

    def _now(self, last: Turn) -> Turn:
        """Ask for a figure that a change is part of."""
        act = last.expression
        if isinstance(act, Update):
            columns: tuple[str, ...] = (act.column,)
            entity = act.target.entity
        elif isinstance(act, Create):
            columns = tuple(column for column, _ in act.values if column != "name")
            entity = act.entity
        else:
            raise RejectedError(SHAPE, "no figure it is part of")
        by, parent = self._whole(act)
        spoken = parent if isinstance(act, Create) else act.target if parent is not None else None
        numbers = [c for c in columns if c in self._domain.entities[entity].of_type("integer", "number")]
        if isinstance(act, Create) and (not numbers or self._rng.random() < 0.5):
            return Turn(Agg(entity, "count", None, by, parent), Link("now", spoken), None)
        column = self._walk.some(numbers)
        operations = ("sum", "average") if self._domain.attribute(entity, column).additive else ("average",)
        agg = Agg(entity, self._rng.choice(operations), column, by, parent)
        return Turn(agg, Link("now", spoken), None)

    def _whole(self, act: Update | Create) -> tuple[str | None, Ent | None]:
        """Draw the group that a changed or new row is part of; the whole table as well, for a row that is there."""
        if isinstance(act, Create):
            column, parent = self._walk.some(act.refs)
            return column, parent
        refs = list(self._domain.entities[act.target.entity].refs.items())
        if not refs or self._rng.random() < 0.4:
            return None, None
        column, entity = self._rng.choice(refs)
        return column, Follow(entity, column, act.target)

    def _statistic(self, child: str, by: str, parent: Ent) -> Agg:
        for _ in range(_TRIES):
            value = self._ask.aggregate(child, by, parent)
            if not value.listed:
                return value
        raise RejectedError(SHAPE, "no statistic")

    def _cell(self, row: Ent) -> Attr:
        """Draw a cell to ask for; of a row that another one leads to, often its name."""
        if isinstance(row, Follow) and self._rng.random() < _NAMED:
            return Attr(row, "name")
        skip = row.column if isinstance(row, Top) else None
        return Attr(row, self._ask.column(row.entity, skip=skip))

    def _named(self) -> ByName | ById:
        row = self._walk.entity(1 if self._rng.random() < 0.8 else 0, None, simple=True)
        if not isinstance(row, ByName | ById):
            raise RejectedError(SHAPE, "no row by its name")
        return row

    def _focus(self, last: Turn) -> Ent:
        if last.focus is None:
            raise RejectedError(SHAPE, "no row to take up")
        return last.focus

    def _change(self, row: Ent) -> Update | Transition | Cancel:
        state = self._walk.row(row)
        kinds = [k for k in ("update", "update", "transition", "cancel") if self._ways_of(row.entity, k, state)]
        act = self._actor.change(row, self._walk.some(kinds))
        if isinstance(act, Create):
            raise RejectedError(SHAPE, "another kind of change")
        return act

    def _ways_of(self, entity: str, kind: str, row: dict[str, object]) -> list[str]:
        if kind != "update" and self._domain.entities[entity].state is None:
            return []
        return self._actor.ways(entity, kind, row)


def _depth(draft: Draft) -> int:
    levels: list[int] = []
    for call in draft.calls:
        levels.append(1 + max((levels[number] for number, _ in call.references.values()), default=0))
    return max(levels)
