"""The structured dialect: turns as objects, for policies that are programs.

An action is a [`Turn`][tool_gym.turns.Turn], a dict `{"text": …, "calls": [{"name": …, "arguments": {…}}]}`, or text
without calls. What is shown is the OpenAI dialect's JSON.
"""

from __future__ import annotations

from typing import Any

from tool_gym import jsonio
from tool_gym.dialects.calls import (
    MAX_CALLS_PARSED,
    MAX_RAW,
    MAX_TURN_CHARS,
    broken,
    call_of,
    too_large,
    too_many_calls,
)
from tool_gym.dialects.openai import OpenAI
from tool_gym.turns import MAX_MESSAGE, BrokenCall, ToolCall, Turn

_TURN_KEYS = {"text", "calls", "reasoning"}


class Structured(OpenAI):
    """Turns as they are; nothing is trusted for being an object."""

    name = "structured"

    def parse(self, action: Any) -> Turn:
        """Check a turn, or build one from a dict or a text."""
        if type(action) is Turn:
            return _check_turn(action)
        if issubclass(type(action), str):
            text = str.__str__(action)  # a plain text, whatever a subclass makes of its methods
            return Turn(text.strip()) if len(text) <= MAX_TURN_CHARS else too_large(text)
        if type(action) is dict:
            return _read_turn(action)
        return _broken_turn("not_object", f"an action must be a Turn, a dict or a text, not {type(action).__name__}")

    def write(self, turn: Turn) -> Turn:  # type: ignore[override]  # the one dialect whose actions are no text
        """Return the turn itself."""
        return turn


def _check_turn(turn: Turn) -> Turn:
    """Return the very turn if it is sound, else one in which what is not is a broken call."""
    text, calls, reasoning, raw = turn
    if not type(text) is type(reasoning) is type(raw) is str or type(calls) is not tuple:
        return _broken_turn("not_object", "a turn is made of text, a tuple of calls, reasoning and raw text")
    if max(len(text), len(reasoning), len(raw)) > MAX_TURN_CHARS:
        return too_large(text)
    if not calls:
        return turn
    checked = [_check_call(call) for call in calls[:MAX_CALLS_PARSED]]
    if len(calls) > MAX_CALLS_PARSED:
        checked.append(too_many_calls(""))
    elif all(new is given for new, given in zip(checked, calls, strict=True)):
        return turn
    return Turn(text, tuple(checked), reasoning, raw)


def _check_call(call: Any) -> ToolCall | BrokenCall:
    """Return the very call if it is sound."""
    if type(call) is ToolCall:
        if type(call.name) is not str or type(call.id) is not str:
            return broken("no_name", "a call's name and id must be strings", "")
        try:
            jsonio.check_plain([call.name, call.id, call.arguments])
        except jsonio.PlainJsonError as error:
            return broken(error.problem, f"the call is not accepted: {error}", "")
        if call.name and type(call.arguments) is dict:
            return call
        return call_of({"name": call.name, "arguments": call.arguments}, call.id)
    if type(call) is BrokenCall and all(type(part) is str for part in call):
        return call if len(call.message) <= MAX_MESSAGE and len(call.raw) <= MAX_RAW else broken(*call)
    return broken("not_object", f"a call must be a ToolCall, not {type(call).__name__}", "")


def _read_turn(action: dict[Any, Any]) -> Turn:
    try:
        jsonio.check_plain(action)
    except jsonio.PlainJsonError as error:
        return _broken_turn(error.problem, f"the turn is not accepted: {error}")
    text, calls, reasoning = action.get("text", ""), action.get("calls", []), action.get("reasoning", "")
    if action.keys() - _TURN_KEYS or type(calls) is not list or not type(text) is type(reasoning) is str:
        return _broken_turn("not_object", 'a turn must be {"text": …, "calls": [{"name": …, "arguments": {…}}]}')
    if max(len(text), len(reasoning)) > MAX_TURN_CHARS:
        return too_large(text)
    read = [call_of(call, _id(call)) for call in calls[:MAX_CALLS_PARSED]]
    rest = [too_many_calls("")] if len(calls) > MAX_CALLS_PARSED else []
    return Turn(text.strip(), (*read, *rest), reasoning.strip())


def _id(call: Any) -> str:
    given = call.get("id") if type(call) is dict else None
    return given if type(given) is str else ""


def _broken_turn(problem: str, message: str) -> Turn:
    return Turn("", (broken(problem, message, ""),))
