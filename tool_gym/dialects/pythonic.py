"""The pythonic dialect: lists of calls in Python's notation, as Llama 4 and prompts in the style of BFCL have them.

A list `[get(id="A-1"), add(a=1, b=2)]` is made of calls wherever it stands in the visible text, between
`<|python_start|>` and `<|python_end|>` or not. Values are literals; nothing is evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from tool_gym.dialects.calls import MAX_CALLS_PARSED, broken
from tool_gym.dialects.llama import Llama
from tool_gym.dialects.llama_json import read_objects, write_object
from tool_gym.dialects.llama_text import Piece, gather, untagged
from tool_gym.dialects.python_calls import FORM, LIST, find_bare, read_list, read_lists, write_list
from tool_gym.dialects.text import Reading
from tool_gym.turns import BrokenCall, ToolCall

_OPEN, _CLOSE = "<|python_start|>", "<|python_end|>"
_BLOCK = re.compile(
    r"<\|python_start\|>(?P<block>.*?)(?:<\|python_end\|>|(?=<\|python_start\|>)|\Z)|<\|python_end\|>", re.DOTALL
)
_SEPARATORS = " \t\r\n,;"


class Pythonic(Llama):
    """Calls as lists in Python's notation, in messages as Llama 4 has them."""

    name = "pythonic"
    form = FORM
    _header = "<|header_start|>{}<|header_end|>\n\n"
    _end = "<|eot|>"
    _end_of_calls = "<|eot|>"

    def _read_text(self, text: str) -> Reading:
        listed = LIST.match(text)
        if listed and text[-1] == "]":
            calls, end = read_list(text, listed.end())
            if end == len(text) and len(calls) <= MAX_CALLS_PARSED and BrokenCall not in map(type, calls):
                return "", tuple(calls)  # the common turn: good calls and nothing else
        if "(" not in text and "{" not in text and "<|" not in text:
            return text, ()
        reading = gather(_read_blocks(text))
        return reading if reading[1] else self._read_untagged(text)

    def _write_calls(self, calls: Sequence[ToolCall | BrokenCall]) -> str:
        good = [call for call in calls if isinstance(call, ToolCall)]
        if len(good) == len(calls):
            return write_list(good)
        parts = [write_list([call]) if isinstance(call, ToolCall) else call.raw for call in calls]
        return "\n".join(f"{_OPEN}{part}{_CLOSE}" for part in parts)

    def _read_untagged(self, text: str) -> Reading:
        """Read a text without lists: a call on a line of its own was meant as one, and so was one in JSON."""
        bare = find_bare(text)
        if bare is not None:
            return untagged(text, bare, FORM)
        said, found = gather(read_objects(text))
        raws = [call.raw if isinstance(call, BrokenCall) else write_object(call) for call in found]
        message = f"a call counts only in a list: write {FORM}"
        return said, tuple(broken("untagged", message, raw) for raw in raws)


def _read_blocks(text: str) -> Iterator[Piece]:
    """Yield the texts and calls that `text` is made of, tags or not."""
    at = 0
    for match in _BLOCK.finditer(text):
        yield from read_lists(text[at : match.start()])
        at = match.end()
        if match["block"] is None:
            yield broken("stray_close", f"{_CLOSE} closes no {_OPEN}", match[0])
        else:
            yield from _read_block(match["block"].strip())
    yield from read_lists(text[at:])


def _read_block(block: str) -> Iterator[Piece]:
    """Read what stands between tags: lists of calls and nothing else."""
    at = 0
    while listed := LIST.match(block, at):
        calls, at = read_list(block, listed.end())
        yield from calls
        at += len(block) - at - len(block[at:].lstrip(_SEPARATORS))
    if not block or at < len(block):
        yield broken("bad_syntax", f"only lists of calls stand behind {_OPEN}: write {FORM}", block[at:])
