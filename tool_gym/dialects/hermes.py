"""The Hermes dialect, which Qwen models speak too: `<tool_call>` blocks of JSON in ChatML.

A call is `<tool_call>{"name": …, "arguments": {…}}</tool_call>`; everything else outside `<think>` is visible text.
Thinking is set aside before calls are looked for, so nothing in it is ever executed. In a turn without tags, a JSON
object with a "name" and "arguments" was meant as a call: it is a broken one, never executed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tool_gym.dialects import chatml
from tool_gym.dialects.base import INSTRUCTIONS, Message, Tool, instructed
from tool_gym.dialects.calls import (
    EXAMPLE,
    MAX_CALLS_PARSED,
    MAX_TURN_CHARS,
    broken,
    find_call,
    read_call,
    split_thinking,
    too_large,
    too_many_calls,
)
from tool_gym.turns import BrokenCall, ToolCall, ToolResult, Turn

_OPEN = "<tool_call>"
_CLOSE = "</tool_call>"
_STRAY = re.compile(r"(?P<invented><tool_response>.*?(?:</tool_response>|\Z))|</tool_call>", re.DOTALL)
_ARGUMENTS = '"arguments"'
_FENCE = re.compile(r"```\w*\s*\Z")
_MARKUP = ("tool_call>", "tool_response>", "think>", "<|im_")


class Hermes:
    """Tool calls as tagged JSON, results as tagged text, prompts in ChatML."""

    name = "hermes"

    def parse(self, action: Any) -> Turn:
        """Read an assistant's text."""
        if not issubclass(type(action), str):  # isinstance would ask the object itself
            message = f"a turn must be text, not {type(action).__name__}"
            return Turn("", (broken("not_text", message, ""),))
        if len(action) > MAX_TURN_CHARS:
            return too_large(action)
        reasoning, visible = split_thinking(action) if "think>" in action else ("", action)
        start = visible.find(_OPEN)
        if start < 0 and "tool_" not in visible and _ARGUMENTS not in visible:
            return Turn(visible.strip(), (), reasoning, action)
        end = visible.find(_CLOSE, start)
        if start >= 0 and end + len(_CLOSE) == len(visible) and visible.find("tool_", 0, start) < 0:
            call = read_call(visible[start + len(_OPEN) : end])
            if type(call) is ToolCall:  # the common turn: one good call, and nothing after it
                return Turn(visible[:start].strip(), (call,), reasoning, action)
        text, calls = _read_calls(visible)
        if not calls and _ARGUMENTS in text:
            text, calls = _read_untagged(text)
        return Turn(text, calls, reasoning, action)

    def write(self, turn: Turn) -> str:
        """Write a turn as text; the calls' own ids have no place in it."""
        parts = [turn.text] if turn.text else []
        parts += [_write_call(call) for call in turn.calls]
        thinking = f"<think>\n{turn.reasoning}\n</think>\n\n" if turn.reasoning else ""
        return thinking + "\n".join(parts)

    def render(self, messages: Sequence[Message], tools: Sequence[Tool]) -> str:
        """Return the prompt in ChatML."""
        return chatml.render(instructed(messages), tools)

    def opening(self, user_text: str, tools: Sequence[Tool]) -> str:
        """Return the system text with the tools, then what the user asks."""
        return f"{chatml.system_text(INSTRUCTIONS, tools)}\n\n{user_text}"

    def observe(self, calls: Sequence[ToolCall | BrokenCall], results: Sequence[ToolResult], reply: str) -> str:
        """Return one `<tool_response>` block for each call, then the user's words."""
        del calls
        parts = [f"<tool_response>\n{result.text}\n</tool_response>" for result in results]
        return "\n".join([*parts, reply] if reply else parts)


def _read_calls(visible: str) -> tuple[str, tuple[ToolCall | BrokenCall, ...]]:
    texts: list[str] = []
    calls: list[ToolCall | BrokenCall] = []
    at = 0
    while (start := visible.find(_OPEN, at)) >= 0 and len(calls) < MAX_CALLS_PARSED:
        _read_between(visible[at:start], texts, calls)
        call, at = _read_block(visible, start + len(_OPEN))
        calls.append(call)
    if start < 0:
        _read_between(visible[at:], texts, calls)
    if start >= 0 or len(calls) > MAX_CALLS_PARSED:
        calls[MAX_CALLS_PARSED:] = [too_many_calls(visible[at:])]
    return "\n".join(texts), tuple(calls)


def _read_untagged(text: str) -> tuple[str, tuple[BrokenCall, ...]]:
    """Read a text without tags: the first object in it that is a call but for the tags, fenced as code or not."""
    found = find_call(text)
    if found is None:
        return text, ()
    start, end = found
    texts: list[str] = []
    _add(texts, _FENCE.sub("", text[:start]))
    _add(texts, text[end:].lstrip().removeprefix("```"))
    message = f"a call counts only between tags: write {_OPEN}{EXAMPLE}{_CLOSE}"
    return "\n".join(texts), (broken("untagged", message, text[start:end]),)


def _read_block(visible: str, start: int) -> tuple[ToolCall | BrokenCall, int]:
    """Read the call whose payload begins at `start`; return it and where reading goes on."""
    end = visible.find(_CLOSE, start)
    if end >= 0:
        payload = visible[start:end]
        call = read_call(payload)
        if isinstance(call, ToolCall) or _OPEN not in payload:
            return call, end + len(_CLOSE)
    following = visible.find(_OPEN, start)
    after = following if following >= 0 else len(visible)
    message = f"{_OPEN} is not closed by {_CLOSE}"
    return broken("unclosed", message, visible[start:after]), after


def _read_between(text: str, texts: list[str], calls: list[ToolCall | BrokenCall]) -> None:
    """Read what stands outside calls: visible text, invented results, closing tags that close nothing."""
    at = 0
    if "tool_" in text:
        for match in _STRAY.finditer(text):
            if len(calls) > MAX_CALLS_PARSED:
                return
            if match["invented"]:
                message = "results come from the tools: never write a <tool_response> yourself"
                calls.append(broken("invented_result", message, match["invented"]))
                _add(texts, text[at : match.start()])
            else:
                calls.append(broken("stray_close", f"{_CLOSE} closes no {_OPEN}", text[at : match.end()]))
            at = match.end()
    _add(texts, text[at:])


def _add(texts: list[str], text: str) -> None:
    if stripped := text.strip():
        texts.append(stripped)


def _write_call(call: ToolCall | BrokenCall) -> str:
    if isinstance(call, BrokenCall):
        return f"{_OPEN}\n{call.raw}\n{_CLOSE}"
    payload = f'{{"name": {chatml.to_json(call.name)}, "arguments": {chatml.to_json(call.arguments)}}}'
    if any(markup in payload for markup in _MARKUP):
        payload = payload.replace("<", "\\u003c")
    return f"{_OPEN}\n{payload}\n{_CLOSE}"
