"""What a user says after the first request: taking up what was said, and true whatever was answered."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, cast

from tool_gym.generators.dialogue_links import Link
from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import (
    Agg,
    Attr,
    ByName,
    Calc,
    Cancel,
    Days,
    Ent,
    Expression,
    Transition,
    Update,
    walk,
)
from tool_gym.generators.wording.acts import deed
from tool_gym.generators.wording.dialogue_asks import dialogue_frames
from tool_gym.generators.wording.draft import Draft, Phrase, is_person
from tool_gym.generators.wording.entities import described, label, phrase
from tool_gym.generators.wording.figures import figure, statistic
from tool_gym.generators.wording.lexicon import before_noun, filtered
from tool_gym.generators.wording.questions import question
from tool_gym.generators.wording.requests import dressed, joined, realise
from tool_gym.generators.wording.text import draw, sentence, superlative
from tool_gym.world import World

_STATISTICS = {"sum": "total", "average": "average"}


def realise_turns(
    goal: Sequence[Expression], links: Sequence[Link], domain: Domain, world: World, rng: random.Random
) -> tuple[str, ...]:
    """Word the user turns of a dialogue.

    Args:
        goal: What each turn asks for or wants done.
        links: How each takes up those before it.
        domain: The words.
        world: The names.
        rng: Equal streams give equal texts.
    """
    texts = [_opening(goal[0], domain, world, rng)]
    for number in range(1, len(goal)):
        draft = Draft(domain, world, rng)
        draft.register = "plain"
        link = links[number]
        if link.row is not None:
            _take_up(draft, link, goal[number], goal[number - 1])
        sentences = _turn(draft, goal[number], goal[number - 1], link)
        texts.append(" ".join(sentence(text) for text in [*draft.leading, *joined(draft, draft.steps), *sentences]))
    return tuple(texts)


def _opening(expression: Expression, domain: Domain, world: World, rng: random.Random) -> str:
    if not isinstance(expression, Attr) or expression.column != "name":
        return realise((expression,), domain, world, rng)
    draft = Draft(domain, world, rng)
    sentences = question(draft, expression.source)
    return dressed(draft, [*draft.leading, *joined(draft, draft.steps), *sentences], "question")


def is_about(expression: Expression, row: Ent) -> bool:
    """Return whether an expression is the row, one of its cells or a change of it."""
    return row in (expression, getattr(expression, "source", None), getattr(expression, "target", None))


def _take_up(draft: Draft, link: Link, expression: Expression, before: Expression) -> None:
    """Speak of a row as known from the turns before."""
    row = cast("Ent", link.row)
    noun = draft.entity(row).noun
    if link.kind == "other":
        draft.known[row] = Phrase(_pick(draft, "other").format(e=noun), noun, named=True)
        return
    draft.known[row] = Phrase(f"that {noun}", noun, named=True)
    if is_about(expression, row) and is_about(before, row):
        draft.last = next(part for part in walk(expression) if part == row)  # what a pronoun then means


def _turn(draft: Draft, expression: Expression, before: Expression, link: Link) -> list[str]:
    if link.kind in ("instead", "both", "more"):
        return [_elliptic(draft, expression, before)]
    if link.kind == "now":
        return _now(draft, cast("Agg", expression))
    if isinstance(expression, Update | Transition | Cancel):
        own = draft.pronoun(expression.target, draft.attribute(expression.target, expression.column).noun)
        short = {"its": "it", "their": "them", None: None}[own] if draft.chance(0.6) else None
        return [_pick(draft, "next_act").format(d=deed(draft, expression, short))]
    if isinstance(expression, Attr):
        return [_cell(draft, expression)]
    return _led(draft, question(draft, cast("Any", expression)))


def _elliptic(draft: Draft, expression: Expression, before: Expression) -> str:
    """Say only what is other than in the turn before."""
    if isinstance(expression, Attr):
        text = label(draft, cast("ByName", expression.source), shared=False, compact=True).text
        return _pick(draft, "next_instead").format(x=text)
    if isinstance(expression, Agg):
        return _more(draft, expression, cast("Agg", before))
    kind = "days" if isinstance(expression, Days) else cast("Calc", expression).operation
    return _pick(draft, f"next_{kind}")


def _cell(draft: Draft, val: Attr) -> str:
    source = val.source
    if val.column != "name":
        text = figure(draft, val, 2, 1)
        return _pick(draft, "next_plain" if draft.steps else "next_ask").format(v=text)
    found = described(draft, source, 2, 1) if source not in draft.known else draft.known[source]
    text = (found or phrase(draft, source, 1, 0)).text
    return _pick(draft, "next_who" if is_person(draft.entity(source)) else "next_which").format(x=text)


def _more(draft: Draft, agg: Agg, before: Agg) -> str:
    """Ask for another figure of the group that was just spoken of."""
    entity = draft.domain.entities[agg.entity]
    if agg.column is None and agg.filter is None:
        return _pick(draft, "next_count")
    if agg.column is None and agg.filter is not None:
        attribute, value = entity.columns[agg.filter[0]], agg.filter[1]
        if attribute.type == "state":
            return _pick(draft, "next_count_state").format(n=attribute.noun, w=value.replace("_", " "))
        rows = filtered(attribute, before_noun(attribute)[0], value, entity.plural)
        return _pick(draft, "next_count_of").format(f=rows)
    attribute = entity.columns[agg.column or ""]
    word = _STATISTICS.get(agg.operation) or superlative(attribute, descending=agg.operation == "maximum")
    if agg.column == before.column and draft.chance(0.7):
        return _pick(draft, "next_more").format(s=f"the {word}")
    words = {"s": statistic(draft, agg, 1, led=True), "t": f"{word} {attribute.noun}"}
    return _pick(draft, "next_more_of").format(**words)


def _now(draft: Draft, agg: Agg) -> list[str]:
    """Ask for a figure as it is after a change."""
    *leading, last = question(draft, agg)
    asked = last.endswith("?")
    when = _pick(draft, "now_question" if asked else "now_order" if agg.column is not None else "now_count")
    return _led(draft, [*leading, f"{last.rstrip('.?!')} {when}{'?' if asked else '.'}"])


def _led(draft: Draft, sentences: list[str]) -> list[str]:
    """Lead over to the sentences, unless others come before them."""
    first, *rest = sentences
    words = "" if draft.steps or draft.leading else _pick(draft, "next")
    return [words + (sentence(first) if words.endswith(". ") else first), *rest]


def _pick(draft: Draft, purpose: str) -> str:
    return draw(draft.rng, dialogue_frames()[purpose])
