"""Reading phrases for values, and the questions that ask for them: the other way round of `figures.py`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from tool_gym.generators.expressions import Agg, Attr, Calc, Calendar, Convert, Days, Free
from tool_gym.generators.wording.parse_chart import Chart, Parse, any_of, compiled, fitting, framed, rule
from tool_gym.generators.wording.parse_refs import Figure, Group, Its, ThatOf, statistic
from tool_gym.generators.wording.parse_rows import Filled
from tool_gym.generators.wording.parse_words import Words
from tool_gym.generators.wording.text import frames, superlative

_THE_ONE = re.compile(r"\bthe one ")
_SENTENCE_END = re.compile(r"[.?!]\s")

OPERATIONS = ("add", "subtract", "multiply", "divide", "days")


@rule("cell")
def _cell(chart: Chart, start: int) -> Iterator[Parse]:
    """Read a cell of a row: "the capacity of …", "that plant's capacity", "its capacity"."""
    for (entity, column), forms in chart.words.forms.items():
        if chart.words.domain.attribute(entity, column).entity is None:
            for form in forms:
                if chart.text.startswith(form.before, start):
                    for end, ent in chart.read("ent", start + len(form.before)):
                        if ent.entity == entity and chart.text.startswith(form.after, end):
                            yield end + len(form.after), Attr(ent, column)
    for end, ent in chart.read("ent", start):
        if chart.text.startswith("'s ", end):
            yield from _noun_of(chart, end + 3, ent)


def _noun_of(chart: Chart, start: int, ent: Any) -> Iterator[Parse]:
    for end, noun in chart.read("noun", start):
        column = chart.words.column_of(ent.entity, noun)
        if column is not None and chart.words.domain.attribute(ent.entity, column).entity is None:
            yield end, Attr(ent, column)


@rule("own_cell")
def _own_cell(chart: Chart, start: int) -> Iterator[Parse]:
    for own in ("its", "their"):
        if chart.text.startswith(f"{own} ", start):
            for entity, spec in chart.words.domain.entities.items():
                if (spec.label.pool == "person") == (own == "their"):
                    yield from _noun_of(chart, start + len(own) + 1, Its(entity))


@rule("that_of")
def _that_of(chart: Chart, start: int) -> Iterator[Parse]:
    yield from fitting(chart, compiled("that_of"), start, {"x": "ent"}, lambda _, got: [ThatOf(got["x"])])


@rule("number_of")
def _number_of(chart: Chart, start: int) -> Iterator[Parse]:
    if chart.text.startswith("the number of ", start):
        for end, group in chart.read("rows", start + 14):
            if not chart.text.startswith(("the ", "all "), start + 14):
                yield end, statistic(group, "count", None)


@rule("figure_name")
def _figure_name(chart: Chart, start: int) -> Iterator[Parse]:
    """Read a figure's name: "the first figure", "figure 2", "value A", "the new value", "that value"."""
    text = chart.text
    for name, known in _figure_names():
        end = start + len(name)
        if text.startswith(name, start) and chart.at_end_of_word(end):
            yield end, Figure(known)
        bare = name.removeprefix("the ")
        if bare != name and text.startswith(f"{bare}:", start):
            yield start + len(bare), Figure(known)
    for word in _figure_nouns():
        end = start + len(word) + 2
        if text.startswith(f"{word} ", start) and text[end - 1 : end].isalnum() and chart.at_end_of_word(end):
            yield end, Figure(text[start:end])


@cache
def _figure_names() -> tuple[tuple[str, str], ...]:
    """Return every way to speak of a figure that is not numbered or lettered, with the name it stands for."""
    found = []
    for word in _figure_nouns():
        found += [(f"the {order} {word}", f"the {order} {word}") for order in ("first", "second")]
        own = [text.format(e=word) for text in dict.fromkeys(frames()["that"])]
        own += [f"the new {word}", f"the {word}", f"the {word} that matters"]
        found += [(text, f"the {word}") for text in own]
    return tuple(found)


@cache
def _figure_nouns() -> tuple[str, ...]:
    purposes = ("figure_nouns", "date_nouns", "amount_nouns", "value_nouns", "tested_nouns")
    return tuple(dict.fromkeys([word for purpose in purposes for word in frames()[purpose]] + ["detail", "state"]))


def _statistic(operation: str) -> Any:
    def build(words: Words, got: Filled) -> Iterator[Any]:
        groups = [got["g"]] if "g" in got else [Group(entity) for entity, _ in words.columns.get(got["n"], ())]
        for group in groups:
            column = words.column_of(group.entity, got["n"])
            if column is not None and words.domain.attribute(group.entity, column).type in ("integer", "number"):
                for found in _operations(words, operation, group, column, got):
                    yield statistic(group, found, column)

    return build


def _operations(words: Words, operation: str, group: Group, column: str, got: Filled) -> Iterator[str]:
    if operation != "extreme":
        yield operation
        return
    attribute = words.domain.attribute(group.entity, column)
    for extreme in ("maximum", "minimum"):
        best = superlative(attribute, descending=extreme == "maximum").lower()
        if got.get("m", extreme) == extreme and got.get("a", best) == best:
            yield extreme


@rule("extreme_word")
def _extreme_word(chart: Chart, start: int) -> Iterator[Parse]:
    for word in ("maximum", "minimum"):
        if chart.text.startswith(word, start):
            yield start + len(word), word


_STATISTIC = {"n": "noun", "g": "rows", "a": "superlative", "m": "extreme_word"}
for _operation in ("sum", "average", "extreme"):
    framed(f"{_operation}_of", _operation, _STATISTIC, _statistic(_operation))
    framed(f"{_operation}_led", f"{_operation}_lead", _STATISTIC, _statistic(_operation))
any_of("led", "sum_led", "average_led", "extreme_led")
any_of("plain", "cell", "own_cell", "that_of", "number_of", "figure_name", "sum_of", "average_of", "extreme_of")


def unit_of(words: Words, val: Any) -> str | None:
    """Return the unit a value is recorded in."""
    if isinstance(val, Attr):
        return words.domain.attribute(val.source.entity, val.column).unit
    if isinstance(val, Agg) and val.column is not None:
        return words.domain.attribute(val.entity, val.column).unit
    if isinstance(val, Convert):
        return val.target
    return unit_of(words, val.first) if isinstance(val, Calc) and val.operation != "divide" else None


def converted(words: Words, val: Any, unit: str) -> Iterator[Convert]:
    """Yield a value in another unit, where it has one."""
    own = unit_of(words, val)
    if own is not None and own != unit:
        yield Convert(val, own, unit)


def _converted(words: Words, got: Filled) -> Iterator[Any]:
    yield from converted(words, got["v"], got["u"])


def operation(kind: str, first: Any, second: Any) -> Any:
    """Return an operation on two values."""
    return Days(first, second) if kind == "days" else Calc(kind, first, second)


def _calculated(kind: str) -> Any:
    def build(_: Words, got: Filled) -> Iterator[Any]:
        yield operation(kind, got["a"], got["b"])

    return build


framed("plain_in_unit", "unit_inside", {"v": "plain", "u": "unit"}, _converted)
any_of("term", "plain", "plain_in_unit")
for _kind in OPERATIONS:
    framed(f"inline_{_kind}", f"inline.{_kind}", {"a": "term", "b": "term"}, _calculated(_kind))
    framed(f"ask_{_kind}", _kind, {"a": "value", "b": "value"}, _calculated(_kind))
any_of("inline", *(f"inline_{kind}" for kind in OPERATIONS))
framed("inline_in_unit", "unit_inside", {"v": "inline", "u": "unit"}, _converted)


@rule("whether_free")
def _whether_free(chart: Chart, start: int) -> Iterator[Parse]:
    yield from fitting(chart, compiled("test_free"), start, {"x": "ent", "d": "date"}, free)


def free(words: Words, got: Filled) -> Iterator[Free]:
    """Yield whether a row is free, where rows like it can be booked."""
    booked = words.domain.entities[got["x"].entity].availability
    if booked is not None:
        spec = words.domain.entities[booked.bookings]
        calendar = Calendar(booked.bookings, f"{booked.ref}_id", booked.date, spec.state, booked.blocking)
        yield Free(got["x"], got["d"], calendar)


@rule("date")
def _date(chart: Chart, start: int) -> Iterator[Parse]:
    text = chart.text[start : start + 10]
    if len(text) == 10 and text[4] == text[7] == "-" and text.replace("-", "").isdigit():
        yield start + 10, text


@rule("named_row")
def _named_row(chart: Chart, start: int) -> Iterator[Parse]:
    """Read "the name of …": the row itself is asked for."""
    yield from fitting(chart, compiled("name_of"), start, {"x": "ent"}, lambda _, got: [got["x"]])


@rule("particular_cell")
def _particular(chart: Chart, start: int) -> Iterator[Parse]:
    """Read "the cost of one particular plant, namely the one run by …"."""

    def build(words: Words, got: Filled) -> Iterator[Any]:
        noun, ent = got["n"], got["x"]
        column = words.column_of(ent.entity, noun)
        if column is not None and got["e"] == words.domain.entities[ent.entity].noun.lower():
            yield Attr(ent, column)

    slots = {"n": "noun", "e": "kind", "x": "introducible"}
    for other, shift in _swapped(chart, start):
        for end, term in fitting(other, compiled("particular"), start, slots, build):
            yield end + shift, term


def _swapped(chart: Chart, start: int) -> Iterator[tuple[Chart, int]]:
    """Yield charts whose "the one" says which kind of row it is, and how much longer the text was."""
    if not chart.text.startswith("the ", start):
        return
    finish = _SENTENCE_END.search(chart.text, start)
    for place in _THE_ONE.finditer(chart.text, start, finish.start() if finish else len(chart.text)):
        for noun in dict.fromkeys(entity.noun.lower() for entity in chart.words.domain.entities.values()):
            if f" {noun}" in chart.text[start : place.start()]:
                text = f"{chart.text[: place.start()]}the {noun} {chart.text[place.end() :]}"
                yield Chart(text, chart.words), len(chart.text) - len(text)


@rule("found_cell")
def _found_cell(chart: Chart, start: int) -> Iterator[Parse]:
    for end, (noun, found) in chart.read("found_phrase", start):
        column = chart.words.column_of(found.entity, noun)
        if column is not None:
            yield end, Attr(found, column)


any_of("value", "plain", "plain_in_unit", "inline", "inline_in_unit")
any_of("asked", "value", "named_row", "particular_cell", "found_cell")
