"""Noun phrases for rows, and the sentences that introduce a row when its phrase would grow too long."""

from __future__ import annotations

from typing import NoReturn, TypeAlias

from tool_gym.generators.expressions import Agg, Best, ById, ByName, Ent, Follow, Higher, Top
from tool_gym.generators.wording.draft import Draft, Phrase, Step, is_label, is_person
from tool_gym.generators.wording.lexicon import before_noun, filtered
from tool_gym.generators.wording.text import comparative, pick, superlative

Group: TypeAlias = Top | Best | Agg
"""What speaks of several rows."""

_PREPOSITIONS = (
    "among", "of ", "from", "out ", "between", "considering", "looking at", "going through", "taking",
)  # fmt: skip
"""How steps begin that name the group first."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def phrase(draft: Draft, ent: Ent, links: int, clauses: int, *, shared: bool = True) -> Phrase:
    """Name a row, introducing it first if its phrase does not fit.

    Args:
        draft: The text so far.
        ent: The row.
        links: How many links of a chain of 'of' the phrase may have.
        clauses: How many trailing clauses.
        shared: Whether a bare name would leave open what kind of row it is.
    """
    if draft.known:
        known = draft.known.get(ent)
        if known is not None:
            return known
    if isinstance(ent, ByName | ById):
        return label(draft, ent, shared=shared, compact=clauses == 0)
    found = described(draft, ent, links, clauses) if links > 0 else None
    return found or introduce(draft, ent)


def described(draft: Draft, ent: Ent, links: int, clauses: int) -> Phrase | None:
    """Describe a row in one phrase, or return None where that doesn't fit."""
    if isinstance(ent, Follow):
        forms = draft.words.forms(ent.source.entity, ent.column, links, clauses)
        if not forms:
            return None
        form = pick(draft.rng, forms)
        inner = phrase(draft, ent.source, links - form.links, clauses - form.clause, shared=form.shared)
        return Phrase(form.around(inner.text), form.head)
    if clauses < 1:
        return None
    if isinstance(ent, Top):
        return _top(draft, ent, links)
    if isinstance(ent, Best):
        return _best(draft, ent)
    return _higher(draft, ent) if isinstance(ent, Higher) else None


def introduce(draft: Draft, ent: Ent) -> Phrase:
    """Give a row a sentence of its own and return how to take it up."""
    noun = draft.entity(ent).noun
    if isinstance(ent, Top | Best) and draft.chance(0.75):
        text = draft.pick("take_top").format(g=the_rows(draft, ent, draft.rng.randint(0, 1)), **_order(draft, ent))
        draft.say(_connected(draft, text.replace("which of all ", "which of the ")), joinable=True)
    elif isinstance(ent, Higher):
        text = draft.pick("take_two").format(g=pair(draft, ent), **_order(draft, ent))
        draft.say(_connected(draft, text), joinable=True)
    else:
        found = described(draft, ent, draft.rng.randint(1, 2), 1)
        found = found or described(draft, ent, 2, 1) or _never(ent)
        noun = found.head
        _take(draft, found)
    reference = Phrase(draft.pick("that").format(e=noun), noun)
    draft.known[ent] = reference
    draft.last = ent
    return reference


def label(draft: Draft, ent: ByName | ById, *, shared: bool, compact: bool = False) -> Phrase:
    """Name a row by its name or id.

    Args:
        draft: The text so far.
        ent: The row.
        shared: Whether the phrase it is put into leaves open what kind of row it is.
        compact: Whether words behind the name are unwelcome.
    """
    noun, name = draft.entity(ent).noun, shown_name(draft, ent)
    if name in draft.named:
        return Phrase(f"{noun} {name}" if isinstance(ent, ById) else name, noun, named=True)
    draft.named.add(name)
    if isinstance(ent, ByName) and not shared and draft.chance(0.4):
        return Phrase(name, noun, named=True)
    drawn = draft.rng.random()
    if drawn < 0.12 and not compact and (isinstance(ent, ById) or _is_thing(draft, ent)):
        frame = draft.pick("with_id" if isinstance(ent, ById) else "called")
        return Phrase(frame.format(e=noun, n=name), noun)
    bare = isinstance(ent, ById) or not _is_thing(draft, ent)
    return Phrase(f"{noun} {name}" if bare and drawn < 0.75 else f"the {noun} {name}", noun, named=True)


def shown_name(draft: Draft, ent: ByName | ById) -> str:
    """Return the name or id as it is written: titles in quotation marks."""
    if isinstance(ent, ById):
        return ent.row
    name = str(draft.world.tables[ent.entity].rows[ent.row]["name"])
    return f'"{name}"' if draft.entity(ent).label.pool == "title" else name


def rows_of(draft: Draft, group: Group, links: int, *, filtering: bool = True) -> str:
    """Return the plural phrase for a group: "wind power plants run by Amber Ridge Power"."""
    plural = draft.domain.entities[group.entity].plural
    parent = parent_of(group)
    if filtering and not isinstance(group, Top) and group.filter is not None:
        attribute = draft.domain.attribute(group.entity, group.filter[0])
        texts = attribute.filter if parent is None else before_noun(attribute)
        plural = filtered(attribute, pick(draft.rng, texts), group.filter[1], plural)
    if parent is None or isinstance(group, Best):
        return plural
    return f"{plural} {restriction(draft, group, links).text}"


def the_rows(draft: Draft, group: Group, links: int, *, filtering: bool = True) -> str:
    """Return the phrase for a whole group: "the power plants run by Amber Ridge Power"."""
    return f"{'all' if parent_of(group) is None else 'the'} {rows_of(draft, group, links, filtering=filtering)}"


def parent_of(group: Group) -> Ent | None:
    """Return the row whose group it is; None where the whole table is meant."""
    return None if isinstance(group, Best) else group.parent


def of_category(draft: Draft, ent: Best) -> str | None:
    """Return the noun with its category before it, "wind power plant"; None where that stands behind it."""
    attribute = draft.attribute(ent, ent.filter[0])
    text = before_noun(attribute)[0]
    return filtered(attribute, text, ent.filter[1], draft.entity(ent).noun) if text.endswith("{plural}") else None


def one(draft: Draft, ent: Top | Best | Higher) -> str:
    """Return the phrase that picks a row from a group just mentioned: "the one with the largest capacity"."""
    purpose = "one_of_two" if isinstance(ent, Higher) else "one"
    best, frame = adjective(draft, ent), draft.pick(purpose)
    if is_person(draft.entity(ent)):
        frame = frame.replace(" where the {n}", " whose {n}").replace("is {a} in terms of {n}", "has the {a} {n}")
    return frame.format(a=best, c=comparative(best), n=draft.attribute(ent, ent.column).noun, e=draft.entity(ent).noun)


def has(draft: Draft, ent: Top | Best) -> str:
    """Return the verb phrase true of the row alone: "has the largest capacity"."""
    frame = "has the {a} {n}" if is_person(draft.entity(ent)) else draft.pick("has")
    return frame.format(a=adjective(draft, ent), n=draft.attribute(ent, ent.column).noun)


def adjective(draft: Draft, ent: Top | Best | Higher) -> str:
    """Return the superlative or comparative of an order."""
    attribute = draft.attribute(ent, ent.column)
    if isinstance(ent, Higher):
        return comparative(superlative(attribute, descending=True))
    return superlative(attribute, descending=ent.descending)


def pair(draft: Draft, ent: Higher) -> str:
    """Name the two rows of a comparison, each introduced under a letter unless both are plain names."""
    first, second, entity = ent.first, ent.second, draft.entity(ent)
    if type(first) is type(second) and isinstance(first, ByName | ById) and isinstance(second, ByName | ById):
        names = shown_name(draft, first), shown_name(draft, second)
        draft.named.update(names)
        return f"the {entity.plural} {names[0]} and {names[1]}"
    if is_label(first) and is_label(second):
        return f"{phrase(draft, first, 0, 0).text} and {phrase(draft, second, 0, 0).text}"
    return f"{_operand(draft, first)} and {_operand(draft, second)}"


def restriction(draft: Draft, group: Top | Agg, links: int) -> Phrase:
    """Return the post-modifier that restricts a group: "run by Amber Ridge Power"."""
    if group.parent is None or group.by is None:
        return Phrase("", "")
    form = pick(draft.rng, draft.words.children[group.entity, group.by])
    inner = phrase(draft, group.parent, links, 0, shared=form.shared)
    return Phrase(form.around(inner.text), "", inner.named)


def lead_in(draft: Draft, name: str, step: Step) -> str:
    """Say in the first step towards something named what it leads to."""
    easy = step.joinable and not step.text.startswith(_PREPOSITIONS)
    return draft.pick("figure_for" if easy else "figure_for_group").format(k=name, s=step.text)


def _is_thing(draft: Draft, ent: Ent) -> bool:
    """Return whether the row has a name of its own that no person has and no code is."""
    entity = draft.entity(ent)
    return entity.label.code is None and not is_person(entity)


def _top(draft: Draft, ent: Top, links: int) -> Phrase:
    entity = draft.entity(ent)
    words = {"e": entity.noun, "es": entity.plural, "a": adjective(draft, ent)}
    words["n"] = draft.attribute(ent, ent.column).noun
    if ent.parent is None:
        return Phrase(draft.pick("top_all").format(**words), entity.noun)
    found = restriction(draft, ent, links - 1)
    purpose = "top_short" if found.named and draft.chance(0.5) else "top"
    return Phrase(draft.pick(purpose).format(c=found.text, **words), entity.noun)


def _best(draft: Draft, ent: Best) -> Phrase:
    noun, single = draft.entity(ent).noun, of_category(draft, ent)
    words = {"e": noun, "a": adjective(draft, ent), "n": draft.attribute(ent, ent.column).noun}
    if single is not None and draft.chance(0.5):
        return Phrase(draft.pick("best_short").format(f=single, **words), noun)
    return Phrase(draft.pick("best").format(g=rows_of(draft, ent, 0), **words), noun)


def _higher(draft: Draft, ent: Higher) -> Phrase | None:
    if not is_label(ent.first) or not is_label(ent.second):
        return None
    words = {"a": adjective(draft, ent), "n": draft.attribute(ent, ent.column).noun}
    return Phrase(draft.pick("higher").format(g=pair(draft, ent), **words), draft.entity(ent).noun)


def _order(draft: Draft, ent: Top | Best | Higher) -> dict[str, str]:
    attribute = draft.attribute(ent, ent.column)
    return {"a": adjective(draft, ent), "n": attribute.noun, "o": one(draft, ent)}


def _take(draft: Draft, found: Phrase) -> None:
    if draft.last is not None:
        text = draft.pick("then").format(x=found.text)
        draft.say(text, joinable=not text.startswith("what"))
    elif not draft.steps and not draft.inner and draft.chance(0.2):
        draft.say(draft.pick("state").format(x=found.text))
    else:
        draft.say(draft.pick("take").format(x=found.text), joinable=True)


def _connected(draft: Draft, text: str) -> str:
    if draft.last is None or text.startswith(_PREPOSITIONS):
        return text
    return f"{draft.pick('connectors')}{text}"


def _operand(draft: Draft, ent: Ent) -> str:
    """Introduce one side of a comparison under a letter of its own."""
    start, draft.inner = len(draft.steps), True
    text = phrase(draft, ent, 2, 1).text
    draft.inner, draft.naming = False, True
    noun, letter = draft.entity(ent).noun, _LETTERS[draft.letters % len(_LETTERS)]
    draft.letters += 1
    if len(draft.steps) > start and not isinstance(ent, Higher):
        draft.steps[start] = Step(lead_in(draft, f"{noun} {letter}", draft.steps[start]), joinable=False)
    draft.say(draft.pick("operand").format(e=noun, k=letter, x=text))
    draft.forget()
    return f"{noun} {letter}"


def _never(ent: Ent) -> NoReturn:
    msg = f"no phrase for {ent}"
    raise TypeError(msg)
