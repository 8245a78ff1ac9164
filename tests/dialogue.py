"""Turns of every kind, sound and hostile, for the tests of dialects."""

import json
from typing import Any

from hypothesis import strategies as st

from tool_gym import jsonio
from tool_gym.dialects import MAX_CALLS_PARSED, PROBLEMS, get_dialect
from tool_gym.turns import BrokenCall, ToolCall, Turn

HERMES, OPENAI, STRUCTURED = (get_dialect(name) for name in ("hermes", "openai", "structured"))
TAGS = ["<tool_call>", "</tool_call>", "<think>", "</think>", "<tool_response>", "</tool_response>", "<|im_end|>"]
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
    | st.sampled_from(TAGS)
)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)
prose = (st.text(max_size=30) | st.sampled_from(["Answer: 3; 4", "Decline: no.", "a <tool_ b"])).map(str.strip)
plain_prose = prose.filter(lambda text: not any(tag in text for tag in TAGS))
names = st.text(min_size=1, max_size=12)
arguments = st.dictionaries(st.text(max_size=6), values, max_size=4)
calls = st.lists(st.builds(ToolCall, names, arguments, st.just("")), max_size=3).map(tuple)
turns = st.builds(Turn, plain_prose, calls, plain_prose, st.just(""))
surrogates = st.text(st.characters(), max_size=20)  # all of Unicode, lone surrogates too
hostile_texts = st.lists(
    st.sampled_from([*TAGS, CALL, "{", "}", '{"name":', '"arguments":', "\\ud800", "NaN", "\n", "[" * 70, '"role"'])
    | surrogates,
    max_size=12,
).map("".join)


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
