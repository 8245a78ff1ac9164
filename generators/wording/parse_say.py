"""Readings in words: nested, with brackets, so that no two come out alike."""

from __future__ import annotations

from typing import Any

from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import (
    Agg,
    Attr,
    Best,
    ById,
    ByName,
    Calc,
    Cancel,
    Condition,
    Convert,
    Create,
    Days,
    Follow,
    Free,
    Higher,
    If,
    Percent,
    Said,
    Top,
    Transition,
    Update,
)
from tool_gym.generators.wording.text import superlative
from tool_gym.world import World

_SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
_RELATIONS = {"more": ">", "less": "<", "least": ">=", "most": "<=", "same": "="}


def spelled_out(goal: Any, domain: Domain, world: World) -> str:
    """Return a goal in words, its parts in brackets."""
    if isinstance(goal, tuple):
        return "; ".join(spelled_out(part, domain, world) for part in goal)
    return _Speller(domain, world).say(goal)


class _Speller:
    def __init__(self, domain: Domain, world: World) -> None:
        self.domain, self.world = domain, world

    def say(self, term: Any) -> str:  # noqa: PLR0911 - one case for each kind of expression
        if isinstance(term, ByName | ById):
            return f"{self._noun(term)} {self.world.tables[term.entity].rows[term.row]['name']}"
        if isinstance(term, Follow | Top | Best | Higher):
            return f"[{self._row(term)}]"
        if isinstance(term, Attr):
            noun = "name" if term.column == "name" else self._column(term.source.entity, term.column)
            return f"{noun} of {self.say(term.source)}"
        if isinstance(term, Agg):
            what = "" if term.column is None else f"{self._column(term.entity, term.column)} "
            return f"[{term.operation} {what}over {self._group(term)}]"
        if isinstance(term, Update | Transition | Cancel):
            cell = f"{self._column(term.target.entity, term.column)} of {self.say(term.target)}"
            return f"set {cell} to {self.say(term.value)}"
        if isinstance(term, Create):
            fields = [f"{column}: {self.say(value)}" for column, value in (*term.values, *term.refs)]
            return f"new {self.domain.entities[term.entity].noun} ({', '.join(fields)})"
        return self._computed(term)

    def _computed(self, term: Any) -> str:  # noqa: PLR0911 - as above
        if isinstance(term, Calc):
            return f"({self.say(term.first)} {_SIGNS[term.operation]} {self.say(term.second)})"
        if isinstance(term, Days):
            return f"(days between {self.say(term.first)} and {self.say(term.second)})"
        if isinstance(term, Convert):
            return f"({self.say(term.source)}) in {self.say(term.target)}"
        if isinstance(term, Free):
            return f"whether {self.say(term.source)} is free on {term.date}"
        if isinstance(term, Percent):
            return f"({self.say(term.source)}) {term.percent:+d}%"
        if isinstance(term, Condition):
            return f"{self.say(term.first)} {_RELATIONS[term.relation]} {self.say(term.second)}"
        if isinstance(term, If):
            return f"if {self.say(term.test)}: {self.say(term.then)}; else: {self.say(term.otherwise)}"
        return str(term.value) if isinstance(term, Said) else str(term)

    def _row(self, ent: Follow | Top | Best | Higher) -> str:
        if isinstance(ent, Follow):
            return f"{self._column(ent.source.entity, ent.column)} of {self.say(ent.source)}"
        attribute = self.domain.attribute(ent.entity, ent.column)
        if isinstance(ent, Higher):
            return f"of {self.say(ent.first)} and {self.say(ent.second)} the one with more {attribute.noun}"
        best = superlative(attribute, descending=ent.descending)
        return f"{self._noun(ent)} with the {best} {attribute.noun} among {self._group(ent)}"

    def _group(self, group: Top | Best | Agg) -> str:
        plural = self.domain.entities[group.entity].plural
        wanted = "" if isinstance(group, Top) or group.filter is None else f" of {group.filter[0]} {group.filter[1]}"
        if isinstance(group, Best) or group.parent is None or group.by is None:
            return f"all {plural}{wanted}"
        return f"the {plural}{wanted} whose {self._column(group.entity, group.by)} is {self.say(group.parent)}"

    def _noun(self, ent: Any) -> str:
        return self.domain.entities[ent.entity].noun

    def _column(self, entity: str, column: str) -> str:
        return self.domain.attribute(entity, column).noun
