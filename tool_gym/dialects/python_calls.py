"""Calls as lists in Python's notation, found in a text: `[get(id="A-1"), add(a=1, b=2)]`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tool_gym import jsonio
from tool_gym.dialects.calls import MAX_CALLS_PARSED, broken
from tool_gym.dialects.literals import KEY, NAME, SPACE, STRING, read_call, write_call
from tool_gym.dialects.llama_text import Piece, around, hide_markup
from tool_gym.turns import BrokenCall, ToolCall

FORM = "[<tool>(<parameter>=<value>, …)]"
"""A list of calls, as a model is told to write it."""

LIST = re.compile(rf"(?<![\w)\]])\[{SPACE}(?={NAME}{SPACE}\()")
"""Where a list of calls may begin: its bracket, with a name and another bracket behind, and no subscript."""

_MEANT = re.compile(rf"{NAME}{SPACE}\({SPACE}(?:\)|\*\*|[\"']|{KEY}{SPACE}=(?!=))")
_FENCE = re.compile(r"(?:```\w*\s*)?")
_MARK = re.compile(rf"(?:,{SPACE})?(\])|,{SPACE}")
_SKIPPED = re.compile(rf"[^\"'\[\](){{}},]+|{STRING}|[^\"']", re.DOTALL)
_BARE = re.compile(rf"^[ \t]*({NAME}){SPACE}\({SPACE}(?:\)|\*\*|{KEY}{SPACE}=(?!=))", re.MULTILINE)
_LINE_END = re.compile(r"[ \t\r;,`]*(?:\n|\Z)")


def write_list(calls: list[ToolCall]) -> str:
    """Write calls as a list."""
    return f"[{', '.join(hide_markup(write_call(call.name, call.arguments)) for call in calls)}]"


def read_list(text: str, start: int) -> tuple[list[ToolCall | BrokenCall], int]:
    """Read from behind a list's opening bracket; return its calls and where it ends.

    A call that cannot be read reaches to the next comma or the list's end, its brackets and strings passed over.
    """
    calls: list[ToolCall | BrokenCall] = []
    at = start
    while len(calls) <= MAX_CALLS_PARSED:
        call, end = _read_item(text, at)
        calls.append(call)
        mark = _MARK.match(text, end)
        if mark is None:
            return calls, end
        at = mark.end()
        if mark[1]:
            return calls, at
    return calls, len(text)


def read_lists(text: str) -> Iterator[Piece]:
    """Yield the texts and calls that `text` is made of.

    A list that is all of the text was meant as calls. One in the midst of prose was meant as such if an argument has a
    name, is a string, or there is none: `the interval [f(a), f(b)]` is text.
    """
    fence = _FENCE.match(text)
    whole = fence.end() if fence and text.rstrip("` \n").endswith("]") else -1
    at = done = 0
    while match := LIST.search(text, at):
        at = match.end()
        if match.start() != whole and not _MEANT.match(text, at):
            continue
        calls, at = read_list(text, at)
        if text.startswith("(", at):  # a link in Markdown
            continue
        before, at = around(text, done, match.start(), at)
        yield before
        yield from calls
        done = at
    yield text[done:]


def find_bare(text: str) -> str | None:
    """Return the first call that stands on a line of its own without a list around it; None if there is none.

    Only lines that begin as a call does are looked at, and no more than `MAX_CALLS_PARSED` of them.
    """
    for tried, match in enumerate(_BARE.finditer(text)):
        if tried == MAX_CALLS_PARSED:
            break
        start = match.start(1)
        try:
            end = text.rindex(")", 0, read_call(text, start)[2]) + 1
        except jsonio.PlainJsonError:
            if text.endswith(")") and not text[:start].strip():
                return text[start:]
        else:
            if _LINE_END.match(text, end):
                return text[start:end]
    return None


def _read_item(text: str, start: int) -> tuple[ToolCall | BrokenCall, int]:
    """Read one call of a list, which a comma or the list's end must follow."""
    try:
        name, arguments, end = read_call(text, start)
    except jsonio.PlainJsonError as error:
        problem, message = error.problem, str(error)
    else:
        if end < len(text) and text[end] in ",]":
            return ToolCall(name, arguments), end
        problem, message = "bad_syntax", "a comma or ] must follow a call"
        if end == len(text):
            problem, message = "unclosed", "the list is not closed by ]"
    end = _item_end(text, start)
    return broken(problem, f"{message}; write {FORM}", text[start:end]), end


def _item_end(text: str, start: int) -> int:
    """Return where the item that begins at `start` ends: before a comma or bracket outside its own brackets."""
    depth, at = 0, start
    while match := _SKIPPED.match(text, at):
        first = text[at]
        if first in "([{":
            depth += 1
        elif depth and first in ")]}":
            depth -= 1
        elif not depth and first in ",]":
            return at
        at = match.end()
    return len(text)  # at the end, or at a quote that is never closed
