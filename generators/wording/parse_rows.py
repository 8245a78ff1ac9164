"""Reading phrases for rows and groups: the other way round of `entities.py`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tool_gym.generators.expressions import Best, ById, ByName, Follow, Higher, Top
from tool_gym.generators.wording.parse_chart import RULES, Chart, Parse, any_of, framed, rule
from tool_gym.generators.wording.parse_refs import Found, Group, Its, Lettered, One, That, chosen
from tool_gym.generators.wording.parse_words import Rows, Words
from tool_gym.generators.wording.text import comparative, superlative

Filled = dict[str, Any]


def _terminal(name: str, index: str) -> None:
    def read(chart: Chart, start: int) -> Iterator[Parse]:
        yield from getattr(chart.words, index).at(chart.text, start)

    RULES[name] = read


for _name, _index in (
    ("kind", "kinds"), ("noun", "nouns"), ("plural", "plurals"), ("single", "singles"), ("name", "names"),
    ("superlative", "superlatives"), ("comparative", "comparatives"), ("unit", "units"), ("state_word", "states"),
):  # fmt: skip
    _terminal(_name, _index)


@rule("letter")
def _letter(chart: Chart, start: int) -> Iterator[Parse]:
    if start < len(chart.text) and chart.text[start].isalpha() and chart.at_end_of_word(start + 1):
        yield start + 1, chart.text[start]


@rule("label")
def _label(chart: Chart, start: int) -> Iterator[Parse]:
    """Read "Amber Ridge", "plant Amber Ridge", "the plant Amber Ridge" or the same with an id."""
    yield from chart.read("name", start)
    for begin in (start, start + 4 if chart.text.startswith("the ", start) else -1):
        for end, noun in chart.read("kind", begin) if begin >= 0 else ():
            if chart.text.startswith(" ", end):
                yield from _of_kind(chart.words, noun, chart.read("name", end + 1))


def _of_kind(words: Words, noun: str, named: Iterable[Parse]) -> Iterator[Parse]:
    for end, ent in named:
        if words.domain.entities[ent.entity].noun.lower() == noun:
            yield end, ent


@rule("followed")
def _followed(chart: Chart, start: int) -> Iterator[Parse]:
    """Read the row that a reference of another row leads to."""
    for (entity, column), forms in chart.words.forms.items():
        target = chart.words.domain.attribute(entity, column).entity
        if target is None:
            continue
        for form in forms:
            if chart.text.startswith(form.before, start):
                for end, ent in chart.read("ent", start + len(form.before)):
                    if ent.entity == entity and chart.text.startswith(form.after, end):
                        yield end + len(form.after), Follow(target, column, ent)


@rule("lettered")
def _lettered(chart: Chart, start: int) -> Iterator[Parse]:
    for end, noun in chart.read("kind", start):
        if chart.text.startswith(" ", end):
            for last, letter in chart.read("letter", end + 1):
                for entity in chart.words.entities[noun]:
                    yield last, Lettered(entity, letter)


@rule("it")
def _it(chart: Chart, start: int) -> Iterator[Parse]:
    for word in ("it", "them"):
        if chart.text.startswith(word, start) and chart.at_end_of_word(start + len(word)):
            for entity, spec in chart.words.domain.entities.items():
                if (spec.label.pool == "person") == (word == "them"):
                    yield start + len(word), Its(entity)


@rule("rows")
def _rows(chart: Chart, start: int) -> Iterator[Parse]:
    """Read a group: "the wind power plants run by Amber Ridge"."""
    text = chart.text
    for article in ("", "the ", "all "):
        if text.startswith(article, start):
            for end, rows in chart.read("plural", start + len(article)):
                yield end, Group(rows.entity, filter=rows.filter)
                for last, (by, parent) in _within(chart, end + 1, rows.entity) if text.startswith(" ", end) else ():
                    yield last, Group(rows.entity, by, parent, rows.filter)


@rule("within")
def _any_within(chart: Chart, start: int) -> Iterator[Parse]:
    """Read what restricts a group: "run by Amber Ridge"."""
    for entity in chart.words.domain.entities:
        for end, (by, parent) in _within(chart, start, entity):
            yield end, Group(entity, by, parent)


def _within(chart: Chart, start: int, child: str) -> Iterator[tuple[int, tuple[str, Any]]]:
    for column, parent in chart.words.domain.entities[child].refs.items():
        for form in chart.words.children[child, column]:
            if chart.text.startswith(form.before, start):
                for end, ent in chart.read("ent", start + len(form.before)):
                    if ent.entity == parent and chart.text.startswith(form.after, end):
                        yield end + len(form.after), (column, ent)


def _that(words: Words, got: Filled) -> Iterator[That]:
    for entity in words.entities[got["e"]]:
        yield That(entity, got["e"])


def _named(words: Words, got: Filled) -> Iterator[ByName | ById]:
    if words.domain.entities[got["n"].entity].noun.lower() == got["e"]:
        yield got["n"]


def _entity_of(words: Words, noun: str) -> str | None:
    return next((key for key in words.entities[noun] if words.domain.entities[key].noun.lower() == noun), None)


def _picked(words: Words, got: Filled, group: Group) -> Iterator[Top | Best]:
    order = words.ordered(group.entity, got["n"], got["a"])
    ent = chosen(group, order[0], descending=order[1]) if order is not None else None
    if ent is not None:
        yield ent


def _top_all(words: Words, got: Filled) -> Iterator[Top | Best]:
    entity = _entity_of(words, got["e"])
    if entity is not None:
        yield from _picked(words, got, Group(entity))


def _top(words: Words, got: Filled) -> Iterator[Top | Best]:
    group = got["c"]
    spec = words.domain.entities[group.entity]
    if got.get("e", spec.noun.lower()) == spec.noun.lower() and got.get("es", Rows(group.entity)) == group.rows():
        yield from _picked(words, got, group)


def _best(words: Words, got: Filled) -> Iterator[Top | Best]:
    group = got["g"]
    if group.filter is not None and ("e" not in got or _entity_of(words, got["e"]) == group.entity):
        yield from _picked(words, got, group)


def _best_short(words: Words, got: Filled) -> Iterator[Top | Best]:
    yield from _picked(words, got, Group(got["f"].entity, filter=got["f"].filter))


def _higher(words: Words, got: Filled) -> Iterator[Higher]:
    first, second = got["g"]
    column = more_of(words, first.entity, got["n"], got["a"])
    if column is not None:
        yield Higher(first.entity, column, first, second)


def more_of(words: Words, entity: str, noun: str, adjective: str) -> str | None:
    """Return the column of which a comparative says that one row has more."""
    column = words.column_of(entity, noun)
    if column is None:
        return None
    best = superlative(words.domain.attribute(entity, column), descending=True).lower()
    return column if comparative(best) == adjective else None


def _one(words: Words, got: Filled) -> Iterator[One]:
    """Read "the one with the highest capacity": of every entity that has one."""
    for entity, column in words.columns.get(got["n"], ()):
        if "e" in got and _entity_of(words, got["e"]) != entity:
            continue
        for descending in (True, False):
            best = superlative(words.domain.attribute(entity, column), descending=descending).lower()
            if got.get("a", best) == best and got.get("c", comparative(best)) == comparative(best):
                yield One(entity, column, descending)


def _one_of_two(words: Words, got: Filled) -> Iterator[One]:
    for entity, column in words.columns.get(got["n"], ()):
        fits = "e" not in got or _entity_of(words, got["e"]) == entity
        if fits and more_of(words, entity, got["n"], got["a"]) is not None:
            yield One(entity, column, descending=True, pair=True)


def _found(words: Words, got: Filled) -> Iterator[tuple[str, Found]]:
    entity = _entity_of(words, got["e"])
    if entity is not None:
        yield got["n"], Found(entity)


@rule("pair")
def _pair(chart: Chart, start: int) -> Iterator[Parse]:
    """Read two rows: "the plants A and B", "plant A and plant B"."""
    yield from _plural_pair(chart, start)
    for end, first in chart.read("ent", start):
        if chart.text.startswith(" and ", end):
            for last, second in chart.read("ent", end + 5):
                if second.entity == first.entity:
                    yield last, (first, second)


def _plural_pair(chart: Chart, start: int) -> Iterator[Parse]:
    if not chart.text.startswith("the ", start):
        return
    for end, rows in chart.read("plural", start + 4):
        if rows.filter is None and chart.text.startswith(" ", end):
            for middle, first in chart.read("name", end + 1):
                if first.entity == rows.entity and chart.text.startswith(" and ", middle):
                    for last, second in chart.read("name", middle + 5):
                        if second.entity == rows.entity:
                            yield last, (first, second)


_ORDER = {"a": "superlative", "n": "noun", "e": "kind", "c": "comparative"}
framed("known", "that", {"e": "kind"}, _that)
framed("described_label", ("with_id", "called"), {"e": "kind", "n": "name"}, _named)
framed("top_all", "top_all", _ORDER, _top_all)
framed("top", ("top", "top_short"), {**_ORDER, "es": "plural", "c": "within"}, _top)
framed("best", "best", {**_ORDER, "g": "rows"}, _best)
framed("best_short", "best_short", {**_ORDER, "f": "single"}, _best_short)
framed("higher", "higher", {**_ORDER, "a": "comparative", "g": "pair"}, _higher)
framed("one_of_group", "one", _ORDER, _one)
framed("one_of_two", "one_of_two", {**_ORDER, "a": "comparative"}, _one_of_two)
framed("found_phrase", "found", {"n": "noun", "e": "kind"}, _found)
any_of("one", "one_of_group", "one_of_two")
any_of("introducible", "label", "described_label", "followed", "top_all", "top", "best", "best_short", "higher")
any_of("ent", "introducible", "known", "lettered", "one", "it", "other_row", "open_row", "only_row")
