"""Calls as tags: the forms in use, and how any of them is read and written.

A reader goes once over the text, from mark to mark. The tags of a call decide; a wrapper around calls is packaging,
which may be missing or open, but one without a call in it is a broken call.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from tool_gym import jsonio
from tool_gym.dialects import markup
from tool_gym.dialects.calls import MAX_CALLS_PARSED, MAX_RAW, broken, too_many_calls
from tool_gym.dialects.text import Reading
from tool_gym.dialects.thinking import join_texts
from tool_gym.turns import BrokenCall, ToolCall

_NAME = r"[^\s<>\"'{}]*"
_DEEP = jsonio.MAX_DEPTH - 2


class Form(NamedTuple):
    """One way to write a call as tags: what is read, then what is written."""

    marks: re.Pattern[str]
    """Whatever is no text, by group: call (how its tag begins), results, wrap, unwrap, stray."""
    opening: str
    """How the tag that opens a call begins."""
    head: re.Pattern[str]
    """The tag that opens a call, with its name."""
    argument: re.Pattern[str]
    """What stands next in a call, by group: an argument's key and value, or all the rest where none is."""
    argument_opening: str
    """How an argument's first tag begins."""
    closing: str
    """The tag that closes a call."""
    call_text: str
    argument_text: str
    wrapper: tuple[str, str] = ("", "")
    """What is written before and after all calls of a turn; a wrapper of each call stands in `call_text`."""
    wrapper_tags: tuple[str, str] = ("", "")
    """The tags of the wrapper, if there is one."""

    @property
    def example(self) -> str:
        """A call, as a model is told to write it."""
        arguments = self.argument_text.format(key="parameter", value="value")
        return self.wrapper[0] + self.call_text.format(name="tool", arguments=arguments) + self.wrapper[1]


INVOKE = Form(
    marks=re.compile(
        r"(?P<call><invoke\b)|(?P<results><(function_results|tool_response)>.*?(?:</\3>|\Z))"
        r"|(?P<wrap><(?:function_calls|\w{1,16}:tool_call)>)|(?P<unwrap></(?:function_calls|\w{1,16}:tool_call)>)"
        r"|(?P<stray></invoke>)",
        re.DOTALL,
    ),
    opening="<invoke",
    head=re.compile(rf"<invoke\s+name\s*=\s*[\"'](?P<name>{_NAME})[\"']\s*>"),
    argument=re.compile(
        r"\s*(?:<parameter\s+name\s*=\s*[\"']([^\"'<>]*)[\"'][^<>]*>(.*?)</parameter>|(\S.*))",
        re.DOTALL,
    ),
    argument_opening="<parameter",
    closing="</invoke>",
    call_text='<invoke name="{name}">\n{arguments}</invoke>',
    argument_text='<parameter name="{key}">{value}</parameter>\n',
    wrapper=("<function_calls>\n", "\n</function_calls>"),
    wrapper_tags=("<function_calls>", "</function_calls>"),
)

FUNCTION = Form(
    marks=re.compile(
        r"(?P<call><function=)|(?P<results><tool_response>.*?(?:</tool_response>|\Z))"
        r"|(?P<wrap><(?:\w{1,16}:)?tool_call>)|(?P<unwrap></(?:\w{1,16}:)?tool_call>)|(?P<stray></function>)",
        re.DOTALL,
    ),
    opening="<function=",
    head=re.compile(rf"<function=\s*(?P<name>{_NAME})\s*>"),
    argument=re.compile(r"\s*(?:<parameter=([^<>]*)>(.*?)</parameter>|(\S.*))", re.DOTALL),
    argument_opening="<parameter=",
    closing="</function>",
    call_text="<tool_call>\n<function={name}>\n{arguments}</function>\n</tool_call>",
    argument_text="<parameter={key}>\n{value}\n</parameter>\n",
    wrapper_tags=("<tool_call>", "</tool_call>"),
)

ARG_KEYS = Form(
    marks=re.compile(
        r"(?P<call><tool_call>)|(?P<results><tool_response>.*?(?:</tool_response>|\Z))|(?P<stray></tool_call>)",
        re.DOTALL,
    ),
    opening="<tool_call>",
    head=re.compile(rf"<tool_call>\s*(?P<name>{_NAME})\s*(?=<|\Z)"),
    argument=re.compile(r"\s*(?:<arg_key>([^<]*)</arg_key>\s*<arg_value>(.*?)</arg_value>|(\S.*))", re.DOTALL),
    argument_opening="<arg_key>",
    closing="</tool_call>",
    call_text="<tool_call>{name}\n{arguments}</tool_call>",
    argument_text="<arg_key>{key}</arg_key>\n<arg_value>{value}</arg_value>\n",
)


def write_calls(calls: Sequence[ToolCall | BrokenCall], form: Form) -> str:
    """Write the calls of a turn; a broken one as a call without a name, around its text."""
    if not calls:
        return ""
    return form.wrapper[0] + "\n".join(_write_call(call, form) for call in calls) + form.wrapper[1]


def read_calls(visible: str, form: Form) -> Reading:
    """Read the visible part of a turn."""
    return _read_one_call(visible, form) or _Reader(visible, form).read()


def _read_one_call(visible: str, form: Form) -> Reading | None:
    """Read the common turn, which ends in one good call, in its wrapper or not; None if it is not so."""
    start = visible.find(form.opening)
    end = visible.find(form.closing, start)
    if start < 0 or end < 0 or visible.find(form.opening, start + 1) >= 0:
        return None
    before, after = visible[:start].rstrip(), visible[end + len(form.closing) :].strip()
    if after and after == form.wrapper_tags[1]:
        before, after = before.removesuffix(form.wrapper_tags[0]), ""
    if after or "<" in before:
        return None
    call = _read_body(visible, start, end, form)
    return (before.strip(), (call,)) if isinstance(call, ToolCall) else None


class _Reader:
    """One pass over a text."""

    def __init__(self, visible: str, form: Form) -> None:
        self._visible = visible
        self._form = form
        self._texts: list[str] = []
        self._calls: list[ToolCall | BrokenCall] = []
        self._wrapper: tuple[int, int, int] | None = None
        """Where the open wrapper begins, and how many texts and calls came before it."""

    def read(self) -> Reading:
        """Return the text and the calls."""
        visible, calls, search = self._visible, self._calls, self._form.marks.search
        at = 0
        while (mark := search(visible, at)) is not None:
            if len(calls) > MAX_CALLS_PARSED:
                break
            self._texts.append(visible[at : mark.start()])
            at = self._read_call(mark.start()) if mark.lastgroup == "call" else self._read_mark(mark)
        else:
            self._texts.append(visible[at:])
            self._end_wrapper(len(visible), "unclosed")
        if len(calls) > MAX_CALLS_PARSED:
            calls[MAX_CALLS_PARSED:] = [too_many_calls(visible[at:])]
        return join_texts(self._texts), tuple(calls)

    def _read_call(self, start: int) -> int:
        """Read the call whose tag begins at `start`; return where reading goes on."""
        visible, form = self._visible, self._form
        following = visible.find(form.opening, start + len(form.opening))
        end = visible.find(form.closing, start, following if following >= 0 else len(visible))
        if end < 0:
            after = following if following >= 0 else len(visible)
            message = f"the call is not closed by {form.closing}"
            self._calls.append(broken("unclosed", message, visible[start:after]))
            return after
        after = end + len(form.closing)
        call = _read_body(visible, start, end, form)
        self._calls.append(call if isinstance(call, ToolCall) else call._replace(raw=visible[start:after][:MAX_RAW]))
        return after

    def _read_mark(self, mark: re.Match[str]) -> int:
        """Read a mark that is no call; return where reading goes on."""
        kind, calls = mark.lastgroup, self._calls
        if kind == "results":
            calls.append(broken("invented_result", "results come from the tools: never write them yourself", mark[0]))
        elif kind == "wrap":
            self._end_wrapper(mark.start(), "unclosed")
            self._wrapper = (mark.start(), len(self._texts), len(calls))
        elif kind == "unwrap" and self._wrapper is not None:
            self._end_wrapper(mark.end(), "untagged")
        elif kind == "stray" or not calls:
            calls.append(broken("stray_close", f"{mark[0]} closes nothing", mark[0]))
        return mark.end()

    def _end_wrapper(self, end: int, problem: str) -> None:
        """Forget the open wrapper, if any; one without a call in it was meant as a call."""
        if self._wrapper is not None:
            start, texts, calls = self._wrapper
            if calls == len(self._calls):
                del self._texts[texts:]
                message = f"there is no call in this: write {self._form.example}"
                self._calls.append(broken(problem, message, self._visible[start:end]))
            self._wrapper = None


def _read_body(visible: str, start: int, end: int, form: Form) -> ToolCall | BrokenCall:
    """Read a call from its opening tag at `start` to before its closing tag at `end`; a broken one has no `raw`."""
    head = form.head.match(visible, start, end)
    name = markup.read_name(head["name"]) if head is not None else ""
    if head is None or not name:
        return broken("no_name", f"the call has no name: write {form.example}", "")
    end = start + len(visible[start:end].rstrip())  # or each space at the end would be tried as a beginning
    arguments: dict[str, Any] = {}
    for key, value, rest in form.argument.findall(visible, head.end(), end):
        if form.argument_opening in value or rest.startswith(form.argument_opening):
            return broken("unclosed", f"an argument is not closed: write {form.example}", "")
        if rest:
            return broken("bad_arguments", f"the call holds more than arguments: write {form.example}", "")
        arguments[markup.read_name(key)] = markup.read_value(value)
    return _checked(ToolCall(name, arguments), visible[start:end])


def _checked(call: ToolCall, body: str) -> ToolCall | BrokenCall:
    """Return the call if it is plain data; values by themselves are, but together they may be too much."""
    if not body.isascii() or len(body) > jsonio.MAX_NODES or body.count("[") + body.count("{") >= _DEEP:
        try:
            jsonio.check_plain({"name": call.name, "arguments": call.arguments})
        except jsonio.PlainJsonError as error:
            return broken(error.problem, f"the call is not accepted: {error}", "")
    return call


def _write_call(call: ToolCall | BrokenCall, form: Form) -> str:
    if isinstance(call, BrokenCall):
        name, written = "", [("", markup.write_value(call.raw))]
    else:
        name = markup.write_name(call.name)
        written = [(markup.write_name(key), markup.write_value(value)) for key, value in call.arguments.items()]
    arguments = "".join(form.argument_text.format(key=key, value=value) for key, value in written)
    return form.call_text.format(name=name, arguments=arguments)
