"""Reading sentences that prepare or ask: the other way round of `questions.py` and of the steps of `entities.py`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from tool_gym.generators.expressions import Attr, Days, Higher
from tool_gym.generators.wording.parse_chart import Chart, Parse, any_of, compiled, fitting, framed, rule
from tool_gym.generators.wording.parse_refs import Group, bound, bound_pair, chosen, statistic
from tool_gym.generators.wording.parse_rows import Filled, more_of
from tool_gym.generators.wording.parse_values import OPERATIONS, converted, free
from tool_gym.generators.wording.parse_words import Words
from tool_gym.generators.wording.text import COUNTS


@dataclass(frozen=True, slots=True)
class Intro:
    """A row is spoken of."""

    ent: Any


@dataclass(frozen=True, slots=True)
class Letter:
    """A row is given a letter."""

    entity: str
    letter: str
    ent: Any


@dataclass(frozen=True, slots=True)
class Name:
    """A figure is given a name."""

    name: str
    val: Any


@dataclass(frozen=True, slots=True)
class Ask:
    """A value, or the name of a row, is asked for."""

    wanted: Any


@dataclass(frozen=True, slots=True)
class InUnit:
    """The answer is wanted in a unit."""

    unit: str


@dataclass(frozen=True, slots=True)
class Do:
    """Something is to be done."""

    act: Any


@dataclass(frozen=True, slots=True)
class Next:
    """Another of several questions begins."""


Moves = tuple[Any, ...]
"""What a sentence does."""


def ask(_: Words, got: Filled) -> Iterator[Moves]:
    """Ask for what fills a frame."""
    yield (Ask(got["v"]),)


def several(wanted: Iterable[Any]) -> Moves:
    """Ask for several things in one sentence."""
    return tuple(move for term in wanted for move in (Next(), Ask(term)))


def _intro(_: Words, got: Filled) -> Iterator[Moves]:
    yield (Intro(got["x"]),)


def _take_top(words: Words, got: Filled) -> Iterator[Moves]:
    if "o" in got:
        for ent in bound(got["o"], got["g"]):
            if "n" not in got or ent.column == words.column_of(ent.entity, got["n"]):
                yield (Intro(ent),)
        return
    order = words.ordered(got["g"].entity, got["n"], got["a"])
    ent = chosen(got["g"], order[0], descending=order[1]) if order is not None else None
    if ent is not None:
        yield (Intro(ent),)


def _take_two(words: Words, got: Filled) -> Iterator[Moves]:
    if "o" in got:
        for ent in bound_pair(got["o"], got["g"]):
            yield (Intro(ent),)
        return
    first, second = got["g"]
    column = more_of(words, first.entity, got["n"], got["a"])
    if column is not None:
        yield (Intro(Higher(first.entity, column, first, second)),)


def _operand(words: Words, got: Filled) -> Iterator[Moves]:
    if got["x"].entity in words.entities[got["e"]]:
        yield (Letter(got["x"].entity, got["k"], got["x"]),)


def _figure_is(_: Words, got: Filled) -> Iterator[Moves]:
    yield (Name(got["k"].name, got["v"]),)


_ORDER = {"a": "superlative", "n": "noun", "g": "rows", "o": "one"}
framed("take", ("take", "then", "state"), {"x": "ent"}, _intro)
framed("take_top", "take_top", _ORDER, _take_top)
framed("take_two", "take_two", {**_ORDER, "a": "comparative", "g": "pair"}, _take_two)
framed("operand", "operand", {"e": "kind", "k": "letter", "x": "ent"}, _operand)
framed("figure_is", "figure_is", {"k": "figure_name", "v": "value"}, _figure_is)


@rule("connected")
def _connected(chart: Chart, start: int) -> Iterator[Parse]:
    for connector in compiled("connectors"):
        for end, _ in fitting(chart, (connector,), start, {}, lambda *_: [None]):
            for kind in ("take_top", "take_two"):
                yield from chart.read(kind, end)


@rule("goal_name")
def _goal_name(chart: Chart, start: int) -> Iterator[Parse]:
    """Read the name of what steps lead to."""
    yield from chart.read("figure_name", start)
    yield from chart.read("lettered", start)
    if chart.text.startswith("the ", start):
        yield from ((end, None) for end, _ in chart.read("noun", start + 4))


framed("led_step", ("figure_for", "figure_for_group"), {"k": "goal_name", "s": "step"}, lambda _, got: [got["s"]])
any_of("step", "take", "take_top", "take_two", "connected", "operand", "figure_is", "led_step")


@rule("prepared")
def _prepared(chart: Chart, start: int) -> Iterator[Parse]:
    """Read a sentence of one step, of two, or of a step and an order."""
    for end, moves in chart.read("step", start):
        if chart.text.startswith(".", end):
            yield end + 1, moves
        for joint in (", ", " and ", ", then "):
            if chart.text.startswith(joint, end):
                for last, more in _after_joint(chart, end + len(joint), joint):
                    yield last, (*moves, *more)


def _after_joint(chart: Chart, start: int, joint: str) -> Iterator[Parse]:
    kinds: tuple[str, ...] = ("step",) if joint == ", " else ("tell", "do_it")
    for kind in kinds:
        for end, moves in chart.read(kind, start):
            if chart.text.startswith(".", end):
                yield end + 1, moves


framed("tell", "tell", {"v": "asked"}, ask)


def _recorded(words: Words, got: Filled) -> Iterator[Moves]:
    column = words.column_of(got["x"].entity, got["n"])
    if column is not None and words.domain.attribute(got["x"].entity, column).entity is None:
        yield (Ask(Attr(got["x"], column)),)


@rule("size")
def _size(chart: Chart, start: int) -> Iterator[Parse]:
    for word in ("large", "high", "long", "great"):
        if chart.text.startswith(f"{word} ", start):
            yield start + len(word), word


def _count(_: Words, got: Filled) -> Iterator[Moves]:
    group = got["g"]
    if "f" in got:
        if got["f"].by is not None or got["f"].entity != group.entity or group.filter is not None:
            return
        group = group._replace(filter=got["f"].filter)
    yield (Ask(statistic(group, "count", None)),)


def _count_state(words: Words, got: Filled) -> Iterator[Moves]:
    group, column = got["g"], words.column_of(got["g"].entity, got["n"])
    if column is not None and got["w"] in words.domain.attribute(group.entity, column).values:
        yield (Ask(statistic(group._replace(filter=(column, got["w"])), "count", None)),)


@rule("state")
def _state(chart: Chart, start: int) -> Iterator[Parse]:
    """Read a category or a state, in quotation marks or without."""
    yield from chart.read("state_word", start)
    if chart.text.startswith('"', start):
        for end, value in chart.read("state_word", start + 1):
            if chart.text.startswith('"', end):
                yield end + 1, value


def _unit_ask(words: Words, got: Filled) -> Iterator[Moves]:
    for val in converted(words, got["v"], got["u"]):
        yield (Ask(val),)


def _calculated(kind: str) -> Callable[[Chart, int], Iterator[Parse]]:
    def read(chart: Chart, start: int) -> Iterator[Parse]:
        for end, term in chart.read(f"ask_{kind}", start):
            yield end, (Ask(term),)

    return read


@rule("noun_plural")
def _noun_plural(chart: Chart, start: int) -> Iterator[Parse]:
    for noun in chart.words.columns:
        if chart.text.startswith(f"{noun}s", start) and chart.at_end_of_word(start + len(noun) + 1):
            yield start + len(noun) + 1, noun


def _days_same(words: Words, got: Filled) -> Iterator[Moves]:
    first, second = got["x"], got["y"]
    column = words.column_of(first.entity, got["ns"])
    if column is not None and first.entity == second.entity:
        yield (Ask(Days(Attr(first, column), Attr(second, column))),)


def _free(words: Words, got: Filled) -> Iterator[Moves]:
    for term in free(words, got):
        yield (Ask(term),)


def ask_row(_: Words, got: Filled) -> Iterator[Moves]:
    """Ask for the name of the row that fills a frame."""
    yield (Ask(got["x"]),)


def _has(_: Words, got: Filled) -> Iterator[tuple[str, str]]:
    yield got["a"], got["n"]


def _which(words: Words, got: Filled) -> Iterator[Moves]:
    """Ask which of a group comes first; the group is named, or is one of those a noun stands for."""
    adjective, noun = got["s"]
    for group in _groups(got):
        order = words.ordered(group.entity, noun, adjective)
        ent = chosen(group, order[0], descending=order[1]) if order is not None else None
        if ent is not None:
            yield (Ask(ent),)


def _groups(got: Filled) -> Iterator[Group]:
    if "g" in got:
        yield got["g"]
    elif "c" in got:
        if got["e"].entity == got["c"].entity and got["e"].filter is None:
            yield got["c"]
    else:
        yield Group(got["e"].entity, filter=got["e"].filter)


@rule("single_kind")
def _single_kind(chart: Chart, start: int) -> Iterator[Parse]:
    """Read the noun of an entity, with a category or without."""
    for key, entity in chart.words.domain.entities.items():
        end = start + len(entity.noun)
        if chart.text.startswith(entity.noun.lower(), start) and chart.at_end_of_word(end):
            yield end, Group(key)
    for end, rows in chart.read("single", start):
        yield end, Group(rows.entity, filter=rows.filter)


def _which_two(words: Words, got: Filled) -> Iterator[Moves]:
    first, second = got["g"]
    adjective, noun = got["s"]
    column = more_of(words, first.entity, noun, adjective)
    if column is not None:
        yield (Ask(Higher(first.entity, column, first, second)),)


@rule("led_question")
def _led_question(chart: Chart, start: int) -> Iterator[Parse]:
    """Read a question that names the group first."""
    for end, group in fitting(chart, compiled("top_lead"), start, {"g": "rows"}, lambda _, got: [got["g"]]):
        for last, term in fitting(chart, compiled("ask_lead"), end, {"v": "value"}, lambda _, got: [got["v"]]):
            for val in bound(term, group):
                yield last, (Ask(val),)
        for last, moves in chart.read("order", end):
            for found in bound(moves[0].act, group) if len(moves) == 1 else ():
                yield last, (Do(found),)
    for end, group in fitting(chart, compiled("agg_lead"), start, {"g": "rows"}, lambda _, got: [got["g"]]):
        for last, agg in fitting(chart, compiled("ask_lead"), end, {"v": "led"}, lambda _, got: [got["v"]]):
            if agg.entity == group.entity:
                yield last, (Ask(statistic(group, agg.operation, agg.column)),)


@rule("count_word")
def _count_word(chart: Chart, start: int) -> Iterator[Parse]:
    for count, word in enumerate(COUNTS):
        if chart.text.startswith(word, start) and chart.at_end_of_word(start + len(word)):
            yield start + len(word), count


@rule("value_list")
def _value_list(chart: Chart, start: int) -> Iterator[Parse]:
    """Read "A and B", or "A; B; and C"."""
    yield from _listed(chart, start, "value", "; ", "; and ")


@rule("noun_list")
def _noun_list(chart: Chart, start: int) -> Iterator[Parse]:
    yield from _listed(chart, start, "the_noun", ", ", " and ")


@rule("name_list")
def _name_list(chart: Chart, start: int) -> Iterator[Parse]:
    yield from _listed(chart, start, "name", ", ", " and ")


@rule("the_noun")
def _the_noun(chart: Chart, start: int) -> Iterator[Parse]:
    if chart.text.startswith("the ", start):
        yield from chart.read("noun", start + 4)


def _listed(chart: Chart, start: int, kind: str, mark: str, last_mark: str) -> Iterator[Parse]:
    states: list[tuple[int, tuple[Any, ...]]] = [(end, (term,)) for end, term in chart.read(kind, start)]
    while states:
        following: list[tuple[int, tuple[Any, ...]]] = []
        for at, got in states:
            final = " and " if len(got) == 1 else last_mark
            if chart.text.startswith(final, at):
                yield from ((end, (*got, term)) for end, term in chart.read(kind, at + len(final)))
            if chart.text.startswith(mark, at):
                following += [(end, (*got, term)) for end, term in chart.read(kind, at + len(mark))]
        states = following


def _ask_all(_: Words, got: Filled) -> Iterator[Moves]:
    if got.get("k", len(got["l"])) == len(got["l"]):
        yield several(got["l"])


def _ask_each(words: Words, got: Filled) -> Iterator[Moves]:
    entity = got["es"].entity
    column = words.column_of(entity, got["n"])
    if column is not None and all(ent.entity == entity for ent in got["l"]):
        yield several(Attr(ent, column) for ent in got["l"])


def _ask_same(words: Words, got: Filled) -> Iterator[Moves]:
    columns = [words.column_of(got["x"].entity, noun) for noun in got["l"]]
    if all(column is not None for column in columns):
        yield several(Attr(got["x"], column) for column in columns if column is not None)


_G = {"g": "rows", "f": "rows", "n": "noun", "w": "state"}
_W = {"e": "single_kind", "c": "within", "g": "rows", "s": "has"}
framed("ask", ("ask", "ask_lead"), {"v": "asked"}, ask)
framed("recorded", "recorded", {"n": "noun", "x": "ent"}, _recorded)
framed("how", "how", {"p": "size", "v": "value"}, ask)
framed("count", ("count", "count_of"), _G, _count)
framed("count_state", "count_state", _G, _count_state)
framed("unit_ask", "unit_ask", {"v": "value", "u": "unit"}, _unit_ask)
framed("unit_after", "unit_after", {"u": "unit"}, lambda _, got: [(InUnit(got["u"]),)])
framed("days_same", "days_same", {"ns": "noun_plural", "x": "ent", "y": "ent"}, _days_same)
framed("ask_free", "free", {"x": "ent", "d": "date"}, _free)
framed("ask_row", ("who", "which"), {"x": "ent"}, ask_row)
framed("has", "has", {"a": "superlative", "n": "noun"}, _has)
framed("which", ("which_of", "which_all"), _W, _which)
framed("has_more", "has", {"a": "comparative", "n": "noun"}, _has)
framed("which_two", "which_two", {"g": "pair", "s": "has_more"}, _which_two)
framed("its_name", "its_name", {}, lambda *_: [()])
framed("listed_questions", "parallel_list", {"k": "count_word", "l": "value_list"}, _ask_all)
framed("each_question", "parallel_each", {"n": "noun", "es": "plural", "l": "name_list"}, _ask_each)
framed("same_questions", "parallel_same", {"x": "ent", "l": "noun_list"}, _ask_same)


def _register_operations() -> None:
    for kind in OPERATIONS:
        rule(f"asked_{kind}")(_calculated(kind))


_register_operations()
any_of(
    "question", "ask", "recorded", "how", "count", "count_state", "unit_ask", "unit_after", "days_same", "ask_free",
    "ask_row", "which", "which_two", "its_name", "led_question", "listed_questions", "each_question", "same_questions",
    *(f"asked_{kind}" for kind in OPERATIONS),
)  # fmt: skip
