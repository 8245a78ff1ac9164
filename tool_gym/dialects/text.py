"""Turns that are text: what is the same in every dialect of tags and tokens."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeAlias

from tool_gym import jsonio, messages
from tool_gym.dialects.base import Message, content_of
from tool_gym.dialects.calls import MAX_TURN_CHARS, broken, call_of, find_call, too_large
from tool_gym.dialects.thinking import join_texts, may_think, split_thinking
from tool_gym.turns import BrokenCall, ToolCall, Turn

Reading: TypeAlias = tuple[str, tuple[ToolCall | BrokenCall, ...]]
"""What was read of a turn's visible part: its text, and its calls."""

_FENCE = re.compile(r"```\w*\s*\Z")


def read_turn(action: Any, read: Callable[[str], Reading], end_tokens: tuple[str, ...]) -> Turn:
    """Read a turn; never raises.

    Args:
        action: What the model wrote; anything but text is a broken call.
        read: Reads the visible part, which is all but the thinking and the end tokens.
        end_tokens: The tokens that end a turn, each ending in ">"; dropped where they stand at its end.
    """
    if not issubclass(type(action), str):  # isinstance would ask the object itself
        message = f"a turn must be text, not {type(action).__name__}"
        return Turn("", (broken("not_text", message, ""),))
    action = str.__str__(action)  # a plain text, whatever a subclass makes of its methods
    if len(action) > MAX_TURN_CHARS:
        return too_large(action)
    said = action.rstrip()
    if said[-1:] == ">":
        said = _without_end(said, end_tokens)
    reasoning, visible = split_thinking(said) if may_think(said) else ("", said)
    text, calls = read(visible)
    return Turn(text, calls, reasoning, action)


def read_untagged(text: str, form: str) -> Reading:
    """Read a text without marks: the first object in it that is a call but for the marks, fenced as code or not.

    Args:
        text: The visible part.
        form: What to write instead, for the message.
    """
    found = find_call(text)
    if found is None:
        return text, ()
    start, end = found
    parts = [_FENCE.sub("", text[:start]), text[end:].lstrip().removeprefix("```")]
    message = f"a call counts only between its marks: write {form}"
    return join_texts(parts), (broken("untagged", message, text[start:end]),)


def turn_of(message: Message) -> Turn:
    """Return the turn of an assistant's message in OpenAI's form; its broken calls have only their text."""
    thinking = message.get("reasoning_content")
    calls = tuple(_call_of(call) for call in message.get("tool_calls") or ())
    return Turn(content_of(message), calls, thinking if isinstance(thinking, str) else "")


def _call_of(call: Message) -> ToolCall | BrokenCall:
    function = call.get("function") or call
    read = call_of(dict(function), call.get("id") or "")
    if isinstance(read, ToolCall) and read.name != messages.MALFORMED:
        return read
    arguments = function["arguments"]
    return broken("bad_json", "", arguments if isinstance(arguments, str) else jsonio.dumps(arguments))


def _without_end(text: str, end_tokens: tuple[str, ...]) -> str:
    """Return the text, which ends in no space, without the end tokens at its end."""
    end = len(text)
    while text.endswith(end_tokens, 0, end):
        end = text.rfind("<", 0, end)
        while end and text[end - 1].isspace():
            end -= 1
    return text[:end]
