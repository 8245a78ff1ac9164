"""The pythonic dialect: lists of calls, tags or not; what is a call, what is text, what is shown."""

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialogue import GET, TOOL, check, function, hostile_texts, same, surrogates, turns_with
from tool_gym.dialects import INSTRUCTIONS, MAX_TURN_CHARS, PROBLEMS, get_dialect
from tool_gym.dialects.literals import NAME
from tool_gym.messages import Conversation
from tool_gym.trajectory import Step
from tool_gym.turns import BrokenCall, Outcome, ToolCall, ToolResult, Turn

PYTHONIC = get_dialect("pythonic")
START, END, EOT = "<|python_start|>", "<|python_end|>", "<|eot|>"
IPYTHON = "<|header_start|>ipython<|header_end|>\n\n"
ASSISTANT = "<|header_start|>assistant<|header_end|>\n\n"
CALL = '[get(id="A-1")]'
LIST = '[get(id="A-1"), add(a=1, b=2)]'
JSON = '{"name": "get", "parameters": {"id": "A-1"}}'
ADD = ToolCall("add", {"a": 1, "b": 2})
PIECES = [
    *(
        START,
        END,
        EOT,
        IPYTHON,
        ASSISTANT,
        CALL,
        LIST,
        JSON,
        "[f(a=",
        "[f(a=1), ",
        "f(a=1)\n",
        "f(x)",
        ', g(b="',
        "```",
    ),
    *("[", "]", "(", ")", "{", "}", "'", '"', '"""', "\\", ",", "=", "a", "1", "**", "\n", " "),
]
hostile = st.lists(st.sampled_from(PIECES) | surrogates, max_size=12).map("".join)
turns = turns_with(st.from_regex(re.compile(NAME), fullmatch=True))


@given(turns)
def test_what_is_written_is_read_back(turn: Turn) -> None:
    written = PYTHONIC.write(turn)
    for end in ("", EOT, "<|eom|>", f" {EOT}\n{EOT}\n"):
        assert same(PYTHONIC.parse(written + end), turn)


@pytest.mark.parametrize("markup", [START, END, EOT, IPYTHON, "</think>", CALL, JSON, "```", '"), f(a="', "['"])
def test_markup_in_arguments_is_no_markup(markup: str) -> None:
    turn = Turn("Look.", (ToolCall("get", {markup: [markup, {"k": markup}], "a": markup}), GET))
    assert same(PYTHONIC.parse(PYTHONIC.write(turn)), turn)


def test_calls_are_written_as_a_list() -> None:
    assert PYTHONIC.write(Turn("Look.", (GET, ADD), "Which?")) == f"<think>\nWhich?\n</think>\n\nLook.\n{LIST}"
    call = ToolCall("f", {"a": [True, None, -0.0], "b": {"k": 'say "é"\n'}, "c d": 1})
    assert PYTHONIC.write(Turn("", (call,))) == '[f(a=[True, None, -0.0], b={"k": "say \\"é\\"\\n"}, **{"c d": 1})]'


@given(st.lists(st.sampled_from(["", "{", "f(", "import x", '{"name": ', "[f(x)]", "[f(a=1"]), min_size=1))
def test_broken_calls_are_written_and_read_back_as_broken(raws: list[str]) -> None:
    spoken = [BrokenCall("bad_syntax", "…", raw) for raw in raws]
    read = PYTHONIC.parse(PYTHONIC.write(Turn("Look.", (*spoken, GET, *spoken))))
    assert [type(call) for call in read.calls] == [*[BrokenCall] * len(raws), ToolCall, *[BrokenCall] * len(raws)]
    assert read.text == "Look."


@pytest.mark.parametrize(
    ("action", "text", "made"),
    [
        (CALL, "", (GET,)),
        (f"\n {CALL} \n", "", (GET,)),
        (f"{CALL}{EOT}", "", (GET,)),
        (LIST, "", (GET, ADD)),
        ("[ get ( id = 'A-1', ) , ]", "", (GET,)),
        ("[\n  get(\n    id='A-1'\n  ),\n  add(a=1, b=2),\n]", "", (GET, ADD)),
        ("[f()]", "", (ToolCall("f", {}),)),
        ("[math.add(a=1, b=2)]", "", (ToolCall("math.add", {"a": 1, "b": 2}),)),
        ("[get-ship(a=[1, {'k': (2,)}])]", "", (ToolCall("get-ship", {"a": [1, {"k": [2]}]}),)),
        ("[f(a='), g(b=1)]')]", "", (ToolCall("f", {"a": "), g(b=1)]"}),)),
        (f"[f(a={JSON})]", "", (ToolCall("f", {"a": {"name": "get", "parameters": {"id": "A-1"}}}),)),
        ("[f(a='[g()]')]", "", (ToolCall("f", {"a": "[g()]"}),)),
        (f"{START}{LIST}{END}", "", (GET, ADD)),
        (f"{START} {CALL} {END}{EOT}", "", (GET,)),
        (f"{START}{CALL}", "", (GET,)),
        (f"{START}{CALL}{END}\n{START}{CALL}{END}", "", (GET, GET)),
        (f"{START}{CALL}{START}{CALL}", "", (GET, GET)),
        (f"{START}{CALL}; {CALL}\n{CALL}{END}", "", (GET, GET, GET)),
        (f"Let me look. {START}{CALL}{END} Then we see.", "Let me look.\nThen we see.", (GET,)),
        (f"Let me look. {CALL}", "Let me look.", (GET,)),
        (f"Let me look:\n{LIST}\nThen we see.", "Let me look:\nThen we see.", (GET, ADD)),
        (f"{CALL}\n{CALL}", "", (GET, GET)),
        (f"{CALL}; {CALL}", "", (GET, GET)),
        (f"a {CALL} b {CALL} c", "a\nb\nc", (GET, GET)),
        (f"```python\n{CALL}\n```", "", (GET,)),
        (f"```\n{CALL}```", "", (GET,)),
        (f"Look:\n```tool_code\n{CALL}\n```\nDone.", "Look:\nDone.", (GET,)),
        (f"[1, 2] {CALL}", "[1, 2]", (GET,)),
        (f"[{CALL}", "[", (GET,)),
        (f"the value f(x) {CALL}", "the value f(x)", (GET,)),
        (f"the interval [f(a), f(b)] {CALL}", "the interval [f(a), f(b)]", (GET,)),
        (f"{CALL} {JSON}", JSON, (GET,)),
    ],
)  # fmt: skip
def test_calls(action: str, text: str, made: tuple[ToolCall, ...]) -> None:
    turn = PYTHONIC.parse(action)
    check(turn)
    assert (turn.text, turn.calls, turn.raw) == (text, made, action)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Answer: 4",
        "[1, 2]",
        "Answer: [1, 2]",
        "[]",
        '["f(a=1)"]',
        '{"a": 1}',
        'Answer: {"name": "Aurora", "length": 182.5}',
        "f(x)",
        "f(x) = 3, f(2) = 4",
        "Answer: f(x)",
        "Answer: [f(a), f(b)]",
        "the interval [f(a), f(b)] is open",
        "[f(x)] is the value",
        "see [get()](https://example.org) and rows[get(id=1)]",
        "Call get(id='A-1') yourself.",
        "- get(id='A-1') was it",
        "get(id='A-1') was it",
        "f(a=x)\nis what it says",
        "f(a=1) was it\n" * 70 + "f(a=1)",
        "Decline: no tool (as far as I see) does it.",
        "[f",
        "[f(",
        "[[[(",
        "a | b <| c",
    ],
)
def test_answers_stay_answers(text: str) -> None:
    assert PYTHONIC.parse(text) == Turn(text, (), "", text)
    assert PYTHONIC.parse(text + EOT) == Turn(text, (), "", text + EOT)


WRONG = [
    ("[f(x)]", ["positional"]),
    ("[f('x')]", ["positional"]),
    ("Look: [f('x')]", ["positional"]),
    ("[get(id='A-1'), f(x), add(a=1)]", ["get", "positional", "add"]),
    ("[f(a=x)]", ["not_literal"]),
    ("Look: [f(a=x)] Done.", ["not_literal"]),
    ("[f(a=g(b=1)), get(id='A-1')]", ["not_literal", "get"]),
    ("[f(a=__import__('os').system('true'))]", ["not_literal"]),
    ("[f(a=1 + 2)]", ["not_literal"]),
    ("[f(a=f'{x}')]", ["not_literal"]),
    ("[f(a=[x for x in y])]", ["not_literal"]),
    ("[f(a=lambda: 1)]", ["not_literal"]),
    ("[f(**x)]", ["not_literal"]),
    ("[f(a={1: 2})]", ["not_json"]),
    ("[f(a={1, 2})]", ["not_json"]),
    ("[f(a=1, a=2)]", ["bad_arguments"]),
    ("[f(a=1) + g(b=2)]", ["bad_syntax"]),
    ("[f(a=1) g(b=2)]", ["bad_syntax"]),
    ("[f(a=1), 2, g(b=2)]", ["f", "bad_syntax", "g"]),
    ("[f(a=1)), g(b=2)]", ["bad_syntax", "g"]),
    ("[f(a='it's', b=1), g(b=2)]", ["bad_syntax"]),
    ("[f(a=1e999)]", ["non_finite"]),
    (r"[f(a='\ud800')]", ["lone_surrogate"]),
    ("[f(a=18446744073709551616)]", ["int_range"]),
    ("[f(a=" + "[" * 70 + "]" * 70 + ")]", ["too_deep"]),
    ("[f(a=" + "[" * 20_000 + "]" * 20_000 + "), get(id='A-1')]", ["too_deep", "get"]),
    ("[f(a=[" + "0," * 25_000 + "0])]", ["too_many_nodes"]),
    ("[f(a=1", ["unclosed"]),
    ("[f(a=1)", ["unclosed"]),
    ("[f(a=1), g(b=2)", ["f", "unclosed"]),
    ("[f(a='x), get(id=1), g(b=2)]", ["unclosed"]),
    ('get(id="A-1")', ["untagged"]),
    ("get(id=A-1)", ["untagged"]),
    ("list_ships()", ["untagged"]),
    ('Look.\nget(id="A-1")\nadd(a=1)', ["untagged"]),
    ("```python\nget(id='A-1')\n```", ["untagged"]),
    (JSON, ["untagged"]),
    (f"{JSON}; {JSON}", ["untagged"] * 2),
    ('{"name": "get", "arguments": {"id": ', ["untagged"]),
    (f"{START}{JSON}{END}", ["bad_syntax"]),
    (f"{START}{END}", ["bad_syntax"]),
    (f"{START}get(id='A-1'){END}", ["bad_syntax"]),
    (f"{START}Let me look.{END}{CALL}", ["bad_syntax", "get"]),
    (f"{START}{CALL} and more{END}", ["get", "bad_syntax"]),
    (f"{START}[f(x)]{END}", ["positional"]),
    (f"{START}[1, 2]{END}", ["bad_syntax"]),
    (f"{CALL}{END}", ["get", "stray_close"]),
    (f"Answer: 4{END}", ["stray_close"]),
    (f"{IPYTHON}7", ["invented_result"]),
    (f"{CALL}{EOT}{IPYTHON}7{EOT}{ASSISTANT}Answer: 7", ["get", "invented_result", "wrong_role"]),
    (f"Answer: 4{EOT}<|header_start|>user<|header_end|>\n\n{CALL}", ["wrong_role"]),
    (f"{CALL}\n" * 64, ["get"] * 64),
    (f"{CALL}\n" * 65, [*["get"] * 64, "too_many_calls"]),
    ("[" + "f(), " * 64 + "]", ["f"] * 64),
    ("[" + "f(), " * 80 + "]", [*["f"] * 64, "too_many_calls"]),
    ("[" + "f(a=x), " * 80 + "]", [*["not_literal"] * 64, "too_many_calls"]),
    (END * 500, [*["stray_close"] * 64, "too_many_calls"]),
    (START * 500, [*["bad_syntax"] * 64, "too_many_calls"]),
    ("x" * (MAX_TURN_CHARS + 1), ["too_large"]),
    (7, ["not_text"]),
]


@pytest.mark.parametrize(("action", "expected"), WRONG)
def test_every_attempt_is_counted(action: Any, expected: list[str]) -> None:
    turn = PYTHONIC.parse(action)
    check(turn)
    assert [call.problem if isinstance(call, BrokenCall) else call.name for call in turn.calls] == expected


def test_every_problem_of_a_call_is_met() -> None:
    met = {name for _, expected in WRONG for name in expected}
    assert met >= PROBLEMS - {"bad_json", "no_name", "not_object"}  # these are JSON's


def test_text_beside_broken_calls_stays_visible() -> None:
    assert PYTHONIC.parse("Look: [f(a=x)] Done.").text == "Look:\nDone."
    assert PYTHONIC.parse('Look.\nget(id="A-1")\nDone.').text == "Look.\nDone."
    assert PYTHONIC.parse(f"Look: {JSON} Done.").text == "Look:\nDone."


@pytest.mark.parametrize("action", ["[f(x)]", "[f(a=x)]", "f(a=1)", JSON, f"{START}f{END}", "[f(a=1"])
def test_a_broken_call_says_what_to_write(action: str) -> None:
    call = PYTHONIC.parse(action).calls[0]
    assert isinstance(call, BrokenCall)
    assert "[<tool>(<parameter>=<value>, …)]" in call.message


@given(hostile | st.tuples(hostile, hostile_texts, hostile).map("".join))
def test_no_text_makes_the_parser_raise(text: str) -> None:
    turn = PYTHONIC.parse(text)
    check(turn)
    assert PYTHONIC.parse(text) == turn


@given(hostile)
def test_thoughts_are_never_executed(text: str) -> None:
    for action in (f"<think>{text}", f"{text}</think>", f"<think>{text}</think>Answer: 4", f"{text}</think>Answer: 4"):
        assert PYTHONIC.parse(action).calls == ()


@pytest.mark.parametrize("piece", [*PIECES, "[f()]", "[f()](", "f(\n", "[f(a='", '{ "name": [[[[['])
@pytest.mark.parametrize("start", ["", START, "[f(a="])
def test_long_texts_take_no_time_to_speak_of(piece: str, start: str) -> None:
    text = (start + piece * MAX_TURN_CHARS)[:MAX_TURN_CHARS]
    started = time.perf_counter()
    check(PYTHONIC.parse(text))
    assert time.perf_counter() - started < 1


# Prompts

CHAT: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where is A-1?"},
    {"role": "assistant", "content": "Wait.", "tool_calls": [function("get", '{"id": "A-1"}'), function("f", {})]},
    {"role": "tool", "tool_call_id": "call_1", "content": "{}"},
    {"role": "tool", "tool_call_id": "call_1", "content": "[]"},
    {"role": "assistant", "content": "", "tool_calls": [function("malformed_call", "[f(")]},
    {"role": "tool", "tool_call_id": "call_1", "content": "7"},
]

PROMPT = """\
<|begin_of_text|><|header_start|>system<|header_end|>

Environment: ipython

Be brief.

These are the tools, each a JSON schema on a line of its own:
{"type": "function", "function": {"name": "get", "description": "Get a row.", "parameters": {"type": "object", "properties": {}}}}

A turn with calls ends like this:
[<tool>(<parameter>=<value>, …)]<|eot|><|header_start|>user<|header_end|>

Where is A-1?<|eot|><|header_start|>assistant<|header_end|>

Wait.
[get(id="A-1"), f()]<|eot|><|header_start|>ipython<|header_end|>

{}<|eot|><|header_start|>ipython<|header_end|>

[]<|eot|><|header_start|>assistant<|header_end|>

<|python_start|>[f(<|python_end|><|eot|><|header_start|>ipython<|header_end|>

7<|eot|><|header_start|>assistant<|header_end|>

"""  # noqa: E501 - a tool is one line


def test_prompts_are_messages_under_headers() -> None:
    assert PYTHONIC.render(CHAT, [TOOL]) == PROMPT


def test_the_first_observation_holds_instructions_tools_and_request() -> None:
    opening = PYTHONIC.opening("Where is A-1?", [TOOL])
    for part in (INSTRUCTIONS, '"name": "get"', "[<tool>(<parameter>=<value>, …)]"):
        assert part in opening
    assert opening.endswith("\n\nWhere is A-1?")


def test_results_are_messages_of_the_role_ipython() -> None:
    results = [ToolResult(Outcome.OK, [1]), ToolResult(Outcome.NOT_FOUND, None, "no row")]
    shown = f'{IPYTHON}[1]{EOT}{IPYTHON}{{"error":"not_found","message":"no row"}}{EOT}'
    assert PYTHONIC.observe((GET, GET), results, "") == shown
    assert PYTHONIC.observe((), (), "And A-3?") == "And A-3?"


@given(st.lists(turns, max_size=2))
def test_a_longer_conversation_extends_the_prompt(spoken: list[Turn]) -> None:
    steps = [Step(turn, tuple(ToolResult(Outcome.OK, 7) for _ in turn.calls)) for turn in spoken]
    prompt = PYTHONIC.render(Conversation("Hello.", steps[:-1]), [TOOL])
    longer = PYTHONIC.render(Conversation("Hello.", steps), [TOOL])
    assert longer.startswith(prompt + PYTHONIC.write(steps[-1].turn) if steps else prompt)
