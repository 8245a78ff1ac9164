"""The dialects of Llama 3: JSON objects, the python tag, lists; what is a call, what is text, what is shown."""

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialogue import GET, TOOL, check, function, hostile_texts, same, surrogates, turns
from tool_gym.dialects import INSTRUCTIONS, MAX_TURN_CHARS, PROBLEMS, get_dialect
from tool_gym.messages import Conversation
from tool_gym.trajectory import Step
from tool_gym.turns import BrokenCall, Outcome, ToolCall, ToolResult, Turn

LLAMA, PYTHON = get_dialect("llama3"), get_dialect("llama3_python")
BOTH = pytest.mark.parametrize("dialect", [LLAMA, PYTHON], ids=["llama3", "llama3_python"])

TAG, EOT, EOM = "<|python_tag|>", "<|eot_id|>", "<|eom_id|>"
IPYTHON = "<|start_header_id|>ipython<|end_header_id|>\n\n"
ASSISTANT = "<|start_header_id|>assistant<|end_header_id|>\n\n"
CALL = '{"name": "get", "parameters": {"id": "A-1"}}'
METHOD = 'get.call(id="A-1")'
ADD = ToolCall("add", {"a": 1, "b": 2})
LIST = '[get(id="A-1"), add(a=1, b=2)]'
PIECES = [
    *(TAG, EOT, EOM, IPYTHON, ASSISTANT, CALL, METHOD, LIST, "f(a=1)\n", "[f(a=1), ", "[f(x)", ".call("),
    *("{", "}", '{"name": ', '"parameters": ', '{"name": "f";', "{'name':", "; ", "\n", "[", "]", "(", ")", '"', "```"),
]
hostile = st.lists(st.sampled_from(PIECES) | surrogates, max_size=12).map("".join)


def names(turn: Turn) -> list[str]:
    return [call.problem if isinstance(call, BrokenCall) else call.name for call in turn.calls]


@BOTH
@given(turn=turns)
def test_what_is_written_is_read_back(dialect: Any, turn: Turn) -> None:
    for end in ("", EOT, EOM, f" {EOM}\n{EOT}\n"):
        assert same(dialect.parse(dialect.write(turn) + end), turn)


@BOTH
@pytest.mark.parametrize("markup", [TAG, EOT, IPYTHON, "</think>", CALL, LIST, METHOD, "```", '"; {"name": "f"'])
def test_markup_in_arguments_is_no_markup(dialect: Any, markup: str) -> None:
    turn = Turn("Look.", (ToolCall("get", {markup: [markup, {"k": markup}]}), GET))
    assert dialect.parse(dialect.write(turn))._replace(raw="") == turn


def test_calls_are_written_as_the_models_write_them() -> None:
    turn = Turn("Look.", (GET, ADD), "Which?")
    assert LLAMA.write(turn) == (
        f'<think>\nWhich?\n</think>\n\nLook.\n{CALL}; {{"name": "add", "parameters": {{"a": 1, "b": 2}}}}'
    )
    assert PYTHON.write(Turn("", (GET,))) == TAG + METHOD
    assert PYTHON.write(Turn("Look.", (GET, ADD))) == f"Look.\n{TAG}{METHOD}{TAG}add.call(a=1, b=2)"
    assert PYTHON.write(Turn("", (ToolCall("a b", {}),))) == TAG + '{"name": "a b", "parameters": {}}'


@BOTH
@given(raws=st.lists(st.sampled_from(["", "{", "f(", "import x", '{"name": ', "f(x)", '{"name": "f"}']), min_size=1))
def test_broken_calls_are_written_and_read_back_as_broken(dialect: Any, raws: list[str]) -> None:
    spoken = [BrokenCall("bad_json", "…", raw) for raw in raws]
    read = dialect.parse(dialect.write(Turn("Look.", (*spoken, GET, *spoken))))
    assert [type(call) for call in read.calls] == [*[BrokenCall] * len(raws), ToolCall, *[BrokenCall] * len(raws)]
    assert [call.raw for call in read.calls if isinstance(call, BrokenCall)] == [raw.strip() for raw in raws] * 2
    assert read.text == "Look."


@BOTH
@pytest.mark.parametrize(
    ("action", "text", "made"),
    [
        (CALL, "", (GET,)),
        (f"\n {CALL} \n", "", (GET,)),
        (f"{CALL}{EOT}", "", (GET,)),
        (f"{TAG}{CALL}{EOM}", "", (GET,)),
        ('{"name": "get", "arguments": {"id": "A-1"}}', "", (GET,)),
        ('{"type": "function", "name": "get", "parameters": {"id": "A-1"}}', "", (GET,)),
        ('{"parameters": {"id": "A-1"}, "name": "get"}', "", (GET,)),
        ('{"name": "get", "parameters": "{\\"id\\": \\"A-1\\"}"}', "", (GET,)),
        ('{"name": "get", "parameters": {"type": "object"}, "arguments": {"id": "A-1"}}', "", (GET,)),
        (f"{CALL}; {CALL}", "", (GET, GET)),
        (f"{CALL};{CALL};", "", (GET, GET)),
        (f"{CALL}\n{CALL}", "", (GET, GET)),
        (f"{CALL}{CALL}", "", (GET, GET)),
        (f"{CALL}, {CALL}", "", (GET, GET)),
        (f"[{CALL}, {CALL}]", "", (GET, GET)),
        (f"[\n  {CALL}\n]", "", (GET,)),
        (f"{TAG}[{CALL}]", "", (GET,)),
        (f"{TAG}{CALL}; {CALL}", "", (GET, GET)),
        (f"{TAG}{CALL}{TAG}{CALL}", "", (GET, GET)),
        (f"Let me look. {CALL}", "Let me look.", (GET,)),
        (f"Let me look.\n{CALL}\nThen we see.", "Let me look.\nThen we see.", (GET,)),
        (f"a {CALL} b {CALL} c", "a\nb\nc", (GET, GET)),
        (f"```json\n{CALL}\n```", "", (GET,)),
        (f"Look:\n```\n{CALL}\n```\nDone.", "Look:\nDone.", (GET,)),
        (f"{{curly}} {{}} {{'a'}} {CALL}", "{curly} {} {'a'}", (GET,)),
        (f'{{"id": 4}} {CALL}', '{"id": 4}', (GET,)),
        (f'{{"id": {CALL}', '{"id":', (GET,)),
        (CALL.replace("A-1", "[f(a=1)]"), "", (ToolCall("get", {"id": "[f(a=1)]"}),)),
        (f"{TAG}{METHOD}{EOM}", "", (GET,)),
        (f"{TAG} {METHOD} ", "", (GET,)),
        (f'{TAG}get(id="A-1")', "", (GET,)),
        (f"{TAG}{METHOD}; {METHOD}\n{METHOD}", "", (GET, GET, GET)),
        (f"{TAG}{METHOD} is the call.", "is the call.", (GET,)),
        (f"Let me look.{TAG}{METHOD}", "Let me look.", (GET,)),
        (f"{TAG}phone.call.call(to='x')", "", (ToolCall("phone.call", {"to": "x"}),)),
        (f"{TAG}brave_search.call(query='Ärger?')", "", (ToolCall("brave_search", {"query": "Ärger?"}),)),
        (METHOD, "", (GET,)),
        (LIST, "", (GET, ADD)),
        (f"{TAG}{LIST}", "", (GET, ADD)),
        (f"Look: {LIST}", "Look:", (GET, ADD)),
        ('[f(a={"name": "g", "parameters": {}})]', "", (ToolCall("f", {"a": {"name": "g", "parameters": {}}}),)),
        (f"{CALL} {LIST}", LIST, (GET,)),
        (f"<think>{CALL}</think>{CALL}", "", (GET,)),
        (f"{CALL}}}", "}", (GET,)),
    ],
)
def test_calls(dialect: Any, action: str, text: str, made: tuple[ToolCall, ...]) -> None:
    turn = dialect.parse(action)
    check(turn)
    assert (turn.text, turn.calls, turn.raw) == (text, made, action)


@BOTH
@pytest.mark.parametrize(
    "text",
    [
        "",
        "Answer: 4",
        "Answer: [1, 2]",
        '{"a": 1}',
        'Answer: {"name": "Aurora", "length": 182.5}',
        '{"name": "Aurora"}',
        '[{"name": "Aurora"}, {"name": "Boreas"}]',
        '{"parameters": {"a": 1}}',
        '{"name": "Aurora", "length": }',
        'the "name" of its "parameters": {…}',
        "f(x)",
        "f(x) is 3 where x = 4",
        "Function.prototype.call(x) calls it",
        "Answer: [f(a), f(b)]",
        "the interval [f(a), f(b)] is open",
        "see [the page](f(a=1)) and a[f(x=1)]",
        "Decline: call get(id) yourself.",
        "{",
        '{"',
        "[" * 5000 + '"parameters"',
        '{"a": ' * 5000 + '"parameters"',
        "a | b <| c",
    ],
)
def test_answers_stay_answers(dialect: Any, text: str) -> None:
    assert dialect.parse(text) == Turn(text, (), "", text)
    assert dialect.parse(text + EOT) == Turn(text, (), "", text + EOT)


WRONG = [
    ('{"name": "get", "parameters": {"id": "A-1"}', ["bad_json"]),
    ('{"name": "get", "para', ["bad_json"]),
    ('{"name": "get', ["bad_json"]),
    ("{'name': 'get', 'parameters': {}}", ["bad_json"]),
    ('Look: {"name": "get", "parameters": {"id": A-1}}', ["bad_json"]),
    ('{"name": "f", "parameters": {"a": x}}; ' + CALL, ["bad_json", "get"]),
    ('{"name": "f", "parameters": {"a": x}}\n' + CALL, ["bad_json", "get"]),
    ('{"name": "f", "parameters": {"call": ' + CALL, ["bad_json"]),
    ('{"name": "f", "parameters": {"a": NaN}}', ["non_finite"]),
    ('{"name": "f", "parameters": {"a": 1e400}}', ["non_finite"]),
    ('{"name": "f", "parameters": {"a": "\\ud800"}}', ["lone_surrogate"]),
    ('{"name": "f", "parameters": {"a": ' + "9" * 5000 + "}}", ["int_range"]),
    ('{"name": "f", "parameters": {"a": ' + "[" * 70 + "]" * 70 + "}}", ["too_deep"]),
    ('{"name": "f", "parameters": {"a": ' + "[" * 10_000 + "]" * 10_000 + "}}", ["too_deep"]),
    ('{"name": "f", "parameters": {"a": [' + "0," * 25_000 + "0]}}", ["too_many_nodes"]),
    ('{"name": "f", "parameters": {"a": "two\nlines"}}', ["bad_json"]),
    ('{"name": 3, "parameters": {}}', ["no_name"]),
    ('{"name": "", "parameters": {}}', ["no_name"]),
    ('{"type": "function", "function": {"name": "f", "parameters": {}}}', ["no_name"]),
    ('{"tool_calls": [' + CALL + "]}", ["no_name"]),
    ('{"name": "f", "parameters": []}', ["bad_arguments"]),
    ('{"name": "f", "parameters": null}', ["bad_arguments"]),
    ('{"type": "function", "name": "f"}', ["bad_arguments"]),
    ('{"name": "f", "parameters": "{"}', ["bad_json"]),
    (f"[{CALL}, 3]", ["get", "not_object"]),
    (f"[{CALL}, " + '{"name": "f", "parameters": {"a": NaN}}]', ["non_finite"]),
    (TAG, ["bad_syntax"]),
    (f"{TAG}{TAG}", ["bad_syntax"] * 2),
    (f"{TAG}import math\nprint(math.pi)", ["bad_syntax"]),
    (f"{TAG}print(math.pi)", ["positional"]),
    (f"{TAG}get.call('A-1')", ["positional"]),
    (f"{TAG}get.call(id=A-1)", ["not_literal"]),
    (f"{TAG}get.call(id=open('x').read())", ["not_literal"]),
    (f"{TAG}get.call(id='A-1'", ["unclosed"]),
    (f"{TAG}get.call(a=1, a=2)", ["bad_arguments"]),
    (f"{TAG}get.call(a={{1, 2}})", ["not_json"]),
    (f"{TAG}{METHOD}; get.call(x)", ["get", "positional"]),
    (f'{TAG}{{"name": "f"}}', ["bad_arguments"]),
    (f'{TAG}{{"a": 1}}', ["no_name"]),
    (f"{TAG}[1, 2]", ["bad_syntax"]),
    (f"{TAG}{{", ["bad_syntax"]),
    (f'{TAG}{{"', ["bad_json"]),
    (f"{TAG}[f(x), {METHOD}]", ["positional", "get.call"]),
    ('get(id="A-1")', ["untagged"]),
    ('Look.\nget(id="A-1")\nadd(a=1)', ["untagged"]),
    ("get(id=A-1)", ["untagged"]),
    ("[get('A-1')]", ["positional"]),
    (f"{IPYTHON}7", ["invented_result"]),
    (f"{CALL}{EOT}{IPYTHON}7{EOT}{ASSISTANT}Answer: 7", ["get", "invented_result", "wrong_role"]),
    (f"Answer: 4{EOT}<|start_header_id|>user<|end_header_id|>\n\n{CALL}", ["wrong_role"]),
    (ASSISTANT + CALL, ["wrong_role"]),
    (f"{CALL}; " * 64, ["get"] * 64),
    (f"{CALL}; " * 65, [*["get"] * 64, "too_many_calls"]),
    (f"{TAG}{METHOD}" * 80, [*["get"] * 64, "too_many_calls"]),
    (f"{TAG}{METHOD}; " + f"{METHOD};" * 80, [*["get"] * 64, "too_many_calls"]),
    (TAG * 500, [*["bad_syntax"] * 64, "too_many_calls"]),
    (IPYTHON * 500, [*["invented_result"] * 64, "too_many_calls"]),
    ('{"a": x} ' * 70 + CALL, ["too_many_calls"]),
    ("x" * (MAX_TURN_CHARS + 1), ["too_large"]),
    (7, ["not_text"]),
]


@BOTH
@pytest.mark.parametrize(("action", "expected"), WRONG)
def test_every_attempt_is_counted(dialect: Any, action: Any, expected: list[str]) -> None:
    turn = dialect.parse(action)
    check(turn)
    assert names(turn) == expected


def test_every_problem_of_a_call_is_met() -> None:
    met = {name for _, expected in WRONG for name in expected}
    assert met >= PROBLEMS - {"stray_close"}  # here no tag closes anything


def test_text_beside_broken_calls_stays_visible() -> None:
    assert LLAMA.parse('Look.\nget(id="A-1")\nThen.').text == "Look.\nThen."
    assert LLAMA.parse('Look: {"name": "f", "parameters": {x}}').text == "Look:"
    assert LLAMA.parse(f"Answer: 4{EOT}{IPYTHON}7").text == "Answer: 4"


def test_a_broken_call_says_what_to_write() -> None:
    for action in ('{"name": "f"', '{"name": 3, "parameters": {}}', '{"type": "function", "name": "f"}', "f(a=1)"):
        call = LLAMA.parse(action).calls[0]
        assert isinstance(call, BrokenCall)
        assert '{"name": "<tool>", "parameters": {…}}' in call.message
    call = PYTHON.parse(f"{TAG}get('A-1')").calls[0]
    assert isinstance(call, BrokenCall)
    assert "<tool>.call(" in call.message


@BOTH
@given(text=hostile | st.tuples(hostile, hostile_texts, hostile).map("".join))
def test_no_text_makes_a_parser_raise(dialect: Any, text: str) -> None:
    turn = dialect.parse(text)
    check(turn)
    assert dialect.parse(text) == turn


@BOTH
@given(text=hostile)
def test_thoughts_are_never_executed(dialect: Any, text: str) -> None:
    for action in (f"<think>{text}", f"{text}</think>", f"<think>{text}</think>Answer: 4", f"{text}</think>Answer: 4"):
        assert dialect.parse(action).calls == ()


@pytest.mark.parametrize("piece", [*PIECES, '{"a":', "[f(a='", '{"name":1,"parameters":[\n', '{ "name": [[[[['])
@pytest.mark.parametrize("start", ["", TAG, '{"name": "f", "parameters": {"a": '])
def test_long_texts_take_no_time_to_speak_of(piece: str, start: str) -> None:
    text = (start + piece * MAX_TURN_CHARS)[:MAX_TURN_CHARS]
    started = time.perf_counter()
    check(LLAMA.parse(text))
    assert time.perf_counter() - started < 1


# Prompts

CHAT: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where is A-1?"},
    {
        "role": "assistant",
        "content": "Wait.",
        "reasoning_content": "It is a row.",
        "tool_calls": [function("get", '{"id": "A-1"}'), function("malformed_call", '{"name": ')],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "{}"},
    {"role": "tool", "tool_call_id": "call_1", "content": '{"error":"malformed_call"}'},
    {"role": "assistant", "content": "", "tool_calls": [function("get", {"id": "A-1"})]},
    {"role": "tool", "tool_call_id": "call_1", "content": "[]"},
    {"role": "assistant", "content": "Answer: 4"},
    {"role": "user", "content": "And A-2?"},
]

PROMPT = """\
<|begin_of_text|><|start_header_id|>system<|end_header_id|>

Environment: ipython

Be brief.

These are the tools, each a JSON schema on a line of its own:
{"type": "function", "function": {"name": "get", "description": "Get a row.", "parameters": {"type": "object", "properties": {}}}}

A turn with calls ends like this:
{"name": "<tool>", "parameters": {…}}; {"name": "<tool>", "parameters": {…}}<|eot_id|><|start_header_id|>user<|end_header_id|>

Where is A-1?<|eot_id|><|start_header_id|>assistant<|end_header_id|>

<think>
It is a row.
</think>

Wait.
<|python_tag|>{"name": "get", "parameters": {"id": "A-1"}}<|python_tag|>{"name": <|eot_id|><|start_header_id|>ipython<|end_header_id|>

{}<|eot_id|><|start_header_id|>ipython<|end_header_id|>

{"error":"malformed_call"}<|eot_id|><|start_header_id|>assistant<|end_header_id|>

{"name": "get", "parameters": {"id": "A-1"}}<|eot_id|><|start_header_id|>ipython<|end_header_id|>

[]<|eot_id|><|start_header_id|>assistant<|end_header_id|>

Answer: 4<|eot_id|><|start_header_id|>user<|end_header_id|>

And A-2?<|eot_id|><|start_header_id|>assistant<|end_header_id|>

"""  # noqa: E501 - a tool is one line


def test_prompts_are_messages_under_headers() -> None:
    assert LLAMA.render(CHAT, [TOOL]) == PROMPT


def test_the_python_dialect_differs_in_its_calls_and_how_they_end() -> None:
    prompt = PYTHON.render([*CHAT[:2], CHAT[5]], [TOOL])
    assert "\n<|python_tag|><tool>.call(<parameter>=<value>, …)<|eot_id|>" in prompt
    assert prompt.endswith(f'{ASSISTANT}{TAG}get.call(id="A-1"){EOM}{ASSISTANT}')


def test_the_first_observation_holds_instructions_tools_and_request() -> None:
    opening = LLAMA.opening("Where is A-1?", [TOOL])
    assert opening.startswith(f"Environment: ipython\n\n{INSTRUCTIONS}\n\n")
    assert f"\n{json.dumps(TOOL)}\n" in opening
    assert opening.endswith("\n\nWhere is A-1?")
    assert LLAMA.opening("Hello.", []) == f"{INSTRUCTIONS}\n\nHello."


@BOTH
def test_results_are_messages_of_the_role_ipython(dialect: Any) -> None:
    results = [ToolResult(Outcome.OK, {"name": "é"}), ToolResult(Outcome.NOT_FOUND, None, "no row 'A-2'")]
    shown = f'{IPYTHON}{{"name":"é"}}{EOT}{IPYTHON}{{"error":"not_found","message":"no row \'A-2\'"}}{EOT}'
    assert dialect.observe((GET, GET), results, "") == shown
    assert dialect.observe((), (), "And A-3?") == "And A-3?"


@BOTH
@given(spoken=st.lists(turns, max_size=2), replied=st.booleans())
def test_a_longer_conversation_extends_the_prompt(dialect: Any, spoken: list[Turn], replied: Any) -> None:
    steps = [
        Step(turn, tuple(ToolResult(Outcome.OK, 7) for _ in turn.calls), reply="Go on." if replied else "")
        for turn in spoken
    ]
    prompt = dialect.render(Conversation("Hello.", steps[:-1]), [TOOL])
    longer = dialect.render(Conversation("Hello.", steps), [TOOL])
    assert longer.startswith(prompt)
    if steps:
        assert longer.startswith(prompt + dialect.write(steps[-1].turn))


@pytest.mark.train
def test_the_conversation_is_laid_out_as_the_models_know_it() -> None:
    from tests.agents.test_chat_templates import tokenizer_with

    chat = [{"role": "user", "content": "Where is A-1?"}, CHAT[5]]
    prompt = tokenizer_with("llama3_1").apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    user = "<|start_header_id|>user"
    rendered = LLAMA.render(chat, [TOOL])
    assert rendered[rendered.index(user) :] == prompt[prompt.index(user) :]
