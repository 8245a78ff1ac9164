"""Turns of every kind, sound and hostile, for the tests of dialects."""

import json
import re
from itertools import chain
from typing import Any

from hypothesis import strategies as st

from tool_gym import jsonio
from tool_gym.dialects import DIALECTS, MAX_CALLS_PARSED, PROBLEMS, get_dialect
from tool_gym.turns import BrokenCall, ToolCall, Turn

HERMES, OPENAI, STRUCTURED = (get_dialect(name) for name in ("hermes", "openai", "structured"))

THINKING = [
    ("<think>", "</think>"),
    ("<Thinking>", "</THINKING>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("<seed:think>", "</seed:think>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|inner_prefix|>", "<|inner_suffix|>"),
    ("<|channel>thought", "<channel|>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
]
"""The marks that open and close a reasoning block, of every kind."""

_TAGS_OF_CALLS = ["<tool_call>", "</tool_call>", "<tool_response>", "</tool_response>"]
_CHATML = ["<|im_end|>", "<|endoftext|>"]
_MISTRAL = ["[TOOL_CALLS]", "[CALL_ID]", "[ARGS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CONTENT]", "</s>"]
_LLAMA = [
    *("<|python_tag|>", "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>"),
    *("<|python_start|>", "<|python_end|>", "<|eot|>", "<|eom|>", "<|header_start|>", "<|header_end|>"),
]

MARKS = {
    "hermes": [*_TAGS_OF_CALLS, *_CHATML],
    "openai": [],
    "structured": [],
    "mistral": _MISTRAL,
    "mistral_v13": _MISTRAL,
    "xml": [
        *("<function_calls>", "</function_calls>", '<invoke name="f">', "</invoke>", '<parameter name="a">'),
        *("</parameter>", "<function_results>", "</function_results>", *_CHATML),
    ],
    "qwen3_coder": [*_TAGS_OF_CALLS, "<function=f>", "</function>", "<parameter=a>", "</parameter>", *_CHATML],
    "glm": [
        *(*_TAGS_OF_CALLS, "<arg_key>", "</arg_key>", "<arg_value>", "</arg_value>"),
        *("<|user|>", "<|observation|>"),
    ],
    "llama3": _LLAMA,
    "llama3_python": _LLAMA,
    "pythonic": [*_LLAMA, "<|python_start|>", "<|python_end|>"],
}
"""Every dialect's own marks, with which no text of a turn that is written may be sprinkled."""

TAGS = list(dict.fromkeys(chain(*MARKS.values(), *THINKING)))
"""Every mark there is."""

SPOKEN = [dialect for dialect in DIALECTS.values() if dialect is not STRUCTURED]
"""The dialects in which a turn is text."""

CALL = '<tool_call>\n{"name": "get", "arguments": {"id": "A-1"}}\n</tool_call>'
GET = ToolCall("get", {"id": "A-1"})
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "get", "description": "Get a row.", "parameters": {"type": "object", "properties": {}}},
}

leaves = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from([*TAGS, "5", " 5 ", "true", "None", "[1]", '"q"', "&amp;", "&#38;", "a < b & c"])
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
markup = re.compile(r'<[a-z/|]|\[/?[A-Z]|◁|\{\s*"|\w\s*\(', re.IGNORECASE)
plain_prose = (
    st.text(max_size=30).filter(lambda text: not markup.search(text))
    | st.sampled_from(["Answer: 3; 4", "Decline: no.", "a <tool_ b", "I think> so [1] (see {a})"])
).map(str.strip)
"""Text in which nothing may be a mark or a call, in any dialect."""

names = st.text(min_size=1, max_size=12)
identifiers = st.from_regex(r"[a-z_][a-z0-9_]{0,9}", fullmatch=True)
arguments = st.dictionaries(st.text(max_size=6) | st.sampled_from(TAGS), values, max_size=4)


def turns_with(names_: st.SearchStrategy[str]) -> st.SearchStrategy[Turn]:
    calls = st.lists(st.builds(ToolCall, names_, arguments, st.just("")), max_size=3).map(tuple)
    return st.builds(Turn, plain_prose, calls, plain_prose, st.just(""))


turns = turns_with(names)
plainly_named = turns_with(identifiers)
surrogates = st.text(st.characters(), max_size=20)  # all of Unicode, lone surrogates too
hostile_texts = st.lists(
    st.sampled_from([*TAGS, CALL, "{", "}", '{"name":', '"arguments":', "\\ud800", "NaN", "\n", "[" * 70, '"role"'])
    | surrogates,
    max_size=12,
).map("".join)


def same(read: Turn, said: Turn) -> bool:
    """Return whether two turns are equal but for `raw`, in their values' types too (1 is not True)."""
    return read._replace(raw="") == said._replace(raw="") and _dumped(read) == _dumped(said)


def _dumped(turn: Turn) -> list[str]:
    return [jsonio.dumps(call.arguments, sort_keys=True) for call in turn.calls if isinstance(call, ToolCall)]


def message(**fields: Any) -> str:
    return json.dumps({"role": "assistant", "content": None, **fields})


def function(name: Any, arguments_: Any) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": arguments_}}


def problems(turn: Turn) -> list[str]:
    return [call.problem for call in turn.calls if isinstance(call, BrokenCall)]


def check(turn: Turn) -> None:
    """Check what holds for every turn, whatever it was read from."""
    assert type(turn) is Turn
    assert len(turn.calls) <= MAX_CALLS_PARSED + 1
    for call in turn.calls:
        if isinstance(call, ToolCall):
            assert call.name
            assert type(call.arguments) is dict
            jsonio.check_plain([call.name, call.arguments, call.id])
        else:
            assert call.problem in PROBLEMS
            assert 0 < len(call.message) <= 300
            assert len(call.raw) <= 500
            call.message.encode()
    assert (turn.act is None) == bool(turn.calls)
