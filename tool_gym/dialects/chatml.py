"""Prompts in ChatML, with the tags Hermes and Qwen models have learned: tools, tool_call, tool_response, think.

The tags and their places are the format's; the words between them are ours. For a model's own wording use its chat
template on `info["messages"]` and `info["tools"]`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import groupby

from tool_gym import jsonio
from tool_gym.dialects.base import Message, Tool, content_of

_BEFORE_TOOLS = "These are the tools, each a JSON schema on a line of its own:\n<tools>"
_AFTER_TOOLS = """
</tools>

A call is a JSON object in its own pair of tags; a turn may hold several:
<tool_call>
{"name": "the tool", "arguments": {"parameter": "value"}}
</tool_call>"""

to_json = json.JSONEncoder(ensure_ascii=False).encode
"""JSON with a space after each comma and colon, as models of this family write it."""


def system_text(text: str, tools: Sequence[Tool]) -> str:
    """Return the content of the system message: `text`, then the tools, if any."""
    return "\n\n".join(part for part in (text, _tools_text(jsonio.dump_bytes(tools)) if tools else "") if part)


def render(messages: Sequence[Message], tools: Sequence[Tool]) -> str:
    """Return the prompt: system message with the tools, conversation, and the assistant's cue."""
    given = content_of(messages[0]) if messages and messages[0].get("role") == "system" else None
    system = system_text(given or "", tools)
    blocks = [_block("system", system)] if system else []
    blocks += _conversation(messages if given is None else messages[1:])
    return "".join([*blocks, "<|im_start|>assistant\n"])


@lru_cache(maxsize=256)
def _tools_text(tools: bytes) -> str:
    lines = [f"\n{to_json(tool)}" for tool in jsonio.loads(tools.decode())]
    return f"{_BEFORE_TOOLS}{''.join(lines)}{_AFTER_TOOLS}"


def _conversation(messages: Sequence[Message]) -> Iterator[str]:
    """Yield a block for each message; results that follow each other share one, which the user's side sends."""
    for is_result, run in groupby(messages, lambda message: message.get("role") == "tool"):
        if is_result:
            results = (f"<tool_response>\n{content_of(message)}\n</tool_response>" for message in run)
            yield _block("user", "\n".join(results))
        else:
            for message in run:
                assistant = message.get("role") == "assistant"
                yield _block(str(message.get("role")), _said(message) if assistant else content_of(message))


def _said(message: Message) -> str:
    """Return what an assistant wrote: thinking, text, calls."""
    thinking = message.get("reasoning_content")
    calls = [_call(call.get("function") or call) for call in message.get("tool_calls") or ()]
    said = "\n".join(part for part in (content_of(message), *calls) if part)
    return f"<think>\n{thinking}\n</think>\n\n{said}" if isinstance(thinking, str) and thinking else said


def _block(role: str, content: str) -> str:
    return f"<|im_start|>{role}\n{content}<|im_end|>\n"


def _call(function: Message) -> str:
    arguments = function["arguments"]
    written = arguments if isinstance(arguments, str) else to_json(arguments)
    return f'<tool_call>\n{{"name": "{function["name"]}", "arguments": {written}}}\n</tool_call>'
