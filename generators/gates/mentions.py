"""What a text says, however it writes it: words, numbers with and without separators, dates in any form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from tool_gym import jsonio, reading
from tool_gym.scenario import ToolSpec

_TOKEN = re.compile(r"[\w²]+(?:[.\-]\w+)*")
_NUMBER = re.compile(r"(?<![\w.,\-])[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?![\w\-]|\.\d|,\d)")
_ATTACHED = re.compile(r"(?<![\w.,\-])[$€£]?(\d+(?:,\d{3})*(?:\.\d+)?)(?:[^\W\d_]+[²23]?|%)(?![\w\-]|\.\d|,\d)")
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"\d{4}[-/]|(?<!\w)\d{4}(?!\d)")
"""What no date is without."""

_COUNTED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Wanted(NamedTuple):
    """A value in the form in which texts are searched for it; made once, looked for in many."""

    kind: Literal["number", "date", "words"]
    form: Any

    @classmethod
    def of(cls, value: Any) -> Wanted:
        """Return a value to look for: a number, a date, or a text word for word."""
        if type(value) in (int, float):
            return cls("number", float(value))
        date = reading.whole_date(str(value))
        return cls("date", date) if date is not None else cls("words", f" {' '.join(words(str(value)))} ")


class Mentions:
    """The words, numbers and dates of a text."""

    __slots__ = ("dates", "numbers", "words")

    def __init__(self, text: str) -> None:
        tokens = words(text)
        self.words = f" {' '.join(tokens)} "
        self.dates = set(reading.dates(text)) if _YEAR.search(text) else set[str]()
        self.numbers = {float(number) for number, word in enumerate(_COUNTED) if word in tokens}
        if _DIGIT.search(text):
            written = [*_NUMBER.findall(text.replace("$", " ")), *_ATTACHED.findall(text)]
            self.numbers |= {float(digits.replace(",", "").replace("−", "-")) for digits in written}

    @classmethod
    def together(cls, parts: Iterable[Mentions]) -> Mentions:
        """Return what several texts say, each for itself: no words go on from one to the next."""
        whole, several = cls(""), list(parts)
        whole.words = "|".join(part.words for part in several)
        whole.dates = set[str]().union(*(part.dates for part in several))
        whole.numbers = set[float]().union(*(part.numbers for part in several))
        return whole

    def has(self, value: Any) -> bool:
        """Return whether the text says a value: a number, a date, or a text word for word."""
        return self.says(Wanted.of(value))

    def says(self, wanted: Wanted) -> bool:
        """Return whether the text says what is looked for."""
        if wanted.kind == "number":
            return wanted.form in self.numbers
        return wanted.form in (self.dates if wanted.kind == "date" else self.words)


def words(text: str) -> list[str]:
    """Return the words of a text, case and underscores aside.

    >>> words("The “North-Wing”, in_port")
    ['the', 'north-wing', 'in', 'port']
    """
    return _TOKEN.findall(text.casefold().replace("_", " "))


@lru_cache(maxsize=8192)
def mentions_of(text: str) -> Mentions:
    """Return what a text says; kept, since tools' documents come up again and again."""
    return Mentions(text)


def document(tool: ToolSpec) -> Mentions:
    """Return what a tool's document says."""
    return tool.kept(_whole)


def open_document(tool: ToolSpec) -> Mentions:
    """Return what a tool's document says, its closed lists left out."""
    return tool.kept(_open)


def _whole(tool: ToolSpec) -> Mentions:
    return _document(tool, lambda described: described)


def _open(tool: ToolSpec) -> Mentions:
    return _document(tool, lambda described: {key: item for key, item in described.items() if key != "enum"})


def _document(tool: ToolSpec, shown: Callable[[dict[str, Any]], dict[str, Any]]) -> Mentions:
    """Read a document piece by piece: parameters recur from tool to tool."""
    parameters = tool.parameters
    described = parameters.get("properties", {}).items()
    rest = {key: value for key, value in parameters.items() if key != "properties"}
    pieces = [tool.name, tool.description, jsonio.dumps(rest)]
    pieces += [jsonio.dumps({name: shown(of)}) for name, of in described]
    return Mentions.together(map(mentions_of, pieces))
