"""Conditional requests: what is to be tested, and what to do or tell in either case."""

from __future__ import annotations

from tool_gym.generators.domain import Attribute
from tool_gym.generators.expressions import (
    Act,
    Agg,
    Attr,
    Calc,
    Cancel,
    Condition,
    Create,
    Days,
    Ent,
    Expression,
    Free,
    If,
    Said,
    Transition,
    Update,
    Val,
    walk,
)
from tool_gym.generators.wording.acts import creation, deed
from tool_gym.generators.wording.draft import Draft, is_label, is_person
from tool_gym.generators.wording.entities import phrase, rows_of
from tool_gym.generators.wording.figures import figure, is_plain, named, operands
from tool_gym.generators.wording.text import quantity
from tool_gym.generators.wording.written import ordered


def conditional(draft: Draft, rule: If) -> list[str]:
    """Ask for one of two things, by a condition.

    Returns:
        The sentences that follow the draft's steps, without capitals.
    """
    centre = _centre(rule.otherwise if isinstance(rule.then, Create) else rule.then)
    if not is_label(centre):
        phrase(draft, centre, 0, 0)
    test = condition(draft, rule.test, apart=centre not in set(walk(rule.test)))
    _take_up(draft, rule.test, centre)
    first = branch(draft, rule.then, rule.otherwise, first=True)
    second = branch(draft, rule.otherwise, rule.then, first=False)
    return [draft.pick("conditional").format(c=test, a=first, b=second)]


def condition(draft: Draft, test: Condition, *, apart: bool) -> str:
    """Return a test as a clause: "the price of … is more than 40 USD".

    Args:
        draft: The text so far.
        test: The test.
        apart: Whether it is about another row than the rest of the request.
    """
    value = test.first
    if isinstance(value, Free):
        return draft.pick("test_free").format(x=phrase(draft, value.source, 1, 0).text, d=value.date)
    if isinstance(value, Agg) and value.column is None and isinstance(test.second, Said) and is_plain(value):
        return draft.pick(f"test_count_{test.relation}").format(g=rows_of(draft, value, 1), q=test.second.value)
    attribute = _attribute(draft, value)
    dates = attribute is not None and attribute.type == "date"
    if isinstance(test.second, Said):
        text, other = _tested(draft, value, apart=apart), _said(draft, test.second, attribute)
    else:
        sides = operands(draft, Days(value, test.second) if dates else Calc("subtract", value, test.second))
        text, other = sides.first, sides.second
    return draft.pick(f"test_{'date_' if dates else ''}{test.relation}").format(v=text, q=other)


def branch(draft: Draft, wanted: Expression, other: Expression, *, first: bool) -> str:
    """Return what to do or tell in one case, as an order.

    Args:
        draft: The text so far.
        wanted: The change to make or the value to tell.
        other: What the other case asks for.
        first: Whether this one is said first.
    """
    if isinstance(wanted, Update) and isinstance(other, Update) and not first and _same_cell(wanted, other):
        return ordered(draft, wanted, "it", short=False)
    if isinstance(wanted, Update | Transition | Cancel):
        return deed(draft, wanted, _it(draft, wanted.target))
    if isinstance(wanted, Create):
        return creation(draft, wanted)
    if not isinstance(wanted, Attr | Agg):
        msg = f"no order for {wanted}"
        raise TypeError(msg)
    if isinstance(other, Create):
        return draft.pick("tell").format(v=figure(draft, wanted, 1, 0))
    told = draft.pick("tell").format(v=figure(draft, wanted, 1, 0))
    return draft.pick("leave_first" if first else "leave").format(t=told) if isinstance(other, Act) else told


def _tested(draft: Draft, value: Val, *, apart: bool) -> str:
    """Name a value to test, in sentences of its own where it would grow too long beside another row."""
    if not apart or is_plain(value):
        return figure(draft, value, 1, 0)
    attribute = _attribute(draft, value)
    kinds = {"date": "date", "enum": "detail", "state": "state"}
    kind = kinds.get(attribute.type if attribute is not None else "") or draft.pick("tested_nouns")
    named(draft, value, f"the {kind} that matters", kind)
    return draft.pick("that").format(e=kind)


def _take_up(draft: Draft, test: Condition, centre: Ent) -> None:
    """Let what follows say "its" where the test was about nothing but the row at the centre, and only there."""
    draft.last = None
    if isinstance(test.second, Said) and isinstance(test.first, Attr | Free) and test.first.source == centre:
        draft.known.setdefault(centre, phrase(draft, centre, 0, 0))
        draft.last = centre


def _it(draft: Draft, target: Ent) -> str | None:
    """Return "it" or "them" if that can only mean the row, and is drawn."""
    if draft.last is not target or draft.chance(0.5):
        return None
    return "them" if is_person(draft.entity(target)) else "it"


def _centre(wanted: Expression) -> Ent:
    """Return the row that a branch is about."""
    if isinstance(wanted, Update | Transition | Cancel):
        return wanted.target
    source = wanted.source if isinstance(wanted, Attr) else wanted.parent if isinstance(wanted, Agg) else None
    if source is None:
        msg = f"{wanted} is about no row"
        raise TypeError(msg)
    return source


def _attribute(draft: Draft, value: Val) -> Attribute | None:
    if isinstance(value, Attr):
        return draft.attribute(value.source, value.column)
    if isinstance(value, Agg) and value.column is not None:
        return draft.domain.entities[value.entity].columns[value.column]
    return None


def _said(draft: Draft, said: Said, attribute: Attribute | None) -> str:
    if attribute is not None and attribute.type in ("integer", "number"):
        return quantity(said.value, attribute, draft.rng)
    text = str(said.value).replace("_", " ")
    return f'"{text}"' if attribute is not None and attribute.type == "state" and draft.chance(0.4) else text


def _same_cell(first: Update, second: Update) -> bool:
    return (first.target, first.column) == (second.target, second.column)
