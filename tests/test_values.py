"""Gold values are compared as values: what is accepted, what is refused, and that nothing makes it slow."""

from __future__ import annotations

import math
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from tool_gym import reading, units
from tool_gym.turns import parse_act
from tool_gym.values import (
    MAX_TEXT,
    BooleanValue,
    DateValue,
    EnumValue,
    NameValue,
    NumberValue,
    SequenceValue,
    SetValue,
    TextValue,
    Value,
    answers,
    display,
    leaves,
    plain,
    same,
)

VALUE: TypeAdapter[Value] = TypeAdapter(Value)
FIVE = NumberValue(value=5)
LENGTH = NumberValue(value=182.5, unit="m")
DAY = DateValue(value="2024-03-01")
AURORA = NameValue(value="Aurora", aliases=("MV Aurora",))
PAIR = SetValue(items=(AURORA, NameValue(value="Smith and Sons")))
ONE_TWO = SequenceValue(items=(NumberValue(value=1), NumberValue(value=2)))
FIVES = SequenceValue(items=(FIVE, FIVE))
LIST = SequenceValue(items=(FIVE, NumberValue(value=4700, unit="USD"), DAY))


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        (FIVE, "5"),
        (FIVE, "5.0"),
        (FIVE, "+5"),
        (FIVE, "5e0"),
        (FIVE, "It has 5 berths."),
        (FIVE, "**5**"),
        (FIVE, "(5)"),
        (FIVE, "~5"),
        (FIVE, "05"),
        (FIVE, "\u0665"),  # Arabic-Indic
        (FIVE, "\uff15"),  # full width
        (NumberValue(value=-5), "-5"),
        (NumberValue(value=-5), "−5"),
        (NumberValue(value=-5), "minus 5"),
        (NumberValue(value=0.5), ".5"),
        (NumberValue(value=1234.5), "1,234.5"),
        (NumberValue(value=1234567), "1,234,567 in all"),
        (NumberValue(value=12, unit="percent"), "12 %"),
        (NumberValue(value=12, unit="percent"), "12"),
        (NumberValue(value=4700, unit="USD"), "$4,700"),
        (NumberValue(value=4700, unit="USD"), "4700 dollars"),
        (NumberValue(value=12, unit="m2"), "12 m²"),
        (NumberValue(value=12, unit="m2"), "12 square metres"),
        (NumberValue(value=12, unit="ft2"), "12 sq ft"),
        (NumberValue(value=12, unit="cubits"), "12 cubits"),
        (NumberValue(value=7), "7 days"),
        (LENGTH, "182.5"),
        (LENGTH, "182.5 m"),
        (LENGTH, "182.5 metres"),
        (LENGTH, "0.1825 km"),
        (NumberValue(value=3.14, tolerance=0.01), "3.145"),
        (DAY, "2024-03-01"),
        (DAY, "2024-3-1"),
        (DAY, "2024/03/01"),
        (DAY, "1 March 2024"),
        (DAY, "the 1st of March 2024"),
        (DAY, "March 1, 2024."),
        (DAY, "Mar. 1st 2024"),
        (DAY, "on 12 ships: 2024-03-01"),
        (DAY, "2024‑03‑01"),  # noqa: RUF001 - the hyphens are not ASCII's, as models write them
        (DateValue(value="2024-09-02"), "2 Sept 2024"),
        (AURORA, "aurora"),
        (AURORA, " The  AURORA. "),
        (AURORA, '"Aurora"'),
        (AURORA, "mv aurora"),
        (NameValue(value="Café"), "CAFÉ"),
        (EnumValue(value="in_port"), "in port"),
        (TextValue(value="SH1"), "`sh1`"),
        (BooleanValue(value=True), "Yes"),
        (BooleanValue(value=True), "**True**"),
        (BooleanValue(value=True), "Yes, berth BE2 is free."),
        (BooleanValue(value=False), "no"),
        (BooleanValue(value=False), "No, it is not."),
        (PAIR, "Smith and Sons; Aurora"),
        (PAIR, "Aurora, Smith and Sons"),
        (PAIR, "- Aurora\n- Smith and Sons"),
        (PAIR, "1. Aurora\n2. Smith and Sons\n"),
        (PAIR, '["smith and sons", "the Aurora"]'),
        (PAIR, "(1) Aurora; (2) Smith and Sons"),
        (PAIR, "1. Smith and Sons; 2. Aurora"),
        (PAIR, "1) Aurora; 2) Smith and Sons;"),
        (PAIR, "1. Aurora;\n2. Smith and Sons."),
        (PAIR, "(1) Aurora\n\n (2)\tSmith and Sons"),
        (PAIR, "1) Aurora\n2) Smith and Sons"),
        (PAIR, "(1) Aurora, (2) Smith and Sons"),
        (ONE_TWO, "1; 2"),
        (ONE_TWO, "1.; 2."),
        (ONE_TWO, "(1); (2)"),
        (ONE_TWO, "1)\n2)"),
        (ONE_TWO, "1.0; 2.0"),
        (ONE_TWO, "1. 1; 2. 2"),
        (SequenceValue(items=(NumberValue(value=1.5), NumberValue(value=2.5))), "1.5; 2.5"),
        (SequenceValue(items=(NumberValue(value=1.5), NumberValue(value=2.5))), "1. 1.5\n2. 2.5"),
        (SequenceValue(items=(FIVE,)), "5"),
        (SequenceValue(items=(NameValue(value="1. FC Oslo"),)), "1. FC Oslo"),
        (SequenceValue(items=(NameValue(value="1. FC Oslo"), FIVE)), "1. FC Oslo; 5"),
        (SequenceValue(items=(NameValue(value="1. FC Oslo"), FIVE)), "1. 1. FC Oslo; 2. 5"),
        (LIST, "(1) 5; (2) $4,700; (3) 1 March 2024"),
        (LIST, "1. 5\n2. 4700 USD\n3. 2024-03-01"),
        (
            SequenceValue(items=(NumberValue(value=-5), FIVE) * 6),
            "\n".join(f"{n}. {5 - n % 2 * 10}" for n in range(1, 13)),
        ),
        (SetValue(items=(FIVE, NumberValue(value=7))), "7 and 5"),
        (SetValue(items=(FIVE, NumberValue(value=7))), "[5, 7]"),
        (LIST, "5; $4,700; 1 March 2024"),
        (LIST, "5, 4700 USD and 2024-03-01"),
        (SequenceValue(items=(SetValue(items=(FIVE, AURORA)), DAY)), '["Aurora; 5", "2024-03-01"]'),
    ],
)
def test_an_answer_that_states_the_value_is_right(gold: Value, text: str) -> None:
    assert answers(gold, text)


@pytest.mark.parametrize(
    ("gold", "text"),
    [
        (FIVE, ""),
        (FIVE, "15"),
        (FIVE, "50"),
        (FIVE, "5.1"),
        (FIVE, "-5"),
        (FIVE, "–5"),
        (FIVE, "minus 5"),
        (FIVE, "5 or 6"),
        (FIVE, "4-6"),
        (FIVE, "5-7"),
        (FIVE, "1 2 3 4 5"),
        (FIVE, "5, 5"),
        (FIVE, "5,0"),
        (FIVE, "5_0"),
        (FIVE, "1/5"),
        (FIVE, "5½"),
        (FIVE, "5²"),
        (FIVE, "5 五"),
        (FIVE, "B5"),
        (FIVE, "berth BE5"),
        (FIVE, "5k"),
        (FIVE, "5M"),
        (FIVE, "5 million"),
        (FIVE, "five"),
        (FIVE, "NaN"),
        (FIVE, "1e999"),
        (FIVE, "{'a': 5, 'b': 6}"),
        (NumberValue(value=123), "0,123"),
        (NumberValue(value=1234), "1.234"),
        (NumberValue(value=1234), "1 234"),
        (NumberValue(value=12, unit="kg"), "12 lb"),
        (NumberValue(value=12, unit="kg"), "12 km"),
        (NumberValue(value=12, unit="kg"), "$12"),
        (NumberValue(value=12, unit="m2"), "12 square feet"),
        (NumberValue(value=12, unit="h"), "12 days"),
        (NumberValue(value=12, unit="USD"), "12 €"),
        (LENGTH, "182.5 km"),
        (NumberValue(value=10**15), "1000000000000001"),
        (DAY, "2024-03-02"),
        (DAY, "2024-03-01 or 2024-03-02"),
        (DAY, "2024-03-01, 2 March 2024"),
        (DAY, "03/01/2024"),
        (DAY, "1 March"),
        (DAY, "12024-03-01"),
        (DAY, "2024-03-011"),
        (DAY, "2024-02-30"),
        (AURORA, "Aurora or Borealis"),
        (AURORA, "Auror"),
        (AURORA, "Auroras"),
        (AURORA, "It is the Aurora"),
        (AURORA, ""),
        (TextValue(value="SH1"), "SH10"),
        (TextValue(value="the"), ""),
        (BooleanValue(value=True), "yes and no"),
        (BooleanValue(value=True), "true/false"),
        (BooleanValue(value=True), "1"),
        (BooleanValue(value=True), "I think yes"),
        (BooleanValue(value=True), ""),
        (BooleanValue(value=False), ""),
        (PAIR, "Aurora"),
        (PAIR, "Aurora; Aurora"),
        (PAIR, "Aurora; Smith and Sons; Borealis"),
        (PAIR, "[1"),
        (PAIR, "[NaN, 1]"),
        (PAIR, "(1) Aurora; (2) Borealis"),
        (PAIR, "(1) Aurora; (2) Smith and Sons; (3) Borealis"),
        (PAIR, "(1) Aurora; Smith and Sons"),
        (PAIR, "(1) Aurora; 2) Smith and Sons"),
        (PAIR, "1. Aurora\n2) Smith and Sons"),
        (PAIR, "2. Aurora; 1. Smith and Sons"),
        (PAIR, "2. Aurora\n1. Smith and Sons"),
        (PAIR, "1. Aurora; 1. Smith and Sons"),
        (PAIR, "2. Aurora; 3. Smith and Sons"),
        (PAIR, "0. Aurora; 1. Smith and Sons"),
        (PAIR, "01. Aurora; 02. Smith and Sons"),
        (PAIR, "1. 1. Aurora; 2. 2. Smith and Sons"),
        (PAIR, "1.Aurora; 2.Smith and Sons"),
        (ONE_TWO, "2; 1"),
        (ONE_TWO, "(1) 5; (2) 7"),
        (ONE_TWO, "1. 2; 2. 1"),
        (ONE_TWO, "1.5; 2.5"),
        (ONE_TWO, "(1) Aurora; (2) Borealis"),
        (ONE_TWO, "3. 1; 4. 2"),
        (ONE_TWO, "3. 1\n2"),
        (ONE_TWO, "1; 2; 3"),
        (FIVES, "1.5; 2.5"),
        (FIVES, "1.5\n2.5"),
        (FIVES, "1 5; 2 5"),
        (FIVES, "2. 5; 1. 5"),
        (FIVES, "1)5; 2)5"),
        (LIST, "1. 4700; 2. 5; 3. 2024-03-01"),
        (SequenceValue(items=(FIVE,)), "1. 5"),
        (FIVE, "1. 5"),
        (LIST, "4700; 5; 2024-03-01"),
        (LIST, "5; 4700"),
    ],
)
def test_an_answer_that_states_something_else_is_wrong(gold: Value, text: str) -> None:
    assert not answers(gold, text)


@pytest.mark.parametrize(
    ("gold", "served", "verdict"),
    [
        (FIVE, 5, True),
        (FIVE, 5.0, True),
        (FIVE, 5 + 1e-13, True),
        (FIVE, 15, False),
        (FIVE, "5", False),
        (FIVE, True, False),
        (NumberValue(value=1), True, False),
        (NumberValue(value=0), False, False),
        (NumberValue(value=0), -0.0, True),
        (FIVE, float("nan"), False),
        (FIVE, float("inf"), False),
        (FIVE, 10**400, False),
        (NumberValue(value=10**400), 10**400, True),
        (NumberValue(value=10**15), 10**15 + 1, False),
        (NumberValue(value=0.1 + 0.2), 0.3, True),
        (FIVE, None, False),
        (FIVE, [5], False),
        (BooleanValue(value=True), True, True),
        (BooleanValue(value=True), 1, False),
        (BooleanValue(value=False), 0, False),
        (BooleanValue(value=False), None, False),
        (DAY, "2024-03-01", True),
        (DAY, "built on 2024-03-01", False),
        (DAY, "2024-03-01 2024-03-01", False),
        (AURORA, "AURORA", True),
        (AURORA, {"name": "Aurora"}, False),
        (TextValue(value="SH1"), "SH1", True),
        (TextValue(value="SH1"), "SH10", False),
        (TextValue(value="1"), 1, False),
        (PAIR, ["Smith and Sons", "Aurora"], True),
        (PAIR, ["Aurora"], False),
        (PAIR, "Aurora; Smith and Sons", False),
        (LIST, [5, 4700, "2024-03-01"], True),
        (LIST, [4700, 5, "2024-03-01"], False),
    ],
)
def test_a_served_value_is_the_gold_or_not(gold: Value, served: Any, verdict: bool) -> None:  # noqa: FBT001 - a table
    assert same(gold, served) is verdict


def test_items_of_a_set_are_paired_in_the_best_way() -> None:
    near = SetValue(items=(NumberValue(value=5, tolerance=2), NumberValue(value=7, tolerance=2)))
    assert answers(near, "6.5; 4")
    assert same(near, [6.5, 4])
    assert not same(near, [4, 4.5])


NUMBERS = st.builds(
    NumberValue,
    value=st.integers(-(10**18), 10**18) | st.floats(-1e15, 1e15, allow_subnormal=False),
    unit=st.sampled_from([None, *units.FACTORS, *units.WITHOUT_CONVERSION]),
)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12).filter(
    reading.fold
)
PLAIN = st.one_of(
    NUMBERS,
    st.dates().map(lambda date: DateValue(value=date.isoformat())),
    st.lists(WORDS, min_size=1, max_size=3).map(" ".join).map(lambda text: NameValue(value=text)),
    WORDS.map(lambda text: TextValue(value=text)),
    st.sampled_from(["in_port", "left"]).map(lambda text: EnumValue(value=text)),
    st.booleans().map(lambda value: BooleanValue(value=value)),
)
VALUES = PLAIN | st.lists(PLAIN, min_size=1, max_size=4).flatmap(
    lambda items: st.sampled_from([SetValue(items=tuple(items)), SequenceValue(items=tuple(items))])
)


@given(VALUES)
def test_what_is_displayed_answers_and_what_is_plain_is_the_same(gold: Value) -> None:
    assert answers(gold, display(gold))
    assert same(gold, plain(gold))
    assert VALUE.validate_json(VALUE.dump_json(gold, exclude_defaults=True)) == gold


@given(VALUES, st.text() | st.lists(st.sampled_from([*"0159,.-e ;\n[]yesno", "2024-03-01", "$"])).map("".join))
def test_no_text_breaks_a_comparison(gold: Value, text: str) -> None:
    assert answers(gold, text) in (True, False)
    assert same(gold, text) in (True, False)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_leaves_are_the_scalars_in_reading_order(value: Any) -> None:
    def walk(item: Any) -> list[Any]:
        if isinstance(item, dict | list):
            parts = item.values() if isinstance(item, dict) else item
            return [leaf for part in parts for leaf in walk(part)]
        return [item]

    assert leaves(value) == walk(value)


HOSTILE = [
    ("", "1", ""),
    ("", "1,", ""),
    ("", "1,111", ""),
    ("", "1.1e", ""),
    ("", "1 ", ""),
    ("", " ", "5"),
    ("5", " ", "x"),
    ("5", " sq", ""),
    ("", "1 march ", ""),
    ("", "[", ""),
    ("", "; ", ""),
    ("", "\n", ""),
    ("", "1. a; ", ""),
    ("(1) a", "\n(2) ", ""),
    ("", "a, and ", ""),
    ("a", "\u0315\u0300", ""),
    ("", "answer:", ""),
    ("answer", "*", ""),
    ("", "*", "x"),
]


@pytest.mark.parametrize(("start", "piece", "end"), HOSTILE)
def test_a_megabyte_is_refused_quickly(start: str, piece: str, end: str) -> None:
    long, short = (start + piece * (size // len(piece)) + end for size in (10**6, MAX_TEXT - 8))
    began = time.perf_counter()
    parse_act(long)
    for gold in (FIVE, LENGTH, DAY, AURORA, PAIR, LIST, BooleanValue(value=True), TextValue(value="y")):
        assert not answers(gold, long)
        assert not same(gold, long)
        assert not same(gold, short)
        assert answers(gold, short) in (True, False)
    assert time.perf_counter() - began < 3


@pytest.mark.parametrize(
    "data",
    [
        {"kind": "number", "value": math.nan},
        {"kind": "number", "value": math.inf},
        {"kind": "number", "value": "five"},
        {"kind": "number", "value": 5, "tolerance": -1},
        {"kind": "date", "value": "2024-02-30"},
        {"kind": "date", "value": "1 March 2024"},
        {"kind": "date", "value": "2024-3-1"},
        {"kind": "date", "value": "２０２４-03-01"},  # noqa: RUF001 - digits of another script
        {"kind": "name", "value": ""},
        {"kind": "name", "value": " * "},
        {"kind": "name", "value": "Aurora", "aliases": ["?"]},
        {"kind": "text", "value": "..."},
        {"kind": "text", "value": "x" * (MAX_TEXT + 1)},
        {"kind": "enum", "value": ""},
        {"kind": "set", "items": []},
        {"kind": "sequence", "items": [{"kind": "number", "value": 1}] * 201},
        {"kind": "colour", "value": "red"},
        {"value": 5},
        {"kind": "number", "value": 5, "units": "m"},
    ],
)
def test_a_gold_nobody_could_state_is_refused(data: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        VALUE.validate_python(data)


def test_display_uses_json_where_an_item_has_a_separator() -> None:
    assert display(SetValue(items=(NameValue(value="Oslo, Norway"), FIVE))) == '["Oslo, Norway", "5"]'
    assert display(LIST) == "5; 4700 USD; 2024-03-01"


@pytest.mark.parametrize(
    ("value", "source", "target", "converted"),
    [
        (2.5, "kg", "g", 2500),
        (1, "mi", "m", 1609.344),
        (812.5, "mm", "m", 0.8125),
        (2.4, "ha", "m2", 24_000),
        (90, "min", "h", 1.5),
        (5, "kg", "kg", 5),
        (5, "kg", "m", None),
        (5, "USD", "percent", None),
        (5, units.OTHER, "kg", None),
    ],
)
def test_units_convert_within_their_dimension(value: float, source: str, target: str, converted: float | None) -> None:
    assert units.convert(value, source, target) == converted


def test_every_unit_is_spelled_by_itself_and_every_spelling_once() -> None:
    for unit in (*units.FACTORS, *units.WITHOUT_CONVERSION):
        assert units.spelled(unit) == unit
        assert unit not in units.partners(unit)
    assert units.spelled("other") is None
    assert units.spelled("ships") is None
    assert units.partners("kg") == ("g", "t")
    assert units.partners("USD") == ()
