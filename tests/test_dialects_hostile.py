"""No input makes a parser raise, hang, or execute a thought."""

import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialogue import (
    CALL,
    HERMES,
    OPENAI,
    TAGS,
    check,
    function,
    hostile_texts,
    message,
    problems,
    surrogates,
)
from tool_gym.dialects import DIALECTS, MAX_TURN_CHARS
from tool_gym.turns import ToolCall, Turn

KEYS = ["text", "calls", "role", "content", "tool_calls", "function", "name", "arguments"]


@given(hostile_texts)
def test_no_text_makes_a_parser_raise(text: str) -> None:
    for dialect in DIALECTS.values():
        turn = dialect.parse(text)
        check(turn)
        assert dialect.parse(text) == turn


def compounds(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    keys = st.sampled_from(KEYS) | surrogates | st.integers() | st.none()
    return (
        st.lists(inner, max_size=3)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
        | st.builds(Turn, inner, inner, inner, inner)
        | st.builds(ToolCall, inner, inner, inner)
    )


leaves = st.none() | st.integers() | st.floats() | surrogates | st.binary(max_size=4) | st.builds(object)
anything = st.recursive(leaves, compounds, max_leaves=10) | st.dictionaries(
    st.sampled_from(KEYS), st.recursive(leaves, compounds, max_leaves=10)
)


@given(anything)
def test_no_object_makes_a_parser_raise(action: Any) -> None:
    for dialect in DIALECTS.values():
        check(dialect.parse(action))


@given(hostile_texts)
def test_thoughts_are_never_executed(text: str) -> None:
    assert HERMES.parse("<think>" + text.replace("</think>", "")).calls == ()
    assert HERMES.parse(text + "</think>" if "<think>" not in text else "").calls == ()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_mutated_turns_never_raise(seed: int) -> None:
    rng = random.Random(seed)
    seeds = [
        CALL,
        f"<think>which?</think>\n\n{CALL}\n{CALL}",
        "<think>sure</think>Answer: 12; Lyon",
        message(tool_calls=[function("get", '{"id": "A-1", "n": [1, 2.5, null]}')], reasoning_content="why"),
        message(content="Decline: no."),
    ]
    pieces = [*TAGS, *'{}[]",:\\', '\\"', "\\ud800", "\ud800", "\x00", "NaN", "1e999", "9" * 20, "null", "é", "[" * 65]
    for _ in range(60_000):
        text = rng.choice(seeds)
        for _ in range(rng.randrange(1, 8)):
            start = rng.randrange(len(text) + 1)
            end = min(len(text), start + rng.choice((0, 0, 1, 1, 2, 10)))
            text = text[:start] + rng.choice((*pieces, "", "", text[start : start + 30])) + text[end:]
        for dialect in (HERMES, OPENAI):
            check(dialect.parse(text))


@pytest.mark.parametrize("tag", TAGS)
@pytest.mark.parametrize("second", TAGS)
def test_repeated_tags_take_no_time_to_speak_of(tag: str, second: str) -> None:
    text = ((tag + second) * MAX_TURN_CHARS)[:MAX_TURN_CHARS]
    started = time.perf_counter()
    check(HERMES.parse(text))
    assert time.perf_counter() - started < 1


@pytest.mark.parametrize(
    "piece",
    [
        "{",
        '{"',
        '{"a":',
        '{"arguments":',
        '{"a":[',
        '{"name":"f","arguments":',
        '{"a":"b"}',
        '{"a":1,',
        "```",
        "{ ",
        '{"a":1}\n```json ',
    ],
)
@pytest.mark.parametrize("start", ["", '{"a": {"b": [', '"arguments" '])
def test_untagged_calls_are_looked_for_in_no_time_to_speak_of(piece: str, start: str) -> None:
    end = '"arguments":1} '
    text = start + piece * ((MAX_TURN_CHARS - len(start) - len(end)) // len(piece)) + end
    started = time.perf_counter()
    for dialect in (HERMES, OPENAI):
        turn = dialect.parse(text)
        check(turn)
        assert not any(isinstance(call, ToolCall) for call in turn.calls)
    assert time.perf_counter() - started < 1


@given(
    st.lists(
        st.sampled_from(["{", "}", '"name":', '"arguments":', '"f"', ",", "{}", "```json", "\n", " "]) | surrogates
    )
)
def test_no_text_without_tags_is_executed(pieces: list[str]) -> None:
    turn = HERMES.parse("".join(pieces).replace("tool_call>", ""))
    check(turn)
    assert not any(isinstance(call, ToolCall) for call in turn.calls)


def test_a_huge_turn_is_not_scanned() -> None:
    huge = CALL * 700_000
    started = time.perf_counter()
    for dialect in (HERMES, OPENAI):
        turn = dialect.parse(huge)
        check(turn)
        assert problems(turn) == ["too_large"]
        assert turn.raw == huge[:500]
    assert time.perf_counter() - started < 0.1
