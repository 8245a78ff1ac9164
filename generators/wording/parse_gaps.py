"""Reading requests that leave something out, or speak of what is not there: `dialogue_asks.py` and `absent.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from tool_gym.generators.dialogue_gap import Gap
from tool_gym.generators.expressions import Agg, Attr, ById, ByName, Convert, Create, Transition, Update
from tool_gym.generators.wording.dialogue_asks import dialogue_frames
from tool_gym.generators.wording.parse_chart import Chart, Parse, any_of, framed_by, rule
from tool_gym.generators.wording.parse_questions import Do, Intro, Moves
from tool_gym.generators.wording.parse_refs import Only, Open, OpenRow, substituted
from tool_gym.generators.wording.parse_rows import Filled
from tool_gym.generators.wording.parse_values import unit_of
from tool_gym.generators.wording.parse_words import NUMERIC, Words


@dataclass(frozen=True, slots=True)
class Restrict:
    """Only some of the rows are meant, of a category that is not said."""

    noun: str


@dataclass(frozen=True, slots=True)
class Reexpress:
    """Another unit is wanted, which is not said."""


def left_open(goal: Any, gap: Gap) -> Any:
    """Return a goal as its request says it: what it leaves out is open."""
    part = gap.part
    if isinstance(part, ByName | ById):
        return substituted(goal, part, OpenRow(part.entity))
    if isinstance(part, Create):
        values = tuple((column, value) for column, value in part.values if column != gap.column)
        refs = tuple((column, ent) for column, ent in part.refs if column != gap.column)
        return substituted(goal, part, replace(part, values=values, refs=refs))
    if isinstance(part, Update | Transition):
        return substituted(goal, part, type(part)(part.target, part.column, Open()))  # type: ignore[arg-type]  # stands for what is open
    if isinstance(part, Convert):
        return substituted(goal, part, Convert(part.source, part.unit, Open()))  # type: ignore[arg-type]  # as above
    return substituted(goal, part, replace(part, filter=(gap.column, Open())))  # type: ignore[arg-type]  # as above


def as_missing(wanted: Any, row: Any) -> Any:
    """Return a goal about a row that is not there as its request says it: of a group, the only one."""
    by, parent = getattr(row, "by", None), getattr(row, "parent", None)
    return wanted if by is None else substituted(wanted, row, Only(row.entity, by, parent))


def opened(move: Restrict | Reexpress, words: Words, asked: Any) -> Iterator[Any]:
    """Yield what is asked for once a sentence has said that this is not all."""
    if isinstance(move, Reexpress):
        unit = unit_of(words, asked)
        if unit is not None:
            yield Convert(asked, unit, Open())  # type: ignore[arg-type]  # stands for what is open
    elif isinstance(asked, Agg) and asked.filter is None:
        column = words.column_of(asked.entity, move.noun)
        if column is not None and words.domain.attribute(asked.entity, column).values:
            yield replace(asked, filter=(column, Open()))  # type: ignore[arg-type]  # stands for what is open


@rule("only_row")
def _only_row(chart: Chart, start: int) -> Iterator[Parse]:
    """Read "the plant run by Amber Ridge", of which there would be one."""
    if not chart.text.startswith("the ", start):
        return
    for end, group in chart.read("single_kind", start + 4):
        if group.filter is None and chart.text.startswith(" ", end):
            for last, within in chart.read("within", end + 1):
                if within.entity == group.entity:
                    yield last, Only(within.entity, within.by, within.parent)


def _open_row(words: Words, got: Filled) -> Iterator[OpenRow]:
    for entity in words.entities[got["e"]]:
        if words.domain.entities[entity].noun.lower() == got["e"]:
            yield OpenRow(entity)


def _spoken_of(words: Words, got: Filled) -> Iterator[Moves]:
    if "es" in got:
        yield (Intro(OpenRow(got["es"].entity)),)
    else:
        yield from ((Intro(row),) for row in _open_row(words, got))


def _open_value(words: Words, got: Filled) -> Iterator[Moves]:
    cell = got["v"]
    if isinstance(cell, Attr) and words.domain.attribute(cell.source.entity, cell.column).type in NUMERIC:
        yield (Do(Update(cell.source, cell.column, Open())),)  # type: ignore[arg-type]  # stands for what is open


def _open_state(words: Words, got: Filled) -> Iterator[Moves]:
    column = words.column_of(got["x"].entity, got["n"])
    if column is not None and words.domain.attribute(got["x"].entity, column).type == "state":
        yield (Do(Transition(got["x"], column, Open())),)  # type: ignore[arg-type]  # stands for what is open


def _register() -> None:
    frames = dialogue_frames()
    category, unit = ([text.removeprefix("{q} ") for text in frames[f"gap_{kind}"]] for kind in ("category", "unit"))
    framed_by("open_row", frames["gap_row"], {"e": "kind"}, _open_row)
    framed_by(
        "open_row_lead", [f"{text}" for text in frames["gap_row_lead"]], {"e": "kind", "es": "plural"}, _spoken_of
    )
    framed_by("open_value", frames["gap_value"], {"v": "cell_of_any"}, _open_value)
    framed_by("open_state", frames["gap_state"], {"n": "noun", "x": "ent"}, _open_state)
    framed_by("open_category", category, {"n": "noun"}, lambda _, got: [(Restrict(got["n"]),)])
    framed_by("open_unit", unit, {"u": "unit"}, lambda *_: [(Reexpress(),)])


_register()
any_of("open_sentence", "open_row_lead", "open_value", "open_state", "open_category", "open_unit")
