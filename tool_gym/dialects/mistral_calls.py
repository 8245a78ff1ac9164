"""How calls stand in the turns of Mistral's models, and how they are read and written; see `mistral` for the forms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tool_gym import jsonio
from tool_gym.dialects.calls import EXAMPLE, MAX_CALLS_PARSED, broken, call_of, json_end, too_many_calls
from tool_gym.dialects.chatml import to_json
from tool_gym.dialects.text import Reading
from tool_gym.dialects.thinking import hide_marks, join_texts
from tool_gym.turns import BrokenCall, ToolCall

CALLS, ID, ARGS = "[TOOL_CALLS]", "[CALL_ID]", "[ARGS]"

LISTED = f"{CALLS}[{EXAMPLE}]"
"""A call in the list after one token, as a model is told to write it."""

NAMED = f"{CALLS}<tool>{ARGS}{{…}}"
"""A call after a token of its own, as a model is told to write it."""

_STRAY = re.compile(
    r"(?P<invented>\[TOOL_RESULTS\].*?(?:\[/TOOL_RESULTS\]|\Z))"
    r"|(?P<uncalled>\[(?:ARGS|CALL_ID)\].*\Z)"
    r"|\[/TOOL_RESULTS\]|\[TOOL_CONTENT\]",
    re.DOTALL,
)
_TOKEN = re.compile(r"\[(?=/?[A-Z_]+\])")
_PLAIN_NAME = re.compile(r"[\w.:/-]+")


def read_calls(visible: str) -> Reading:
    """Read the visible part of a turn, either form."""
    texts: list[str] = []
    calls: list[ToolCall | BrokenCall] = []
    at = 0
    while (start := visible.find(CALLS, at)) >= 0 and len(calls) < MAX_CALLS_PARSED:
        _read_between(visible[at:start], texts, calls)
        at = _read_block(visible, start + len(CALLS), calls)
    if start < 0:
        _read_between(visible[at:], texts, calls)
    if start >= 0 or len(calls) > MAX_CALLS_PARSED:
        calls[MAX_CALLS_PARSED:] = [too_many_calls(visible[at:])]
    return join_texts(texts), tuple(calls)


def write_listed(calls: Sequence[ToolCall | BrokenCall]) -> str:
    """Write calls as one list; beside broken ones, each in a list of its own."""
    good = [call for call in calls if isinstance(call, ToolCall)]
    if len(good) == len(calls):
        return _write_list(good) if good else ""
    return "".join(f"{CALLS}{call.raw}" if isinstance(call, BrokenCall) else _write_list([call]) for call in calls)


def write_named(calls: Sequence[ToolCall | BrokenCall]) -> str:
    """Write each call after a token of its own, without its id; in a list if its name is unusual."""
    return "".join(map(_write_named, calls))


def _read_block(visible: str, start: int, calls: list[ToolCall | BrokenCall]) -> int:
    """Read what stands after the token of calls; return where reading goes on."""
    after = visible.find(CALLS, start)
    if after < 0:
        after = len(visible)
    block = visible[start:after].lstrip()
    if block[:1] not in ("[", "{") or block.startswith((ARGS, ID)):
        call, at = _read_named(visible, start, after)
        calls.append(call)
        return at
    data, at = _read_json(visible, after - len(block), after)
    if type(data) is not list:
        calls.append(_call(data))
    elif data:
        calls += map(_call, data)
    else:
        calls.append(broken("not_object", f"the list of calls is empty: write {LISTED}", block))
    return at


def _read_named(visible: str, start: int, after: int) -> tuple[ToolCall | BrokenCall, int]:
    """Read a call whose name stands before its arguments."""
    brace, mark = visible.find("{", start, after), visible.find(ARGS, start, after)
    if mark < 0 or 0 <= brace < mark:
        begin, head = brace, visible[start:brace]
    else:
        begin, head = mark + len(ARGS), visible[start:mark]
    if begin < 0 or not visible[begin:after].strip():
        message = f"the call has no arguments: write {NAMED}"
        return broken("bad_arguments", message, visible[start:after]), after
    data, at = _read_json(visible, begin, after)
    if isinstance(data, BrokenCall):
        return broken(data.problem, data.message, visible[start:at]), at
    try:
        jsonio.check_plain(head)
    except jsonio.PlainJsonError as error:
        return broken(error.problem, f"the call's name is not accepted: {error}", visible[start:at]), at
    name, _, given = head.partition(ID)
    return call_of({"name": name.strip(), "arguments": data}, given.strip()), at


def _read_json(visible: str, begin: int, after: int) -> tuple[Any, int]:
    """Read the JSON value at `begin`, or a broken call; return it and where reading goes on."""
    payload = visible[begin:after]
    try:
        return jsonio.loads_plain(payload), after  # most often nothing else stands before the next token
    except jsonio.PlainJsonError as error:
        whole = broken(error.problem, f"{error}; write a call as {EXAMPLE}", payload)
    begin = after - len(payload.lstrip())
    end = json_end(visible, begin)
    if end is None:
        return whole, after
    try:
        return jsonio.loads_plain(visible[begin:end]), end
    except jsonio.PlainJsonError as error:
        return broken(error.problem, f"the call is not accepted: {error}", visible[begin:end]), end


def _call(data: Any) -> ToolCall | BrokenCall:
    if isinstance(data, BrokenCall):
        return data
    given = data.get("id") if type(data) is dict else None
    return call_of(data, given if type(given) is str else "")


def _read_between(text: str, texts: list[str], calls: list[ToolCall | BrokenCall]) -> None:
    """Read what stands outside calls: visible text, invented results, tokens that belong to no call."""
    at = 0
    if "[" in text:
        for match in _STRAY.finditer(text):
            if len(calls) > MAX_CALLS_PARSED:
                return
            texts.append(text[at : match.start()])
            at = match.end()
            calls.append(_stray(match))
    texts.append(text[at:])


def _stray(match: re.Match[str]) -> BrokenCall:
    if match["invented"]:
        message = "results come from the tools: never write [TOOL_RESULTS] yourself"
        return broken("invented_result", message, match[0])
    if match["uncalled"]:
        return broken("untagged", f"a call counts only after its token: write {NAMED}", match[0])
    return broken("stray_close", f"{match[0]} closes nothing", match[0])


def _write_named(call: ToolCall | BrokenCall) -> str:
    if isinstance(call, BrokenCall):
        return f"{CALLS}{call.raw}"
    if _PLAIN_NAME.fullmatch(call.name):
        return f"{CALLS}{call.name}{ARGS}{_write_json(call.arguments)}"
    return _write_list([call._replace(id="")])


def _write_list(calls: Sequence[ToolCall]) -> str:
    return f"{CALLS}{_write_json([_object(call) for call in calls])}"


def _object(call: ToolCall) -> dict[str, Any]:
    given = {"id": call.id} if call.id else {}
    return {"name": call.name, "arguments": call.arguments, **given}


def _write_json(value: Any) -> str:
    """Write JSON in whose strings no token is read."""
    return _TOKEN.sub(r"\\u005b", hide_marks(to_json(value)))
