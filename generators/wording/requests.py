"""The user's request as a whole: one question, several in an order, or a change."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import pairwise
from typing import TypeAlias, cast

from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import (
    Agg,
    Attr,
    ByName,
    Cancel,
    Create,
    Ent,
    Expression,
    If,
    Transition,
    Update,
    Val,
)
from tool_gym.generators.wording.acts import request
from tool_gym.generators.wording.conditions import conditional
from tool_gym.generators.wording.draft import Draft, Step, is_label
from tool_gym.generators.wording.entities import phrase, shown_name
from tool_gym.generators.wording.figures import figure
from tool_gym.generators.wording.questions import question
from tool_gym.generators.wording.text import COUNTS, frames, listing, pick, sentence
from tool_gym.world import World

Goal: TypeAlias = tuple[Expression, ...]
"""What one request asks for: values and names of rows in the order of the answer, or one act or condition."""

_OF_SEVERAL = {"chatty": "plain", "business": "polite"}
"""Register → the one its questions are in where there are several: nobody says "Second, any idea what …"."""


def realise(goal: Goal, domain: Domain, world: World, rng: random.Random) -> str:
    """Word a request.

    Args:
        goal: Values, rows (their names are asked for), or one act or condition.
        domain: The words.
        world: The names.
        rng: Equal streams give equal texts.

    Returns:
        English text with every name, id, number, date and category the goal names.
    """
    draft = Draft(domain, world, rng)
    if len(goal) > 1:
        return dressed(draft, _parallel(draft, cast("tuple[Val | Ent, ...]", goal)), "several")
    first = goal[0]
    if isinstance(first, Update | Transition | Cancel | Create):
        sentences = request(draft, first)
        kind = "act"
    elif isinstance(first, If):
        sentences = conditional(draft, first)
        kind = "act"
    else:
        sentences = question(draft, cast("Val | Ent", first))
        kind = "question"
    sentences = [*draft.leading, *joined(draft, draft.steps), *sentences]
    return dressed(draft, sentences, kind)


def joined(draft: Draft, steps: Sequence[Step]) -> list[str]:
    """Turn steps into sentences; two orders may share one."""
    found: list[str] = []
    open_ended = False
    for step in steps:
        if open_ended and step.joinable and step.text.startswith("then ") and draft.chance(0.5):
            found[-1] = f"{found[-1][:-1]}, {step.text}."
            open_ended = False
            continue
        found.append(step.text if step.text[-1] in ".?!" else f"{step.text}.")
        open_ended = step.joinable
    return found


def dressed(draft: Draft, sentences: list[str], kind: str) -> str:
    """Join sentences into a text with an opener and a closer, or without."""
    before, openers = "", frames()["openers"][draft.register]
    drawn = draft.rng.random()
    if drawn < 0.25:
        own = openers[kind] if kind != "several" and len(sentences) == 1 else ()
        options = [text for text in (*openers["any"], *own) if not (draft.naming and text.endswith(","))]
        before = pick(draft.rng, options) if options else ""
    elif drawn < 0.33 and draft.register in ("chatty", "business", "plain"):
        context = frames()["context"]
        before = f"{pick(draft.rng, context['doing'])} {pick(draft.rng, context['what'])}."
    if before.endswith((",", ":")):
        sentences = [before + " " + sentences[0], *sentences[1:]]
    elif before:
        sentences = [before, *sentences]
    if draft.chance(0.12):
        sentences = [
            *sentences,
            pick(draft.rng, frames()["closers_act" if kind == "act" else "closers"][draft.register]),
        ]
    text = sentence(sentences[0])
    for last, told in pairwise(sentences):
        text += ("\n" if "\n" in last else " ") + sentence(told)
    return text


def _parallel(draft: Draft, goal: tuple[Val | Ent, ...]) -> list[str]:
    merged = _each(draft, goal) or _same(draft, goal)
    if merged is not None:
        return [merged]
    drawn = draft.rng.random()
    if drawn < 0.3:
        inline = _inline(draft, goal)
        if inline is not None:
            return [inline]
    register, draft.register = draft.register, _OF_SEVERAL.get(draft.register, draft.register)
    pieces = [_piece(draft, wanted) for wanted in goal]
    draft.register = register
    if drawn < 0.65 or any(len(piece) > 2 for piece in pieces):
        frame = draft.pick("numbers")
        text = "".join(frame.format(i=i, q=" ".join(map(sentence, piece))) for i, piece in enumerate(pieces, start=1))
        return [draft.pick("parallel_intro").format(k=_count(goal)) + text]
    told = [
        text for words, piece in zip(_leads(draft, len(pieces)), pieces, strict=True) for text in _led(words, piece)
    ]
    order = draft.pick("parallel_order")
    return [*told, order] if order else told


def _leads(draft: Draft, count: int) -> list[str]:
    """Return what leads over to each of several questions: "first", "then" and so on."""
    ordinals: list[str] = frames()["ordinals"]
    found = [ordinals[i] if i < 2 or draft.chance(0.5) else draft.pick("following") for i in range(count)]
    found[-1] = pick(draft.rng, (found[-1], *frames()["last"])) if count > 2 else draft.pick("following")
    return found


def _led(words: str, piece: list[str]) -> list[str]:
    return [f"{words}, {piece[0]}", *piece[1:]]


def _piece(draft: Draft, wanted: Val | Ent) -> list[str]:
    """Word one of several questions, with nothing taken up from the others."""
    draft.restart()
    sentences = question(draft, wanted)
    return [*draft.leading, *joined(draft, draft.steps), *sentences]


def _each(draft: Draft, goal: tuple[Val | Ent, ...]) -> str | None:
    """Ask for the same attribute of several named rows at once."""
    sources = [val.source for val in goal if isinstance(val, Attr) and isinstance(val.source, ByName)]
    kinds = dict.fromkeys((val.source.entity, val.column) for val in goal if isinstance(val, Attr))
    if len(sources) < len(goal) or len(kinds) > 1 or draft.chance(0.3):
        return None
    attribute = draft.attribute(sources[0], next(column for _, column in kinds))
    names = listing([shown_name(draft, source) for source in sources])
    return draft.pick("parallel_each").format(n=attribute.noun, es=draft.entity(sources[0]).plural, l=names)


def _same(draft: Draft, goal: tuple[Val | Ent, ...]) -> str | None:
    """Ask for several attributes of one named row at once."""
    first = goal[0]
    if not isinstance(first, Attr) or not is_label(first.source) or draft.chance(0.3):
        return None
    if not all(isinstance(val, Attr) and val.source == first.source for val in goal):
        return None
    nouns = [f"the {draft.attribute(val.source, val.column).noun}" for val in goal if isinstance(val, Attr)]
    return draft.pick("parallel_same").format(x=phrase(draft, first.source, 0, 0).text, l=listing(nouns))


def _inline(draft: Draft, goal: tuple[Val | Ent, ...]) -> str | None:
    """Ask for several short things in one list, or return None where one of them is not short."""
    mark = draft.mark()
    items = []
    for wanted in goal:
        if isinstance(wanted, Attr | Agg):
            items.append(figure(draft, wanted, 2, 1))
        else:
            draft.back_to(mark)
            return None
    if draft.steps:
        draft.back_to(mark)
        return None
    return draft.pick("parallel_list").format(k=_count(goal), l=listing(items, ";"))


def _count(goal: Goal) -> str:
    return COUNTS[len(goal)] if len(goal) < len(COUNTS) else str(len(goal))
