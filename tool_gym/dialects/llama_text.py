"""What is the same in reading the turns of Llama 3 and 4: where they end, and how text and calls go together."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

from tool_gym.dialects.calls import MAX_CALLS_PARSED, broken, too_many_calls
from tool_gym.dialects.text import Reading
from tool_gym.dialects.thinking import hide_marks, join_texts
from tool_gym.turns import BrokenCall, ToolCall

Piece: TypeAlias = str | ToolCall | BrokenCall
"""A part of a turn: visible text, or a call."""

END_TOKENS = ("<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", "<|eot|>", "<|eom|>")
"""Tokens that end a message, of Llama 3 and 4."""

_END = "|".join(map(re.escape, END_TOKENS))
_HEADER = re.compile(rf"(?:(?:{_END})\s*)?<\|(?:start_header_id|header_start)\|>\s*(\w*)")
_OPENING_FENCE = re.compile(r"```\w*\s*\Z")
_CLOSING_FENCE = re.compile(r"\s*```")
_SEPARATORS = " \t\r\n;,"


def cut_invented(text: str) -> tuple[str, list[BrokenCall]]:
    """Return what stands before the first header in `text`, and a broken call for each message from there on.

    A model writes no headers: what stands behind one is a result, or a message, that it has invented.
    """
    headers = list(_HEADER.finditer(text))
    if not headers:
        return text, []
    starts = [header.start() for header in headers]
    ends = [*starts[1:], len(text)]
    invented = [_invented(text[start:end], header[1]) for start, end, header in zip(starts, ends, headers, strict=True)]
    return text[: starts[0]], invented


def untagged(text: str, raw: str, form: str) -> Reading:
    """Read a text in which `raw` would be a call if it had the form that it needs."""
    start = text.index(raw)
    before, at = around(text, 0, start, start + len(raw))
    return gather([before, broken("untagged", f"a call counts only in its form: write {form}", raw), text[at:]])


def gather(pieces: Iterable[Piece]) -> Reading:
    """Put a turn together: its text without what only separates calls, and its calls up to the limit."""
    texts: list[str] = []
    calls: list[ToolCall | BrokenCall] = []
    for piece in pieces:
        if not isinstance(piece, str):
            if len(calls) == MAX_CALLS_PARSED:
                calls.append(too_many_calls(piece.raw if isinstance(piece, BrokenCall) else ""))
                break
            calls.append(piece)
        elif not calls or piece.strip(_SEPARATORS):
            texts.append(piece)
    return join_texts(texts), tuple(calls)


def around(text: str, done: int, start: int, end: int) -> tuple[str, int]:
    """Return the text from `done` to a call at `start`, and where the text goes on behind the call's `end`.

    A fence that marks the call as code is left out on both sides.
    """
    before, closing = text[done:start], _CLOSING_FENCE.match(text, end)
    opening = _OPENING_FENCE.search(before) if closing else None
    return (before[: opening.start()], closing.end()) if opening and closing else (before, end)


def hide_markup(payload: str) -> str:
    r"""Return JSON or Python text with whatever may be a mark in its strings escaped.

    >>> hide_markup('{"tag": "<|eot_id|>"}')
    '{"tag": "\\u003c|eot_id|>"}'
    """
    return hide_marks(payload.replace("<", r"\u003c") if "<|" in payload else payload)


def _invented(raw: str, role: str) -> BrokenCall:
    if role in ("ipython", "tool"):
        return broken("invented_result", "results come from the tools: never write one yourself", raw)
    return broken("wrong_role", "write only the assistant's message, and no header", raw)
