import json
import math
import time
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tool_gym import jsonio

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
)
fragments = st.sampled_from(
    [
        *'{}[]:,"\\ \n-+.eE0123456789',
        "null",
        "true",
        "NaN",
        "Infinity",
        "-Infinity",
        "1e400",
        "-0",
        "9223372036854775807",
        "18446744073709551616",
        "1" * 19,
        "1" * 40,
        "0." + "3" * 30,
        '"\\ud800"',
        '"\\ud83d\\ude00"',
        "\ud800",
        "\ufeff",
        "\x00",
        "\u2028",
        "٣" * 19,
        '"a":',
        "[" * 62,
        "]" * 62,
        "1" * 5000,
    ]
)
nearly_json = st.lists(fragments | st.text(max_size=3), max_size=14).map("".join) | values.map(json.dumps)


@given(nearly_json)
@example("[18446744073709551616,-9223372036854775809]")
@example('{"a":NaN,"b":-Infinity,"c":"\\ud800"}')
@example('{"a":1,"b":2,"a":3}')
@example("1e400")
@example("-0")
def test_loads_means_what_json_means(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(jsonio.PlainJsonError):
            jsonio.loads(text)
    else:
        assert repr(jsonio.loads(text)) == repr(expected)


@given(nearly_json)
def test_the_shortcut_of_loads_plain_gives_what_the_long_way_gives(text: str) -> None:
    assert outcome(jsonio.loads_plain, text) == outcome(the_long_way, text)


@pytest.mark.parametrize("depth", [61, 62, 63, 64, 65, 66, 300])
@pytest.mark.parametrize("padding", [0, 200, jsonio.MAX_NODES])
@pytest.mark.parametrize("leaf", ["", "1"])
def test_depth_is_judged_alike_on_every_way(depth: int, padding: int, leaf: str) -> None:
    text = "[" * depth + leaf + " " * padding + "]" * depth
    levels = depth + len(leaf)
    if levels <= jsonio.MAX_DEPTH:
        assert jsonio.loads_plain(text) == json.loads(text)
    else:
        assert outcome(jsonio.loads_plain, text) == "too_deep"


def the_long_way(text: str) -> Any:
    value = jsonio.loads(text)
    jsonio.check_plain(value)
    return value


def outcome(parse: Any, text: str) -> str:
    try:
        return repr(parse(text))
    except jsonio.PlainJsonError as error:
        return error.problem


@given(values)
def test_plain_values_survive_dumps_and_loads(value: Any) -> None:
    jsonio.check_plain(value)
    assert repr(jsonio.loads(jsonio.dumps(value))) == repr(value)
    assert repr(jsonio.loads_plain(jsonio.dumps(value))) == repr(value)


@given(st.integers(), st.integers())
def test_integers_of_any_size_survive(first: int, second: int) -> None:
    value = {"b": first * 10**25, "a": second}
    assert jsonio.loads(jsonio.dumps(value)) == value
    assert jsonio.loads(jsonio.dumps(value, sort_keys=True)) == value


@given(st.dictionaries(st.text(max_size=4), leaves, max_size=5))
def test_sorted_text_does_not_depend_on_the_order_of_keys(value: dict[str, Any]) -> None:
    backwards = dict(reversed(value.items()))
    assert jsonio.dumps(value, sort_keys=True) == jsonio.dumps(backwards, sort_keys=True)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (math.nan, "non_finite"),
        ([math.inf], "non_finite"),
        ({"a": 2**64}, "int_range"),
        (-(2**63) - 1, "int_range"),
        ("\ud800", "lone_surrogate"),
        ({"\udfff": 1}, "lone_surrogate"),
        ([0] * jsonio.MAX_NODES, "too_many_nodes"),
        ([[0] * 200 for _ in range(200)], "too_many_nodes"),
        ({1: 2}, "not_json"),
        ((1,), "not_json"),
        ({"a": {1}}, "not_json"),
        (object(), "not_json"),
        (b"x", "not_json"),
    ],
)
def test_what_is_not_plain_is_named(value: Any, problem: str) -> None:
    with pytest.raises(jsonio.PlainJsonError) as caught:
        jsonio.check_plain(value)
    assert caught.value.problem == problem


def test_values_that_hold_themselves_are_too_deep() -> None:
    value: list[Any] = []
    value.append(value)
    for check in (jsonio.check_plain, jsonio.dumps):
        with pytest.raises(jsonio.PlainJsonError):
            check(value)


def test_shared_values_cannot_blow_the_count_up() -> None:
    value: list[Any] = [0] * 1000
    for _ in range(20):
        value = [value] * 1000
    with pytest.raises(jsonio.PlainJsonError, match="more than"):
        jsonio.check_plain(value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "bad_json"),
        ("[" * 100_000, "too_deep"),
        ('{"a":' * 10_000, "too_deep"),
        ("9" * 10_000, "int_range"),
        ("99999999999999999999", "int_range"),
        ("1e999", "non_finite"),
        ("[NaN]", "non_finite"),
        ('"\\udc00"', "lone_surrogate"),
        ("[" + "0," * 30_000 + "0]", "too_many_nodes"),
        ("\ufeff{}", "bad_json"),
        ("{'a': 1}", "bad_json"),
    ],
)
def test_hostile_texts_are_refused_by_name(text: str, problem: str) -> None:
    assert outcome(jsonio.loads_plain, text) == problem


def test_huge_texts_take_no_time_to_speak_of() -> None:
    started = time.perf_counter()
    for text in ("[" * 50_000_000, "1" * 50_000_000, '"' + "a" * 50_000_000):
        with pytest.raises(jsonio.PlainJsonError):
            jsonio.loads_plain(text)
    assert time.perf_counter() - started < 10


def test_dumps_refuses_what_is_no_data() -> None:
    for value in (object(), {"a": {1, 2}}, [2**70, math.nan]):
        with pytest.raises(jsonio.PlainJsonError):
            jsonio.dumps(value)


def test_lone_surrogates_become_question_marks() -> None:
    assert jsonio.clean_text("a\ud800é") == "a?é"
    assert json.loads(jsonio.dumps({"a": "\ud800"})) == {"a": "?"}
