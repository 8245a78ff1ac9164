"""No input makes a parser raise, hang, or execute a thought."""

import gc
import math
import random
import time
from collections.abc import Iterator
from itertools import cycle, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialogue import CALL, GET, MARKS, SPOKEN, TAGS, check, hostile_texts, problems, surrogates
from tool_gym.dialects import DIALECTS, MAX_TURN_CHARS, Dialect
from tool_gym.turns import ToolCall, Turn

MARKED = [dialect for dialect in SPOKEN if dialect.name not in ("llama3", "llama3_python", "pythonic")]
"""The dialects in which nothing is a call without a mark."""

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


FUZZED = 1_050_000
"""How many texts the slow stage tries; different ones within each test, more than a million in all."""

PARTS = 3
"""How many tests share those of one dialect."""

PIECES = [
    *TAGS,
    *"{}[]()\",:='\\\n\x00\ud800é",
    *('\\"', "\\ud800", "&#55296;", "&lt;", "NaN", "1e999", "9" * 20, "null", "None", "[" * 65),
    *("```json", "</", "<|", "|>", '"name":', '"arguments":', '"parameters":', '"role"', "get(", ".call(", "name="),
]

SAID = [
    Turn("Decline: no."),
    Turn("Answer: 12; Lyon", (), "sure"),
    Turn("", (GET,)),
    Turn("Wait.", (GET, ToolCall("f", {"n": [1, 2.5, None, True], "o": {"p": "a < b"}, "q": "5"})), "which?"),
    Turn("", (ToolCall("g", {}), GET, GET)),
]


def mutants(dialect: Dialect, part: int, count: int) -> Iterator[str]:
    """Yield `count` different texts: turns of a dialect with a few pieces put in, left out or repeated."""
    rng = random.Random(f"{dialect.name} {part}")
    seeds = [written if isinstance(written := dialect.write(turn), str) else turn.text for turn in SAID]
    seen: set[int] = set()
    while len(seen) < count:
        text = rng.choice(seeds)
        for _ in range(rng.randrange(1, 8)):
            start = rng.randrange(len(text) + 1)
            end = min(len(text), start + rng.choice((0, 0, 1, 1, 2, 10)))
            text = text[:start] + rng.choice((*PIECES, "", "", text[start : start + 30])) + text[end:]
        if hash(text) not in seen:
            seen.add(hash(text))
            yield text


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", DIALECTS)
def test_a_million_mutated_turns_raise_nothing(name: str, part: int) -> None:
    own, others = DIALECTS[name], [dialect for dialect in DIALECTS.values() if dialect.name != name]
    count = math.ceil(FUZZED / len(DIALECTS) / PARTS)
    for text, other in zip(mutants(own, part, count), cycle(others), strict=False):
        check(own.parse(text))
        check(other.parse(text))


def repeated(*pieces: str) -> str:
    """Return the pieces again and again, as long as a turn may be."""
    text = "".join(pieces)
    return (text * (MAX_TURN_CHARS // len(text) + 1))[:MAX_TURN_CHARS]


def is_quick(dialect: Dialect, text: str) -> bool:
    gc.disable()  # a collection goes over all that other tests have left, and may take seconds
    try:
        started = time.process_time()
        check(dialect.parse(text))
        return time.process_time() - started < 1
    finally:
        gc.enable()


@pytest.mark.parametrize("name", DIALECTS)
def test_repeated_marks_take_no_time_to_speak_of(name: str) -> None:
    for mark in [*MARKS[name], "<think>", "</think>", "<|channel|>", " ", "\n", "<", "[", "{", "(", "x"]:
        assert is_quick(DIALECTS[name], repeated(mark)), mark


@pytest.mark.slow
@pytest.mark.parametrize("name", DIALECTS)
def test_repeated_pairs_of_marks_take_no_time_to_speak_of(name: str) -> None:
    own = [*MARKS[name], "<think>", "</think>", "<|channel|>", *' \n<[{(x"']
    for mark, second in product(own, [*own, *TAGS]):
        assert is_quick(DIALECTS[name], repeated(mark, second)), (mark, second)
    for mark, second in product(own, own):
        assert is_quick(DIALECTS[name], (mark + repeated(second))[:MAX_TURN_CHARS]), (mark, second)
        assert is_quick(DIALECTS[name], (repeated(mark) + second)[-MAX_TURN_CHARS:]), (mark, second)


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
    for dialect in SPOKEN:
        assert is_quick(dialect, text), dialect.name
    for dialect in MARKED:
        assert not any(isinstance(call, ToolCall) for call in dialect.parse(text).calls)


@given(
    st.lists(
        st.sampled_from(["{", "}", '"name":', '"arguments":', '"f"', ",", "{}", "```json", "\n", " "]) | surrogates
    )
)
def test_no_text_without_marks_is_executed(pieces: list[str]) -> None:
    for dialect in MARKED:
        turn = dialect.parse("".join(pieces))
        check(turn)
        assert not any(isinstance(call, ToolCall) for call in turn.calls)


def test_a_huge_turn_is_not_scanned() -> None:
    huge = CALL * 700_000
    started = time.perf_counter()
    for dialect in SPOKEN:
        turn = dialect.parse(huge)
        check(turn)
        assert problems(turn) == ["too_large"]
        assert turn.raw == huge[:500]
    assert time.perf_counter() - started < 0.1


class Liar(str):
    """A text whose methods all fail."""

    __slots__ = ()

    def __len__(self) -> int:
        raise RuntimeError

    rstrip = endswith = __contains__ = __len__  # type: ignore[assignment]  # unsound on purpose


def test_a_text_of_another_class_is_read_as_plain_text() -> None:
    for name in ("mistral", "xml"):
        turn = DIALECTS[name].parse(Liar("Answer: 4"))
        assert turn == Turn("Answer: 4", (), "", "Answer: 4")
        assert type(turn.raw) is str
