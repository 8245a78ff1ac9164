"""The OpenAI dialect: an assistant message as JSON, with `tool_calls`.

Text that is no such message is taken as the message's content, so that a plain answer needs no JSON. But text that
opens as an object, names a key of messages or calls and cannot be read is a broken call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from tool_gym import jsonio, messages
from tool_gym.dialects.base import Message, Tool, instructed
from tool_gym.dialects.calls import (
    MAX_CALLS_PARSED,
    MAX_TURN_CHARS,
    broken,
    call_of,
    too_large,
    too_many_calls,
)
from tool_gym.dialects.thinking import join_texts, may_think, split_thinking
from tool_gym.turns import BrokenCall, ToolCall, ToolResult, Turn

_MESSAGE_KEYS = frozenset({"role", "content", "tool_calls", "function_call"})
_THINKING_KEYS = ("reasoning_content", "reasoning")
_MEANT = re.compile(r"""(["'])(?:role|tool_calls|function_call|arguments)\1\s*(?::|\Z)""")


class OpenAI:
    """Chat messages as JSON, for policies that speak to a chat API."""

    name = "openai"

    def parse(self, action: Any) -> Turn:
        """Read an assistant message: JSON text, a dict, or plain text."""
        if issubclass(type(action), str):
            return _parse_text(str.__str__(action))  # a plain text, whatever a subclass makes of its methods
        try:
            jsonio.check_plain(action)
        except jsonio.PlainJsonError as error:
            return _broken_turn(error.problem, f"the message is not accepted: {error}", "")
        raw = jsonio.dumps(action)
        if len(raw) > MAX_TURN_CHARS:
            return too_large(raw)
        if type(action) is not dict:
            return _broken_turn("not_object", "an assistant message must be an object", raw)
        return _read_message(action, raw)

    def write(self, turn: Turn) -> str:
        """Write a turn as an assistant message."""
        message: dict[str, Any] = {"role": "assistant", "content": turn.text}
        if turn.reasoning:
            message["reasoning_content"] = turn.reasoning
        if turn.calls:
            message["tool_calls"] = [_write_call(call) for call in turn.calls]
        return jsonio.dumps(message)

    def render(self, messages: Sequence[Message], tools: Sequence[Tool]) -> str:
        """Return `{"messages": …, "tools": …}` as JSON text."""
        return jsonio.dumps({"messages": list(instructed(messages)), "tools": list(tools)})

    def opening(self, user_text: str, tools: Sequence[Tool]) -> str:
        """Return the prompt of a conversation that has just begun."""
        return self.render([messages.user_message(user_text)], tools)

    def observe(self, calls: Sequence[ToolCall | BrokenCall], results: Sequence[ToolResult], reply: str) -> str:
        """Return the tool messages, and the user's if there is one, as a JSON array."""
        ids = [messages.call_id(call, f"call_{number}") for number, call in enumerate(calls)]
        new = [messages.tool_message(name, result) for name, result in zip(ids, results, strict=True)]
        return jsonio.dumps([*new, messages.user_message(reply)] if reply else new)


def _parse_text(action: str) -> Turn:
    if len(action) > MAX_TURN_CHARS:
        return too_large(action)
    turn = _read_object(action, action)
    if turn is not None:
        return turn
    if not may_think(action):
        return Turn(action.strip(), (), "", action)
    reasoning, text = split_thinking(action)
    turn = _read_object(text, action)  # a message behind its thinking
    if turn is None:
        return Turn(text, (), reasoning, action)
    return turn._replace(reasoning=join_texts((reasoning, turn.reasoning)))


def _read_object(text: str, raw: str) -> Turn | None:
    """Read text that opens as an object: a message, or what was meant as one; None if it is neither."""
    if text.lstrip()[:1] != "{":
        return None
    try:
        message = jsonio.loads_plain(text)
    except jsonio.PlainJsonError as error:
        return (
            _broken_turn(error.problem, f"the message is not accepted: {error}", raw) if _MEANT.search(text) else None
        )
    return None if _MESSAGE_KEYS.isdisjoint(message) else _read_message(message, raw)


def _read_message(message: dict[str, Any], raw: str) -> Turn:
    role = message.get("role", "assistant")
    if role != "assistant":
        problem = "invented_result" if role in ("tool", "function") else "wrong_role"
        return _broken_turn(problem, "write only the assistant's message: results come from the tools", raw)
    thinking = next((message[key] for key in _THINKING_KEYS if isinstance(message.get(key), str)), "").strip()
    text = _content_text(message.get("content")).strip()
    if may_think(text):
        inner, text = split_thinking(text)
        thinking = f"{thinking}\n{inner}".strip()
    return Turn(text, tuple(_read_calls(message, raw)), thinking, raw)


def _read_calls(message: dict[str, Any], raw: str) -> list[ToolCall | BrokenCall]:
    calls: list[ToolCall | BrokenCall] = []
    legacy = message.get("function_call")
    if legacy is not None:
        calls.append(call_of(legacy))
    given = message.get("tool_calls")
    if given is None:
        return calls
    if type(given) is not list:
        return [*calls, broken("not_object", "tool_calls must be an array of calls", raw)]
    calls += [_read_call(call) for call in given[:MAX_CALLS_PARSED]]
    if len(given) > MAX_CALLS_PARSED:
        calls.append(too_many_calls(raw))
    return calls


def _read_call(call: Any) -> ToolCall | BrokenCall:
    if type(call) is not dict or type(call.get("function")) is not dict:
        message = 'a call must be {"type": "function", "function": {"name": …, "arguments": …}}'
        return broken("not_object", message, jsonio.dumps(call))
    call_id = call.get("id")
    return call_of(call["function"], call_id if type(call_id) is str else "")


def _content_text(content: Any) -> str:
    if type(content) is str:
        return content
    parts = content if type(content) is list else []
    texts = [part.get("text") for part in parts if type(part) is dict]
    return "\n".join(text for text in texts if type(text) is str)


def _write_call(call: ToolCall | BrokenCall) -> Mapping[str, Any]:
    if isinstance(call, BrokenCall):
        return {"type": "function", "function": {"name": messages.MALFORMED, "arguments": call.raw}}
    function = {"name": call.name, "arguments": jsonio.dumps(call.arguments)}
    written = {"type": "function", "function": function}
    return {"id": call.id, **written} if call.id else written


def _broken_turn(problem: str, message: str, raw: str) -> Turn:
    return Turn("", (broken(problem, message, raw),), "", raw)
