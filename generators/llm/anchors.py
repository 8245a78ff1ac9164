"""What a paraphrase must keep, word for word and as often: names, ids, numbers, dates, units, categories.

And what it must not bring in: another number, name or date, or a character that nobody writes in a request. This is
mechanical and knows no grace; whether the words around still ask for the same is for back-translation to find out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain

from tool_gym import units
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.domain import Domain
from tool_gym.llm.problems import Problem, pointer, shown
from tool_gym.world import World

SHORTEST, LONGEST = 0.4, 2.0
"""Length of a paraphrase, as a share of the original's."""

SPARE = 60
"""Characters it may be longer than that in any case."""

_NUMBER = re.compile(r"(?<![\w])[-−+]?\d(?:[\d,.\-/:]*\d)?(?!\w)")
_ID = re.compile(r"\b[A-Z]{1,6}-?\d{3,}\b")
_QUOTED = re.compile(r"[“\"]([^“”\"]{1,80})[”\"]")
_PROPER = re.compile(r"(?<![.?!:;)\n] )(?<![.?!:;)\n])(?<!^)\b[A-ZÀ-Þ][\w’'\-]*(?: [A-ZÀ-Þ][\w’'\-]*)*")
_WORD = re.compile(r"[^\W_]+")
_COUNTED = frozenset({
    "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "twenty", "thirty",
    "fifty", "hundred", "thousand", "half", "double", "twice", "first", "second", "third", "fourth", "fifth", "once",
})  # fmt: skip
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
_BARRED = re.compile(r"[^\w\s.,;:?!'’‘“”\"()\-–—/&$€£%²°+]|_|https?:|www\.|[^\S \n]")
_NO_NAMES = frozenset({"I", "I’d", "I’m", "I'd", "I'm", "I’ve", "I've", "I’ll", "I'll", "Id", "ID", "OK", "USD"})


def anchors(candidate: Candidate, text: str) -> Counter[str]:
    """Return what a user turn has that must be kept: text → how often, longest first."""
    found: dict[str, None] = {}
    for one in chain(
        _names(candidate.world, text), _categories(candidate.domain, text), _units(text), _ID.findall(text),
        _NUMBER.findall(text), _QUOTED.findall(text), (name for name in _MONTHS if re.search(rf"\b{name}\b", text)),
    ):  # fmt: skip
        found[one] = None
    for one in _PROPER.findall(text):
        plain = re.sub(r"[’']s?$", "", one)
        if plain not in _NO_NAMES and not any(plain in other for other in found):
            found[plain] = None
    return Counter({one: _count(one, text) for one in sorted(found, key=lambda one: (-len(one), one))})


def problems_of(candidate: Candidate, before: str, after: str, number: int) -> Iterator[Problem]:
    """Yield what keeps `after` from being a paraphrase of the user turn `before`, the one of that number."""
    place = pointer("turns", number)
    strange = _BARRED.search(after)
    if strange is not None and strange.group() not in before:
        yield Problem(place, "characters", shown(strange.group()), "plain prose, as in the original")
    if "\n" in after and "\n" not in before:
        yield Problem(place, "lines", "several lines", "one line, as the original")
    least, most = SHORTEST * len(before), LONGEST * len(before) + SPARE
    if not least <= len(after) <= most:
        yield Problem(place, "length", f"{len(after)} characters", f"{int(least)} to {int(most)} characters")
    for anchor, times in anchors(candidate, before).items():
        if _count(anchor, after) != times:
            yield Problem(place, "anchor", f"{_count(anchor, after)} times", f"{anchor!r} word for word, {times} times")
    for what, new in _brought_in(candidate, before, after):
        yield Problem(place, f"new {what}", shown(new), f"no {what} that the original does not have")


def _brought_in(candidate: Candidate, before: str, after: str) -> Iterator[tuple[str, str]]:
    for number, times in Counter(_NUMBER.findall(after)).items():
        if times > _NUMBER.findall(before).count(number):
            yield "number", number
    said = {word.casefold() for word in _WORD.findall(before)}
    for word in dict.fromkeys(_WORD.findall(after)):
        if word.casefold() in _COUNTED and word.casefold() not in said:
            yield "number", word
    for name in dict.fromkeys(chain(_PROPER.findall(after), _ID.findall(after))):
        plain = re.sub(r"[’']s?$", "", name)
        if plain not in _NO_NAMES and plain not in before and plain.casefold() not in said:
            yield "name", name
    known = set(anchors(candidate, before))
    for word in chain(_categories(candidate.domain, after), _units(after)):
        if word not in known and word.casefold() not in said:
            yield "category or unit", word


def _names(world: World, text: str) -> Iterator[str]:
    """Yield the names of rows, and the texts in cells, that a text has."""
    for table in world.tables.values():
        for row in table.rows.values():
            for column, value in row.items():
                if isinstance(value, str) and column != "id" and value[:1].isupper() and value in text:
                    yield value


def _categories(domain: Domain, text: str) -> Iterator[str]:
    """Yield the words of closed lists that a text has, written as they are there."""
    values = {value for e in domain.entities.values() for a in e.attributes.values() for value in a.values}
    folded = text.casefold()
    for value in sorted(values):
        for written in dict.fromkeys((value, value.replace("_", " "))):
            found = re.search(rf"(?<!\w){re.escape(written.casefold())}(?!\w)", folded)
            if found is not None:
                yield text[found.start() : found.end()]


def _units(text: str) -> Iterator[str]:
    """Yield the units a text has: spelled out, or short ones where a number or a preposition is before them."""
    for found in re.finditer(r"(\d ?|\b(?:in|into|to) )?(?<![^\W\d])([^\W\d]+²?|[$%€£])(?!\w)", text):
        word = found.group(2)
        unit = units.SPELLINGS.get(word, units.SPELLINGS.get(word.casefold()))
        if word.casefold() == "second":
            continue  # an ordinal
        after_number, known = found.group(1) or "", unit is not None and unit != units.OTHER
        if (known and (len(word) > 2 or after_number)) or (unit is not None and after_number[:1].isdigit()):
            yield word


def _count(anchor: str, text: str) -> int:
    edge = rf"(?<!\w){re.escape(anchor)}(?!\w)" if _WORD.match(anchor) else re.escape(anchor)
    return len(re.findall(edge, text))


def listed(found: Iterable[str]) -> str:
    """Return anchors as they are shown to a model."""
    return "; ".join(found) or "none"
