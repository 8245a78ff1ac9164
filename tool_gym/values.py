"""Typed gold values, compared as values and never as substrings.

`same` compares a gold with a value a tool served; `answers` compares it with what a model wrote. An answer
must read as exactly one value: a list of candidates is no answer unless the gold is itself a set or sequence.
Comparing takes time in proportion to the text; answers beyond `MAX_TEXT` characters are no answers.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, FiniteFloat

from tool_gym import reading
from tool_gym.model import Kind

Scalar: TypeAlias = bool | int | float | str

MAX_TEXT = 4096
"""Longest text that is read as a value, in characters."""


def _says_something(text: str) -> str:
    if not reading.fold(text):
        msg = f"{text[:80]!r} has no letter or digit to compare"
        raise ValueError(msg)
    return text


Text: TypeAlias = Annotated[str, Field(min_length=1, max_length=MAX_TEXT), AfterValidator(_says_something)]


class NumberValue(Kind):
    """A number, with the unit it is measured in."""

    kind: Literal["number"] = "number"
    value: int | FiniteFloat
    unit: str | None = None
    """Unit as in `tool_gym.units`, or None for a count or bare number."""
    tolerance: FiniteFloat = Field(default=0.0, ge=0.0)
    """Largest accepted absolute difference, in `unit`; 0 accepts rounding of the last binary digits only."""


class DateValue(Kind):
    """A calendar date."""

    kind: Literal["date"] = "date"
    value: Annotated[str, AfterValidator(reading.check_date)]
    """ISO 8601, as in 2024-03-01."""


class NameValue(Kind):
    """A proper name; compared without case, spacing, quotes or a leading "the"."""

    kind: Literal["name"] = "name"
    value: Text
    aliases: tuple[Text, ...] = ()


class EnumValue(Kind):
    """One word of a closed list."""

    kind: Literal["enum"] = "enum"
    value: Text
    allowed: tuple[str, ...] = ()
    """The whole list; documentation only, the comparison needs `value` alone."""


class BooleanValue(Kind):
    """Yes or no."""

    kind: Literal["boolean"] = "boolean"
    value: bool


class TextValue(Kind):
    """Free text, compared without case and spacing: identifiers, codes, short phrases."""

    kind: Literal["text"] = "text"
    value: Text


class SetValue(Kind):
    """Several values in any order."""

    kind: Literal["set"] = "set"
    items: tuple[Value, ...] = Field(min_length=1, max_length=200)


class SequenceValue(Kind):
    """Several values in the order they were asked for."""

    kind: Literal["sequence"] = "sequence"
    items: tuple[Value, ...] = Field(min_length=1, max_length=200)


Value: TypeAlias = Annotated[
    NumberValue | DateValue | NameValue | EnumValue | BooleanValue | TextValue | SetValue | SequenceValue,
    Field(discriminator="kind"),
]
SetValue.model_rebuild()
SequenceValue.model_rebuild()


def same(gold: Value, served: Any) -> bool:
    """Return whether a tool's JSON value `served` is the gold value.

    >>> same(NumberValue(value=5), 15), same(NumberValue(value=5), 5.0)
    (False, True)
    """
    if isinstance(gold, NumberValue):
        return type(served) in (int, float) and _close(served, gold)
    if isinstance(gold, BooleanValue):
        return served is gold.value
    if isinstance(gold, SetValue | SequenceValue):
        return type(served) is list and _all_match(gold, served, same)
    if type(served) is not str or len(served) > MAX_TEXT:
        return False
    if isinstance(gold, DateValue):
        return reading.whole_date(served) == gold.value
    return _says(gold, served)


def answers(gold: Value, text: str) -> bool:
    """Return whether the model's answer `text` states the gold value and nothing else of its kind.

    >>> gold = NumberValue(value=620.6, unit="MW")
    >>> [answers(gold, text) for text in ("620.6 MW", "It is 620.6.", "620600 kW", "620.6 or 631.2", "620.6 kg")]
    [True, True, True, False, False]
    """
    if len(text) > MAX_TEXT:
        return False
    if isinstance(gold, SequenceValue | SetValue):
        return _all_match(gold, reading.listed(text, len(gold.items)), answers)
    if isinstance(gold, NumberValue):
        number = reading.number(text, gold.unit)
        return number is not None and _close(number, gold)
    if isinstance(gold, BooleanValue):
        return reading.polarity(text) is gold.value
    if isinstance(gold, DateValue):
        return reading.dates(text) == [gold.value]
    return _says(gold, text)


def leaves(value: Any) -> list[Scalar | None]:
    """Return every scalar inside a JSON value, in reading order."""
    found: list[Scalar | None] = []
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, dict):
            left.extend(reversed(item.values()))
        elif isinstance(item, list):
            left.extend(reversed(item))
        else:
            found.append(item)
    return found


def plain(gold: Value) -> Any:
    """Return the gold as the JSON value a tool would serve."""
    if isinstance(gold, SetValue | SequenceValue):
        return [plain(item) for item in gold.items]
    return gold.value


def display(gold: Value) -> str:
    """Return the gold as an assistant would write it after `Answer:`.

    >>> display(SequenceValue(items=(NumberValue(value=3, unit="kg"), DateValue(value="2024-03-01"))))
    '3 kg; 2024-03-01'
    """
    if isinstance(gold, SetValue | SequenceValue):
        parts = [display(item) for item in gold.items]
        plainly = not any(mark in part for part in parts for mark in ";,\n[")
        return "; ".join(parts) if plainly else json.dumps(parts, ensure_ascii=False)
    if isinstance(gold, BooleanValue):
        return "yes" if gold.value else "no"
    if isinstance(gold, NumberValue):
        return f"{gold.value} {gold.unit}" if gold.unit else str(gold.value)
    return gold.value


def _close(value: float, gold: NumberValue) -> bool:
    if type(value) is int and type(gold.value) is int:
        return abs(value - gold.value) <= gold.tolerance
    try:
        return math.isclose(value, gold.value, rel_tol=1e-12, abs_tol=max(gold.tolerance, 1e-9))
    except OverflowError:  # an integer no float can hold
        return False


def _says(gold: NameValue | EnumValue | TextValue, text: str) -> bool:
    said = reading.fold(text)
    if isinstance(gold, NameValue):
        return any(said == reading.fold(name) for name in (gold.value, *gold.aliases))
    return said == reading.fold(gold.value)


def _all_match(gold: SetValue | SequenceValue, given: list[Any], equal: Callable[[Any, Any], bool]) -> bool:
    """Pair each item with a given value of its own: in order for a sequence, in any order for a set."""
    if len(given) != len(gold.items):
        return False
    if isinstance(gold, SequenceValue):
        return all(map(equal, gold.items, given))
    fits = [[number for number, item in enumerate(given) if equal(wanted, item)] for wanted in gold.items]
    owner: dict[int, int] = {}

    def place(item: int, tried: set[int]) -> bool:
        for number in fits[item]:
            if number not in tried:
                tried.add(number)
                if number not in owner or place(owner[number], tried):
                    owner[number] = item
                    return True
        return False

    return all(place(item, set()) for item in range(len(fits)))
