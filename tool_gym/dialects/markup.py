"""Names and values as text between tags, where nothing says of what type they are.

What is JSON (a number, true, false, null, an array, an object, a quoted string) is read as JSON; all else is text. The
words True, False and None, which some models' templates write, mean true, false and null. Text that would be read as
something else, or holds a tag, is written as a quoted JSON string; so whatever is written is read back.

Raw `<` and `&` are text. Only the entities `&lt; &gt; &amp; &quot; &apos;` and decimal ones such as `&#39;` are
unescaped, and not inside JSON.
"""

from __future__ import annotations

import re
from typing import Any

from tool_gym import jsonio
from tool_gym.dialects.chatml import to_json
from tool_gym.dialects.thinking import hide_marks, may_think

_WORDS = {"true": True, "True": True, "false": False, "False": False, "null": None, "None": None}
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_LAST = {'"': '"', "[": "]", "{": "}"}
_DIGITS = frozenset("-0123456789")
_ENTITY = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#([0-9]{1,7}));")
_CHARACTERS = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_TAG = re.compile(r"<[/|!?a-zA-Z]")
_UNSAFE = re.compile(r"[^\w.:/-]")


def read_value(text: str) -> Any:
    """Read a value; never fails, because what is not JSON is text.

    >>> [read_value(text) for text in ("5", "007", ' "5" ', "[1, 2]", "AT&amp;T", "a < b")]
    [5, '007', '5', [1, 2], 'AT&T', 'a < b']
    """
    text = text.strip()
    first = text[:1]
    if text in _WORDS:
        return _WORDS[text]
    if (first in _DIGITS and _NUMBER.fullmatch(text)) or (first in _LAST and text[-1] == _LAST[first]):
        try:
            return jsonio.loads_plain(text)
        except jsonio.PlainJsonError:
            pass
    return unescape(text)


def write_value(value: Any) -> str:
    """Write a value such that `read_value` reads it back, without any tag.

    >>> [write_value(value) for value in (5, "5", "007", "a < b", None, [1, "b"])]
    ['5', '"5"', '007', 'a < b', 'null', '[1, "b"]']
    """
    if isinstance(value, str) and not _TAG.search(value) and not may_think(value):
        read = read_value(value)
        if isinstance(read, str) and read == value:
            return value
    return hide_marks(to_json(value)).replace("<", "\\u003c")


def read_name(text: str) -> str:
    """Read a tool's or a parameter's name."""
    return unescape(text.strip())


def write_name(name: str) -> str:
    """Write a name such that `read_name` reads it back, every unusual character as an entity.

    >>> write_name("get_ship"), write_name('a "b"')
    ('get_ship', 'a&#32;&#34;b&#34;')
    """
    return _UNSAFE.sub(lambda char: f"&#{ord(char[0])};", name)


def unescape(text: str) -> str:
    """Return the text with entities as the characters they stand for, each once."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(entity: re.Match[str]) -> str:
    if entity[1]:
        return _CHARACTERS[entity[1]]
    code = int(entity[2])
    return chr(code) if code < 0xD800 or 0xE000 <= code < 0x110000 else entity[0]
