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
    read_call,
    too_many_calls,
)
from tool_gym.dialects.text import Reading, read_turn, read_untagged
from tool_gym.dialects.thinking import hide_marks
from tool_gym.turns import BrokenCall, ToolCall, ToolResult, Turn

_OPEN = "<tool_call>"
_CLOSE = "</tool_call>"
_CALL = slice(len(_OPEN), -len(_CLOSE))
_STRAY = re.compile(r"(?P<invented><tool_response>.*?(?:</tool_response>|\Z))|</tool_call>", re.DOTALL)
_ARGUMENTS = '"arguments"'
_END = ("<|im_end|>", "<|endoftext|>")
_new = tuple.__new__  # half the time of a NamedTuple's own constructor
_MARKUP = ("tool_call>", "tool_response>", "<|im_")


class Hermes:
    """Tool calls as tagged JSON, results as tagged text, prompts in ChatML."""

    name = "hermes"

    def parse(self, action: Any) -> Turn:
        """Read an assistant's text."""
        if type(action) is str and action.endswith(_CLOSE) and action.startswith(_OPEN) and _is_alone(action):
            call = read_call(action[_CALL])
            if type(call) is ToolCall:
                return _new(Turn, ("", (call,), "", action))
        return read_turn(action, _read, _END)

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
        if len(results) == 1 and not reply:
            return f"<tool_response>\n{results[0].text}\n</tool_response>"
        parts = [f"<tool_response>\n{result.text}\n</tool_response>" for result in results]
        return "\n".join([*parts, reply] if reply else parts)


def _is_alone(action: str) -> bool:
    """Return whether a turn between call tags is one call and nothing else: the common turn."""
    alone = action.count("<") == 2 and "THINK]" not in action and "think▷" not in action
    return alone and len(action) <= MAX_TURN_CHARS


def _read(visible: str) -> Reading:
    if "tool_" not in visible and _ARGUMENTS not in visible:
        return visible.strip(), ()
    text, calls = _read_calls(visible)
    if not calls and _ARGUMENTS in text:
        return read_untagged(text, f"{_OPEN}{EXAMPLE}{_CLOSE}")
    return text, calls


def _read_calls(visible: str) -> Reading:
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
    payload = hide_marks(f'{{"name": {chatml.to_json(call.name)}, "arguments": {chatml.to_json(call.arguments)}}}')
    if any(markup in payload for markup in _MARKUP):
        payload = payload.replace("<", "\\u003c")
    return f"{_OPEN}\n{payload}\n{_CLOSE}"
