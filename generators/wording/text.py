"""Small matters of text: frames, sentences, lists, numbers and units."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from tool_gym import jsonio
from tool_gym.generators.domain import Attribute

UNIT_NAMES = {
    "g": "grams",
    "kg": "kilograms",
    "t": "tonnes",
    "mm": "millimeters",
    "m": "meters",
    "km": "kilometers",
    "mi": "miles",
    "m2": "square meters",
    "ft2": "square feet",
    "ha": "hectares",
    "mL": "milliliters",
    "L": "liters",
    "s": "seconds",
    "min": "minutes",
    "h": "hours",
    "kW": "kilowatts",
    "MW": "megawatts",
    "kWh": "kilowatt-hours",
    "MWh": "megawatt-hours",
    "MB": "megabytes",
    "GB": "gigabytes",
}
"""Unit → its name in the plural; units without one are written as they are."""

COUNTS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

_SYMBOLS = ("kg", "mm", "km", "mL", "kW", "MW", "kWh", "MWh", "MB", "GB")  # nobody takes these for words

T = TypeVar("T")


@cache
def frames() -> dict[str, Any]:
    """Return the sentence frames: lists of templates by purpose, some by register."""
    found: dict[str, Any] = jsonio.loads((Path(__file__).resolve().parent / "frames.json").read_text(encoding="utf-8"))
    return found


def pick(rng: random.Random, options: Sequence[T]) -> T:
    """Draw one of the options.

    >>> pick(random.Random(0), ["only"])
    'only'
    """
    return options[int(rng.random() * len(options))]


def draw(rng: random.Random, options: Sequence[str]) -> str:
    """Draw one of the frames, and a filling for each of its slots in angle brackets.

    >>> draw(random.Random(0), ["add <top>"]).startswith("add ")
    True
    """
    text = options[int(rng.random() * len(options))]
    while "<" in text:
        before, _, rest = text.partition("<")
        slot, _, after = rest.partition(">")
        text = f"{before}{pick(rng, frames()['slots'][slot])}{after}"
    return text


def sentence(text: str) -> str:
    """Begin with a capital and end with a mark, unless the text ends with a list.

    >>> sentence("take it")
    'Take it.'
    """
    text = text[0].upper() + text[1:]
    return text if text[-1] in ".?!" or "\n- " in text else f"{text}."


def listing(items: Sequence[str], mark: str = ",") -> str:
    """Enumerate items.

    >>> listing(["a", "b", "c"])
    'a, b and c'
    """
    if len(items) < 3:
        return " and ".join(items)
    return f"{f'{mark} '.join(items[:-1])}{mark if mark == ';' else ''} and {items[-1]}"


def unit_name(unit: str, rng: random.Random) -> str:
    """Write a unit as a word or, where that is common, as its symbol."""
    if unit in _SYMBOLS and rng.random() < 0.4:
        return unit
    return UNIT_NAMES.get(unit, unit)


def number(value: Any, attribute: Attribute) -> str:
    """Write a value as the data has it.

    >>> number(420.0, Attribute(type="integer", noun="fee"))
    '420'
    """
    if attribute.type == "integer" and isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value)


def quantity(value: Any, attribute: Attribute, rng: random.Random) -> str:
    """Write a value with its unit."""
    text, unit = number(value, attribute), attribute.unit
    if unit is None:
        return text
    if unit == "percent" and rng.random() < 0.5:
        return f"{text}%"
    word = unit if value == 1 or rng.random() < 0.5 else UNIT_NAMES.get(unit, unit)
    return f"{text} {word}"


def superlative(attribute: Attribute, *, descending: bool) -> str:
    """Return the superlative for one end of an order."""
    if descending:
        return attribute.most or "highest"
    return attribute.least or "lowest"


def comparative(adjective: str) -> str:
    """Return the comparative of a superlative.

    >>> comparative("largest"), comparative("most recent"), comparative("latest")
    ('larger', 'more recent', 'later')
    """
    return f"more {adjective[5:]}" if adjective.startswith("most ") else f"{adjective[:-2]}r"
