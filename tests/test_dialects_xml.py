"""Calls as tags: three forms, one reader; values without a type that come back as they went."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialogue import GET, MARKS, TAGS, TOOL, check, problems, surrogates, values
from tests.test_prompts import CHAT, RESULTS
from tool_gym import jsonio
from tool_gym.dialects import INSTRUCTIONS, Dialect, get_dialect, tags
from tool_gym.dialects.markup import read_name, read_value, unescape, write_name, write_value
from tool_gym.dialects.thinking import split_thinking
from tool_gym.turns import BrokenCall, ToolCall, Turn

XML, QWEN, GLM = get_dialect("xml"), get_dialect("qwen3_coder"), get_dialect("glm")

INVOKE = '<invoke name="get"><parameter name="id">A-1</parameter></invoke>'
FUNCTION = "<function=get><parameter=id>A-1</parameter></function>"
PAIRS = "<tool_call>get<arg_key>id</arg_key><arg_value>A-1</arg_value></tool_call>"

# Values and names


@given(values)
def test_a_value_is_read_as_it_was_written(value: Any) -> None:
    written = write_value(value)
    assert jsonio.dumps(read_value(written)) == jsonio.dumps(value)
    assert not any(mark in written for name in ("xml", "qwen3_coder", "glm") for mark in MARKS[name])
    assert split_thinking(written) == ("", written.strip())


@given(st.text(max_size=12) | st.sampled_from(TAGS))
def test_a_name_is_read_as_it_was_written(name: str) -> None:
    assert read_name(write_name(name)) == name
    assert not set(write_name(name)) & set("<>\"'{} \n")


entities = st.lists(st.sampled_from(["&", "#", "38", ";", "amp", "lt", "9" * 7, "55296", "\"'[{-1e9"])).map("".join)


@given(surrogates | entities)
def test_any_text_is_a_value_and_a_name(text: str) -> None:
    read_value(text)
    read_name(text)
    assert not any(0xD800 <= ord(char) < 0xE000 for char in unescape(text)) or not text.isascii()


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("A-1", "A-1"),
        ("\n A-1 \n", "A-1"),
        ("", ""),
        ("5", 5),
        ("-0.5", -0.5),
        ("1e3", 1000.0),
        ("007", "007"),
        ("+5", "+5"),
        ("2026-01-31", "2026-01-31"),
        ('"5"', "5"),
        ('"', '"'),
        ('"a" and "b"', '"a" and "b"'),
        ("true", True),
        ("True", True),
        ("none", "none"),
        ("None", None),
        ("null", None),
        ('[1, "a"]', [1, "a"]),
        ("[draft] x", "[draft] x"),
        ("[draft]", "[draft]"),
        ('{"a": {}}', {"a": {}}),
        ("{'a': 1}", "{'a': 1}"),
        ("NaN", "NaN"),
        ("1e400", "1e400"),
        ("9" * 30, "9" * 30),
        ('"\\ud800"', '"\\ud800"'),
        ("[" * 70 + "]" * 70, "[" * 70 + "]" * 70),
        ("a < b && c", "a < b && c"),
        ("AT&amp;T &lt;b&gt; &#39;&quot;&apos;", "AT&T <b> '\"'"),
        ("&amp;lt;", "&lt;"),
        ('"&amp;"', "&amp;"),
        ("&nbsp; &#x41; &#55296; &#1114112;", "&nbsp; &#x41; &#55296; &#1114112;"),
    ],
)
def test_what_is_json_is_read_as_json_and_all_else_as_text(text: str, value: Any) -> None:
    read = read_value(text)
    assert read == value
    assert type(read) is type(value)


# Turns


@pytest.mark.parametrize(
    ("action", "text", "made"),
    [
        ("Answer: 4<|im_end|>", "Answer: 4", ()),
        ("Answer: 4 < 5 > 3", "Answer: 4 < 5 > 3", ()),
        (INVOKE, "", (GET,)),
        (f"Wait.\n<function_calls>\n{INVOKE}\n{INVOKE}\n</function_calls><|im_end|>", "Wait.", (GET, GET)),
        (f"<function_calls>{INVOKE}", "", (GET,)),
        (f"{INVOKE}</function_calls>", "", (GET,)),
        (f"<minimax:tool_call>\n{INVOKE}\n</minimax:tool_call> Then we see.", "Then we see.", (GET,)),
        (f"<function_calls>a{INVOKE}b</function_calls>", "a\nb", (GET,)),
        ("<invoke name='get'>\n<parameter name='id' string='true'>\nA-1\n</parameter>\n</invoke>", "", (GET,)),
        ('<invoke name="list"></invoke>', "", (ToolCall("list", {}),)),
        ('<invoke name="list">' + "\n" * 60_000 + "</invoke>", "", (ToolCall("list", {}),)),
        (INVOKE.replace("A-1", "a < b & c</d>"), "", (ToolCall("get", {"id": "a < b & c</d>"}),)),
        (INVOKE.replace("A-1", '{"a": [1]}'), "", (ToolCall("get", {"id": {"a": [1]}}),)),
        (INVOKE.replace("</invoke>", '<parameter name="id">2</parameter></invoke>'), "", (ToolCall("get", {"id": 2}),)),
        (f"<think>{INVOKE}</think>Answer: 4", "Answer: 4", ()),
        (f"<parameter_x>{FUNCTION}", f"<parameter_x>{FUNCTION}", ()),
    ],
)  # fmt: skip
def test_invoked_calls_are_read(action: str, text: str, made: tuple[ToolCall, ...]) -> None:
    turn = XML.parse(action)
    assert (turn.text, turn.calls, turn.raw) == (text, made, action)


@pytest.mark.parametrize(
    ("action", "text", "made"),
    [
        (FUNCTION, "", (GET,)),
        (f"<tool_call>\n{FUNCTION}\n</tool_call>", "", (GET,)),
        (f"{FUNCTION}\n</tool_call>", "", (GET,)),
        (f"Wait.<tool_call>{FUNCTION}<tool_call>{FUNCTION}", "Wait.", (GET, GET)),
        (f"<seed:tool_call>{FUNCTION}</seed:tool_call>", "", (GET,)),
        (INVOKE, INVOKE, ()),
    ],
)
def test_functions_are_read(action: str, text: str, made: tuple[ToolCall, ...]) -> None:
    assert QWEN.parse(action)[:2] == (text, made)


@pytest.mark.parametrize(
    ("action", "text", "made"),
    [
        (PAIRS, "", (GET,)),
        (f"Wait.\n{PAIRS}\n{PAIRS}<|observation|>", "Wait.", (GET, GET)),
        ("<tool_call>get\n<arg_key> id </arg_key>\n<arg_value>\nA-1\n</arg_value>\n</tool_call>", "", (GET,)),
        ("<tool_call>list</tool_call>", "", (ToolCall("list", {}),)),
        ("Answer: 4<|user|>", "Answer: 4", ()),
    ],
)
def test_pairs_of_keys_and_values_are_read(action: str, text: str, made: tuple[ToolCall, ...]) -> None:
    assert GLM.parse(action)[:2] == (text, made)


LONG = '<parameter name="{}">[' + "0," * 11_000 + "0]</parameter>"
JSON = '{"name": "get", "arguments": {"id": "A-1"}}'


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("<invoke>", ["unclosed"]),
        ("<invoke></invoke>", ["no_name"]),
        ('<invoke name=""></invoke>', ["no_name"]),
        ("<invoke name=get></invoke>", ["no_name"]),
        ('<invoke name="get"', ["unclosed"]),
        (f'<invoke name="get">{INVOKE}', ["unclosed", "get"]),
        (f'{INVOKE}<invoke name="get"><parameter name="id">A-1</parameter>', ["get", "unclosed"]),
        ('<invoke name="get"><parameter name="id">A-1</invoke>', ["unclosed"]),
        ('<invoke name="get"><parameter name="a">1<parameter name="b">2</parameter></invoke>', ["unclosed"]),
        ('<invoke name="get">{"id": "A-1"}</invoke>', ["bad_arguments"]),
        ('<invoke name="get"><parameter name="id">A-1</parameter> please</invoke>', ["bad_arguments"]),
        ('<invoke name="get"><id>A-1</id></invoke>', ["bad_arguments"]),
        (INVOKE.replace("A-1", "\ud800"), ["lone_surrogate"]),
        (INVOKE.replace("id", "\ud800"), ["lone_surrogate"]),
        (INVOKE.replace("A-1", "[" * 63 + "]" * 63), ["too_deep"]),
        (f'<invoke name="f">{LONG.format("a")}{LONG.format("b")}</invoke>', ["too_many_nodes"]),
        ("<function_calls></function_calls>Answer: 4", ["untagged"]),
        (f"<function_calls>{JSON}</function_calls>", ["untagged"]),
        (f"<function_calls>I call {JSON}", ["unclosed"]),
        (f"<function_calls><function_calls>{INVOKE}</function_calls>", ["unclosed", "get"]),
        (f"<tool_call>{JSON}</tool_call>", ["untagged"]),
        (JSON, ["untagged"]),
        ("Answer: 4</function_calls>", ["stray_close"]),
        ("Answer: 4</invoke>", ["stray_close"]),
        (f"{INVOKE}</invoke>", ["get", "stray_close"]),
        ("<function_results>7</function_results>Answer: 7", ["invented_result"]),
        (f"{INVOKE}<tool_response>7", ["get", "invented_result"]),
        (INVOKE * 64, ["get"] * 64),
        (f"<function_calls>{INVOKE * 64}</function_calls> Then we see.", ["get"] * 64),
        (INVOKE * 65, [*["get"] * 64, "too_many_calls"]),
        ("</invoke>" * 500, [*["stray_close"] * 64, "too_many_calls"]),
        ("<invoke>" * 5000, [*["unclosed"] * 64, "too_many_calls"]),
        ("x" * 70_000, ["too_large"]),
    ],
)
def test_every_attempt_counts(action: str, expected: list[str]) -> None:
    turn = XML.parse(action)
    check(turn)
    assert [call.problem if isinstance(call, BrokenCall) else call.name for call in turn.calls] == expected


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("<function=></function>", ["no_name"]),
        ("<function=get id></function>", ["no_name"]),
        ("<function=get>", ["unclosed"]),
        ("<function=get><parameter=id>A-1</function>", ["unclosed"]),
        ("<function=get>A-1</function>", ["bad_arguments"]),
        (f"<tool_call>{JSON}</tool_call>", ["untagged"]),
        ("<tool_call><parameter=id>A-1</parameter></tool_call>", ["untagged"]),
        ("<tool_call>", ["unclosed"]),
        ("Answer: 4</tool_call>", ["stray_close"]),
        ("<tool_response>7</tool_response>", ["invented_result"]),
    ],
)
def test_every_attempt_at_a_function_counts(action: str, expected: list[str]) -> None:
    turn = QWEN.parse(action)
    check(turn)
    assert problems(turn) == expected


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("<tool_call></tool_call>", ["no_name"]),
        ("<tool_call>get id</tool_call>", ["no_name"]),
        (f"<tool_call>{JSON}</tool_call>", ["no_name"]),
        ("<tool_call>get", ["unclosed"]),
        ("<tool_call>get<arg_key>id</arg_key></tool_call>", ["unclosed"]),
        ("<tool_call>get<arg_value>A-1</arg_value></tool_call>", ["bad_arguments"]),
        ("Answer: 4</tool_call>", ["stray_close"]),
        ("<tool_response>7</tool_response>", ["invented_result"]),
    ],
)
def test_every_attempt_at_pairs_counts(action: str, expected: list[str]) -> None:
    turn = GLM.parse(action)
    check(turn)
    assert problems(turn) == expected


pieces = st.sampled_from(
    [*MARKS["xml"], *MARKS["qwen3_coder"], *MARKS["glm"], INVOKE, FUNCTION, PAIRS, "1", "\n", "<minimax:tool_call>"]
)


@given(st.lists(pieces, max_size=8).map("".join))
def test_the_short_way_reads_what_the_long_way_reads(text: str) -> None:
    for form in (tags.INVOKE, tags.FUNCTION, tags.ARG_KEYS):
        assert tags._read_one_call(text, form) in (None, tags._Reader(text, form).read())


def test_what_a_broken_call_tells_and_keeps() -> None:
    call = XML.parse(f"Wait.<invoke>{'x' * 900}</invoke>").calls[0]
    assert isinstance(call, BrokenCall)
    assert '<invoke name="tool">' in call.message
    assert call.raw == f"<invoke>{'x' * 492}"
    text, calls = XML.parse("a<function_calls>b</function_calls>c")[:2]
    assert text == "a\nc"
    assert [call.raw for call in calls if isinstance(call, BrokenCall)] == ["<function_calls>b</function_calls>"]


@given(surrogates | st.lists(st.sampled_from(TAGS)).map("".join))
def test_a_broken_call_is_read_back_as_one_broken_call(raw: str) -> None:
    for dialect in (XML, QWEN, GLM):
        read = dialect.parse(dialect.write(Turn("", (GET, BrokenCall("bad_json", "…", raw), GET))))
        assert [type(call) for call in read.calls] == [ToolCall, BrokenCall, ToolCall]


# Prompts

SHOWN_TOOLS = f"""\
These are the tools, each a JSON schema on a line of its own:
<tools>
{json.dumps(TOOL)}
</tools>

A call looks like this, and a turn may hold several:
"""

LAST_WORDS = 'Put text that looks like JSON in double quotes: "12" is text, 12 a number.'

ONE_INVOKED = '<invoke name="{}">\n<parameter name="{}">{}</parameter>\n</invoke>'
ONE_FUNCTION = "<tool_call>\n<function={}>\n<parameter={}>\n{}\n</parameter>\n</function>\n</tool_call>"
ONE_PAIR = "<tool_call>{}\n<arg_key>{}</arg_key>\n<arg_value>{}</arg_value>\n</tool_call>"

RESPONSES = "<tool_response>\n{}\n</tool_response>\n<tool_response>\n{}\n</tool_response>"
FUNCTION_RESULTS = "<function_results>\n<result>\n{}\n</result>\n<result>\n{}\n</result>\n</function_results>"


@pytest.mark.parametrize(
    ("dialect", "one", "around", "results"),
    [
        (XML, ONE_INVOKED, "<function_calls>\n{}\n</function_calls>", FUNCTION_RESULTS),
        (QWEN, ONE_FUNCTION, "{}", RESPONSES),
        (GLM, ONE_PAIR, "{}", RESPONSES),
    ],
)
def test_prompts_and_observations(dialect: Dialect, one: str, around: str, results: str) -> None:
    example = around.format(one.format("tool", "parameter", "value"))
    calls = around.format(f"{one.format('get', 'id', 'A-1')}\n{one.format('get', 'id', 'A-2')}")
    said = f"<think>\nIt is a row.\n</think>\n\nWait.\n{calls}"
    opening = dialect.opening("Where is A-1?", [TOOL])
    assert opening.startswith(f"{INSTRUCTIONS}\n\n{SHOWN_TOOLS}{example}\n\n")
    assert opening.endswith(f"{LAST_WORDS}\n\nWhere is A-1?")
    assert dialect.write(Turn("Wait.", (GET, ToolCall("get", {"id": "A-2"})), "It is a row.")) == said
    shown = [result.text for result in RESULTS]
    assert dialect.observe((GET, GET), RESULTS, "And A-3?") == f"{results.format(*shown)}\nAnd A-3?"
    assert dialect.observe((), (), "And A-3?") == "And A-3?"
    system = opening.removeprefix(INSTRUCTIONS).removesuffix("\n\nWhere is A-1?")
    responses, end = results.format("{}", "[]"), "<|im_end|>\n"
    if dialect is GLM:
        expected = (
            f"[gMASK]<sop><|system|>\nBe brief.{system}<|user|>\nWhere is A-1?<|assistant|>\n{said}"
            f"<|observation|>\n{responses}<|assistant|>"
        )
    else:
        expected = (
            f"<|im_start|>system\nBe brief.{system}{end}<|im_start|>user\nWhere is A-1?{end}"
            f"<|im_start|>assistant\n{said}{end}<|im_start|>user\n{responses}{end}<|im_start|>assistant\n"
        )
    assert dialect.render(CHAT, [TOOL]) == expected
