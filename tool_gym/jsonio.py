"""JSON at orjson's speed with the standard library's meaning.

orjson and `json` disagree on a few inputs: orjson reads integers beyond 64 bits as floats and refuses
NaN, Infinity and lone surrogates. `loads` goes to `json` for exactly those texts, so that its result is
always `json`'s. What a *model* may put into a call is narrower still: `check_plain` names the problem.
"""

from __future__ import annotations

import json
import math
from typing import Any

import orjson

MAX_DEPTH = 64
"""Deepest nesting accepted from a model: levels of arrays and objects, the innermost leaf included."""

MAX_NODES = 20_000
"""Most values (leaves, arrays and objects) accepted in one JSON text from a model."""

SHALLOW = 2 * MAX_DEPTH
"""JSON shorter than this, in characters, cannot nest too deep."""

_DIGITS = bytes(0x31 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_LONG_NUMBER = b"1" * 19
_ORJSON_DEPTH = 254
_DUMP_OPTIONS = orjson.OPT_NON_STR_KEYS


class PlainJsonError(ValueError):
    """Raised when a JSON value cannot be tool data; `problem` is one word of a closed set."""

    def __init__(self, message: str, problem: str) -> None:
        super().__init__(message)
        self.problem = problem


def loads(text: str) -> Any:
    """Parse `text` as `json.loads` would, but faster.

    Raises:
        PlainJsonError: If `text` is not JSON, or nests deeper than the parser can follow.
    """
    try:
        if _LONG_NUMBER not in text.encode().translate(_DIGITS):
            return orjson.loads(text)
    except ValueError:
        pass
    try:
        return json.loads(text)
    except RecursionError:
        raise _too_deep() from None
    except json.JSONDecodeError as error:
        msg = f"not valid JSON: {str(error)[:120]}"
        raise PlainJsonError(msg, "bad_json") from None
    except ValueError:  # an integer of more digits than Python converts
        raise _beyond_range() from None


def loads_plain(text: str) -> Any:
    """Parse JSON written by a model: `loads`, then `check_plain`, skipping what orjson already guarantees.

    Raises:
        PlainJsonError: If `text` is not JSON or not plain.
    """
    # A text this short or with so few brackets is shallow, and holds fewer values than characters; orjson refuses
    # what is not finite or not Unicode.
    size = len(text)
    if size < SHALLOW or (size < MAX_NODES and text.count("{") + text.count("[") < MAX_DEPTH):
        try:
            if _LONG_NUMBER not in text.encode().translate(_DIGITS):
                return orjson.loads(text)
        except ValueError:
            pass
    value = loads(text)
    check_plain(value)
    return value


def check_plain(value: Any) -> None:
    """Check that `value` is JSON data, finite, of bounded size and depth, and encodable as UTF-8.

    Raises:
        PlainJsonError: With `problem` one of too_deep, too_many_nodes, non_finite, lone_surrogate, int_range, not_json.
    """
    level, nodes = [value], 1
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is dict:
                nodes += len(item)
                _check_count(nodes)
                for key in item:
                    _check_key(key)
                below.extend(item.values())
            elif kind is list:
                nodes += len(item)
                _check_count(nodes)
                below.extend(item)
            else:
                _check_leaf(item, kind)
        if not below:
            return
        level = below
    raise _too_deep()


def dumps(value: Any, *, sort_keys: bool = False) -> str:
    """Write `value` as compact JSON; equal values give equal text when `sort_keys` is set.

    Raises:
        PlainJsonError: If `value` is not JSON data.
    """
    if not sort_keys:
        try:
            return orjson.dumps(value).decode()
        except TypeError:
            pass
    return dump_bytes(value, sort_keys=sort_keys).decode()


def dump_bytes(value: Any, *, sort_keys: bool = False) -> bytes:
    """Write `value` as compact UTF-8 JSON bytes (see `dumps`)."""
    try:
        return orjson.dumps(value, option=_DUMP_OPTIONS | orjson.OPT_SORT_KEYS if sort_keys else _DUMP_OPTIONS)
    except TypeError:  # integers beyond 64 bits, lone surrogates, or no JSON data at all
        return _dump_slowly(value, sort_keys=sort_keys)


def clean_text(text: str) -> str:
    """Replace lone surrogates, which no UTF-8 file or terminal can hold, by question marks."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _dump_slowly(value: Any, *, sort_keys: bool) -> bytes:
    if _is_deeper(value, _ORJSON_DEPTH):  # how deep json itself can go differs between Python versions
        raise _too_deep()
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys, allow_nan=False)
    except RecursionError:
        raise _too_deep() from None
    except (TypeError, ValueError) as error:
        msg = f"not JSON data: {str(error)[:120]}"
        raise PlainJsonError(msg, "not_json") from None
    return text.encode("utf-8", "replace")


def _is_deeper(value: Any, limit: int) -> bool:
    """Return whether lists and dicts nest deeper than `limit`; a value that holds itself does."""
    level = [item for item in (value if isinstance(value, tuple) else (value,)) if isinstance(item, dict | list)]
    for _ in range(limit):
        inside = (item.values() if isinstance(item, dict) else item for item in level)
        level = list({id(item): item for items in inside for item in items if isinstance(item, dict | list)}.values())
        if not level:
            return False
    return True


def _check_count(nodes: int) -> None:
    if nodes > MAX_NODES:
        msg = f"JSON holds more than {MAX_NODES} values"
        raise PlainJsonError(msg, "too_many_nodes")


def _check_key(key: Any) -> None:
    if type(key) is not str:
        msg = f"a key is of type {type(key).__name__}, and JSON keys are strings"
        raise PlainJsonError(msg, "not_json")
    if not key.isascii():
        _check_text(key)


def _check_leaf(item: Any, kind: type) -> None:
    if kind is str:
        if not item.isascii():
            _check_text(item)
    elif kind is float:
        if not math.isfinite(item):
            msg = "NaN and Infinity are not JSON numbers"
            raise PlainJsonError(msg, "non_finite")
    elif kind is int:
        if not -(2**63) <= item < 2**64:
            raise _beyond_range()
    elif item is not None and kind is not bool:
        msg = f"a value of type {kind.__name__} is not JSON data"
        raise PlainJsonError(msg, "not_json")


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        msg = "text holds a lone surrogate, which is not valid Unicode"
        raise PlainJsonError(msg, "lone_surrogate") from None


def _too_deep() -> PlainJsonError:
    return PlainJsonError(f"JSON nests deeper than {MAX_DEPTH} levels", "too_deep")


def _beyond_range() -> PlainJsonError:
    return PlainJsonError("integers beyond 64 bits are not accepted", "int_range")
