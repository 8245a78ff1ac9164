"""Requests that leave one thing out: what they are drawn from, and the scenario's question and reply."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias, cast

from tool_gym.generators.acting import Actor
from tool_gym.generators.decompose import SHAPE, Draft, Goal, RejectedError
from tool_gym.generators.deploy import Deployed
from tool_gym.generators.dialogue_gap import Gap
from tool_gym.generators.domain import Entity
from tool_gym.generators.expressions import (
    Agg,
    ById,
    ByName,
    Cancel,
    Create,
    Expression,
    Transition,
    Update,
    walk,
)
from tool_gym.generators.sampling import Column, Sampler, everyday_units
from tool_gym.scenario import AskGoal, Parent, SubGoal

ASK = "ask1"
"""Id of the goal that is to ask."""

_Drawn: TypeAlias = tuple[Expression, Gap]

_LONGEST = 3
"""Most calls from a row that is left out to what is asked about it: "the chef of the kitchen preparing it"."""

CLOSED_LEAST = 2
"""Fewest choices where a state, a category or a unit is left out."""

_CHANGES = ("update", "transition", "cancel")
_TRIES = 8
"""How often a group with categories is drawn before the draft is given up."""


class AskSampler:
    """Draws goals with a gap over the world of a sampler."""

    def __init__(self, sampler: Sampler) -> None:
        self._ask = sampler
        self._domain = sampler.domain
        self._walk = sampler.walk
        self._rng = sampler.rng
        self._actor = Actor(sampler)

    def goal(self, depth: int) -> tuple[Goal, Gap]:
        """Draw a goal of `depth` calls and what its request leaves out.

        Raises:
            RejectedError: If this draw leads nowhere; draw again.
        """
        kinds: list[Callable[[int], _Drawn]] = [self._value, self._value, self._state]
        if depth <= _LONGEST:
            kinds += [self._row_to_change, self._row_to_read]
        if depth > 1:
            kinds += [self._field, self._field, self._category]
        if depth > 2:
            kinds.append(self._unit)
        expression, gap = self._rng.choice(kinds)(depth)
        return (expression,), gap

    def _value(self, depth: int) -> _Drawn:
        """Leave out what a number is to be set to."""
        act = cast("Update", self._change("update", depth))
        return act, Gap(act, act.column)

    def _state(self, depth: int) -> _Drawn:
        """Leave out the state that a row is to move to."""
        act = cast("Transition", self._change("transition", depth))
        ways = self._domain.attribute(act.target.entity, act.column).transitions
        if len(ways.get(self._walk.row(act.target)[act.column], ())) < CLOSED_LEAST:
            raise RejectedError(SHAPE, "only one state to move to")
        return act, Gap(act, act.column)

    def _row_to_change(self, depth: int) -> _Drawn:
        """Leave out which row is to be changed."""
        act = self._change(self._rng.choice(_CHANGES), min(depth, 2))
        return act, Gap(_named(act.target))

    def _row_to_read(self, depth: int) -> _Drawn:
        """Leave out which row a question is about."""
        value = self._ask.value_of(self._walk.entity(depth - 1, None))
        named = [part for part in walk(value) if isinstance(part, ByName | ById)]
        if len(named) != 1:
            raise RejectedError(SHAPE, "no row to leave out")
        return value, Gap(named[0])

    def _field(self, depth: int) -> _Drawn:
        """Leave out one field of a new row."""
        creatable = [name for name, entity in self._domain.entities.items() if entity.creatable]
        act = self._actor.create(self._walk.some(creatable), depth - 1)
        named = [column for column, ent in act.refs if isinstance(ent, ByName | ById)]
        columns = [column for column, _ in act.values if column != "name"]
        return act, Gap(act, self._walk.some([*columns, *columns, *named]))

    def _category(self, depth: int) -> _Drawn:
        """Leave out the category that is to be counted or summarised."""
        parents = tuple(dict.fromkeys(parent for _, _, parent in self._domain.groups))
        for _ in range(_TRIES):
            value = self._ask.value_of(self._walk.entity(depth - 1, parents))
            categories = self._walk.categories(replace(value, filter=None)) if isinstance(value, Agg) else []
            if isinstance(value, Agg) and categories:
                agg = replace(value, filter=self._rng.choice(categories), listed=False)
                return agg, Gap(agg, agg.filter[0] if agg.filter else "")
        raise RejectedError(SHAPE, "no category to leave out")

    def _unit(self, depth: int) -> _Drawn:
        """Leave out the unit of an answer."""
        columns = [
            Column(name, column)
            for name, entity in self._domain.entities.items()
            for column in entity.of_type("integer", "number")
            if len(everyday_units(entity.columns[column].unit)) >= CLOSED_LEAST
        ]
        column = self._walk.some(columns)
        unit = self._domain.attribute(*column).unit or ""
        value = self._ask.converted(self._ask.figure(depth - 2, [column]), unit)
        return value, Gap(value)

    def _change(self, kind: str, depth: int) -> Update | Transition | Cancel:
        """Draw a change of one kind to a row that takes `depth` - 1 calls to find."""
        fitting = [name for name, entity in self._domain.entities.items() if _allows(entity, kind)]
        wanted = self._walk.some(fitting)
        target = self._walk.entity(depth - 1, (wanted,), lambda row: bool(self._actor.ways(wanted, kind, row)))
        act = self._actor.change(target, kind)
        if isinstance(act, Create):
            raise RejectedError(SHAPE, "another kind of change")
        return act


def with_question(draft: Draft, deployed: Deployed, keywords: tuple[str, ...], reply: str) -> Deployed:
    """Return the deployed draft with the question that fills its gap: an ask goal, and a parent where it is needed.

    What follows from a guess waits for the reply too: the row may be found by a lucky name.

    Args:
        draft: The goal, with a gap.
        deployed: Its sub-goals and goals as if nothing were left out.
        keywords: What a question for it has one of.
        reply: What the user then says.
    """
    gap = draft.gap
    if gap is None:
        msg = "the draft has no gap"
        raise ValueError(msg)
    waiting, sub_goals = askers(draft, gap), list[SubGoal]()
    for sub_goal in deployed.sub_goals:
        if sub_goal.id in waiting or not waiting.isdisjoint(parent.id for parent in sub_goal.parents):
            waiting.add(sub_goal.id)
            sub_goals.append(sub_goal.model_copy(update={"parents": (*sub_goal.parents, Parent(id=ASK))}))
        else:
            sub_goals.append(sub_goal)
    ask = AskGoal(id=ASK, slot=slot_of(gap), keywords=keywords, reply=reply)
    return deployed._replace(sub_goals=tuple(sub_goals), goals=(ask, *deployed.goals))


def slot_of(gap: Gap) -> str:
    """Return the name of what is left out: an entity, a column, or the unit.

    >>> slot_of(Gap(ById("ship", "SH1"))), slot_of(Gap(Update(ById("ship", "SH1"), "crew", 8), "crew"))
    ('ship', 'crew')
    """
    if isinstance(gap.part, ByName | ById):
        return gap.part.entity
    return gap.column or "unit"


def askers(draft: Draft, gap: Gap) -> set[str]:
    """Return the ids of the sub-goals whose calls take what is left out as an argument."""
    found = set[str]()
    row = gap.row
    for call, name in zip(draft.calls, draft.sub_goals, strict=True):
        holder = call.expression
        named = isinstance(row, ById) and row in _direct(holder) and row.row in call.literals.values()
        if holder == gap.part or named or (row is not None and holder == row):
            found.add(name)
    if isinstance(row, ByName) and isinstance(gap.part, Create):
        found -= {name for call, name in zip(draft.calls, draft.sub_goals, strict=True) if call.expression == gap.part}
    return found | {name for name, number in draft.substitutes.items() if draft.sub_goals[number] in found}


def _direct(expression: Expression) -> tuple[object, ...]:
    if isinstance(expression, Create):
        return tuple(ent for _, ent in expression.refs)
    return tuple(getattr(expression, name) for name in expression.__slots__)


def _named(ent: Expression) -> ByName | ById:
    if not isinstance(ent, ByName | ById):
        raise RejectedError(SHAPE, "no row to leave out")
    return ent


def _allows(entity: Entity, kind: str) -> bool:
    return any(a.writable for a in entity.columns.values()) if kind == "update" else entity.state is not None
