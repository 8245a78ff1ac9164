"""Changes to a value that must be found out: copied from elsewhere, a statistic, or raised and lowered."""

from __future__ import annotations

from tool_gym.generators.domain import Attribute
from tool_gym.generators.expressions import Attr, Calc, Percent, Said, Update, Val
from tool_gym.generators.wording.draft import Draft, is_label
from tool_gym.generators.wording.entities import phrase
from tool_gym.generators.wording.figures import attribute_of, figure, is_plain, named
from tool_gym.generators.wording.text import quantity


def rewriting(draft: Draft, act: Update) -> list[str]:
    """Ask for an update to a value that is to be found out.

    Returns:
        The sentences that follow the draft's steps, without capitals.
    """
    if said_amount(draft, act) is not None:
        own = attribute_of(draft, Attr(act.target, act.column), 2, 0)
        return [_asked(draft, act, ordered(draft, act, own))]
    found = _found(act)
    text = _matched(draft, act, found) or _inline(draft, act, found)
    if text is None:
        raising = isinstance(act.value, Calc)
        kind = draft.pick("amount_nouns" if raising else "value_nouns")
        named(draft, found, f"the {kind}" if raising else f"the new {kind}", kind)
        own = attribute_of(draft, Attr(act.target, act.column), 2, 0)
        text = draft.pick(change_of(act)).format(v=own, q=f"that {kind}")
    return [_asked(draft, act, text)]


def ordered(draft: Draft, act: Update, text: str, *, short: bool = True) -> str:
    """Return the order for an update whose numbers are all said, on the cell as phrased.

    Args:
        draft: The text so far.
        act: The update.
        text: The cell's phrase.
        short: Whether words may follow it.
    """
    amount = said_amount(draft, act)
    if amount is None:
        msg = f"no amount is said in {act}"
        raise ValueError(msg)
    if not isinstance(act.value, Val):
        return draft.pick("set" if short else "set_long").format(v=text, q=amount)
    return draft.pick(change_of(act)).format(v=text, q=amount)


def said_amount(draft: Draft, act: Update) -> str | None:
    """Return the number an update names, as it is written; None if it is one to be found out."""
    attribute, value = draft.attribute(act.target, act.column), act.value
    if isinstance(value, Percent):
        return f"{abs(value.percent)}{'%' if draft.chance(0.5) else ' percent'}"
    if isinstance(value, Calc) and isinstance(value.second, Said):
        return _written(draft, value.second.value, attribute)
    return None if isinstance(value, Val) else _written(draft, value, attribute)


def change_of(act: Update) -> str:
    """Return what an update does to its cell, as frames have it."""
    value = act.value
    if isinstance(value, Percent):
        return "raise" if value.percent > 0 else "lower"
    if isinstance(value, Calc):
        return "raise" if value.operation == "add" else "lower"
    return "set_found"


def _found(act: Update) -> Val:
    """Return the value that is to be found out."""
    value = act.value.second if isinstance(act.value, Calc) else act.value
    if not isinstance(value, Val):
        msg = f"nothing is to be found out for {act}"
        raise TypeError(msg)
    return value


def _asked(draft: Draft, act: Update, text: str) -> str:
    plain = is_label(act.target) and not draft.steps
    return (draft.pick_in_register("do") if plain else draft.pick("do_lead")).format(d=text)


def _matched(draft: Draft, act: Update, found: Val) -> str | None:
    """Ask for what another row has: "give … the same price as …"; None if that is not what is wanted."""
    if not isinstance(found, Attr) or isinstance(act.value, Calc) or found.column != act.column:
        return None
    if found.source.entity != act.target.entity or not (is_label(found.source) and is_label(act.target)):
        return None
    texts = [phrase(draft, row, 0, 0).text for row in (act.target, found.source)]
    noun = draft.attribute(act.target, act.column).noun
    return draft.pick("match").format(n=noun, x=texts[0], y=texts[1])


def _inline(draft: Draft, act: Update, found: Val) -> str | None:
    """Ask in one sentence, or return None where it would grow too long."""
    own = Attr(act.target, act.column)
    if not is_plain(own) or not is_plain(found):
        return None
    mark = draft.mark()
    text = attribute_of(draft, own, 1, 0)
    text = draft.pick(change_of(act)).format(v=text, q=figure(draft, found, 1, 0))
    if len(draft.steps) == len(mark[0]):
        return text
    draft.back_to(mark)
    return None


def _written(draft: Draft, value: float | str, attribute: Attribute) -> str:
    return quantity(value, attribute, draft.rng)
