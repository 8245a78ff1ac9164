"""Requests: what the user wants changed."""

from __future__ import annotations

from tool_gym.generators.domain import Entity
from tool_gym.generators.expressions import (
    Act,
    Attr,
    Best,
    ById,
    ByName,
    Cancel,
    Create,
    Ent,
    Top,
    Transition,
    Update,
    Val,
)
from tool_gym.generators.wording.draft import Draft, is_label
from tool_gym.generators.wording.entities import lead_in, one, phrase, shown_name, the_rows
from tool_gym.generators.wording.figures import attribute_of, distance, named
from tool_gym.generators.wording.questions import joint
from tool_gym.generators.wording.text import listing, number, pick, quantity
from tool_gym.generators.wording.written import ordered, rewriting


def request(draft: Draft, act: Act) -> list[str]:
    """Ask for a change.

    Returns:
        The sentences that follow the draft's steps, without capitals.
    """
    if isinstance(act, Create):
        return _create(draft, act)
    if isinstance(act, Update) and isinstance(act.value, Val):
        return rewriting(draft, act)
    target = act.target
    if isinstance(target, Top | Best) and target not in draft.known and draft.chance(0.4):
        lead = draft.pick("top_lead").format(g=the_rows(draft, target, draft.rng.randint(0, 1)))
        return [lead + draft.pick("do_lead").format(d=deed(draft, act, one(draft, target)))]
    if not is_label(target) and target not in draft.known and draft.chance(0.4):
        phrase(draft, target, 0, 0)
        if draft.steps[-1].joinable:
            own = draft.pronoun(target, draft.attribute(target, act.column).noun)
            text = deed(draft, act, {"its": "it", "their": "them", None: None}[own])
            return [f"{joint(draft.steps.pop().text)} {text}."]
    if draft.chance(0.2) and not isinstance(act, Cancel):
        return [_declared(draft, act)]
    text = deed(draft, act, None)
    frame = draft.pick_in_register("do") if is_label(target) else draft.pick("do_lead")
    return [frame.format(d=text)]


def deed(draft: Draft, act: Update | Transition | Cancel, target: str | None) -> str:
    """Return the act as an order, on the target as phrased or, without one, on a phrase of its own."""
    attribute = draft.attribute(act.target, act.column)
    if isinstance(act, Update):
        if target in ("it", "them"):
            text = f"{'its' if target == 'it' else 'their'} {attribute.noun}"
        elif target is not None:
            text = draft.words.first_form(act.target.entity, act.column).around(target)
        else:
            text = attribute_of(draft, Attr(act.target, act.column), 2, 0)
        return ordered(draft, act, text, short=is_label(act.target) and target is None)
    ending = int(isinstance(act, Cancel))  # nothing follows the row, so its phrase may be longer
    named = target or phrase(draft, act.target, 1 + ending, ending).text
    if isinstance(act, Cancel):
        return (attribute.cancel_verb or "cancel {x}").replace("{x}", named)
    frame = draft.pick("move" if is_label(act.target) else "move_long")
    if attribute.move and draft.chance(0.55):
        frame = attribute.move.replace("{value}", "{w}")
    text = frame.replace("{n}", attribute.noun)
    if named == "it":
        text = text.replace(f"the {attribute.noun} of {{x}}", f"its {attribute.noun}")
    return text.replace("{x}", named).replace("{w}", _state(act.value))


def _declared(draft: Draft, act: Update | Transition) -> str:
    attribute = draft.attribute(act.target, act.column)
    if isinstance(act, Update):
        text = attribute_of(draft, Attr(act.target, act.column), 2, 0)
        return draft.pick("set_state").format(v=text, q=quantity(act.value, attribute, draft.rng))
    text = phrase(draft, act.target, 1, 0).text
    return draft.pick("move_state").format(n=attribute.noun, x=text, w=_state(act.value))


def _state(value: str) -> str:
    return value.replace("_", " ")


def _create(draft: Draft, act: Create) -> list[str]:
    entity = draft.domain.entities[act.entity]
    said = [(column, value) for column, value in act.values if not isinstance(value, Val)]
    values = [(_noun(entity, column), _written(draft, entity, column, value)) for column, value in said]
    plain = [(entity.columns[column].noun, ent) for column, ent in act.refs if distance(ent) == 0]
    chains = [(entity.columns[column].noun, ent) for column, ent in act.refs if distance(ent) > 0]
    fields = [*values, *((noun, _bare(draft, ent)) for noun, ent in plain)]
    draft.rng.shuffle(fields)
    layout = draft.rng.random()
    if layout < 0.25 and fields:
        verb = _making(draft, entity)
        lines = "".join(f"\n- {noun}: {text}" for noun, text in fields)
        sentences = [f"{draft.pick('do_lead').format(d=verb).rstrip('.?!')}:{lines}"]
    elif fields and (layout < 0.6 or not values):
        sentences = [_listed(draft, entity, fields)]
    else:
        sentences = _told(draft, entity, values, [(noun, _bare(draft, ent)) for noun, ent in plain])
    for noun, ent in chains:
        sentences.extend(_reference(draft, f"the {noun}", ent))
    for column, value in act.values:
        if isinstance(value, Val):
            sentences.extend(_found(draft, _noun(entity, column), value))
    return sentences


def creation(draft: Draft, act: Create) -> str:
    """Return the making of a new row, all of it said, as one order."""
    entity = draft.domain.entities[act.entity]
    items = [f"{_noun(entity, column)} {_written(draft, entity, column, value)}" for column, value in act.values]
    items += [f"{_bare(draft, ent)} as the {entity.columns[column].noun}" for column, ent in act.refs]
    draft.rng.shuffle(items)
    return f"{_making(draft, entity)} with {listing(items)}"


def _listed(draft: Draft, entity: Entity, fields: list[tuple[str, str]]) -> str:
    items = [f"{noun} {text}" for noun, text in fields]
    mark = "; " if draft.chance(0.4) else ", "
    words = {"e": entity.noun, "l": mark.join(items), "w": listing(items)}
    if draft.chance(0.3):
        return f"{draft.pick('create_state').format(**words)}: {words['l']}."
    return draft.pick("create_list").format(v=_making(draft, entity), **words)


def _making(draft: Draft, entity: Entity) -> str:
    """Return what to say for making a new one: half the time the domain's own words, if it has any."""
    if entity.create and draft.chance(0.5):
        return pick(draft.rng, entity.create)
    return draft.pick("create").format(e=entity.noun)


def _told(draft: Draft, entity: Entity, values: list[tuple[str, str]], references: list[tuple[str, str]]) -> list[str]:
    verb = _making(draft, entity)
    if references:
        verb = f"{verb} with {listing([f'{text} as the {noun}' for noun, text in references])}"
    opening = draft.pick_in_register("do").format(d=verb)
    if not values:
        return [opening]
    told = listing([f"the {noun} {'is ' if not i else ''}{text}" for i, (noun, text) in enumerate(values)])
    if draft.chance(0.5):
        told = listing([f"{text} as the {noun}" for noun, text in values])
        return [opening, draft.pick("put_down").format(l=told)]
    return [opening, f"{told}."]


def _reference(draft: Draft, role: str, ent: Ent) -> list[str]:
    """Say in sentences of their own which row a field of the new one leads to."""
    draft.restart()
    draft.inner = True
    text = phrase(draft, ent, draft.rng.randint(1, 2), 1).text
    sentences = [lead_in(draft, role, draft.steps[0])] if draft.steps else []
    sentences.extend(step.text for step in draft.steps[1:])
    draft.steps = []
    return [*sentences, draft.pick("create_ref").format(r=role, x=text)]


def _found(draft: Draft, noun: str, value: Val) -> list[str]:
    """Say in sentences of their own what a field of the new one is to be."""
    draft.restart()
    named(draft, value, f"the {noun}", noun)
    sentences = [step.text if step.text[-1] in ".?!" else f"{step.text}." for step in draft.steps]
    draft.steps = []
    return sentences


def _bare(draft: Draft, ent: Ent) -> str:
    """Name a row where its role says what kind it is."""
    return shown_name(draft, ent) if isinstance(ent, ByName | ById) else phrase(draft, ent, 0, 0).text


def _noun(entity: Entity, column: str) -> str:
    return "name" if column == "name" else entity.columns[column].noun


def _written(draft: Draft, entity: Entity, column: str, value: object) -> str:
    if column == "name":
        return str(value)
    attribute = entity.columns[column]
    return quantity(value, attribute, draft.rng) if attribute.unit else number(value, attribute)
