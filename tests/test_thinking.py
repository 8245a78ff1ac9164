"""Reasoning blocks of every kind are set aside: nothing in them is executed, nothing of them is seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialogue import GET, HERMES, SPOKEN, TAGS, THINKING, hostile_texts, plain_prose, same, surrogates
from tool_gym import jsonio
from tool_gym.dialects import Dialect
from tool_gym.dialects.thinking import _MARK, hide_marks, join_texts, may_think, split_thinking
from tool_gym.turns import ToolCall, Turn

OPENING = [opening for opening, _ in THINKING]
CLOSING = [closing for _, closing in THINKING]

thoughts = st.tuples(hostile_texts, st.booleans()).filter(lambda drawn: not may_think(drawn[0]))
"""Text that may hold calls of any kind, but no mark of a block; and whether a good call stands in it."""


def thought(dialect: Dialect, drawn: tuple[str, bool]) -> str:
    text, calls = drawn
    return f"{text} {dialect.write(Turn('', (GET,)))}" if calls else text


@given(plain_prose, thoughts, plain_prose, st.sampled_from(THINKING))
def test_a_block_of_any_kind_is_neither_executed_nor_seen(
    before: str, drawn: tuple[str, bool], after: str, marks: tuple[str, str]
) -> None:
    opening, closing = marks
    for dialect in SPOKEN:
        turn = dialect.parse(before + opening + thought(dialect, drawn) + closing + after)
        assert turn[:2] == (join_texts([before, after]), ()), dialect.name


@given(plain_prose, thoughts, st.sampled_from(OPENING))
def test_a_block_left_open_reaches_to_the_end(before: str, drawn: tuple[str, bool], opening: str) -> None:
    for dialect in SPOKEN:
        assert dialect.parse(before + opening + thought(dialect, drawn))[:2] == (before, ()), dialect.name


@given(thoughts, plain_prose, st.sampled_from(CLOSING[:-1]))
def test_before_a_mark_that_closes_nothing_all_is_thinking(drawn: tuple[str, bool], after: str, closing: str) -> None:
    for dialect in SPOKEN:
        if dialect.name != "openai":  # where a text that begins as JSON is a message
            turn = dialect.parse(thought(dialect, drawn) + closing + after)
            assert turn[:2] == (after, ()), dialect.name


@given(st.lists(st.sampled_from([*OPENING, *CLOSING]) | st.just("call"), max_size=12))
def test_mixed_kinds_keep_what_stands_in_any_block(pieces: list[str]) -> None:
    visible, inside = 0, False
    for piece in pieces:
        if piece == "call":
            visible += not inside
        elif piece in OPENING:
            inside = True
        elif inside or piece == CLOSING[-1]:
            inside = False
        else:
            visible = 0
    text = "".join(HERMES.write(Turn("", (GET,))) if piece == "call" else piece for piece in pieces)
    assert HERMES.parse(text).calls == (GET,) * visible


@pytest.mark.parametrize(
    ("text", "reasoning", "visible"),
    [
        ("Answer: 4", "", "Answer: 4"),
        ("<think>a</think>b", "a", "b"),
        ("<THINK>a</Think>b", "a", "b"),
        ("<mm:think>a</mm:think>b", "a", "b"),
        ("<thinking>a</think>b", "a", "b"),
        ("<think>a<thinking>b</thinking>c</think>d", "a<thinking>b\nc", "d"),
        ("<think>a</think>b</reasoning>c", "a\nb", "c"),
        ("a<think>b</think>c<thought>d</thought>e", "b\nd", "a\nc\ne"),
        ("[THINK]a[/THINK]b", "a", "b"),
        ("[think]a[/think]b", "", "[think]a[/think]b"),
        ("<|start_thinking|>a", "", "<|start_thinking|>a"),
        ("Decline: <reason> no tool", "", "Decline: <reason> no tool"),
        ("Answer: what I think> is", "", "Answer: what I think> is"),
        ("Answer: I thought of channel|> and <reasoning", "", "Answer: I thought of channel|> and <reasoning"),
        ("<|channel|>final<|message|>Answer: 4", "", "Answer: 4"),
        ("<|channel|>analysis<|message|>a", "a", ""),
        ("<|channel|>analysis to=python code<|message|>a", "a", ""),
        ("<|channel|>commentary<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>b", "", "a\nb"),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>commentary<|message|>b", "a", "b"),
        ("<|channel|>analysis<|message|>a<|end|>", "a<|end|>", ""),
        ("<|channel>thought\na<channel|>b", "a", "b"),
        ("<think>\n\n</think>\n\nb", "", "b"),
        ("", "", ""),
    ],
)
def test_the_marks_of_a_block_are_taken_out(text: str, reasoning: str, visible: str) -> None:
    assert split_thinking(text) == (reasoning, visible)


@given(st.lists(st.sampled_from(TAGS) | surrogates).map("".join))
def test_the_cheap_question_overlooks_nothing(text: str) -> None:
    assert may_think(text) or _MARK.search(text) is None
    assert may_think(text) or split_thinking(text) == ("", text.strip())


@given(st.lists(st.sampled_from(TAGS) | st.text(max_size=3)).map("".join), st.sampled_from(TAGS))
def test_json_with_hidden_marks_is_the_same_json_without_marks(text: str, tag: str) -> None:
    value = {text: [text, tag, {tag: [1, text]}]}
    hidden = hide_marks(jsonio.dumps(value))
    assert jsonio.loads(hidden) == value
    assert _MARK.search(hidden) is None


@given(st.lists(st.sampled_from(TAGS) | st.text(max_size=3)).map("".join), st.sampled_from(THINKING))
def test_arguments_may_hold_any_mark(text: str, marks: tuple[str, str]) -> None:
    turn = Turn("Look.", (ToolCall("get", {"text": marks[1] + text + marks[0], text: marks[0]}),), "why")
    for dialect in SPOKEN:
        assert same(dialect.parse(dialect.write(turn)), turn), dialect.name
