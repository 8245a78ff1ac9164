"""Noun phrases for values, and the sentences that name a figure when an expression has several parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tool_gym.generators.expressions import (
    Agg,
    Attr,
    Best,
    ByName,
    Calc,
    Convert,
    Days,
    Ent,
    Follow,
    Free,
    Higher,
    Percent,
    Said,
    Top,
    Val,
)
from tool_gym.generators.wording.draft import Draft, Step, is_label, is_person
from tool_gym.generators.wording.entities import lead_in, phrase, the_rows
from tool_gym.generators.wording.text import draw, frames, pick, superlative, unit_name

_FAR = 9
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Sides(NamedTuple):
    """What to call the two sides of an operation."""

    first: str
    second: str
    ordered: bool = False
    """Whether the second takes up the first and must come after it."""


def figure(draft: Draft, val: Val, links: int = 2, clauses: int = 1) -> str:
    """Name a value in one phrase, introducing what does not fit."""
    if isinstance(val, Attr):
        return attribute_of(draft, val, links, clauses)
    if isinstance(val, Agg):
        return statistic(draft, val, links)
    if isinstance(val, Convert):
        text = draft.pick("unit_inside")
        return text.format(v=figure(draft, val.source, min(links, 1), 0), u=unit_name(val.target, draft.rng))
    if isinstance(val, Free):
        return f"whether {phrase(draft, val.source, 1, 0).text} is free on {val.date}"
    if isinstance(val, Said | Percent):
        msg = f"{val} is no figure of its own"
        raise TypeError(msg)
    sides = operands(draft, val)
    return fill(draft, frames()["inline"][operation_of(val)], sides)


def attribute_of(draft: Draft, val: Attr, links: int, clauses: int) -> str:
    """Name a cell: "the capacity of …", "that power plant's capacity", "its capacity"."""
    source, words = val.source, draft.words
    noun = draft.attribute(source, val.column).noun
    known = draft.known.get(source) if draft.known else None
    if known is not None:
        pronoun = draft.pronoun(source, noun)
        if pronoun is not None and draft.chance(0.5):
            return f"{pronoun} {noun}"
        if draft.chance(0.4) and known.text.endswith(known.head):
            return f"{known.text}'s {noun}"
    elif isinstance(source, ByName) and _takes_s(draft, source) and draft.chance(0.3):
        return f"{phrase(draft, source, 0, 0, shared=words.is_shared(noun)).text}'s {noun}"
    forms = words.forms(source.entity, val.column, links, clauses) or (words.first_form(source.entity, val.column),)
    form = pick(draft.rng, forms)
    inner = phrase(draft, source, links - form.links, clauses - form.clause, shared=form.shared)
    return form.around(inner.text)


def statistic(draft: Draft, agg: Agg, links: int, *, led: bool = False) -> str:
    """Name a statistic: "the average capacity of …"; without the group where that has led the way."""
    if agg.column is None:
        return f"the number of {the_rows(draft, agg, links - 1).split(' ', 1)[1]}"
    attribute = draft.domain.entities[agg.entity].columns[agg.column]
    extreme = agg.operation in ("maximum", "minimum")
    purpose = f"{'extreme' if extreme else agg.operation}{'_lead' if led else ''}"
    return draft.pick(purpose).format(
        n=attribute.noun,
        m=agg.operation,
        a=superlative(attribute, descending=agg.operation == "maximum"),
        g="" if led else the_rows(draft, agg, links - 1),
    )


def operands(draft: Draft, val: Calc | Days) -> Sides:
    """Return what to call the two sides of an operation; sides that are not plain get names of their own."""
    first, second = val.first, val.second
    if isinstance(first, Attr) and isinstance(second, Attr) and first.source == second.source:
        return _two_of_one(draft, first, second)
    if is_plain(first) and is_plain(second):
        mark = draft.mark()
        sides = _plain_sides(draft, first, second)
        if len(draft.steps) == len(mark[0]):
            return sides
        draft.back_to(mark)
    elif isinstance(first, Attr) and is_plain(second) and draft.chance(0.4):
        mark = draft.mark()
        if not is_label(first.source):
            phrase(draft, first.source, 0, 0)
        steps = len(draft.steps)
        sides = Sides(figure(draft, first, 1, 0), figure(draft, second, 1, 0))
        if len(draft.steps) == steps:
            return sides
        draft.back_to(mark)
    kind = draft.pick("date_nouns" if isinstance(val, Days) else "figure_nouns")
    style = 2 if draft.nested else int(draft.rng.random() * 4)
    names = (
        ((f"the first {kind}", f"the second {kind}"), (f"{kind} 1", f"{kind} 2"))[style] if style < 2 else (kind, kind)
    )
    return Sides(named(draft, first, names[0], kind), named(draft, second, names[1], kind))


def named(draft: Draft, val: Val, name: str, kind: str) -> str:
    """Name a figure in sentences of its own and return what to call it; a mere kind gets the next letter."""
    start, draft.inner = len(draft.steps), True
    wording = figure(draft, val, draft.rng.randint(1, 2))
    draft.inner, draft.naming = False, True
    if name == kind:
        name = f"{kind} {_LETTERS[draft.figures % len(_LETTERS)]}"
        draft.figures += 1
    if len(draft.steps) > start and not isinstance(val, Calc | Days):
        draft.steps[start] = Step(lead_in(draft, name, draft.steps[start]), joinable=False)
    frame = draft.pick("figure_is")
    draft.say(frame.format(k=name.removeprefix("the ") if frame.startswith("{k}:") else name, v=wording))
    draft.forget()
    return name


def fill(draft: Draft, templates: Sequence[str], sides: Sides) -> str:
    """Fill a frame of an operation; where the second side takes up the first, one that has them in that order."""
    if sides.ordered:
        templates = [text for text in templates if text.index("{a}") < text.index("{b}")]
    return draw(draft.rng, templates).format(a=sides.first, b=sides.second)


def operation_of(val: Calc | Days) -> str:
    """Return the operation's name, as frames have it."""
    return "days" if isinstance(val, Days) else val.operation


def is_plain(val: Val) -> bool:
    """Return whether a value can be named in a short phrase."""
    if isinstance(val, Attr):
        return not isinstance(val.source, Top | Best | Higher) and distance(val.source) < 2
    if isinstance(val, Agg):
        return val.parent is None or is_label(val.parent)
    return isinstance(val, Convert) and is_plain(val.source)


def is_nested(val: Val, *, inside: bool = False) -> bool:
    """Return whether an operation is made of operations."""
    if isinstance(val, Convert):
        return is_nested(val.source, inside=inside)
    if not isinstance(val, Calc | Days):
        return False
    return inside or is_nested(val.first, inside=True) or is_nested(val.second, inside=True)


def distance(ent: Ent) -> int:
    """Return how many links a row is away from one the user names."""
    if isinstance(ent, Follow):
        return 1 + distance(ent.source)
    if isinstance(ent, Top):
        return 1 if ent.parent is None else 1 + distance(ent.parent)
    if isinstance(ent, Best):
        return 1
    return _FAR if isinstance(ent, Higher) else 0


def _two_of_one(draft: Draft, first: Attr, second: Attr) -> Sides:
    """Name two cells of one row, which is introduced unless it is named."""
    source = first.source
    if not is_label(source):
        phrase(draft, source, 0, 0)
        return Sides(figure(draft, first), figure(draft, second))
    noun = draft.attribute(source, second.column).noun
    own = "their" if is_person(draft.entity(source)) else "its"
    return Sides(figure(draft, first, 1), f"{own} {noun}", ordered=True)


def _plain_sides(draft: Draft, first: Val, second: Val) -> Sides:
    text = figure(draft, first)
    if (
        isinstance(first, Attr)
        and isinstance(second, Attr)
        and first.column == second.column
        and first.source.entity == second.source.entity
        and isinstance(second.source, ByName)
        and draft.chance(0.5)
    ):
        other = draft.pick("that_of").format(x=phrase(draft, second.source, 0, 0, shared=False).text)
        return Sides(text, other, ordered=True)
    return Sides(text, figure(draft, second))


def _takes_s(draft: Draft, source: ByName) -> bool:
    label = draft.entity(source).label
    return label.pool != "title" and label.code is None
