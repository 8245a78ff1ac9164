"""ChatML prompts, character by character as Qwen3's chat template writes them for the same messages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache

from tool_gym import jsonio
from tool_gym.dialects.base import Message, Tool

_BEFORE_TOOLS = """\
# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>"""
_AFTER_TOOLS = """
</tools>

For each function call, return a json object with function name and arguments within <tool_call></tool_call> XML tags:
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call>"""

to_json = json.JSONEncoder(ensure_ascii=False).encode
"""JSON with the spaces chat templates put in, and Qwen models have learned."""


def system_text(text: str, tools: Sequence[Tool]) -> str:
    """Return the content of the system message: `text`, then the tools, if any."""
    if not tools:
        return text
    return f"{text}\n\n{_tools_text(jsonio.dump_bytes(tools))}" if text else _tools_text(jsonio.dump_bytes(tools))


def render(messages: Sequence[Message], tools: Sequence[Tool]) -> str:
    """Return the prompt: system message with the tools, conversation, and the assistant's cue."""
    return "".join([*_system(messages, tools), *_conversation(messages), "<|im_start|>assistant\n"])


@lru_cache(maxsize=256)
def _tools_text(tools: bytes) -> str:
    lines = [f"\n{to_json(tool)}" for tool in jsonio.loads(tools.decode())]
    return f"{_BEFORE_TOOLS}{''.join(lines)}{_AFTER_TOOLS}"


def _system(messages: Sequence[Message], tools: Sequence[Tool]) -> Iterator[str]:
    given = _content(messages[0]) if messages and messages[0].get("role") == "system" else None
    if tools or given is not None:
        text = system_text(given or "", tools)
        # The template separates even an empty system message from the tools.
        separator = "\n\n" if given == "" and tools else ""
        yield f"<|im_start|>system\n{separator}{text}<|im_end|>\n"


def _conversation(messages: Sequence[Message]) -> Iterator[str]:
    last_query = max((i for i, message in enumerate(messages) if _is_query(message)), default=len(messages) - 1)
    for i, message in enumerate(messages):
        role = message.get("role")
        if role == "user" or (role == "system" and i > 0):
            yield f"<|im_start|>{role}\n{_content(message)}<|im_end|>\n"
        elif role == "assistant":
            yield _assistant(message, shows_thinking=i > last_query, is_last=i == len(messages) - 1)
        elif role == "tool":
            opens = i == 0 or messages[i - 1].get("role") != "tool"
            closes = i == len(messages) - 1 or messages[i + 1].get("role") != "tool"
            yield "<|im_start|>user" if opens else ""
            yield f"\n<tool_response>\n{_content(message)}\n</tool_response>"
            yield "<|im_end|>\n" if closes else ""


def _is_query(message: Message) -> bool:
    content = message.get("content")
    return (
        message.get("role") == "user"
        and isinstance(content, str)
        and not (content.startswith("<tool_response>") and content.endswith("</tool_response>"))
    )


def _assistant(message: Message, *, shows_thinking: bool, is_last: bool) -> str:
    content, thinking = _content(message), message.get("reasoning_content")
    if not isinstance(thinking, str):
        thinking = ""
        if "</think>" in content:
            thinking = content.split("</think>")[0].rstrip("\n").split("<think>")[-1].lstrip("\n")
            content = content.split("</think>")[-1].lstrip("\n")
    shown = content
    if shows_thinking and (is_last or thinking):
        shown = "<think>\n" + thinking.strip("\n") + "\n</think>\n\n" + content.lstrip("\n")
    calls = "\n".join(_call(call.get("function") or call) for call in message.get("tool_calls") or ())
    separator = "\n" if content and calls else ""
    return f"<|im_start|>assistant\n{shown}{separator}{calls}<|im_end|>\n"


def _call(function: Message) -> str:
    arguments = function["arguments"]
    written = arguments if isinstance(arguments, str) else to_json(arguments)
    return f'<tool_call>\n{{"name": "{function["name"]}", "arguments": {written}}}\n</tool_call>'


def _content(message: Message) -> str:
    content = message.get("content")
    return content if isinstance(content, str) else ""
