r"""Calls and literals in Python's notation, read and written without evaluating anything.

`f(a=1, b=[True, "x"], **{"c d": None})` is a name and keyword arguments whose values are JSON data: strings (raw,
triple-quoted and adjacent ones too), numbers, `True`, `False` and `None` (or as JSON spells them), lists, tuples as
lists, and dicts with string keys. Whatever else Python could compute is an error, and so is a comment. Reading takes
time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tool_gym import jsonio
from tool_gym.dialects.chatml import to_json

SPACE = r"[ \t\r\n\f]*"
"""Pattern of what may stand between the parts of a call."""

NAME = r"[^\W\d][\w.-]*"
"""Pattern of a tool's name: a dotted identifier, in which hyphens may stand too."""

KEY = r"[^\W\d][\w-]*"
"""Pattern of an argument's name that is written as a keyword; Python's own keywords are as good as others."""

STRING = (
    r'(?:"""(?:[^"\\]|\\.|"(?!""))*"""' + r"|'''(?:[^'\\]|\\.|'(?!''))*'''"
    r'|"(?!"")[^"\\\n\r]*(?:\\.[^"\\\n\r]*)*"' + r"|'(?!'')[^'\\\n\r]*(?:\\.[^'\\\n\r]*)*')"
)
"""Pattern of a string with its quotes, under `re.DOTALL`."""

_CONSTANTS = {"True": True, "False": False, "None": None, "true": True, "false": False, "null": None}
_WORD_OPERATORS = frozenset({"and", "or", "not", "in", "is", "if", "else", "for", "async"})
_OPERATORS = frozenset("+-*/%@&|^<>=!~.([")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "'": "'", '"': '"', "\n": ""}
_ESCAPES |= {"a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ARGUMENT_LEVEL = 3  # as in JSON: the call is the first level, its arguments the second
_MAX_DIGITS = 100  # no integer of 64 bits has as many, in any base

_LEAF = (
    r'(?:"([^"\\\n\r]*)"' + r"|'([^'\\\n\r]*)'"
    rf"|(-?(?:0|[1-9][0-9]{{0,17}})(?:\.[0-9]{{1,20}})?)|({'|'.join(_CONSTANTS)})){SPACE}"
)
_CALL = re.compile(rf"{SPACE}({NAME}){SPACE}\({SPACE}")
_ARGUMENT = re.compile(rf"({KEY}){SPACE}={SPACE}(?:{_LEAF}([,)]){SPACE})?")
_ITEM = re.compile(rf"{_LEAF}([]),]){SPACE}")
_VALUE = re.compile(rf"{_LEAF}(?=[]),}}:])")
_QUOTED = re.compile(rf"([rRuU]?)({STRING}){SPACE}", re.DOTALL)
_NUMBER = re.compile(rf"([+-]?)[ \t]*([0-9.](?:[eE][+-](?=[0-9])|[\w.])*){SPACE}")
_WHOLE = re.compile(r"0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|[0-9][0-9_]*")
_WORD = re.compile(rf"({KEY}){SPACE}")
_SPACE = re.compile(SPACE)
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))", re.DOTALL)


class _LiteralError(jsonio.PlainJsonError):
    """Raised when text is no call, or a value no literal."""


def read_call(text: str, start: int = 0) -> tuple[str, dict[str, Any], int]:
    """Read the call that begins at `start`.

    Returns:
        Its name, its arguments, and where the text goes on: behind its bracket and the space after it.

    Raises:
        PlainJsonError: If there is none, or its arguments are not what `jsonio.check_plain` accepts; `problem` is a
            word of `dialects.PROBLEMS`.

    >>> read_call("add(a=1, b=-2.5) is a call")
    ('add', {'a': 1, 'b': -2.5}, 17)
    """
    head = _CALL.match(text, start)
    if head is None:
        raise _error(text, start, "bad_syntax", "a call is expected")
    try:
        arguments, end = _read_arguments(text, head.end())
    except RecursionError:
        raise _too_deep() from None
    if end - start >= jsonio.MAX_NODES:  # less text holds fewer values
        jsonio.check_plain([head[1], arguments])
    return head[1], arguments, end


def write_call(name: str, arguments: Mapping[str, Any]) -> str:
    """Write a call such that `read_call` reads it back, given a name as in `NAME` and plain JSON data.

    >>> write_call("get", {"id": "A-1", "from": None, "page size": 3})
    'get(id="A-1", from=None, **{"page size": 3})'
    """
    parts, unpacked = [], {}
    for key, value in arguments.items():
        if re.fullmatch(KEY, key):
            parts.append(f"{key}={to_python(value)}")
        else:
            unpacked[key] = value
    if unpacked:
        parts.append(f"**{to_python(unpacked)}")
    return f"{name}({', '.join(parts)})"


def to_python(value: Any) -> str:
    """Write JSON data as a Python literal, strings in double quotes."""
    if isinstance(value, str):
        return to_json(value)
    if isinstance(value, list):
        return f"[{', '.join(map(to_python, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{to_json(key)}: {to_python(item)}' for key, item in value.items())}}}"
    return repr(value)


def _read_arguments(text: str, at: int) -> tuple[dict[str, Any], int]:
    """Read from behind a call's opening bracket to behind its closing one."""
    arguments: dict[str, Any] = {}
    closed = False
    while not closed:
        match = _ARGUMENT.match(text, at)
        if match is None:
            if text.startswith(")", at):
                return arguments, _skip_space(text, at + 1)
            given, closed, at = _read_unpacked(text, at)
            key = next((key for key in given if key in arguments), None)
            if key is not None:
                raise _twice(key)
            arguments |= given
            continue
        key, double, single, number, constant, mark = match.groups()
        at = match.end()
        if key in arguments:
            raise _twice(key)
        if mark is None:
            arguments[key], at = _read_value(text, at, _ARGUMENT_LEVEL)
            closed, at = _read_mark(text, at, ")")
        else:
            arguments[key] = _leaf(double, single, number, constant)
            closed = mark == ")"
    return arguments, at


def _read_unpacked(text: str, at: int) -> tuple[dict[str, Any], bool, int]:
    """Read `**{…}`, which holds the arguments whose names are no identifiers."""
    if not text.startswith("**", at):
        mark = text[at : at + 1]
        problem = "unclosed" if not mark else "bad_syntax" if mark in ",:=]}" else "positional"
        raise _error(text, at, problem, "name each argument, as in f(key=value)")
    at = _skip_space(text, at + 2)
    if not text.startswith("{", at):
        raise _error(text, at, "not_literal", "** takes a dict")
    given, at = _read_dict(text, at + 1, _ARGUMENT_LEVEL)
    return given, *_read_mark(text, at, ")")


def _read_value(text: str, at: int, level: int) -> tuple[Any, int]:
    """Read the value that begins at `at`; return it and where the text goes on behind the space after it."""
    if level > jsonio.MAX_DEPTH:
        raise _too_deep()
    leaf = _VALUE.match(text, at)
    if leaf is not None:
        return _leaf(*leaf.groups()), leaf.end()
    first = text[at : at + 1]
    if first == "{":
        return _read_dict(text, at + 1, level + 1)
    if first in ("[", "("):
        return _read_list(text, at + 1, level + 1, "]" if first == "[" else ")")
    quoted = _QUOTED.match(text, at)
    if quoted is not None:
        return _read_string(text, quoted)
    number = _NUMBER.match(text, at)
    if number is not None:
        return _to_number(number[1], number[2]), number.end()
    word = _WORD.match(text, at)
    if word is not None and word[1] in _CONSTANTS:
        return _CONSTANTS[word[1]], word.end()
    raise _unreadable(text, at)


def _read_list(text: str, at: int, level: int, closer: str) -> tuple[Any, int]:
    """Read from behind the bracket of a list or tuple; what stands in brackets without a comma is itself no tuple."""
    items: list[Any] = []
    at = _skip_space(text, at)
    closed = comma = False
    while not closed:
        if text.startswith(closer, at) and (comma or not items):
            return items, _skip_space(text, at + 1)
        item = _ITEM.match(text, at)
        if item is not None and item[5] in (",", closer) and level <= jsonio.MAX_DEPTH:
            *leaf, mark = item.groups()
            items.append(_leaf(*leaf))
            closed, at = mark == closer, item.end()
        else:
            value, at = _read_value(text, at, level)
            items.append(value)
            closed, at = _read_mark(text, at, closer)
        comma = comma or not closed
    return items if comma or closer == "]" else items[0], at


def _read_dict(text: str, at: int, level: int) -> tuple[dict[str, Any], int]:
    """Read from behind a dict's opening bracket."""
    items: dict[str, Any] = {}
    at = _skip_space(text, at)
    closed = False
    while not closed:
        if text.startswith("}", at):
            return items, _skip_space(text, at + 1)
        key, at = _read_value(text, at, level)
        if not text.startswith(":", at):
            is_set = text[at : at + 1] in (",", "}")
            raise _error(text, at, "not_json" if is_set else "bad_syntax", "a dict's key is followed by a colon")
        if type(key) is not str:
            msg = f"a key is of type {type(key).__name__}, and only strings may be keys"
            raise _LiteralError(msg, "not_json")
        items[key], at = _read_value(text, _skip_space(text, at + 1), level)
        closed, at = _read_mark(text, at, "}")
    return items, at


def _read_mark(text: str, at: int, closer: str) -> tuple[bool, int]:
    """Read what follows a value, a comma or `closer`; return whether it closed, and where the text goes on."""
    mark = text[at : at + 1]
    if mark in (",", closer) and mark:
        return mark == closer, _skip_space(text, at + 1)
    if not mark:
        raise _error(text, at, "unclosed", f"{closer} is missing")
    word = _WORD.match(text, at)
    computed = mark in _OPERATORS if word is None else word[1] in _WORD_OPERATORS
    raise _error(text, at, "not_literal" if computed else "bad_syntax", f"a comma or {closer} is expected")


def _leaf(double: str | None, single: str | None, number: str | None, constant: str | None) -> Any:
    """Return the value of the one group of `_LEAF` that has matched."""
    if number is not None:
        return float(number) if "." in number else int(number)
    if constant is not None:
        return _CONSTANTS[constant]
    return _checked(double if double is not None else single or "")


def _read_string(text: str, match: re.Match[str] | None) -> tuple[str, int]:
    """Read a string and those that follow it with nothing between."""
    parts, at = [], 0
    while match is not None:
        prefix, quoted = match.groups()
        body = quoted[3:-3] if quoted[:3] in ('"""', "'''") else quoted[1:-1]
        parts.append(body if "\\" not in body or prefix in ("r", "R") else _ESCAPE.sub(_unescape, body))
        at = match.end()
        match = _QUOTED.match(text, at)
    return _checked("".join(parts)), at


def _unescape(match: re.Match[str]) -> str:
    """Return what an escape stands for; one that Python does not know stands for itself."""
    octal, *hexadecimal, other = match.groups()
    if other is not None and other not in "xuUN":
        return _ESCAPES.get(other, match[0])
    code = int(octal, 8) if octal else int("".join(filter(None, hexadecimal)) or "-1", 16)
    if not 0 <= code <= 0x10FFFF:
        msg = f"the escape {match[0]} in a string is not one that is read"
        raise _LiteralError(msg, "bad_syntax")
    return chr(code)


def _checked(value: str) -> str:
    if not value.isascii():
        jsonio.check_plain(value)
    return value


def _to_number(sign: str, digits: str) -> int | float:
    number: int | float
    whole = _WHOLE.fullmatch(digits) is not None
    if whole and len(digits) > _MAX_DIGITS:
        msg = "integers beyond 64 bits are not accepted"
        raise _LiteralError(msg, "int_range")
    try:
        number = int(digits, 0) if whole else float(digits if digits.isascii() else "")
    except ValueError:
        msg = f"{(sign + digits)[:40]!r} is not a number"
        raise _LiteralError(msg, "bad_syntax") from None
    number = -number if sign == "-" else number
    jsonio.check_plain(number)
    return number


def _skip_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _unreadable(text: str, at: int) -> _LiteralError:
    """Say why no value begins at `at`."""
    first = text[at : at + 1]
    if not first:
        return _error(text, at, "unclosed", "a value is missing")
    if first in ("'", '"'):
        return _error(text, at, "unclosed", "a string is not closed, or not on its line")
    computed = first.isalpha() or first == "_" or first in _OPERATORS
    what = "a literal is expected, strings in quotes" if computed else "a value is expected"
    return _error(text, at, "not_literal" if computed else "bad_syntax", what)


def _error(text: str, at: int, problem: str, expected: str) -> _LiteralError:
    found = repr(text[at : at + 24]) if at < len(text) else "the end"
    return _LiteralError(f"{expected}, not {found}", problem)


def _twice(key: str) -> _LiteralError:
    return _LiteralError(f"the argument {key[:64]} is given twice", "bad_arguments")


def _too_deep() -> _LiteralError:
    return _LiteralError(f"the arguments nest deeper than {jsonio.MAX_DEPTH} levels", "too_deep")
