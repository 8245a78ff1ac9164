"""The dialects of Llama 3: calls as JSON objects, or as `<|python_tag|>name.call(…)`.

A call has no tags around it, so a JSON object with a "name" and "parameters" is one wherever it stands in the visible
text; so is a list of calls in Python's notation, which the small models of 3.2 write. Behind `<|python_tag|>` stands
nothing but calls, in any of these forms. Both dialects read all of them; they differ in what they write and ask for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from tool_gym import jsonio
from tool_gym.dialects.calls import broken
from tool_gym.dialects.literals import KEY, NAME, SPACE, read_call, write_call
from tool_gym.dialects.llama import Llama
from tool_gym.dialects.llama_json import FORM, START, read_calls, read_object, read_objects, write_object
from tool_gym.dialects.llama_text import Piece, gather, hide_markup, untagged
from tool_gym.dialects.python_calls import LIST, find_bare, read_list, read_lists
from tool_gym.dialects.text import Reading
from tool_gym.turns import BrokenCall, ToolCall

_TAG = "<|python_tag|>"
_METHOD = ".call"
_TAGLESS = re.compile(rf"{NAME}\.call\({SPACE}(?:\)|\*\*|{KEY}{SPACE}=)")  # decoding may drop special tokens
_CALL = re.compile(rf"{NAME}{SPACE}\(")
_SEPARATOR = re.compile(r"[;,\s]*")


class Llama3(Llama):
    """Calls as JSON objects, as Llama 3.1 and later write those of a user's tools."""

    name = "llama3"
    form = f"{FORM}; {FORM}"

    def _read_text(self, text: str) -> Reading:
        if text[:1] == "{":
            call = read_object(text)
            if call is not None:  # the common turn: one good call and nothing else
                return "", (call,)
        elif text.endswith(")") and text.rfind(_TAG) == 0:
            call = _read_method(text)
            if call is not None:
                return "", (call,)
        if "{" not in text and "(" not in text and _TAG not in text:
            return text, ()
        head, *sections = text.split(_TAG)
        if _TAGLESS.match(head):
            head, sections = "", [head, *sections]
        said, calls = self._read_head(head.strip())
        return gather([said, *calls, *chain.from_iterable(map(self._read_section, sections))])

    def _write_calls(self, calls: Sequence[ToolCall | BrokenCall]) -> str:
        if any(isinstance(call, BrokenCall) for call in calls):
            return "".join(_TAG + self._write_call(call) for call in calls)
        return "; ".join(map(self._write_call, calls))

    def _write_call(self, call: ToolCall | BrokenCall) -> str:
        return call.raw if isinstance(call, BrokenCall) else write_object(call)

    def _read_head(self, text: str) -> Reading:
        """Read what stands before the first tag: by the form that begins first, if that gives a call."""
        objects, lists = START.search(text), LIST.search(text)
        readers = [(objects.start(), read_objects)] if objects else []
        readers += [(lists.start(), read_lists)] if lists else []
        for _, read in sorted(readers, key=lambda reader: reader[0]):
            reading = gather(read(text))
            if reading[1]:
                return reading
        bare = find_bare(text)
        return (text, ()) if bare is None else untagged(text, bare, self.form)

    def _read_section(self, section: str) -> Iterator[Piece]:
        """Read what stands behind a tag, up to the next one."""
        text = section.strip()
        listed = LIST.match(text)
        if listed:
            calls, end = read_list(text, listed.end())
            yield from calls
            yield text[end:]
        elif START.match(text):
            said, found = gather(read_objects(text))
            yield from [*found, said] if found else read_calls(text)
        else:
            yield from self._read_sequence(text)

    def _read_sequence(self, text: str) -> Iterator[Piece]:
        """Read calls one behind the other; the first that cannot be read reaches to the end."""
        at = 0
        while not at or _CALL.match(text, at):
            try:
                name, arguments, end = read_call(text, at)
            except jsonio.PlainJsonError as error:
                yield broken(error.problem, f"{error}; write {self.form}", text[at:])
                return
            yield ToolCall(name.removesuffix(_METHOD), arguments)
            separator = _SEPARATOR.match(text, end)
            at = separator.end() if separator else end
        yield text[at:]


class Llama3Python(Llama3):
    """Calls behind a tag, as Llama 3.1 and later write those of their built-in tools."""

    name = "llama3_python"
    form = f"{_TAG}<tool>{_METHOD}(<parameter>=<value>, …)"
    _end_of_calls = "<|eom_id|>"

    def _write_calls(self, calls: Sequence[ToolCall | BrokenCall]) -> str:
        return "".join(_TAG + self._write_call(call) for call in calls)

    def _write_call(self, call: ToolCall | BrokenCall) -> str:
        if isinstance(call, BrokenCall) or not re.fullmatch(NAME, call.name):
            return super()._write_call(call)
        return hide_markup(write_call(call.name + _METHOD, call.arguments))


def _read_method(text: str) -> ToolCall | None:
    """Read a text that is one good call behind a tag and nothing else; None if it is not."""
    try:
        name, arguments, end = read_call(text, len(_TAG))
    except jsonio.PlainJsonError:
        return None
    return ToolCall(name.removesuffix(_METHOD), arguments) if end == len(text) else None
