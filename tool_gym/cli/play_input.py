"""What a person means by a line: a command, or a turn and whether it is sure to be meant.

A call is written as in Python, `find_tour(name="TUR-7")`, with JSON arguments, `find_tour {"name": "TUR-7"}`, or as
models write it: a JSON object, or Hermes tags. A tool's number does for its name. An act begins with its word, such as
`Answer:`. Nothing that is read is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeAlias

from tool_gym import jsonio
from tool_gym.dialects import MAX_CALLS_PARSED, MAX_TURN_CHARS, get_dialect
from tool_gym.dialects.calls import call_of
from tool_gym.dialects.literals import NAME, read_call
from tool_gym.errors import UnknownNameError
from tool_gym.scenario import ToolSpec
from tool_gym.turns import BrokenCall, ToolCall, Turn
from tool_gym.validation import ArgumentValidator

COMMANDS: Mapping[str, str] = {
    "help": "this list",
    "tools": "the tools again; with a number or name, one tool in full",
    "score": "the score so far, and what it is made of",
    "prompt": "the whole prompt a model would be given now",
    "undo": "take the last turn back; the record says that it was done",
    "hint": "the plan's next turn; the record says that you looked",
    "send": "send what follows, whatever doubt there is",
    "quit": "stop here",
}
"""Command → what it does."""

_WITH_ARGUMENT = {"tools", "send"}
_ACT = re.compile(r"\**(?:answer|decline|ask)\**:", re.IGNORECASE)
_OPEN_TAG = re.compile(r"\s*(?:send\s+)?<tool_call>", re.IGNORECASE)
_PYTHON = re.compile(rf"\s*({NAME}|\d+)\s*\(")
_JSON = re.compile(rf"\s*({NAME}|\d+)\s*(?=\{{)")
_BETWEEN = re.compile(r"\s*[;,]?\s*")


class Command(NamedTuple):
    """Something asked of the program, which costs nothing."""

    name: str
    argument: str = ""


class Draft(NamedTuple):
    """A turn, not yet sent."""

    turn: Turn
    doubt: str = ""
    """Why it may not be what was meant, or would be refused; empty if it is clear."""


Meant: TypeAlias = Command | Draft


def read_line(line: str, tools: Sequence[ToolSpec]) -> Meant:
    """Return what a line means; never raises.

    Args:
        line: What was typed; not blank.
        tools: The tools there are, in the order of their numbers.
    """
    word, _, rest = line.strip().partition(" ")
    name = word.lower()
    if name in COMMANDS and (not rest or name in _WITH_ARGUMENT):
        return Command(name, rest.strip())
    if not rest and tool_called(word, tools) is not None:
        return Command("tools", word)
    return read_draft(line.strip(), tools)


def read_draft(text: str, tools: Sequence[ToolSpec]) -> Draft:
    """Return the turn a text is: calls or an act, as a person writes them, or else what a model's text would be."""
    if len(text) > MAX_TURN_CHARS:
        return Draft(_as_text(text), f"this is longer than a turn may be, {MAX_TURN_CHARS:,} characters")
    if _ACT.match(text):
        return Draft(Turn(text, raw=text))
    if text.startswith("{"):
        turn = _read_json(text)
    elif _PYTHON.match(text) or _JSON.match(text):
        try:
            turn = Turn("", _read_calls(text, tools), raw=text)
        except jsonio.PlainJsonError as error:
            return Draft(_as_text(text), f"this cannot be read as a call: {error}")
    else:
        turn = _as_text(text)
    return Draft(turn, _doubt(turn, tools))


def is_open(text: str) -> bool:
    """Return whether a line begins a call in tags that the next line goes on with."""
    return _OPEN_TAG.match(text) is not None and "</tool_call>" not in text and len(text) <= MAX_TURN_CHARS


def tool_called(name: str, tools: Sequence[ToolSpec]) -> ToolSpec | None:
    """Return the tool of a name or, from 1, a number; None if there is none."""
    if name.isdecimal() and len(name) <= 4:
        return tools[int(name) - 1] if 1 <= int(name) <= len(tools) else None
    return next((tool for tool in tools if tool.name == name), None)


def _as_text(text: str) -> Turn:
    return get_dialect("hermes").parse(text)


def _read_json(text: str) -> Turn:
    try:
        data = jsonio.loads_plain(text)
    except jsonio.PlainJsonError:
        return get_dialect("openai").parse(text)
    if "name" in data and "tool_calls" not in data:
        return Turn("", (call_of(data),), raw=text)
    return get_dialect("openai").parse(text)


def _read_calls(text: str, tools: Sequence[ToolSpec]) -> tuple[ToolCall, ...]:
    """Read calls one behind the other, or one with JSON arguments; raises `PlainJsonError` if there is more."""
    json = _JSON.match(text)
    if json is not None:
        return (ToolCall(_name(json[1], tools), jsonio.loads_plain(text[json.end() :])),)
    calls: list[ToolCall] = []
    at = 0
    while at < len(text):
        head = _PYTHON.match(text, at)
        if head is None or len(calls) == MAX_CALLS_PARSED:
            found = repr(text[at : at + 24]) if head is None else f"more than {MAX_CALLS_PARSED}"
            msg = f"a call is expected, not {found}"
            raise jsonio.PlainJsonError(msg, "bad_syntax")
        _, arguments, length = read_call(f"tool{text[head.end(1) :]}")
        calls.append(ToolCall(_name(head[1], tools), arguments))
        at = _skip(head.end(1) + length - len("tool"), text)
    return tuple(calls)


def _name(given: str, tools: Sequence[ToolSpec]) -> str:
    tool = tool_called(given, tools)
    return tool.name if tool is not None else given


def _skip(at: int, text: str) -> int:
    """Return where the next call may begin, behind one mark between two."""
    between = _BETWEEN.match(text, at)
    return between.end() if between else at


def _doubt(turn: Turn, tools: Sequence[ToolSpec]) -> str:
    """Return why a turn may not be meant: it is no act in so many words, or a call would be refused."""
    if not turn.calls and _ACT.match(turn.text) is None:
        return "this is no call, no command, and no act such as Answer: …"
    for call in turn.calls:
        if isinstance(call, BrokenCall):
            return f"this would count as a broken call: {call.message}"
        tool = tool_called(call.name, tools)
        if tool is None or tool.name != call.name:
            return str(UnknownNameError.of("tool", call.name, (tool.name for tool in tools)))
        problem = ArgumentValidator.of(tool.parameters).explain(call.arguments)
        if problem:
            return f"{call.name} would refuse this: {problem}"
    return ""
