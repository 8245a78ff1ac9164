"""Reading orders for new records: the entity first, then its fields, in one sentence or several."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tool_gym.generators.expressions import Agg, Create
from tool_gym.generators.wording.parse_chart import Chart, Parse, any_of, compiled, fitting, framed, rule
from tool_gym.generators.wording.parse_questions import Moves
from tool_gym.generators.wording.parse_rows import Filled
from tool_gym.generators.wording.parse_words import Words, Written

_ENDS = (", ", "; ", " and ", ".", "\n", " as the ")
"""What a name nobody has yet may be followed by."""


@dataclass(frozen=True, slots=True)
class Make:
    """A new row is to be made."""

    entity: str
    fields: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the new row is told: its noun, and a `Written` value or a term."""

    noun: str
    value: Any


def completed(words: Words, made: Any, fields: tuple[tuple[str, Any], ...]) -> Iterator[Any]:
    """Yield a new row with more fields, in the order of its columns; none where one does not fit."""
    spec = words.domain.entities[made.entity]
    values, refs = dict(made.values), dict(made.refs)
    for noun, value in fields:
        column = "name" if noun == "name" else words.column_of(made.entity, noun)
        if column is None or column in values or column in refs:
            return
        fitting_value = _value(words, made.entity, column, value)
        if fitting_value is None:
            return
        if column in spec.refs:
            refs[column] = fitting_value
        else:
            values[column] = fitting_value
    yield Create(made.entity, tuple(sorted(values.items())), tuple(sorted(refs.items())))


def _value(words: Words, entity: str, column: str, value: Any) -> Any:
    if column == "name":
        return value.value if isinstance(value, Written) and value.kind == "name" else None
    if isinstance(value, Written):
        return words.fitted(entity, column, value)
    attribute = words.domain.attribute(entity, column)
    leads_to = getattr(value, "entity", None) if not isinstance(value, Agg) else None
    if leads_to is not None:
        return value if attribute.entity == leads_to else None
    return value if attribute.type in ("integer", "number", "date") else None


@rule("making")
def _making(chart: Chart, start: int) -> Iterator[Parse]:
    yield from chart.read("making_plainly", start)
    for key, entity in chart.words.domain.entities.items():
        for text in entity.create:
            if chart.text.startswith(text.lower(), start):
                yield start + len(text), key


@rule("field")
def _field(chart: Chart, start: int) -> Iterator[Parse]:
    """Read "price 20 USD", "price: 20 USD" or "price is 20 USD"."""
    for end, noun in _field_noun(chart, start):
        for mark in (": ", " is ", " "):
            if chart.text.startswith(mark, end):
                for last, value in _any_value(chart, end + len(mark), noun):
                    yield last, (noun, value)


@rule("the_field")
def _the_field(chart: Chart, start: int) -> Iterator[Parse]:
    if chart.text.startswith("the ", start):
        yield from chart.read("field", start + 4)


@rule("as_field")
def _as_field(chart: Chart, start: int) -> Iterator[Parse]:
    """Read "20 USD as the price"."""
    for noun in (*chart.words.columns, "name"):
        for end, value in _any_value(chart, start, noun):
            if chart.text.startswith(f" as the {noun}", end) and chart.at_end_of_word(end + 8 + len(noun)):
                yield end + 8 + len(noun), (noun, value)


def _field_noun(chart: Chart, start: int) -> Iterator[Parse]:
    yield from chart.read("noun", start)
    if chart.text.startswith("name", start) and chart.at_end_of_word(start + 4):
        yield start + 4, "name"


def _any_value(chart: Chart, start: int, noun: str) -> Iterator[Parse]:
    if noun == "name":
        for mark in _ENDS:
            end = chart.text.find(mark, start)
            if end > start:
                yield end, Written("name", chart.original[start:end])
        if "\n" not in chart.text[start:]:
            yield len(chart.text), Written("name", chart.original[start:])
        return
    yield from chart.read("written", start)
    for kind in ("name", "ent"):
        for end, ent in chart.read(kind, start):
            yield end, ent


@rule("mixed_field")
def _mixed_field(chart: Chart, start: int) -> Iterator[Parse]:
    yield from chart.read("field", start)
    yield from chart.read("as_field", start)


@rule("made_at_once")
def _made_at_once(chart: Chart, start: int) -> Iterator[Parse]:
    """Read an order for a new row with all its fields, as one clause of several."""
    for end, entity in chart.read("making", start):
        if chart.text.startswith(" with ", end):
            for last, fields in _several(chart, end + 6, "mixed_field"):
                for made in completed(chart.words, Create(entity, (), ()), fields):
                    yield last, made


@rule("fields")
def _fields(chart: Chart, start: int) -> Iterator[Parse]:
    yield from _several(chart, start, "field")


@rule("the_fields")
def _the_fields(chart: Chart, start: int) -> Iterator[Parse]:
    yield from _several(chart, start, "the_field")


@rule("as_fields")
def _as_fields(chart: Chart, start: int) -> Iterator[Parse]:
    yield from _several(chart, start, "as_field")


def _several(chart: Chart, start: int, kind: str) -> Iterator[Parse]:
    """Read fields with commas, semicolons or "and" between them."""
    states: list[tuple[int, tuple[Any, ...]]] = [(end, (field,)) for end, field in chart.read(kind, start)]
    while states:
        yield from states
        states = [
            (end, (*got, field))
            for at, got in states
            for mark in (", ", "; ", " and ")
            if chart.text.startswith(mark, at)
            for end, field in chart.read(kind, at + len(mark))
        ]


@rule("field_lines")
def _field_lines(chart: Chart, start: int) -> Iterator[Parse]:
    """Read a list with a field on each line."""
    states: list[tuple[int, tuple[Any, ...]]] = [(start, ())]
    while states:
        states = [
            (end, (*got, field))
            for at, got in states
            if chart.text.startswith("\n- ", at)
            for end, field in chart.read("field", at + 3)
        ]
        yield from states


def _make(_: Words, got: Filled) -> Iterator[Moves]:
    fields = got.get("l") or got.get("w") or ()
    yield (Make(got.get("v") or got["e"], fields),)


@rule("making_with")
def _making_with(chart: Chart, start: int) -> Iterator[Parse]:
    for end, entity in chart.read("making", start):
        yield end, Make(entity)
        if chart.text.startswith(" with ", end):
            for last, fields in chart.read("as_fields", end + 6):
                yield last, Make(entity, fields)


@rule("making_in_lines")
def _making_in_lines(chart: Chart, start: int) -> Iterator[Parse]:
    """Read an order that ends in a list: its mark has become a colon."""
    for end, make in chart.read("making_begun", start):
        if chart.text.startswith(":", end):
            for last, fields in chart.read("field_lines", end + 1):
                yield last, (Make(make.entity, fields),)


@rule("making_begun")
def _making_begun(chart: Chart, start: int) -> Iterator[Parse]:
    for parts in compiled("do_lead"):
        *most, last = parts
        end = last.rstrip(".?!") if isinstance(last, str) else last
        cut = tuple(part for part in (*most, end) if part)
        yield from fitting(chart, (cut,), start, {"d": "making_with"}, lambda _, got: [got["d"]])


@rule("stated_new")
def _stated_new(chart: Chart, start: int) -> Iterator[Parse]:
    for end, entity in chart.read("new_stated", start):
        if chart.text.startswith(": ", end):
            for last, fields in chart.read("fields", end + 2):
                if chart.text.startswith(".", last):
                    yield last + 1, (Make(entity, fields),)


@rule("field_sentence")
def _field_sentence(chart: Chart, start: int) -> Iterator[Parse]:
    """Read a sentence that tells fields of what is to be made."""
    yield from fitting(chart, compiled("put_down"), start, {"l": "as_fields"}, lambda _, got: [_fields_told(got["l"])])
    yield from _told(chart, chart.read("the_fields", start))
    yield from chart.read("told_ref", start)
    yield from chart.read("told_figure", start)


def _told(chart: Chart, found: Any) -> Iterator[Parse]:
    for end, fields in found:
        if chart.text.startswith(".", end):
            yield end + 1, _fields_told(fields)


def _fields_told(fields: tuple[tuple[str, Any], ...]) -> Moves:
    return tuple(Field(noun, value) for noun, value in fields)


@rule("role")
def _role(chart: Chart, start: int) -> Iterator[Parse]:
    for article in ("the ", ""):
        if chart.text.startswith(article, start):
            yield from _field_noun(chart, start + len(article))


@rule("told_figure")
def _told_figure(chart: Chart, start: int) -> Iterator[Parse]:
    for end, move in chart.read("role_is", start):
        if chart.text.startswith(".", end):
            yield end + 1, (move,)


framed(
    "making_plainly", "create", {"e": "single_kind"}, lambda _, got: [got["e"].entity] if not got["e"].filter else []
)
framed("new_stated", "create_state", {"e": "single_kind"}, lambda _, got: [got["e"].entity])
framed("told_ref", "create_ref", {"r": "role", "x": "ent"}, lambda _, got: [(Field(got["r"], got["x"]),)])
framed("role_is", "figure_is", {"k": "role", "v": "value"}, lambda _, got: [Field(got["k"], got["v"])])
framed("made_list", "create_list", {"v": "making", "l": "fields", "w": "fields"}, _make)
framed("made_told", ("do", "do_lead"), {"d": "making_with"}, lambda _, got: [(got["d"],)])
any_of("creation", "made_list", "made_told", "making_in_lines", "stated_new")
