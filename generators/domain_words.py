"""What makes a domain's words hard to understand, or dull."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from collections.abc import Iterator

from tool_gym.generators.domain import Attribute, Domain, Entity
from tool_gym.generators.domain_rules import Problem
from tool_gym.generators.registers import article
from tool_gym.generators.wording.lexicon import lexicon_of

MIN_FORMS = 3
"""Recommended wordings of each attribute, and of each reference's children."""

MIN_STEPS = 20
"""Recommended values of a number's range for each row, so that ties are rare."""

MIN_DAYS = 5
"""The same for dates."""

_PAIRS = {
    "highest": ("lowest",), "largest": ("smallest",), "longest": ("shortest",), "greatest": ("smallest", "least"),
    "heaviest": ("lightest",), "oldest": ("youngest", "newest"), "deepest": ("shallowest",), "widest": ("narrowest",),
    "biggest": ("smallest",), "fastest": ("slowest",), "strongest": ("weakest",), "hottest": ("coldest",),
    "steepest": ("gentlest",), "thickest": ("thinnest",), "brightest": ("faintest", "dimmest"),
    "tallest": ("shortest",), "hardest": ("softest",), "loudest": ("quietest",), "warmest": ("coldest", "coolest"),
}  # fmt: skip
_DATES = {
    "latest": ("earliest",), "most recent": ("earliest", "oldest", "least recent"), "newest": ("oldest",),
}  # fmt: skip


_SAID_OF_GROUPS = (
    "total", "combined", "overall", "average", "mean", "maximum", "minimum", "sum", "its", "that", "the",
)  # fmt: skip
"""Words that requests put before a noun."""
_SINGULAR = ("ss", "us", "is", "gas", "lens", "species", "headquarters")
"""How singular nouns end in s."""

_BEFORE_ROW = re.compile(r"\b(?:an?|the|that|this|its|their) \{x\}")


def word_problems(domain: Domain) -> Iterator[Problem]:
    """Yield what the words of a domain leave unclear, and where a text would say the same thing too often."""
    names = _names(domain)
    for key, entity in domain.entities.items():
        yield from (Problem(key, rule, message) for rule, message in _entity_words(entity))
        yield from _mistaken(key, entity)
        for column, attribute in entity.columns.items():
            place = f"{key}.{column}"
            yield from (Problem(place, rule, message) for rule, message in _phrases(attribute))
            yield from (Problem(place, rule, message) for rule, message in _superlatives(attribute))
            yield from _noun(place, attribute)
            for value in attribute.values:
                if value.casefold().replace("_", " ") in names:
                    found = f"{value!r} is also what something else is called; choose another value"
                    yield Problem(place, "values", found)
            advice = (*_few(attribute), *_narrow(entity, attribute), *_winding(domain, key, column))
            yield from (Problem(place, rule, message, error=False) for rule, message in advice)


def _entity_words(entity: Entity) -> Iterator[tuple[str, str]]:
    if entity.plural.casefold() == entity.noun.casefold():
        yield "plural", f"noun and plural are both {entity.noun!r}; requests could not tell one from many"
    for text in entity.create:
        if "{" in text or text != text.strip() or text.endswith("."):
            yield "create", f"{text!r} must be a plain verb phrase, such as 'book a table'"


def _mistaken(key: str, entity: Entity) -> Iterator[Problem]:
    """Yield the attributes of an entity that could be taken for one another."""
    for (one, first), (two, second) in itertools.combinations(entity.columns.items(), 2):
        place = f"{key}.{two}"
        a, b = (set(attribute.noun.casefold().split()) for attribute in (first, second))
        if a == b:
            yield Problem(place, "noun", f"is called {second.noun!r}, as {one} is; name it otherwise")
        elif a < b or b < a:
            found = f"{second.noun!r} could be taken for the {first.noun!r} of {one}; make both more specific"
            yield Problem(place, "noun", found, error=False)
        for text in sorted(set(first.phrases()) & set(second.phrases())):
            yield Problem(place, "forms", f"{text!r} also names {one}; word it otherwise")
        if first.entity == second.entity:
            for text in sorted(set(first.children) & set(second.children)):
                yield Problem(place, "children", f"{text!r} also says that {one} leads there; word it otherwise")
        for value in sorted(set(first.values) & set(second.values)):
            yield Problem(place, "values", f"{value!r} is also a value of {one}; choose another")


def _phrases(attribute: Attribute) -> Iterator[tuple[str, str]]:
    slots = {
        "forms": (attribute.forms, ("{x}",)),
        "children": (attribute.children, ("{x}",)),
        "filter": (attribute.filter, ("{value}", "{plural}")),
        "cancel_verb": ((attribute.cancel_verb,) if attribute.cancel_verb else (), ("{x}",)),
        "move": ((attribute.move,) if attribute.move else (), ("{x}", "{value}")),
    }
    for name, (texts, needed) in slots.items():
        yield from ((name, message) for text in texts for message in _slots(text, needed))
        if len(set(texts)) < len(texts):
            yield name, "says the same thing twice"
    for text in attribute.forms:
        if not text.startswith("the "):
            yield "forms", f"{text!r} must be a noun phrase that begins with 'the'"
    yield from _values(attribute)


def _noun(place: str, attribute: Attribute) -> Iterator[Problem]:
    words = attribute.noun.casefold().split()
    superlatives = (*_PAIRS, *itertools.chain(*_PAIRS.values()))
    if words[0] in (*_SAID_OF_GROUPS, *superlatives) or words[-1] in ("total", "average", "mean"):
        found = f"{attribute.noun!r} would come out as in 'the total {attribute.noun}' or 'the {attribute.noun} total'"
        yield Problem(place, "noun", f"{found}; choose other words")
    head = re.split(r" (?:of|for|in|on|to|from) ", attribute.noun)[0]
    if head.endswith("s") and not head.endswith(_SINGULAR):
        found = f"requests say 'what {attribute.noun} is' and 'the highest {attribute.noun}'; let it be a singular"
        yield Problem(place, "noun", found, error=False)


def _slots(text: str, needed: tuple[str, ...]) -> Iterator[str]:
    if text.count("{") != len(needed) or any(text.count(slot) != 1 for slot in needed):
        yield f"{text!r} must have {' and '.join(needed)} once, and no other brackets"
    if _BEFORE_ROW.search(text):
        yield f"{text!r}: what fills {{x}} brings its own 'the' or 'that'; put another word before it"


def _values(attribute: Attribute) -> Iterator[tuple[str, str]]:
    if attribute.type in ("enum", "state") and not attribute.filter:
        yield "filter", "needs noun phrases for the rows of one value, such as '{value} {plural}'"
    if attribute.cancel and not attribute.cancel_verb:
        yield "cancel_verb", "needs a verb phrase for cancelling, such as 'cancel {x}'"
    for text in attribute.filter:
        before = text.partition("{value}")[0].split()[-1:]
        wrong = [v for v in attribute.values if before in (["a"], ["an"]) and article(v).split()[0] != before[0]]
        if wrong:
            found = f"{before[0]} {wrong[0]}"
            yield "filter", f"{text!r} would come out with {found!r}; leave the article out"


def _superlatives(attribute: Attribute) -> Iterator[tuple[str, str]]:
    if attribute.type not in ("integer", "number", "date"):
        return
    known, kind = (_DATES, "date") if attribute.type == "date" else (_PAIRS, "number")
    most, least = attribute.most, attribute.least
    if not most and not least and kind == "number":
        return
    if least not in known.get(most, ()):
        fitting = ", ".join(f"{a} and {b}" for a, others in known.items() for b in others[:1])
        yield "superlative", f"most and least are {most!r} and {least!r}; for a {kind} use a pair such as {fitting}"


def _few(attribute: Attribute) -> Iterator[tuple[str, str]]:
    if len(attribute.phrases()) < MIN_FORMS and attribute.type not in ("enum", "state"):
        yield "forms", f"has {len(attribute.phrases())} wordings; {MIN_FORMS} or more keep texts from sounding alike"
    if attribute.entity is not None and len(attribute.children) < MIN_FORMS:
        yield "children", f"has {len(attribute.children)} wordings; {MIN_FORMS} or more keep texts from sounding alike"
    if attribute.filter and not any(text.endswith("{plural}") for text in attribute.filter):
        yield "filter", "no phrase ends with {plural}; one such as '{value} {plural}' lets more be said of the rows"


def _narrow(entity: Entity, attribute: Attribute) -> Iterator[tuple[str, str]]:
    rows = entity.rows[1]
    if attribute.type == "date":
        days = (dt.date.fromisoformat(str(attribute.high)) - dt.date.fromisoformat(str(attribute.low))).days
        if days < MIN_DAYS * rows:
            yield "range", f"spans {days} days for up to {rows} rows; at least {MIN_DAYS * rows} keep ties rare"
    elif isinstance(attribute.low, float) and isinstance(attribute.high, float):
        steps = round((attribute.high - attribute.low) * 10**attribute.decimals)
        if steps < MIN_STEPS * rows:
            yield "range", f"has {steps} values for up to {rows} rows; at least {MIN_STEPS * rows} keep ties rare"


def _winding(domain: Domain, key: str, column: str) -> Iterator[tuple[str, str]]:
    attribute = domain.entities[key].columns[column]
    first = lexicon_of(domain).first_form(key, column)
    if attribute.entity is None and (first.clause or first.links > 1):
        text = first.around("{x}")
        yield (
            "forms",
            f"{text!r} is put into longer phrases; let the first form be short: 'the {attribute.noun} of {{x}}'",
        )


def _names(domain: Domain) -> set[str]:
    """Return every name and noun of a domain, in lower case."""
    found: set[str] = set()
    for entity in domain.entities.values():
        found |= {entity.noun.casefold(), entity.plural.casefold()}
        found |= {attribute.noun.casefold() for attribute in entity.columns.values()}
        pool = domain.pool(entity.label.pool or "")
        if pool is not None and not entity.label.suffix:
            found |= {name.casefold() for name in pool.names()}
    return found
