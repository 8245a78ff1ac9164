"""Calls as Llama models write them in JSON: `{"name": …, "parameters": {…}}`, one or several, with no tags around.

The objects may be separated by semicolons or line breaks, or stand in an array; "arguments" is read as "parameters"
is. Any other JSON is text, unless it holds a call inside.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from tool_gym import jsonio
from tool_gym.dialects.calls import EXAMPLE, MAX_CALLS_PARSED, MAX_RAW, broken, call_of
from tool_gym.dialects.chatml import to_json
from tool_gym.dialects.llama_text import Piece, around, hide_markup
from tool_gym.turns import BrokenCall, ToolCall

FORM = '{"name": "<tool>", "parameters": {…}}'
"""A call, as a model is told to write it."""

START = re.compile(r"""(?:\[\s*)?\{\s*["']""")
"""Where an object may begin, or an array of them."""

_KEY = r"""["'](?:name|type|function|parameters|arguments)["']\s*:"""
_MEANT = re.compile(rf"\{{\s*{_KEY}")
_NEXT = re.compile(rf"(?:;\s*|\n)(?=\[?\{{\s*{_KEY})")
_ARGUMENTS = re.compile(r"""["'](?:parameters|arguments)["']\s*:""")
_LENIENT = json.JSONDecoder(strict=False, parse_int=str, parse_float=str)


def write_object(call: ToolCall) -> str:
    """Write a call as a JSON object."""
    return hide_markup(f'{{"name": {to_json(call.name)}, "parameters": {to_json(call.arguments)}}}')


def read_object(text: str) -> ToolCall | None:
    """Read a text that is one good call in the common form and nothing else; None if it is not."""
    try:
        data = jsonio.loads_plain(text)
    except jsonio.PlainJsonError:
        return None
    if type(data) is dict and "arguments" not in data:
        name, arguments = data.get("name"), data.get("parameters")
        if type(name) is str and name and type(arguments) is dict:
            return ToolCall(name, arguments)
    return None


def read_objects(text: str) -> Iterator[Piece]:
    """Yield the texts and calls that `text` is made of."""
    at = done = failures = 0
    while failures < MAX_CALLS_PARSED and (match := START.search(text, at)):
        start, at, calls = _read_at(text, match)
        if calls:
            before, at = around(text, done, start, at)
            yield before
            yield from calls
            done = at
        elif at == start:  # the text is read again from the next bracket on, so this is counted
            failures += 1
            at = match.end()
    if failures == MAX_CALLS_PARSED and _MEANT.search(text, at):
        yield broken("too_many_calls", f"only the first {MAX_CALLS_PARSED} objects of a turn are read", text[at:])
    yield text[done:]


def read_calls(text: str) -> list[ToolCall | BrokenCall]:
    """Read a text that was meant as a call, or as an array of calls, and as nothing else."""
    try:
        data = jsonio.loads_plain(text)
    except jsonio.PlainJsonError as error:
        return [broken(error.problem, f"{error}; write a call as {FORM}", text)]
    if type(data) is list:
        return [_call_of(item) for item in data]
    call = _call_of(data)
    return [call if isinstance(call, ToolCall) else call._replace(raw=text[:MAX_RAW])]


def _read_at(text: str, match: re.Match[str]) -> tuple[int, int, list[ToolCall | BrokenCall]]:
    """Read the array or object at `match`: where it begins and ends, and its calls; it ends at once if unreadable."""
    brace = text.index("{", match.start())
    for start in dict.fromkeys((match.start(), brace)):
        try:
            data, end = _LENIENT.raw_decode(text, start)
        except (ValueError, RecursionError):
            continue
        return start, end, read_calls(text[start:end]) if _holds_call(data) else []
    if _MEANT.match(text, brace):
        following = _NEXT.search(text, brace)
        end = following.end() if following else len(text)
        meant = text[brace:end].rstrip("; \n")
        cut_off = match.start() == 0 and not meant.endswith("}")
        if cut_off or _ARGUMENTS.search(meant):
            return match.start(), end, read_calls(meant)
    return brace, brace, []


def _call_of(data: Any) -> ToolCall | BrokenCall:
    if type(data) is dict and "parameters" in data and "arguments" not in data:
        data = {"name": data.get("name"), "arguments": data["parameters"]}
    call = call_of(data)
    return call if isinstance(call, ToolCall) else call._replace(message=call.message.replace(EXAMPLE, FORM))


def _holds_call(data: Any) -> bool:
    """Return whether a call stands somewhere in `data`."""
    found = [data]
    while found:
        item = found.pop()
        if type(item) is list:
            found += item
        elif type(item) is dict:
            if "name" in item and ("parameters" in item or "arguments" in item or item.get("type") == "function"):
                return True
            found += item.values()
    return False
