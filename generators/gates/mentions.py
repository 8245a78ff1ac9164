"""What a text says, however it writes it: words, numbers with and without separators, dates in any form."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from tool_gym import reading

_TOKEN = re.compile(r"[\w²]+(?:[.\-]\w+)*")
_NUMBER = re.compile(r"(?<![\w.,\-])[-+−]?\d+(?:,\d{3})*(?:\.\d+)?(?![\w\-]|\.\d|,\d)")
_ATTACHED = re.compile(r"(?<![\w.,\-])[$€£]?(\d+(?:,\d{3})*(?:\.\d+)?)(?:[^\W\d_]+[²23]?|%)(?![\w\-]|\.\d|,\d)")
_YEAR = re.compile(r"\d{4}")
_COUNTED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Mentions:
    """The words, numbers and dates of a text."""

    def __init__(self, text: str) -> None:
        tokens = words(text)
        self._words = f" {' '.join(tokens)} "
        self._dates = set(reading.dates(text)) if _YEAR.search(text) else set[str]()
        written = [*_NUMBER.findall(text.replace("$", " ")), *_ATTACHED.findall(text)]
        self._numbers = {float(digits.replace(",", "").replace("−", "-")) for digits in written}
        self._numbers |= {float(number) for number, word in enumerate(_COUNTED) if word in tokens}

    def has(self, value: Any) -> bool:
        """Return whether the text says a value: a number, a date, or a text word for word."""
        if type(value) in (int, float):
            return float(value) in self._numbers
        if reading.whole_date(str(value)) is not None:
            return reading.whole_date(str(value)) in self._dates
        return f" {' '.join(words(str(value)))} " in self._words


def words(text: str) -> list[str]:
    """Return the words of a text, case and underscores aside.

    >>> words("The “North-Wing”, in_port")
    ['the', 'north-wing', 'in', 'port']
    """
    return _TOKEN.findall(text.casefold().replace("_", " "))


@lru_cache(maxsize=4096)
def mentions_of(text: str) -> Mentions:
    """Return what a text says; kept, since tools' documents come up again and again."""
    return Mentions(text)
