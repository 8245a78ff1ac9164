"""Words and mentions: what a policy without a model can read in a text."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Literal, NamedTuple

Kind = Literal["code", "date", "name", "number", "quote"]


class Mention(NamedTuple):
    """Something a text names outright."""

    kind: Kind
    text: str
    start: int
    """Where it stands in the text, in characters."""


_ID = re.compile(r"[A-Z]{1,6}[-_]?\d+")
_WORD = re.compile(r"[^\W_]+")
_HUMP = re.compile(r"_|(?<=[a-z]{2})(?=[A-Z])")
"""Where a name is put together: get_ship, getShip; but not kWh."""

_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = (
    ("quote", re.compile(r"[\"“]([^\"“”]{1,80})[\"”]")),
    ("date", re.compile(r"\b(\d{4}-\d{2}-\d{2})\b")),
    ("code", re.compile(r"\b([A-Z]{1,6}-?\d+)\b")),
    ("number", re.compile(r"(?<![\w.,-])(-?\d{1,12}(?:,\d{3}){0,4}(?:\.\d{1,12})?)(?![\w)-])")),
)
_CAPITAL = r"[^\W\d_a-z][\w’-]*(?:'(?!s\b)\w+)*"
_CAPITALISED = re.compile(rf"{_CAPITAL}(?: (?:of |the |de |la |von |van |& )*{_CAPITAL})*")
_SENTENCE = re.compile(r"(?:^|[.!?:;)\n-])\s*$")
_ENDINGS = re.compile(r"(?:ings?|ed|es|s|ly|e)$")
_FUNCTION_WORDS = """
a about across all am among an and any are as at be been but by can check could did do does each figure find for
from get give had has have her hers him his how i id if in into is it its kindly know let list look looking may
me might my need now of on one or our out over please record recorded return see she show so take tell than
thank thanks that the their them then there these they this those to two up us value was we were what when where
which who whose will with would you your
"""
_OPENING_WORDS = """
afterwards again also answer between cancel change considering consider continue convert count create date dear
determine enter every first going good hello here hey hi identify just lastly make mark mind morning move name
next nothing oh once open pick place provide put raise regarding remember report retrieve second set single
someone start state subtract suppose then turn update using wanted wonder work yes
"""
_NUMBERED = re.compile(r"(?:^|(?<=\s))\(?\d[.)]\s")
_ORDERED = re.compile(r"(?:^|(?<=[.?!:,;]\s))(?:First|Second|Third|Then|Last|Lastly|Finally), ", re.IGNORECASE)
_STOP = frozenset(_FUNCTION_WORDS.split())
_OPENERS = _STOP | frozenset(_OPENING_WORDS.split())


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Return a word without its ending.

    >>> stem("licensing") == stem("licensed"), stem("cities") == stem("city")
    (True, True)
    """
    folded = word.lower()
    if len(folded) > 4:
        folded = _ENDINGS.sub("", folded.removesuffix("s") if folded.endswith("ies") else folded)
    return folded[:-1] + "i" if folded.endswith("y") else folded


def words(text: str) -> list[str]:
    """Return the stems of a text's words, without those that say little.

    >>> words("What is the opening date of the clinic?")
    ['open', 'date', 'clinic']
    >>> words("clinicOpeningDate")
    ['clinic', 'open', 'date']
    """
    return [stem(word) for word in _WORD.findall(_HUMP.sub(" ", text)) if word.lower() not in _STOP]


def mentions(text: str) -> list[Mention]:
    """Return what a text names, in reading order, each once.

    >>> [(kind, text) for kind, text, _ in mentions("Is Ann Lee's visit AP-12 on 2025-03-01 or later?")]
    [('name', 'Ann Lee'), ('code', 'AP-12'), ('date', '2025-03-01')]
    """
    found: dict[str, Mention] = {}
    left = text
    for kind, pattern in _PATTERNS:
        for match in pattern.finditer(left):
            found.setdefault(match.group(1), Mention(kind, match.group(1), match.start(1)))
        left = pattern.sub(lambda match: "|" * len(match.group()), left)
    for match in _CAPITALISED.finditer(left):
        name, start = _without_opener(match.group(), match.start(), left)
        if name:
            found.setdefault(name, Mention("name", name, start))
    return sorted(found.values(), key=lambda mention: mention.start)


def parts(text: str) -> list[str]:
    """Return the parts of a request that asks for several things in order; the whole if it does not.

    >>> parts("Two things: (1) What is A? (2) What is B?"), parts("First, find A. Then, find B."), parts("Find A.")
    (['What is A? ', 'What is B?'], ['find A. ', 'find B.'], ['Find A.'])
    """
    for pattern, first in ((_NUMBERED, "1"), (_ORDERED, "first")):
        marks = list(pattern.finditer(text))
        if len(marks) > 1 and marks[0].group().lstrip("( ").lower().startswith(first):
            ends = [mark.start() for mark in marks[1:]] + [len(text)]
            return [text[mark.end() : end] for mark, end in zip(marks, ends, strict=True)]
    return [text]


def _without_opener(name: str, start: int, text: str) -> tuple[str, int]:
    """Drop the words that are capitalised only because a sentence begins with them."""
    first, _, rest = name.partition(" ")
    while first and (first.lower().partition("'")[0] in _OPENERS or (not rest and _SENTENCE.search(text[:start]))):
        start += len(first) + 1
        name = rest
        first, _, rest = name.partition(" ")
    return name.removesuffix("’s"), start


def looks_like_id(value: object) -> bool:
    """Return whether a value has the form of an id: capitals, then digits."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None


def abbreviates(prefix: str, word: str) -> bool:
    """Return whether the letters of `prefix` stand in `word` in that order, the first one first.

    >>> abbreviates("AP", "appointment"), abbreviates("DR", "patient")
    (True, False)
    """
    letters = iter(word.lower())
    return word[:1].lower() == prefix[:1].lower() and all(letter in letters for letter in prefix.lower())


def first_request(info: dict[str, Any]) -> str:
    """Return what the user said first."""
    return next(str(message["content"]) for message in info["messages"] if message["role"] == "user")
