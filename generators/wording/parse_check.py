"""Whether a request can only mean its goal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Literal, NamedTuple

from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import (
    Act,
    Agg,
    Attr,
    ById,
    ByName,
    Calc,
    Condition,
    Create,
    Days,
    Ent,
    Evaluator,
    Higher,
    If,
    UndefinedError,
    Val,
    walk,
)
from tool_gym.generators.wording.parse import readings, turn_readings
from tool_gym.generators.wording.parse_refs import Only, Open, OpenRow, holds, substituted
from tool_gym.generators.wording.parse_say import spelled_out
from tool_gym.world import World, WorldView


class Verdict(NamedTuple):
    """What reading a request back has shown."""

    kind: Literal["same", "different", "unread"]
    """same: it can mean its goal and nothing else. different: it can, or must, mean something else. unread: the reader
    makes nothing of it."""
    other: str = ""
    """What else it can mean, in words."""


def check_reading(goal: tuple[Any, ...], texts: Sequence[str], domain: Domain, world: World) -> Verdict:
    """Read a request back and compare what it can mean with what it should.

    Args:
        goal: What it should mean.
        texts: The user turns: one, or as many as the goal has expressions.
        domain: The words.
        world: The names, and what readings come to.
    """
    found = readings(texts[0], domain, world) if len(texts) == 1 else turn_readings(texts, domain, world)
    wanted = normal(goal)
    others = [reading for reading in dict.fromkeys(map(normal, found)) if reading != wanted]
    if not found:
        return Verdict("unread")
    evaluate = Evaluator(WorldView(world.base))
    meant = _meaning(wanted, evaluate)
    for other in others:
        meaning = _meaning(other, evaluate)
        if meaning is not None and meaning != meant:
            return Verdict("different", spelled_out(other, domain, world))
    if len(others) == len(set(map(normal, found))):
        return Verdict("different", spelled_out(others[0], domain, world))
    return Verdict("same")


def normal(term: Any) -> Any:
    """Return a goal as wording tells goals apart.

    Rows are named by name or id alike, how a count is read off does not show, and sides that may be swapped are put
    in one order.
    """
    if isinstance(term, tuple):
        return tuple(normal(part) for part in term)
    if isinstance(term, ByName | ById):
        return ById(term.entity, term.row)
    if isinstance(term, Attr) and term.column == "name":
        return normal(term.source)
    if isinstance(term, Create):
        return Create(term.entity, normal(tuple(sorted(term.values))), normal(tuple(sorted(term.refs))))
    if not is_dataclass(term) or isinstance(term, type):
        return term
    values = {field.name: normal(getattr(term, field.name)) for field in fields(term)}
    if isinstance(term, Agg):
        values["listed"] = False
    if isinstance(term, Days | Higher) or (isinstance(term, Calc) and term.operation in ("add", "multiply")):
        values["first"], values["second"] = sorted((values["first"], values["second"]), key=repr)
    return type(term)(**values)


def _meaning(term: Any, evaluate: Evaluator) -> Any:
    """Return what a reading comes to in a world, or None where that is nothing: no such row, or several.

    Of a condition, both branches count, so that another test or another branch not taken shows.
    """
    if holds(term, Open) or holds(term, OpenRow):
        return term
    try:
        return _value(term, evaluate)
    except UndefinedError:
        return None


def _value(term: Any, evaluate: Evaluator) -> Any:
    if isinstance(term, tuple):
        return tuple(_value(part, evaluate) for part in term)
    if isinstance(term, Ent):
        return evaluate.row(_grounded(term, evaluate))["id"]
    if isinstance(term, If):
        return tuple(_value(part, evaluate) for part in (term.test, term.then, term.otherwise))
    if isinstance(term, Condition):
        return term.relation, _value(term.first, evaluate), _value(term.second, evaluate)
    if isinstance(term, Act):
        return type(term).__name__, *(_value(getattr(term, field.name), evaluate) for field in fields(term))
    return evaluate.value(_grounded(term, evaluate)) if isinstance(term, Val) else term


def _grounded(term: Any, evaluate: Evaluator) -> Any:
    """Put the row itself in the place of "the plant run by …", where there is one."""
    for part in walk(term):
        for only in (getattr(part, name) for name in part.__slots__):
            if isinstance(only, Only):
                rows = evaluate.group(Agg(only.entity, "count", None, only.by, _grounded(only.parent, evaluate)))
                if len(rows) != 1:
                    raise UndefinedError(str(len(rows)))
                return _grounded(substituted(term, only, ById(only.entity, rows[0]["id"])), evaluate)
    return term
