"""What a model is shown: instructions, tools, conversation and results."""

import json
from typing import Any

from tests.dialogue import GET, HERMES, OPENAI, STRUCTURED, TOOL, function
from tool_gym.dialects import DIALECTS, INSTRUCTIONS
from tool_gym.turns import Outcome, ToolCall, ToolResult, Turn

NAMED = GET._replace(id="call_1")
RESULTS = (ToolResult(Outcome.OK, {"name": "é"}), ToolResult(Outcome.NOT_FOUND, None, "no row 'A-2'"))


def test_hermes_shows_tools_request_and_results() -> None:
    opening = HERMES.opening("Where is A-1?", [TOOL])
    assert opening.startswith(INSTRUCTIONS)
    assert f"<tools>\n{json.dumps(TOOL)}\n</tools>" in opening
    assert opening.endswith("\n\nWhere is A-1?")
    assert HERMES.observe((GET, GET), RESULTS, "And A-3?") == (
        '<tool_response>\n{"name":"é"}\n</tool_response>\n'
        '<tool_response>\n{"error":"not_found","message":"no row \'A-2\'"}\n</tool_response>\nAnd A-3?'
    )
    assert HERMES.observe((), (), "And A-3?") == "And A-3?"
    assert HERMES.observe((), (), "") == ""


def test_openai_shows_tools_request_and_results() -> None:
    opening = json.loads(OPENAI.opening("Where is A-1?", [TOOL]))
    system, user = {"role": "system", "content": INSTRUCTIONS}, {"role": "user", "content": "Where is A-1?"}
    assert opening == {"messages": [system, user], "tools": [TOOL]}
    shown = json.loads(OPENAI.observe((NAMED, GET), RESULTS, "And A-3?"))
    assert [part.get("tool_call_id") for part in shown] == ["call_1", "call_1", None]
    assert shown[0]["content"] == '{"name":"é"}'
    assert shown[2] == {"role": "user", "content": "And A-3?"}
    assert STRUCTURED.opening("Where is A-1?", [TOOL]) == OPENAI.opening("Where is A-1?", [TOOL])


def test_every_dialect_explains_the_act_protocol() -> None:
    for dialect in DIALECTS.values():
        for word in ("Answer: <value>", "semicolons", "Decline: <reason>", "Ask: <question>"):
            assert word in dialect.opening("hello", [])
            assert word in dialect.render([{"role": "user", "content": "hello"}], [])


CALLS = [function("get", '{"id": "A-1"}'), function("get", {"id": "A-2"})]
CHAT: list[dict[str, Any]] = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Where is A-1?"},
    {"role": "assistant", "content": "Wait.", "reasoning_content": "It is a row.", "tool_calls": CALLS},
    {"role": "tool", "tool_call_id": "call_1", "content": "{}"},
    {"role": "tool", "tool_call_id": "call_2", "content": "[]"},
]

CHATML = """\
<|im_start|>system
Be brief.

These are the tools, each a JSON schema on a line of its own:
<tools>
{"type": "function", "function": {"name": "get", "description": "Get a row.", "parameters": {"type": "object", "properties": {}}}}
</tools>

A call is a JSON object in its own pair of tags; a turn may hold several:
<tool_call>
{"name": "the tool", "arguments": {"parameter": "value"}}
</tool_call><|im_end|>
<|im_start|>user
Where is A-1?<|im_end|>
<|im_start|>assistant
<think>
It is a row.
</think>

Wait.
<tool_call>
{"name": "get", "arguments": {"id": "A-1"}}
</tool_call>
<tool_call>
{"name": "get", "arguments": {"id": "A-2"}}
</tool_call><|im_end|>
<|im_start|>user
<tool_response>
{}
</tool_response>
<tool_response>
[]
</tool_response><|im_end|>
<|im_start|>assistant
"""  # noqa: E501 - a tool is one line


def test_hermes_prompts_are_chatml_with_the_tags_of_the_family() -> None:
    assert HERMES.render(CHAT, [TOOL]) == CHATML


def test_hermes_writes_a_turn_as_it_stands_in_the_prompt() -> None:
    turn = Turn("Wait.", (GET, ToolCall("get", {"id": "A-2"})), "It is a row.")
    assert f"<|im_start|>assistant\n{HERMES.write(turn)}<|im_end|>\n" in CHATML
