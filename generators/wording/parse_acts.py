"""Reading orders: the other way round of `acts.py` and `written.py`, new records excepted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any, cast

from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import Attr, Calc, Cancel, Ent, Percent, Said, Transition, Update
from tool_gym.generators.wording.parse_chart import Chart, Parse, Slot, any_of, fitting, framed, rule, template
from tool_gym.generators.wording.parse_questions import Do, Moves
from tool_gym.generators.wording.parse_refs import Same
from tool_gym.generators.wording.parse_rows import Filled
from tool_gym.generators.wording.parse_words import NUMERIC, Words, Written
from tool_gym.generators.wording.text import frames

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@rule("quantity")
def _quantity(chart: Chart, start: int) -> Iterator[Parse]:
    match = _NUMBER.match(chart.text, start)
    if match is None:
        return
    number, end = float(match[0]), match.end()
    if chart.at_end_of_word(end):
        yield end, Written("quantity", number)
    for begin in (end, end + 1 if chart.text.startswith(" ", end) else end):
        for last, unit in chart.read("unit", begin):
            yield last, Written("quantity", number, unit)


@rule("written")
def _written(chart: Chart, start: int) -> Iterator[Parse]:
    """Read a value of any kind."""
    yield from chart.read("quantity", start)
    for end, date in chart.read("date", start):
        yield end, Written("date", date)
    for end, value in chart.read("state", start):
        yield end, Written("word", value)
    for end, text in chart.words.texts.at(chart.text, start):
        yield end, Written("text", text)


def set_to(words: Words, got: Filled) -> Iterator[Update]:
    """Yield an update of a cell to a value that is said, where that fits."""
    cell, written = got["v"], got["q"]
    if isinstance(cell, Attr):
        value = words.fitted(cell.source.entity, cell.column, written)
        if value is not None:
            yield Update(cell.source, cell.column, value)


def _set_found(_: Words, got: Filled) -> Iterator[Update]:
    if isinstance(got["v"], Attr):
        yield Update(got["v"].source, got["v"].column, got["q"])


def _matched(words: Words, got: Filled) -> Iterator[Update]:
    first, second = got["x"], got["y"]
    column = words.column_of(first.entity, got["n"])
    if column is not None and first.entity == second.entity:
        yield Update(first, column, Attr(second, column))


def changed(sign: int) -> Any:
    """Return what builds an update that raises a cell, or lowers it with a negative sign."""
    operation = "add" if sign > 0 else "subtract"

    def build(words: Words, got: Filled) -> Iterator[Update]:
        cell, amount = got["v"], got["q"]
        if not isinstance(cell, Attr):
            return
        source, column = cell.source, cell.column
        if not isinstance(amount, Written):
            yield Update(source, column, Calc(operation, cell, amount))
            return
        if amount.unit == "percent" and amount.value.is_integer():
            yield Update(source, column, Percent(cell, sign * int(amount.value)))
        value = words.fitted(source.entity, column, amount)
        if value is not None:
            yield Update(source, column, Calc(operation, cell, Said(value)))

    return build


def _moved(words: Words, got: Filled) -> Iterator[Transition]:
    target = got["x"]
    column = words.column_of(target.entity, got["n"])
    attribute = words.domain.attribute(target.entity, column) if column is not None else None
    if column is not None and attribute is not None and attribute.type == "state" and got["w"] in attribute.values:
        yield Transition(target, column, got["w"])


def _switched(words: Words, got: Filled) -> Iterator[Transition]:
    """Move a row to a state where its column is not named."""
    spec = words.domain.entities[got["x"].entity]
    state = spec.state
    if state is not None and got["w"] in spec.columns[state].values:
        yield Transition(got["x"], state, got["w"])


@rule("own_move")
def _own_move(chart: Chart, start: int) -> Iterator[Parse]:
    """Read "set its status to done"."""
    if "its " not in chart.text and "their " not in chart.text:
        return
    slots = {"v": "own_cell", "w": "state"}
    yield from fitting(chart, _own_moves(chart.words.domain), start, slots, _own_moved)


@cache
def _plain_moves() -> tuple[str, ...]:
    return tuple(dict.fromkeys((*frames()["move"], *frames()["move_long"])))


def _own_moves(domain: Domain) -> list[tuple[str | Slot, ...]]:
    """Return every frame for moving a row to a state, with its cell in the place of the row."""
    texts = [text.replace("the {n} of {x}", "{v}") for text in _plain_moves() if "the {n} of {x}" in text]
    for entity in domain.entities.values():
        for attribute in entity.columns.values():
            of_row = f"the {attribute.noun} of {{x}}"
            if of_row in attribute.move:
                texts.append(attribute.move.replace(of_row, "{v}").replace("{value}", "{w}"))
    return [template(text) for text in dict.fromkeys(texts)]


def _own_moved(words: Words, got: Filled) -> Iterator[Transition]:
    yield from _moved(
        words,
        {
            "x": got["v"].source,
            "n": words.domain.attribute(got["v"].source.entity, got["v"].column).noun.lower(),
            "w": got["w"],
        },
    )


@rule("domain_move")
def _domain_move(chart: Chart, start: int) -> Iterator[Parse]:
    """Read what a domain calls moving and cancelling its rows."""
    for key, entity in chart.words.domain.entities.items():
        column = entity.state
        if column is None:
            continue
        attribute = entity.columns[column]

        def moved(_: Words, got: Filled, key: str = key, column: str = column) -> Iterator[Transition]:
            if got["x"].entity == key and got["value"] in chart.words.domain.attribute(key, column).values:
                yield Transition(got["x"], column, got["value"])

        def cancelled(_: Words, got: Filled, key: str = key, column: str = column) -> Iterator[Cancel]:
            if got["x"].entity == key:
                yield Cancel(got["x"], column, chart.words.domain.attribute(key, column).cancel or "")

        if attribute.move:
            yield from fitting(chart, (template(attribute.move),), start, {"x": "ent", "value": "state"}, moved)
        if attribute.cancel:
            verb = template(attribute.cancel_verb or "cancel {x}")
            yield from fitting(chart, (verb,), start, {"x": "ent"}, cancelled)


@rule("cell_it")
def _cell_it(chart: Chart, start: int) -> Iterator[Parse]:
    """Read "it" for the cell that an order before changes."""
    if chart.text.startswith("it", start) and chart.at_end_of_word(start + 2):
        for entity, spec in chart.words.domain.entities.items():
            for column in spec.of_type(*NUMERIC):
                if spec.columns[column].writable:
                    yield start + 2, Attr(cast("Ent", Same(entity, column)), column)


def do(_: Words, got: Filled) -> Iterator[Moves]:
    """Do what fills a frame."""
    yield (Do(got["d"]),)


@rule("do_it")
def _do_it(chart: Chart, start: int) -> Iterator[Parse]:
    for end, act in chart.read("deed", start):
        yield end, (Do(act),)


@rule("declared")
def _declared(chart: Chart, start: int) -> Iterator[Parse]:
    for kind in ("declared_value", "declared_state"):
        for end, act in chart.read(kind, start):
            yield end, (Do(act),)


_V = {"v": "cell_of_any", "q": "quantity"}
_M = {"n": "noun", "x": "ent", "w": "state"}
any_of("cell_of_any", "cell", "own_cell")
framed("set", ("set", "set_long"), _V, set_to)
framed("set_found", "set_found", {**_V, "q": "value"}, _set_found)
framed("match", "match", {"n": "noun", "x": "ent", "y": "ent"}, _matched)
for _sign, _purpose in ((1, "raise"), (-1, "lower")):
    framed(f"{_purpose}_said", _purpose, _V, changed(_sign))
    framed(f"{_purpose}_found", _purpose, {**_V, "q": "value"}, changed(_sign))
framed("move", ("move", "move_long"), _M, lambda words, got: (_moved if "n" in got else _switched)(words, got))
framed("declared_value", "set_state", _V, set_to)
framed("declared_state", "move_state", _M, lambda words, got: (_moved if "n" in got else _switched)(words, got))
any_of(
    "deed", "set", "set_found", "match", "raise_said", "raise_found", "lower_said", "lower_found", "move", "own_move",
    "domain_move",
)  # fmt: skip
framed("ordered", ("do", "do_lead"), {"d": "deed"}, do)
any_of("order", "ordered", "declared", "creation", "field_sentence", "conditional")
