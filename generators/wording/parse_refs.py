"""What a text takes up from before: words that stand for rows and figures, and how they are made out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any, NamedTuple

from tool_gym.generators.expressions import (
    Agg,
    Attr,
    Best,
    Calc,
    Condition,
    Days,
    Ent,
    Follow,
    Higher,
    If,
    Top,
    Update,
    walk,
)
from tool_gym.generators.wording.parse_words import Rows, Words, Written


@dataclass(frozen=True, slots=True)
class That:
    """As in "that power plant"."""

    entity: str
    noun: str


@dataclass(frozen=True, slots=True)
class Its:
    """The row of "its" or "their", of "it" or "them"."""

    entity: str


@dataclass(frozen=True, slots=True)
class Same:
    """The row of "it" where a cell is meant that an order before changes."""

    entity: str
    column: str


@dataclass(frozen=True, slots=True)
class Lettered:
    """As in "power plant A"."""

    entity: str
    letter: str


@dataclass(frozen=True, slots=True)
class One:
    """As in "the one with the highest capacity": of the group, or the pair, just mentioned."""

    entity: str
    column: str
    descending: bool
    pair: bool = False


@dataclass(frozen=True, slots=True)
class Other:
    """As in "the other one": of the two rows that the question before chose from."""

    entity: str


@dataclass(frozen=True, slots=True)
class Found:
    """As in "the power plant found like this": what the text leads to."""

    entity: str


@dataclass(frozen=True, slots=True)
class Figure:
    """As in "figure A", "the new value", "that value"."""

    name: str


@dataclass(frozen=True, slots=True)
class ThatOf:
    """As in "that of …": the cell just named, of another row."""

    source: Any


@dataclass(frozen=True, slots=True)
class Open:
    """A value that a request leaves out."""


@dataclass(frozen=True, slots=True)
class OpenRow:
    """As in "a certain power plant": which one is left out."""

    entity: str


@dataclass(frozen=True, slots=True)
class Only:
    """As in "the power plant run by …", as if there were one."""

    entity: str
    by: str
    parent: Any


_STANDING = (That, Its, Other, Found, Lettered, Figure, One, Same, ThatOf)
"""Words that stand for something else."""


class Group(NamedTuple):
    """Rows spoken of together."""

    entity: str
    by: str | None = None
    parent: Any = None
    filter: tuple[str, str] | None = None

    def rows(self) -> Rows:
        """Return which rows they are, wherever they belong."""
        return Rows(self.entity, self.filter)


class Introduced(NamedTuple):
    """A row that a sentence has spoken of."""

    ent: Any
    nouns: tuple[str, ...]
    """What it may be taken up with."""
    inside: tuple[Any, ...] = ()
    """Rows that its own phrase speaks of, which a pronoun may mean as well."""
    place: int = 0
    """Which came later: "that plant" is the latest plant, or any of those spoken of in one breath."""


@dataclass(frozen=True)
class Discourse:
    """What has been said so far."""

    words: Words
    rows: tuple[Introduced, ...] = ()
    letters: tuple[tuple[Lettered, Any], ...] = ()
    figures: tuple[tuple[str, Any], ...] = ()
    goals: tuple[Any, ...] = ()
    """What the user turns before asked for."""

    def after(self, goal: Any) -> Discourse:
        """Go on to the next user turn: what this one asked for, and every row in it, has been spoken of."""
        said = replace(self, goals=(*self.goals, goal))
        return said.introduce(*(part for part in reversed(list(walk(goal))) if isinstance(part, Ent)))

    def introduce(self, *ents: Any, inside: tuple[Any, ...] = ()) -> Discourse:
        """Speak of rows in one breath, the main one last; `inside` is what its phrase speaks of on the way."""
        place = len(self.rows)
        told = (Introduced(ent, _nouns(ent, self.words), inside, place) for ent in ents)
        return replace(self, rows=(*self.rows, *told))

    def letter(self, entity: str, letter: str, ent: Any) -> Discourse:
        """Give a row a letter."""
        return replace(self, letters=(*self.letters, (Lettered(entity, letter), ent)))

    def figure(self, name: str, val: Any) -> Discourse:
        """Give a figure a name."""
        return replace(self, figures=(*self.figures, (name, val)))

    def resolve(self, term: Any, near: tuple[Any, ...] = ()) -> Iterator[Any]:
        """Yield what a term can mean once what it takes up is made out.

        Args:
            term: An expression with words that take things up.
            near: Rows spoken of before in the same sentence, which pronouns mean first.
        """
        if isinstance(term, _STANDING):
            yield from self._stood_for(term, near)
        elif isinstance(term, Calc | Days | Condition):
            yield from self._sides(term, near)
        elif isinstance(term, If):
            yield from self._branches(term, near)
        elif isinstance(term, tuple) and not isinstance(term, Written):
            yield from itertools.product(*(tuple(self.resolve(part, near)) for part in term))
        elif is_dataclass(term) and not isinstance(term, Discourse):
            yield from self._rebuilt(term, near)
        else:
            yield term

    def _stood_for(self, term: Any, near: tuple[Any, ...]) -> Iterator[Any]:
        """Yield what a word that takes something up stands for; none for one that had to be made out before."""
        if isinstance(term, That):
            fitting = [r for r in self.rows if r.ent.entity == term.entity and term.noun in r.nouns]
            yield from dict.fromkeys(r.ent for r in fitting if r.place == fitting[-1].place)
        elif isinstance(term, Its):
            yield from self._pronoun(term.entity, near)
        elif isinstance(term, Other):
            yield from self._other(term.entity)
        elif isinstance(term, Found):
            yield from [r.ent for r in self.rows if r.ent.entity == term.entity][-1:]
        elif isinstance(term, Lettered):
            yield from [ent for key, ent in self.letters if key == term][-1:]
        elif isinstance(term, Figure):
            yield from [val for name, val in self.figures if name == term.name][-1:]

    def _rebuilt(self, term: Any, near: tuple[Any, ...]) -> Iterator[Any]:
        names = [field.name for field in fields(term)]
        for values in itertools.product(*(tuple(self.resolve(getattr(term, name), near)) for name in names)):
            yield type(term)(*values)

    def _pronoun(self, entity: str, near: tuple[Any, ...]) -> Iterator[Any]:
        fitting = [ent for ent in near if ent.entity == entity]
        if fitting:
            yield from dict.fromkeys(fitting)
        elif self.rows:
            said = [row for row in self.rows if row.place == self.rows[-1].place]
            spoken = dict.fromkeys(ent for row in reversed(said) for ent in (row.ent, *row.inside))
            yield from (ent for ent in spoken if ent.entity == entity)

    def _other(self, entity: str) -> Iterator[Any]:
        pair = getattr(self.goals[-1], "source", None) if self.goals else None
        if isinstance(pair, Higher) and pair.entity == entity:
            chosen_row = self.words.evaluator.row(pair)["id"]
            yield from (ent for ent in (pair.first, pair.second) if self.words.evaluator.row(ent)["id"] != chosen_row)

    def mentioned(self, term: Any, near: tuple[Any, ...] = ()) -> list[Any]:
        """Return the rows that a phrase speaks of, without those that a word in it stands for."""
        spoken = [part for part in within(term) if isinstance(part, Ent | That | Its | Lettered | Other)]
        return [ent for part in dict.fromkeys(spoken) for ent in self.resolve(part, near)]

    def _branches(self, term: If, near: tuple[Any, ...]) -> Iterator[If]:
        for test in self.resolve(term.test, near):
            inside = (*near, *self.mentioned(term.test, near))
            for then in self.resolve(term.then, inside):
                for otherwise in self.resolve(_same_cell(term.otherwise, then), inside):
                    yield If(test, then, otherwise)

    def _sides(self, term: Any, near: tuple[Any, ...]) -> Iterator[Any]:
        for first in self.resolve(term.first, near):
            second: Any = term.second
            if isinstance(second, ThatOf):
                second = of_other(first, second.source)
                if second is None:
                    continue
            inside = (*near, *self.mentioned(term.first, near))
            if isinstance(second, Written):
                second = self.words.said(first, second)
                if second is None:
                    continue
            for found in self.resolve(second, inside):
                yield replace(term, first=first, second=found)


def of_other(first: Any, source: Any) -> Attr | None:
    """Return what "that of …" means beside a cell, or None where the row has no such cell."""
    if not isinstance(first, Attr) or source.entity != first.source.entity:
        return None
    return Attr(source, first.column)


def bound(term: Any, group: Group) -> Iterator[Any]:
    """Yield a term with "the one …" inside it made out as one of a group; none if it speaks of none."""
    for one in _ones(term):
        if one.entity == group.entity and not one.pair:
            ent = chosen(group, one.column, descending=one.descending)
            if ent is not None:
                yield substituted(term, one, ent)


def bound_pair(term: Any, pair: tuple[Any, Any]) -> Iterator[Any]:
    """Yield a term with "the one with the higher …" inside it made out as one of two rows."""
    for one in _ones(term):
        if one.entity == pair[0].entity and one.pair:
            yield substituted(term, one, Higher(one.entity, one.column, *pair))


def chosen(group: Group, column: str, *, descending: bool) -> Top | Best | None:
    """Return the first of a group in an order; None where the algebra has no such row."""
    if group.filter is None:
        return Top(group.entity, column, descending, group.by, group.parent)
    return Best(group.entity, column, descending, group.filter) if group.by is None else None


def statistic(group: Group, operation: str, column: str | None) -> Agg:
    """Return a statistic over a group."""
    return Agg(group.entity, operation, column, group.by, group.parent, group.filter)


def holds(term: Any, kind: type) -> bool:
    """Return whether a term has a word of a kind inside."""
    return any(isinstance(part, kind) for part in within(term))


def _same_cell(term: Any, then: Any) -> Any:
    """Make "it" out as the cell that the other order changes."""
    if not isinstance(then, Update):
        return term
    return substituted(term, Same(then.target.entity, then.column), then.target)


def _ones(term: Any) -> list[One]:
    return list(dict.fromkeys(part for part in within(term) if isinstance(part, One)))


def within(term: Any) -> Iterator[Any]:
    """Yield a term and everything it is made of."""
    yield term
    if isinstance(term, tuple):
        for part in term:
            yield from within(part)
    elif is_dataclass(term):
        for field in fields(term):
            yield from within(getattr(term, field.name))


def substituted(term: Any, old: Any, new: Any) -> Any:
    """Return a term, whatever it is made of, with `new` in the place of `old`."""
    if term == old:
        return new
    if isinstance(term, tuple):
        return tuple(substituted(part, old, new) for part in term)
    if is_dataclass(term) and not isinstance(term, type):
        return type(term)(*(substituted(getattr(term, field.name), old, new) for field in fields(term)))
    return term


def _nouns(ent: Any, words: Words) -> tuple[str, ...]:
    own = words.domain.entities[ent.entity].noun.lower()
    if isinstance(ent, Follow):
        return own, words.domain.attribute(ent.source.entity, ent.column).noun.lower()
    return (own,)
