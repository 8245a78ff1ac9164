"""Questions: what the user asks for a value or a name."""

from __future__ import annotations

from functools import cache
from typing import cast

from tool_gym.generators.expressions import (
    Agg,
    Attr,
    Best,
    Calc,
    Convert,
    Days,
    Ent,
    Free,
    Higher,
    Percent,
    Said,
    Top,
    Val,
)
from tool_gym.generators.wording.draft import Draft, is_label, is_person
from tool_gym.generators.wording.entities import (
    adjective,
    described,
    has,
    of_category,
    one,
    pair,
    phrase,
    restriction,
    rows_of,
    the_rows,
)
from tool_gym.generators.wording.figures import (
    attribute_of,
    distance,
    figure,
    fill,
    is_nested,
    operands,
    operation_of,
    statistic,
)
from tool_gym.generators.wording.lexicon import before_noun, filtered
from tool_gym.generators.wording.text import draw, frames, pick, unit_name

_SIZES = {"largest": "large", "highest": "high", "longest": "long", "greatest": "great"}


def question(draft: Draft, wanted: Val | Ent) -> list[str]:
    """Ask for a value, or for the name of a row.

    Returns:
        The sentences that follow the draft's steps, without capitals.
    """
    draft.nested = isinstance(wanted, Calc | Convert | Days) and is_nested(wanted)
    if isinstance(wanted, Attr):
        return [text for text in (_attribute(draft, wanted),) if text]
    if isinstance(wanted, Agg):
        return [_statistic(draft, wanted)]
    if isinstance(wanted, Convert):
        return _converted(draft, wanted)
    if isinstance(wanted, Calc | Days):
        return [_operation(draft, wanted)]
    if isinstance(wanted, Free):
        return [draft.pick("free").format(x=phrase(draft, wanted.source, 1, 0).text, d=wanted.date)]
    if isinstance(wanted, Said | Percent):
        msg = f"nobody asks for {wanted}"
        raise TypeError(msg)
    return _name(draft, wanted)


def ask(draft: Draft, text: str, *, short: bool = True) -> str:
    """Ask for what a noun phrase names; only a short one may have words behind it."""
    return draw(draft.rng, _asks(draft.register, short=short)).format(v=text)


def joint(text: str) -> str:
    """Lead over from an order to the next one in the same sentence."""
    return f"{text}, then" if " and " in text or " which" in text else f"{text} and"


def is_short(val: Val) -> bool:
    """Return whether a question may go on behind the value's phrase."""
    return isinstance(val, Attr) and distance(val.source) < 1


def _attribute(draft: Draft, val: Attr) -> str:
    drawn = draft.rng.random()
    if is_label(val.source) or val.source in draft.known:
        word = _plain if drawn < 0.5 else _recorded if drawn < 0.87 else _how
    elif isinstance(val.source, Top | Best) and draft.chance(0.35):
        word = _leading
    else:
        word = _plain if drawn < 0.35 else _recorded if drawn < 0.47 else _particular if drawn < 0.57 else _introduced
    return word(draft, val)


def _introduced(draft: Draft, val: Attr) -> str:
    """Introduce the row in sentences of their own, mostly before the question."""
    draft.inner = late = draft.chance(0.25)
    phrase(draft, val.source, 0, 0)
    draft.inner = False
    noun = draft.attribute(val.source, val.column).noun
    if late and len(draft.steps) > 1:
        draft.leading = [ask(draft, draft.pick("found").format(n=noun, e=draft.entity(val.source).noun), short=False)]
        return ""
    text = attribute_of(draft, val, 1, 0)
    if draft.steps[-1].joinable and draft.chance(0.5):
        return f"{joint(draft.steps.pop().text)} {draft.pick('tell').format(v=text)}."
    return ask(draft, text)


def _plain(draft: Draft, val: Attr) -> str:
    text = attribute_of(draft, val, draft.rng.randint(1, 2), 1)
    return ask(draft, text, short=is_short(val))


def _leading(draft: Draft, val: Attr) -> str:
    """Put the group first: "among …, what is the cost of the one with …?"."""
    source = cast("Top | Best", val.source)
    lead = draft.pick("top_lead").format(g=the_rows(draft, source, draft.rng.randint(0, 1)))
    forms = draft.words.forms(source.entity, val.column, 1, 0)
    form = pick(draft.rng, forms) if forms else draft.words.first_form(source.entity, val.column)
    return lead + draft.pick_in_register("ask_lead").format(v=form.around(one(draft, source)))


def _recorded(draft: Draft, val: Attr) -> str:
    noun = draft.attribute(val.source, val.column).noun
    frame = draft.pick("recorded")
    final = frame.endswith(("{x}?", "{x}."))
    text = phrase(draft, val.source, 1 + final, int(final), shared=draft.words.is_shared(noun)).text
    return frame.format(n=noun, x=text)


def _how(draft: Draft, val: Attr) -> str:
    size = _SIZES.get(draft.attribute(val.source, val.column).most)
    if size is None:
        return _plain(draft, val)
    return draft.pick("how").format(p=size, v=attribute_of(draft, val, 1, 0))


def _particular(draft: Draft, val: Attr) -> str:
    kind, noun = draft.entity(val.source).noun, draft.attribute(val.source, val.column).noun
    mark = draft.mark()
    found = described(draft, val.source, 2, 1)
    if found is None or not found.text.startswith(f"the {kind} ") or found.text.startswith(f"the {kind} of "):
        draft.back_to(mark)
        return _plain(draft, val)
    which = found.text.replace(f"the {kind}", "the one", 1)
    text = draft.pick("particular").format(n=noun, e=kind, x=which)
    return ask(draft, text, short=False)


def _statistic(draft: Draft, agg: Agg) -> str:
    links = draft.rng.randint(1, 2)
    if agg.column is None:
        return _count(draft, agg, links)
    if draft.chance(0.4):
        lead = draft.pick("agg_lead").format(g=the_rows(draft, agg, links - 1))
        return lead + draft.pick_in_register("ask_lead").format(v=statistic(draft, agg, links, led=True))
    return ask(draft, statistic(draft, agg, links), short=False)


def _count(draft: Draft, agg: Agg, links: int) -> str:
    if agg.filter is not None and draft.chance(0.4):
        column, value = agg.filter
        entity = draft.domain.entities[agg.entity]
        attribute = entity.columns[column]
        group = the_rows(draft, agg, links - 1, filtering=False)
        if attribute.type == "state":
            shown = value.replace("_", " ")
            shown = f'"{shown}"' if draft.chance(0.4) else shown
            return draft.pick("count_state").format(g=group, n=attribute.noun, w=shown)
        rows = filtered(attribute, before_noun(attribute)[0], value, entity.plural)
        return draft.pick("count_of").format(g=group, f=rows)
    return draft.pick("count").format(g=rows_of(draft, agg, links - 1))


def _converted(draft: Draft, val: Convert) -> list[str]:
    unit, inner = unit_name(val.target, draft.rng), val.source
    if isinstance(inner, Attr | Agg) and draft.chance(0.5):
        return [draft.pick("unit_ask").format(v=figure(draft, inner, 1, 0), u=unit)]
    return [*question(draft, inner), draft.pick("unit_after").format(u=unit)]


def _operation(draft: Draft, val: Calc | Days) -> str:
    first, second = val.first, val.second
    if (
        isinstance(val, Days)
        and isinstance(first, Attr)
        and isinstance(second, Attr)
        and first.column == second.column
        and first.source.entity == second.source.entity
        and is_label(first.source)
        and is_label(second.source)
        and draft.chance(0.6)
    ):
        noun = draft.attribute(first.source, first.column).noun
        shared = draft.words.is_shared(noun)
        names = [phrase(draft, side.source, 0, 0, shared=shared).text for side in (first, second)]
        return draft.pick("days_same").format(ns=f"{noun}s", x=names[0], y=names[1])
    return fill(draft, frames()[operation_of(val)], operands(draft, val))


def _name(draft: Draft, ent: Ent) -> list[str]:
    coded = draft.entity(ent).label.code is not None
    if isinstance(ent, Top | Best) and draft.chance(0.75):
        sentence = _which_of(draft, ent)
    elif isinstance(ent, Higher) and draft.chance(0.8):
        sentence = draft.pick("which_two").format(g=pair(draft, ent), s=f"has the {_more(draft, ent)}")
    else:
        found = described(draft, ent, draft.rng.randint(1, 2), 1) or phrase(draft, ent, 1, 1)
        whole = distance(ent) < 2 and not isinstance(ent, Top | Best | Higher)
        if is_person(draft.entity(ent)) and draft.chance(0.6):
            return [draw(draft.rng, _endings("who", whole=whole)).format(x=found.text)]
        if draft.chance(0.5):
            return [ask(draft, draft.pick("name_of").format(x=found.text), short=False)]
        return [draw(draft.rng, _endings("which", whole=whole)).format(x=found.text)]
    return [sentence, draft.pick("its_name")] if coded else [sentence]


def _which_of(draft: Draft, ent: Top | Best) -> str:
    entity = draft.entity(ent)
    if isinstance(ent, Best) or ent.parent is None:
        single = of_category(draft, ent) if isinstance(ent, Best) else entity.noun
        frame = draft.pick("which_all") if single is not None else "which one of {g} {s}?"
        group = the_rows(draft, ent, 0)
        if "which one of {g}" in frame:
            group = group.replace("all ", "the ", 1)
        return frame.format(e=single, g=group, s=has(draft, ent))
    found = restriction(draft, ent, draft.rng.randint(0, 1))
    frame = draft.pick("which_of")
    if not found.named and "{c} {s}" in frame:
        frame = "which of {g} {s}?"
    return frame.format(e=entity.noun, c=found.text, g=f"the {entity.plural} {found.text}", s=has(draft, ent))


def _more(draft: Draft, ent: Higher) -> str:
    return f"{adjective(draft, ent)} {draft.attribute(ent, ent.column).noun}"


@cache
def _asks(register: str, *, short: bool) -> tuple[str, ...]:
    texts: list[str] = frames()["ask"][register]
    return tuple(text for text in texts if short or text.endswith(("{v}.", "{v}?", "{v}, please.")))


@cache
def _endings(purpose: str, *, whole: bool) -> tuple[str, ...]:
    texts: list[str] = frames()[purpose]
    return tuple(text for text in texts if whole or text.endswith(("{x}.", "{x}?")))
