"""Reading a text by frames: every way in which rules fit at a place, each computed once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from tool_gym.generators.wording.parse_words import Words
from tool_gym.generators.wording.text import frames

Parse: TypeAlias = tuple[int, Any]
"""Where a phrase ends, and what it means."""

Rule: TypeAlias = "Callable[[Chart, int], Iterable[Parse]]"
"""Yields every phrase of one kind that begins at a place."""

Build: TypeAlias = Callable[[Words, dict[str, Any]], Iterable[Any]]
"""What a filled frame means: slots → meanings; none where they do not fit together."""

RULES: dict[str, Rule] = {}
"""Kind of phrase → its rule; the modules beside this one add theirs."""

_SLOT = re.compile(r"\{(\w+)\}|<(\w+)>")


class Slot(NamedTuple):
    """A gap of a frame."""

    name: str
    """Its letter, or a list of frames in angle brackets."""


class Chart:
    """What has been read of one text.

    Args:
        text: The text; its case does not matter.
        words: What the domain and the world have words for.
    """

    def __init__(self, text: str, words: Words) -> None:
        self.original = text
        self.text = text.lower()
        self.words = words
        self._memo: dict[tuple[str, int], tuple[Parse, ...]] = {}

    def read(self, rule: str, start: int) -> tuple[Parse, ...]:
        """Return every phrase of a kind that begins at `start`."""
        key = (rule, start)
        found = self._memo.get(key)
        if found is None:
            found = self._memo[key] = tuple(dict.fromkeys(RULES[rule](self, start)))
        return found

    def at_end_of_word(self, place: int) -> bool:
        """Return whether no word goes on at a place."""
        return place >= len(self.text) or not self.text[place].isalnum()


def rule(name: str) -> Callable[[Rule], Rule]:
    """Make a function the rule of a kind of phrase."""

    def keep(function: Rule) -> Rule:
        RULES[name] = function
        return function

    return keep


def any_of(name: str, *rules: str) -> None:
    """Make a kind of phrase of several others."""

    def read(chart: Chart, start: int) -> Iterator[Parse]:
        for other in rules:
            yield from chart.read(other, start)

    RULES[name] = read


def framed(name: str, purposes: Sequence[str] | str, slots: Mapping[str, str], build: Build) -> None:
    """Make a kind of phrase of the frames for a purpose, or several.

    Args:
        name: The kind.
        purposes: Keys of the frames, with dots into nested ones; all registers of frames that have some.
        slots: Slot → the kind of phrase that fills it.
        build: What a filled frame means.
    """
    keys = (purposes,) if isinstance(purposes, str) else tuple(purposes)

    def read(chart: Chart, start: int) -> Iterator[Parse]:
        for key in keys:
            yield from fitting(chart, compiled(key), start, slots, build)

    RULES[name] = read


def framed_by(name: str, texts: Sequence[str], slots: Mapping[str, str], build: Build) -> None:
    """Make a kind of phrase of frames that are not among those of requests."""
    parts = tuple(template(text) for text in dict.fromkeys(texts) if text)
    RULES[name] = lambda chart, start: fitting(chart, parts, start, slots, build)


def fitting(
    chart: Chart, texts: Iterable[tuple[str | Slot, ...]], start: int, slots: Mapping[str, str], build: Build
) -> Iterator[Parse]:
    """Yield what frames that fit at a place mean."""
    for parts in texts:
        first = parts[0]
        if isinstance(first, str) and not chart.text.startswith(first, start):
            continue
        for end, filled in _fit(chart, parts, start, slots):
            for meaning in build(chart.words, filled):
                yield end, meaning


@cache
def compiled(purpose: str) -> tuple[tuple[str | Slot, ...], ...]:
    """Return the frames for a purpose, cut at their slots."""
    found: Any = frames()
    for key in purpose.split("."):
        found = found[key]
    texts = found if isinstance(found, list) else [text for group in found.values() for text in group]
    return tuple(template(text) for text in dict.fromkeys(texts) if text)


@cache
def template(text: str) -> tuple[str | Slot, ...]:
    """Cut a frame at its slots.

    >>> template("The cost of {x}")
    ('the cost of ', Slot(name='x'))
    """
    parts: list[str | Slot] = []
    at = 0
    for match in _SLOT.finditer(text):
        if match.start() > at:
            parts.append(text[at : match.start()].lower())
        parts.append(Slot(match[1] or f"<{match[2]}>"))
        at = match.end()
    if at < len(text):
        parts.append(text[at:].lower())
    return tuple(parts)


def _fit(
    chart: Chart, parts: tuple[str | Slot, ...], start: int, slots: Mapping[str, str]
) -> Iterator[tuple[int, dict[str, Any]]]:
    states: list[tuple[int, dict[str, Any]]] = [(start, {})]
    for part in parts:
        if isinstance(part, str):
            states = [(at + len(part), got) for at, got in states if chart.text.startswith(part, at)]
        elif part.name.startswith("<"):
            states = [(end, got) for at, got in states for end, _ in chart.read(part.name, at)]
        else:
            kind = slots[part.name]
            states = [(end, {**got, part.name: sem}) for at, got in states for end, sem in chart.read(kind, at)]
        if not states:
            return
    yield from states


def _register_slots() -> None:
    """Make each list of fillings a kind of phrase of its own."""
    for name, texts in frames()["slots"].items():
        RULES[f"<{name}>"] = _literals(tuple(dict.fromkeys(text.lower() for text in texts)))


def _literals(texts: tuple[str, ...]) -> Rule:
    def read(chart: Chart, start: int) -> Iterator[Parse]:
        for text in texts:
            if chart.text.startswith(text, start) and chart.at_end_of_word(start + len(text)):
                yield start + len(text), None

    return read


_register_slots()
