"""Reading calls out of what a model wrote; shared by the dialects."""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

from tool_gym import jsonio
from tool_gym.jsonio import SHALLOW
from tool_gym.turns import MAX_MESSAGE, BrokenCall, ToolCall, Turn

MAX_TURN_CHARS = 65_536
"""Longest turn that is read at all, in characters."""

MAX_CALLS_PARSED = 64
"""Most calls read from one turn; one more, broken, stands for all the rest."""

MAX_RAW = 500
"""Most characters kept of text that cannot be read."""

PROBLEMS = frozenset(
    {
        "too_large",
        "too_many_calls",
        "not_text",
        "not_object",
        "no_name",
        "bad_arguments",
        "unclosed",
        "untagged",
        "stray_close",
        "invented_result",
        "wrong_role",
        "bad_json",
        "bad_syntax",
        "positional",
        "not_literal",
        "not_json",
        "too_deep",
        "too_many_nodes",
        "non_finite",
        "lone_surrogate",
        "int_range",
    }
)
"""Every `problem` a parser gives a broken call."""

EXAMPLE = '{"name": "<tool>", "arguments": {…}}'
"""A call, as a model is told to write it."""

_OBJECT = re.compile(r'\{\s*"')
_SIMPLE = frozenset({str, int, bool, type(None)})  # no float: orjson reads integers beyond 64 bits as such
_new = tuple.__new__  # half the time of a NamedTuple's own constructor
_LENIENT = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)


def broken(problem: str, message: str, raw: str) -> BrokenCall:
    """Build a broken call, its message and text cut to their limits."""
    text = jsonio.clean_text(message[: MAX_MESSAGE + 1])
    return BrokenCall(problem, text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…", raw[:MAX_RAW])


def too_large(raw: str) -> Turn:
    """Build the turn that stands for one too large to be read."""
    message = f"the turn is too large to be read: at most {MAX_TURN_CHARS} characters"
    return Turn("", (broken("too_large", message, raw),), "", raw[:MAX_RAW])


def too_many_calls(raw: str) -> BrokenCall:
    """Build the broken call that stands for all beyond the limit."""
    return broken("too_many_calls", f"only the first {MAX_CALLS_PARSED} calls of a turn are read", raw)


def read_call(text: str) -> ToolCall | BrokenCall:
    """Read a call written as the JSON object `{"name": …, "arguments": {…}}`."""
    if len(text) < SHALLOW:  # the common call, read in one go
        try:
            data = orjson.loads(text)
            name, arguments = data["name"], data["arguments"]
        except (ValueError, KeyError, TypeError):
            pass
        else:
            if type(name) is str and name and type(arguments) is dict and len(data) == 2:
                for value in arguments.values():
                    if type(value) not in _SIMPLE:
                        break
                else:
                    return _new(ToolCall, (name, arguments, ""))
    try:
        data = jsonio.loads_plain(text)
    except jsonio.PlainJsonError as error:
        return broken(error.problem, f"{error}; write a call as {EXAMPLE}", text)
    call = call_of(data)
    return call if isinstance(call, ToolCall) else broken(call.problem, call.message, text)


def call_of(data: Any, call_id: str = "") -> ToolCall | BrokenCall:
    """Build a call from plain JSON data; arguments may also be JSON text, as OpenAI writes them."""
    if type(data) is not dict:
        return _unfit("not_object", f"a call must be an object: {EXAMPLE}", data)
    name, arguments = data.get("name"), data.get("arguments")
    if type(name) is not str or not name:
        return _unfit("no_name", f"the call has no name: write {EXAMPLE}", data)
    if type(arguments) is str:
        try:
            arguments = jsonio.loads_plain(arguments) if arguments.strip() else {}
        except jsonio.PlainJsonError as error:
            return _unfit(error.problem, f"the arguments of {name[:64]} cannot be read: {error}", data)
    if type(arguments) is not dict:
        given = "missing" if "arguments" not in data else "not an object"
        return _unfit("bad_arguments", f"the arguments of {name[:64]} are {given}: write {EXAMPLE}", data)
    return ToolCall(name, arguments, call_id)


def find_call(text: str) -> tuple[int, int] | None:
    """Return where the first JSON object with both a "name" and "arguments" begins and ends; None if there is none.

    Only the first `MAX_CALLS_PARSED` objects are looked at, one inside another included.

    >>> find_call('I call {"name": "f", "arguments": {}}.'), find_call('Answer: ["name", "arguments"]')
    ((7, 37), None)
    """
    for tried, match in enumerate(_OBJECT.finditer(text)):
        if tried == MAX_CALLS_PARSED:
            break
        try:
            data, end = _LENIENT.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if "name" in data and "arguments" in data:
            return match.start(), end
    return None


def json_end(text: str, start: int) -> int | None:
    """Return where the JSON value that begins at `start` ends, or None if there is none; not all of it need be plain.

    >>> json_end('f{"a": "}"} and more', 1)
    11
    """
    try:
        return _LENIENT.raw_decode(text, start)[1]
    except (ValueError, RecursionError):
        return None


def _unfit(problem: str, message: str, data: Any) -> BrokenCall:
    return broken(problem, message, jsonio.dumps(data))
