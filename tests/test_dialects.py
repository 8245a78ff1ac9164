"""Every dialect reads back what it writes, counts every broken call, and leaves thoughts alone."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialogue import (
    CALL,
    GET,
    HERMES,
    OPENAI,
    SPOKEN,
    STRUCTURED,
    TOOL,
    check,
    function,
    message,
    plainly_named,
    problems,
    same,
    turns,
)
from tool_gym.dialects import DIALECTS, MAX_TURN_CHARS, get_dialect
from tool_gym.errors import UnknownNameError
from tool_gym.messages import Conversation
from tool_gym.trajectory import Step
from tool_gym.turns import ActKind, BrokenCall, Outcome, ToolCall, ToolResult, Turn

NAMED = GET._replace(id="call_1")

# Round trips


@given(plainly_named)
def test_every_dialect_reads_back_what_it_writes(turn: Turn) -> None:
    for dialect in SPOKEN:
        assert same(dialect.parse(dialect.write(turn)), turn), dialect.name


@given(turns)
def test_a_tool_may_have_any_name(turn: Turn) -> None:
    for dialect in SPOKEN:
        if dialect.name != "pythonic":  # where a tool is named as Python names a function
            assert same(dialect.parse(dialect.write(turn)), turn), dialect.name


@given(plainly_named, st.text(min_size=1, max_size=9))
def test_ids_are_read_back_where_they_have_a_place(turn: Turn, call_id: str) -> None:
    named = turn._replace(calls=tuple(call._replace(id=call_id) for call in turn.calls if isinstance(call, ToolCall)))
    for dialect in SPOKEN:
        read = dialect.parse(dialect.write(named))
        assert same(read, named if dialect.name in ("openai", "mistral") else turn)
    assert same(OPENAI.parse(json.loads(OPENAI.write(named))), named)


def test_a_lazy_conversation_is_rendered_like_its_messages() -> None:
    calls, results = (GET, BrokenCall("bad_json", "…", "[RAW")), (ToolResult(Outcome.OK, 7),) * 2
    steps = [Step(Turn("Wait.", calls, "why"), results), Step(Turn("Answer: 7"))]
    for system in ("", "Be brief."):
        conversation = Conversation("Where is A-1?", steps, system=system)
        for dialect in DIALECTS.values():
            prompt = dialect.render(conversation, [TOOL])
            assert prompt == dialect.render(list(conversation), [TOOL])
            for shown in (system, "Get a row.", "Where is A-1?", "why", "Wait.", "A-1", "[RAW", "7", "Answer: 7"):
                assert shown in prompt


@given(turns)
def test_structured_turns_pass_as_they_are(turn: Turn) -> None:
    assert STRUCTURED.parse(STRUCTURED.write(turn)) is turn
    as_dict = {"text": turn.text, "calls": [call._asdict() for call in turn.calls], "reasoning": turn.reasoning}
    assert STRUCTURED.parse(as_dict) == turn


@pytest.mark.parametrize("name", DIALECTS)
def test_broken_calls_can_be_spoken_too(name: str) -> None:
    turn = Turn("", (BrokenCall("bad_json", "…", '{"name": '), GET))
    dialect = DIALECTS[name]
    read = dialect.parse(dialect.write(turn))
    assert [type(call) for call in read.calls] == [BrokenCall, ToolCall]


def test_an_unknown_dialect_is_named_with_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'hermes'"):
        get_dialect("hermse")
    for name, dialect in DIALECTS.items():
        assert get_dialect(name) is dialect
        assert dialect.name == name


# Hermes: what is a call, what is text, what is thinking


@pytest.mark.parametrize(
    ("action", "text", "made", "reasoning"),
    [
        ("Answer: 4", "Answer: 4", (), ""),
        (CALL, "", (GET,), ""),
        (f"  Let me look.\n{CALL}\n", "Let me look.", (GET,), ""),
        (f"{CALL}\n{CALL}", "", (GET, GET), ""),
        (f"a{CALL}b{CALL}c", "a\nb\nc", (GET, GET), ""),
        ('<tool_call>{"name":"get","arguments":"{\\"id\\": \\"A-1\\"}"}</tool_call>', "", (GET,), ""),
        (CALL.replace("A-1", "<tool_call>"), "", (ToolCall("get", {"id": "<tool_call>"}),), ""),
        ("the tool_box is <tool_less>", "the tool_box is <tool_less>", (), ""),
        (f"<think>maybe {CALL}</think>Answer: 4", "Answer: 4", (), f"maybe {CALL}"),
        (f"<think>first</think>\n{CALL}<think>then</think>", "", (GET,), "first\nthen"),
        (f"<think>never closed {CALL}", "", (), f"never closed {CALL}"),
        (f"opened by the template {CALL}</think>Answer: 4", "Answer: 4", (), f"opened by the template {CALL}"),
        (f"<think>a</think>{CALL}</think>Answer: 4", "Answer: 4", (), f"a\n{CALL}"),
        (f"<think>a<think>b</think>{CALL}", "", (GET,), "a<think>b"),
        ("<think>\n\n</think>\n\nAnswer: 4", "Answer: 4", (), ""),
        ("Answer: 4<|im_end|>\n<|endoftext|>", "Answer: 4", (), ""),
        (f"{CALL}<|im_end|>", "", (GET,), ""),
    ],
)  # fmt: skip
def test_hermes_turns(action: str, text: str, made: tuple[ToolCall, ...], reasoning: str) -> None:
    assert HERMES.parse(action) == Turn(text, made, reasoning, action)


@pytest.mark.parametrize(
    ("payload", "problem"),
    [
        ("{'name': 'get'}", "bad_json"),
        ("", "bad_json"),
        ('{"name": "get", "arguments": {"id": "A-1"}', "bad_json"),
        ('{"name": "get", "arguments": {}} and more', "bad_json"),
        ('{"name": "get", "arguments": {"a": </tool_call>', "bad_json"),
        ('[{"name": "get", "arguments": {}}]', "not_object"),
        ('"get"', "not_object"),
        ("null", "not_object"),
        ('{"arguments": {}}', "no_name"),
        ('{"name": "", "arguments": {}}', "no_name"),
        ('{"name": 3, "arguments": {}}', "no_name"),
        ('{"name": "get"}', "bad_arguments"),
        ('{"name": "get", "arguments": []}', "bad_arguments"),
        ('{"name": "get", "arguments": null}', "bad_arguments"),
        ('{"name": "get", "arguments": "[1]"}', "bad_arguments"),
        ('{"name": "get", "arguments": "{"}', "bad_json"),
        ('{"name": "get", "arguments": {"a": NaN}}', "non_finite"),
        ('{"name": "get", "arguments": {"a": 1e400}}', "non_finite"),
        ('{"name": "get", "arguments": "{\\"a\\": -Infinity}"}', "non_finite"),
        ('{"name": "get", "arguments": {"a": "\\ud800"}}', "lone_surrogate"),
        ('{"name": "get", "arguments": {"a": "\ud800"}}', "lone_surrogate"),
        ('{"name": "get", "arguments": {"a": 18446744073709551616}}', "int_range"),
        ('{"name": "get", "arguments": {"a": ' + "9" * 5000 + "}}", "int_range"),
        ('{"name": "get", "arguments": {"a": ' + "[" * 70 + "]" * 70 + "}}", "too_deep"),
        ('{"name": "get", "arguments": {"a": ' + "[" * 10_000 + "]" * 10_000 + "}}", "too_deep"),
        ('{"name": "get", "arguments": {"a": [' + "0," * 25_000 + "0]}}", "too_many_nodes"),
    ],
)
def test_hermes_names_what_is_wrong_with_a_call(payload: str, problem: str) -> None:
    turn = HERMES.parse(f"<tool_call>{payload}</tool_call>")
    check(turn)
    assert problems(turn)[0] == problem
    call = turn.calls[0]
    assert isinstance(call, BrokenCall)
    assert call.raw == payload.partition("</tool_call>")[0][:500]


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ('<tool_call>{"name": "get", "arguments": {}}', ["unclosed"]),
        (f"<tool_call>\n{CALL}", ["unclosed", "get"]),
        (f'<tool_call>{{"name": {CALL}', ["unclosed", "get"]),
        (f"{CALL}<tool_call>", ["get", "unclosed"]),
        ("Answer: 4</tool_call>", ["stray_close"]),
        (f"{CALL}\n</tool_call>\n{CALL}", ["get", "stray_close", "get"]),
        ("<tool_response>{}</tool_response>\nAnswer: 4", ["invented_result"]),
        (f"{CALL}\n<tool_response>\n7\n</tool_response>\nAnswer: 7", ["get", "invented_result"]),
        ("<tool_response>7", ["invented_result"]),
        ("<tool_call></tool_call>" * 3, ["bad_json"] * 3),
        (CALL * 64, ["get"] * 64),
        (CALL * 65, [*["get"] * 64, "too_many_calls"]),
        (CALL * 500, [*["get"] * 64, "too_many_calls"]),
        ("</tool_call>" * 500, [*["stray_close"] * 64, "too_many_calls"]),
        ("<tool_response>" * 500, ["invented_result"]),
        ("<tool_call>" * 5000, [*["unclosed"] * 64, "too_many_calls"]),
        ("x" * MAX_TURN_CHARS, []),
        ("x" * (MAX_TURN_CHARS + 1), ["too_large"]),
    ],
)
def test_hermes_counts_every_attempt(action: str, expected: list[str]) -> None:
    turn = HERMES.parse(action)
    check(turn)
    assert [call.problem if isinstance(call, BrokenCall) else call.name for call in turn.calls] == expected


BARE = '{"name": "get", "arguments": {"id": "A-1"}}'


@pytest.mark.parametrize(
    ("action", "text"),
    [
        (BARE, ""),
        ('{\n  "arguments": {},\n  "name": "tool_list"\n}', ""),
        (f"```json\n{BARE}\n```", ""),
        (f"```\n{BARE}\n```", ""),
        (f"I look it up: {BARE} Then we see.", "I look it up:\nThen we see."),
        (f"I look it up.\n```json\n{BARE}\n```\nThen we see.", "I look it up.\nThen we see."),
        (f"Set {{a}}, {{}} and {{'b'}}: {BARE}", "Set {a}, {} and {'b'}:"),
        (f'{{"id": 4}} {BARE}', '{"id": 4}'),
        (f'{{"id": {BARE}', '{"id":'),
        (f"[{BARE}]", "[\n]"),
        (f"<think>which?</think>\n{BARE}", ""),
        (f"Answer: {BARE}", "Answer:"),
        ('{"type": "function", "name": "get", "arguments": "{}"}', ""),
        ('{"name": "get", "arguments": {"a": NaN, "b": ' + "9" * 5000 + "}}", ""),
        ('{"name": "get", "arguments": {"a": "two\nlines"}}', ""),
        ('{"name": "get", "arguments": {"a": "\ud800"}}', ""),
    ],
)
def test_a_call_without_tags_is_broken_and_never_executed(action: str, text: str) -> None:
    turn = HERMES.parse(action)
    check(turn)
    assert problems(turn) == ["untagged"]
    assert len(turn.calls) == 1
    assert turn.text == text
    assert turn.act is None
    assert isinstance(turn.calls[0], BrokenCall)
    assert "<tool_call>{" in turn.calls[0].message
    assert turn.calls[0].raw[0] == "{"


@pytest.mark.parametrize(
    "text",
    [
        'Answer: ["name", "arguments"]',
        'Answer: [{"name": "Aurora"}, {"arguments": 3}]',
        'Answer: {"name": "Aurora", "length": 182.5}',
        'Answer: the "arguments" of "name"',
        'Answer: {"name": "Aurora", "note": "no \\"arguments\\" here"}',
        'Answer: {name: "get", "arguments": {}}',
        'Ask: which "arguments"?',
        '{"arguments": {}}',
        "[" * 5000 + '"arguments"',
        '{"a": ' * 5000 + '"arguments"',
    ],
)
def test_an_answer_with_json_stays_an_answer(text: str) -> None:
    assert HERMES.parse(text) == Turn(text, (), "", text)


def test_an_untagged_call_in_a_thought_or_beside_a_call_is_text() -> None:
    assert HERMES.parse(f"<think>{BARE}</think>Answer: 4") == Turn(
        "Answer: 4", (), BARE, f"<think>{BARE}</think>Answer: 4"
    )
    assert HERMES.parse(f"{BARE}\n{CALL}").calls == (GET,)
    assert problems(HERMES.parse(f"{BARE}\n</tool_call>")) == ["stray_close"]
    assert problems(HERMES.parse(f"<tool_call>{BARE}")) == ["unclosed"]


def test_text_beside_broken_calls_stays_visible() -> None:
    assert HERMES.parse("Answer: 4 <tool_response>x</tool_response> done").text == "Answer: 4\ndone"
    assert HERMES.parse("Look.<tool_call>{</tool_call>").text == "Look."


# OpenAI


@pytest.mark.parametrize(
    ("action", "text", "made", "reasoning"),
    [
        ("Answer: 4", "Answer: 4", (), ""),
        ('{"answer": 4}', '{"answer": 4}', (), ""),
        ("{not json", "{not json", (), ""),
        ("{Oslo; Bergen}", "{Oslo; Bergen}", (), ""),
        ('{the "role" of "arguments" here}', '{the "role" of "arguments" here}', (), ""),
        ('{"name": "Aurora", "length": }', '{"name": "Aurora", "length": }', (), ""),
        ('Answer: {"role": "master"', 'Answer: {"role": "master"', (), ""),
        (message(content="Answer: 4"), "Answer: 4", (), ""),
        (message(content=[{"type": "text", "text": "Answer:"}, {"type": "text", "text": "4"}]), "Answer:\n4", (), ""),
        (message(content="<think>hm</think>Answer: 4", reasoning="well"), "Answer: 4", (), "well\nhm"),
        (message(tool_calls=[function("get", '{"id": "A-1"}')]), "", (NAMED,), ""),
        ("<think>hm</think>" + message(content="4", reasoning="well"), "4", (), "hm\nwell"),
        ("<think>hm</think>" + message(tool_calls=[function("get", '{"id": "A-1"}')]), "", (NAMED,), "hm"),
        ("<think>" + message(tool_calls=[function("get", "")]), "", (), message(tool_calls=[function("get", "")])),
        (message(tool_calls=[function("get", {"id": "A-1"})]), "", (NAMED,), ""),
        (message(tool_calls=[function("get", "")]), "", (ToolCall("get", {}, "call_1"),), ""),
        (message(tool_calls=[], content="Answer: 4"), "Answer: 4", (), ""),
        (message(tool_calls=None, content="Answer: 4"), "Answer: 4", (), ""),
        (message(function_call={"name": "get", "arguments": '{"id": "A-1"}'}), "", (GET,), ""),
        (message(reasoning_content="why", content="x"), "x", (), "why"),
        (message(content=CALL), CALL, (), ""),
    ],
)
def test_openai_messages(action: str, text: str, made: tuple[ToolCall, ...], reasoning: str) -> None:
    assert OPENAI.parse(action) == Turn(text, made, reasoning, action)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ('{"role": "assistant", "tool_calls": [{"id": ', ["bad_json"]),
        (' {"role": "assistant", "content": "Answer: 4"', ["bad_json"]),
        ("{'role': 'assistant', 'content': 'Answer: 4'}", ["bad_json"]),
        ('{"name": "get", "arguments": {"id": "A-1"', ["bad_json"]),
        ('{"tool_calls" : [}', ["bad_json"]),
        ('{"role"', ["bad_json"]),
        ('{"content": "a\nb", "role": "assistant"}', ["bad_json"]),
        (message(role="tool", content="7"), ["invented_result"]),
        (message(role="user", content="7"), ["wrong_role"]),
        (message(role={}, content="7"), ["wrong_role"]),
        (message(tool_calls={}), ["not_object"]),
        (message(tool_calls=[3, None, {}, {"function": []}]), ["not_object"] * 4),
        (message(tool_calls=[function("", {})]), ["no_name"]),
        (message(tool_calls=[function(None, {})]), ["no_name"]),
        (message(tool_calls=[function("get", [])]), ["bad_arguments"]),
        (message(tool_calls=[function("get", "[]")]), ["bad_arguments"]),
        (message(tool_calls=[function("get", "{")]), ["bad_json"]),
        (message(tool_calls=[function("get", '{"a": NaN}')]), ["non_finite"]),
        (message(tool_calls=[function("get", {"a": math.nan})]), ["non_finite"]),
        (message(tool_calls=[function("get", {"a": "\ud800"})]), ["lone_surrogate"]),
        (message(function_call="get"), ["not_object"]),
        (message(tool_calls=[function("get", {})] * 80), ["too_many_calls"]),
        (message(content="x" * 70_000), ["too_large"]),
    ],
)
def test_openai_names_what_is_wrong(action: str, expected: list[str]) -> None:
    for given_ in [action] if expected == ["bad_json"] and "call_1" not in action else [action, json.loads(action)]:
        turn = OPENAI.parse(given_)
        check(turn)
        assert problems(turn) == expected


# Structured


class Unfriendly:
    """Fails at whatever is asked of it."""

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        (None, ["not_object"]),
        (3, ["not_object"]),
        ([], ["not_object"]),
        (object(), ["not_object"]),
        ({"call": []}, ["not_object"]),
        ({"text": 3}, ["not_object"]),
        ({"calls": {}}, ["not_object"]),
        ({"calls": [3, {"name": "x"}]}, ["not_object", "bad_arguments"]),
        ({"calls": [GET]}, ["not_json"]),
        ({1: 2}, ["not_json"]),
        ({"text": "\ud800"}, ["lone_surrogate"]),
        ({"calls": [{"name": "x", "arguments": {}}] * 65}, ["too_many_calls"]),
        ("x" * (MAX_TURN_CHARS + 1), ["too_large"]),
        (Turn("x" * (MAX_TURN_CHARS + 1)), ["too_large"]),
        (Turn(3), ["not_object"]),  # type: ignore[arg-type]  # unsound on purpose
        (Turn("", [GET]), ["not_object"]),  # type: ignore[arg-type]  # unsound on purpose
        (Turn("", (3,)), ["not_object"]),  # type: ignore[arg-type]  # unsound on purpose
        (Turn("", (ToolCall(3, {}),)), ["no_name"]),  # type: ignore[arg-type]  # unsound on purpose
        (Turn("", (ToolCall("", {}),)), ["no_name"]),
        (Turn("", (ToolCall("x", []),)), ["bad_arguments"]),  # type: ignore[arg-type]  # unsound on purpose
        (Turn("", (ToolCall("x", {"a": math.inf}),)), ["non_finite"]),
        (Turn("", (ToolCall("x", {"a": {1}}),)), ["not_json"]),
        (Turn("", (BrokenCall("bad_json", "m" * 900, "r" * 900),)), ["bad_json"]),
        (Turn("", (BrokenCall(1, 2, 3),)), ["not_object"]),  # type: ignore[arg-type]  # unsound on purpose
        (Turn("", (GET,) * 65), ["too_many_calls"]),
    ],
)
def test_structured_trusts_nothing(action: Any, expected: list[str]) -> None:
    turn = STRUCTURED.parse(action)
    check(turn)
    assert problems(turn) == expected


@pytest.mark.parametrize("name", DIALECTS)
def test_an_object_that_fails_at_everything_is_a_broken_call(name: str) -> None:
    turn = DIALECTS[name].parse(Unfriendly())
    check(turn)
    assert len(problems(turn)) == 1


def test_structured_text_is_an_act() -> None:
    act = STRUCTURED.parse("Decline: no.").act
    assert act is not None
    assert act.kind is ActKind.DECLINE


class _Odd(str):
    """A text that cannot be hashed, nor stripped."""

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]  # the point of it

    def strip(self, _: Any = None) -> str:
        raise ValueError


@pytest.mark.parametrize("name", DIALECTS)
def test_an_odd_kind_of_text_is_read_as_a_text(name: str) -> None:
    turn = DIALECTS[name].parse(_Odd("Answer: 4"))
    assert turn.text == "Answer: 4"
    assert type(turn.text) is str
