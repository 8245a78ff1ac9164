"""Reading the later turns of a user: the other way round of `dialogue_turns.py`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tool_gym.generators.expressions import Agg, Attr
from tool_gym.generators.wording.dialogue_asks import dialogue_frames
from tool_gym.generators.wording.parse_acts import do
from tool_gym.generators.wording.parse_chart import Chart, Parse, any_of, framed_by, rule
from tool_gym.generators.wording.parse_questions import Moves, ask, ask_row
from tool_gym.generators.wording.parse_refs import Discourse, Other
from tool_gym.generators.wording.parse_rows import Filled
from tool_gym.generators.wording.parse_values import OPERATIONS, operation
from tool_gym.generators.wording.parse_words import Words
from tool_gym.generators.wording.text import superlative

_STATISTICS = {"total": "sum", "average": "average"}


@dataclass(frozen=True, slots=True)
class Elliptic:
    """A turn that says only what is other than before."""

    kind: str
    """ "instead", "more", "count", or an operation on the two answers before."""
    what: Any = None


def carried(move: Elliptic, said: Discourse) -> Iterator[Any]:
    """Yield what an elliptic turn means after those before it."""
    last = said.goals[-1] if said.goals else None
    if move.kind == "instead":
        for ent in said.resolve(move.what) if isinstance(last, Attr) else ():
            if isinstance(last, Attr) and ent.entity == last.source.entity:
                yield Attr(ent, last.column)
    elif move.kind in OPERATIONS:
        if len(said.goals) > 1:
            yield operation(move.kind, *said.goals[-2:])
    elif isinstance(last, Agg):
        yield from _of_group(said.words, last, move)


def without_now(text: str) -> Iterator[str]:
    """Yield a text without the words that say that a figure is asked for as it is now, where it has some."""
    for purpose in ("now_question", "now_order", "now_count"):
        for when in dict.fromkeys(dialogue_frames()[purpose]):
            for mark in ".?":
                if text.endswith(f" {when}{mark}"):
                    yield text.removesuffix(f" {when}{mark}") + mark


def _of_group(words: Words, before: Agg, move: Elliptic) -> Iterator[Agg]:
    """Yield a figure of the group that the turn before was about."""
    entity, group = before.entity, (before.by, before.parent)
    if move.kind == "count":
        if move.what is None or words.domain.entities[entity].columns.get(move.what[0]) is not None:
            yield Agg(entity, "count", None, *group, move.what)
        return
    word, noun = move.what
    column = words.column_of(entity, noun) if noun is not None else before.column
    if column is None:
        return
    attribute = words.domain.attribute(entity, column)
    if attribute.type not in ("integer", "number"):
        return
    if word in _STATISTICS:
        yield Agg(entity, _STATISTICS[word], column, *group)
    for descending in (True, False):
        if word == superlative(attribute, descending=descending).lower():
            yield Agg(entity, "maximum" if descending else "minimum", column, *group)


def _other(words: Words, got: Filled) -> Iterator[Other]:
    for entity in words.entities[got["e"]] if "e" in got else words.domain.entities:
        yield Other(entity)


def _instead(_: Words, got: Filled) -> Iterator[Moves]:
    yield (Elliptic("instead", got["x"]),)


def _more(_: Words, got: Filled) -> Iterator[Moves]:
    yield (Elliptic("more", got["s"] if "s" in got else got["t"]),)


def _count(_: Words, got: Filled) -> Iterator[Moves]:
    group = got.get("f")
    if group is None or group.by is None:
        yield (Elliptic("count", group.filter if group is not None else None),)


def _count_state(words: Words, got: Filled) -> Iterator[Moves]:
    for entity, column in words.columns.get(got["n"], ()):
        if got["w"] in words.domain.attribute(entity, column).values:
            yield (Elliptic("count", (column, got["w"])),)


@rule("statistic_word")
def _statistic_word(chart: Chart, start: int) -> Iterator[Parse]:
    """Read "total", "average" or a superlative."""
    for word in _STATISTICS:
        if chart.text.startswith(word, start) and chart.at_end_of_word(start + len(word)):
            yield start + len(word), word
    yield from chart.read("superlative", start)


@rule("the_statistic")
def _the_statistic(chart: Chart, start: int) -> Iterator[Parse]:
    if chart.text.startswith("the ", start):
        yield from ((end, (word, None)) for end, word in chart.read("statistic_word", start + 4))


@rule("statistic_noun")
def _statistic_noun(chart: Chart, start: int) -> Iterator[Parse]:
    for end, word in chart.read("statistic_word", start):
        if chart.text.startswith(" ", end):
            yield from ((last, (word, noun)) for last, noun in chart.read("noun", end + 1))


@rule("led_words")
def _led_words(chart: Chart, start: int) -> Iterator[Parse]:
    """Read a statistic without its group, as its word and noun."""
    for end, agg in chart.read("led", start):
        attribute = chart.words.domain.attribute(agg.entity, agg.column)
        word = {"sum": "total", "average": "average"}.get(agg.operation)
        extreme = superlative(attribute, descending=agg.operation == "maximum").lower()
        yield end, (word or extreme, attribute.noun.lower())


@rule("continued")
def _continued(chart: Chart, start: int) -> Iterator[Parse]:
    """Read a whole question behind a few words that lead over to it."""
    text = chart.text
    for words in dict.fromkeys(dialogue_frames()["next"]):
        if text.startswith(words.lower(), start):
            for kind in ("question", "order", "prepared") if words else ():
                yield from chart.read(kind, start + len(words))


def _register() -> None:
    frames = dialogue_frames()
    framed_by("other_row", frames["other"], {"e": "kind"}, _other)
    framed_by("next_value", [*frames["next_ask"], *frames["next_plain"]], {"v": "value"}, ask)
    framed_by("next_row", [*frames["next_who"], *frames["next_which"]], {"x": "ent"}, ask_row)
    framed_by("next_act", frames["next_act"], {"d": "deed"}, do)
    framed_by("next_instead", frames["next_instead"], {"x": "label"}, _instead)
    framed_by("next_more", frames["next_more"], {"s": "the_statistic"}, _more)
    framed_by("next_more_of", frames["next_more_of"], {"s": "led_words", "t": "statistic_noun"}, _more)
    framed_by("next_count", [*frames["next_count"], *frames["next_count_of"]], {"f": "rows"}, _count)
    framed_by("next_count_state", frames["next_count_state"], {"n": "noun", "w": "state"}, _count_state)
    for kind in ("add", "subtract", "days"):
        framed_by(f"next_{kind}", frames[f"next_{kind}"], {}, lambda *_, kind=kind: [(Elliptic(kind),)])


_register()
any_of(
    "turn", "sentence", "continued", "next_value", "next_row", "next_act", "next_instead", "next_more", "next_more_of",
    "next_count", "next_count_state", "next_add", "next_subtract", "next_days",
)  # fmt: skip
