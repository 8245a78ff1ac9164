"""Requests that leave one thing out, the reply that fills it in, and the words a question for it has."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, cast

from tool_gym import jsonio
from tool_gym.generators.dialogue_gap import Gap
from tool_gym.generators.domain import Attribute, Domain, Entity
from tool_gym.generators.expressions import (
    Act,
    Agg,
    Attr,
    ById,
    ByName,
    Cancel,
    Convert,
    Create,
    Ent,
    Expression,
    Transition,
    Update,
    Val,
)
from tool_gym.generators.wording.acts import deed, request
from tool_gym.generators.wording.draft import Draft, Phrase, is_person
from tool_gym.generators.wording.entities import label, phrase, shown_name
from tool_gym.generators.wording.figures import attribute_of
from tool_gym.generators.wording.questions import question
from tool_gym.generators.wording.requests import dressed, joined
from tool_gym.generators.wording.text import draw, number, quantity, sentence, unit_name
from tool_gym.world import World


@cache
def dialogue_frames() -> dict[str, Any]:
    """Return the sentence frames of dialogues, by purpose."""
    path = Path(__file__).resolve().parent / "dialogue.json"
    found: dict[str, Any] = jsonio.loads(path.read_text(encoding="utf-8"))
    return found


def realise_without(expression: Expression, gap: Gap, domain: Domain, world: World, rng: random.Random) -> str:
    """Word a request that leaves its gap out.

    Args:
        expression: What is asked for or is to be done, whole.
        gap: What is not said of it.
        domain: The words.
        world: The names.
        rng: Equal streams give equal texts.
    """
    draft = Draft(domain, world, rng)
    if isinstance(gap.part, ByName | ById):
        sentences = _without_row(draft, expression, gap.part)
    elif isinstance(gap.part, Create):
        sentences = request(draft, _without_field(gap.part, gap.column))
    elif isinstance(gap.part, Update | Transition):
        sentences = [_without_value(draft, gap.part)]
    else:
        sentences = _without_kind(draft, expression, gap)
    sentences = [*draft.leading, *joined(draft, draft.steps), *sentences]
    return dressed(draft, sentences, "act" if isinstance(expression, Act) else "question")


def reply_of(gap: Gap, domain: Domain, world: World, rng: random.Random) -> str:
    """Word what the user says when asked for a gap."""
    draft, row = Draft(domain, world, rng), gap.row
    if row is not None:
        text = shown_name(draft, row) if draft.chance(0.5) else label(draft, row, shared=True, compact=True).text
        return sentence(_pick(draft, "reply_row").format(x=text))
    if isinstance(gap.part, Convert):
        return sentence(_pick(draft, "reply_unit").format(u=unit_name(gap.part.target, rng)))
    attribute = _attribute(gap, domain)
    words = {"n": attribute.noun, "q": quantity(gap.value, attribute, rng) if attribute.unit else "", "w": ""}
    words["q"] = words["q"] or number(gap.value, attribute)
    words["w"] = str(gap.value).replace("_", " ")
    kind = {Update: "value", Transition: "state", Agg: "category"}.get(type(gap.part), "field")
    return sentence(_pick(draft, f"reply_{kind}").format(**words))


def keywords_of(gap: Gap, domain: Domain) -> tuple[str, ...]:
    """Return the words and phrases one of which a question for a gap has: its own noun first."""
    general: dict[str, list[str]] = dialogue_frames()["keywords"]
    if gap.row is not None:
        entity = domain.entities[gap.row.entity]
        role = [] if isinstance(gap.part, ByName | ById) else [_attribute(gap, domain).noun]
        kinds = ["row", *(["coded"] if entity.label.code else []), *(["person"] if is_person(entity) else [])]
        found = [*role, *_nouns(entity.noun), *(word for kind in kinds for word in general[kind])]
    elif isinstance(gap.part, Convert):
        found = general["unit"]
    else:
        attribute = _attribute(gap, domain)
        kind = "number" if attribute.type in ("integer", "number") else attribute.type
        found = [*_nouns(attribute.noun), *general[kind]]
    return tuple(dict.fromkeys(word.casefold() for word in found))


def _without_row(draft: Draft, expression: Expression, row: ByName | ById) -> list[str]:
    """Speak of a row as one of its kind, in a sentence before or where its name would be."""
    entity = draft.domain.entities[row.entity]
    inline = isinstance(expression, Act) and draft.chance(0.6)
    known = _pick(draft, "gap_row") if inline else "that {e}"
    draft.known[row] = Phrase(known.format(e=entity.noun, es=entity.plural), entity.noun, named=True)
    if not inline:
        draft.last = row if getattr(expression, "source", None) is row or isinstance(expression, Act) else None
        lead = _pick(draft, "gap_row_lead").format(e=entity.noun, es=entity.plural)
        if isinstance(expression, Update | Transition | Cancel):
            return [lead, draft.pick("do_lead").format(d=deed(draft, expression, None))]
        draft.leading.append(lead)
    if isinstance(expression, Update | Transition | Cancel):
        return [draft.pick("do_lead").format(d=deed(draft, expression, None))]
    return question(draft, cast("Any", expression))


def _without_field(act: Create, column: str) -> Create:
    values = tuple((name, value) for name, value in act.values if name != column)
    return replace(act, values=values, refs=tuple((name, ent) for name, ent in act.refs if name != column))


def _without_value(draft: Draft, act: Update | Transition) -> str:
    attribute = draft.attribute(act.target, act.column)
    if isinstance(act, Update):
        return _pick(draft, "gap_value").format(v=attribute_of(draft, Attr(act.target, act.column), 2, 0))
    return _pick(draft, "gap_state").format(n=attribute.noun, x=phrase(draft, act.target, 1, 0).text)


def _without_kind(draft: Draft, expression: Expression, gap: Gap) -> list[str]:
    """Ask without the category, or in the unit things are recorded in, and say that this is not all."""
    part = gap.part
    if isinstance(part, Convert):
        *before, last = _asked(draft, part.source)
        words = {"u": unit_name(part.unit, draft.rng)}
        return [*before, _pick(draft, "gap_unit").format(q=sentence(last), **words)]
    plain = replace(part, filter=None) if part == expression and isinstance(part, Agg) else expression
    *before, last = _asked(draft, cast("Any", plain))
    noun = _attribute(gap, draft.domain).noun
    return [*before, _pick(draft, "gap_category").format(q=sentence(last), n=noun)]


def _asked(draft: Draft, wanted: Val | Ent) -> list[str]:
    """Return the sentences of a question; the last step, where the steps have asked it already."""
    return question(draft, wanted) or [f"{draft.steps.pop().text}."]


def _attribute(gap: Gap, domain: Domain) -> Attribute:
    part = gap.part
    entity: Entity = domain.entities[part.target.entity if isinstance(part, Update | Transition) else part.entity]  # type: ignore[union-attr]  # units have no attribute
    return entity.columns[gap.column]


def _nouns(noun: str) -> list[str]:
    """Return a noun, and its last word by which it is called for short."""
    return [noun, noun.rsplit(" ", 1)[-1]]


def _pick(draft: Draft, purpose: str) -> str:
    return draw(draft.rng, dialogue_frames()[purpose])
