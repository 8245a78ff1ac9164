"""JSON Patch (RFC 6902), the operations add, replace and remove, held to the places that were named as wrong."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

from tool_gym.errors import EndpointError
from tool_gym.llm.problems import MOST

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "patch": {
            "type": "array",
            "maxItems": 2 * MOST,
            "items": {
                "type": "object",
                "properties": {
                    "op": {"type": "string", "enum": ["add", "replace", "remove"]},
                    "path": {"type": "string", "maxLength": 300},
                    "value": {},
                },
                "required": ["op", "path"],
                "additionalProperties": False,
            },
        }
    },
    "required": ["patch"],
    "additionalProperties": False,
}
"""What an answer that is a patch must fit."""

_INDEX = re.compile(r"0|[1-9]\d{0,6}")


class PatchError(EndpointError):
    """Raised when a patch cannot be applied, or touches what it was not asked to."""


def apply(value: Any, operations: Sequence[dict[str, Any]], places: Sequence[str]) -> Any:
    """Return a value with a patch applied to it; the value itself stays as it is.

    Args:
        value: JSON data.
        operations: Each with `op`, `path` and, unless it removes, `value`.
        places: JSON pointers; what an operation names must be one of them or lie below one.

    Raises:
        PatchError: If an operation touches something else, or there is nothing where it points.
    """
    value = copy.deepcopy(value)
    for operation in operations:
        op, path = operation["op"], operation["path"]
        if not any(path == place or path.startswith(f"{place}/") for place in places):
            msg = f"{path!r} was not named as wrong; only {', '.join(map(repr, places))} may be touched"
            raise PatchError(msg)
        if op != "remove" and "value" not in operation:
            msg = f"the operation {op!r} on {path!r} has no value"
            raise PatchError(msg)
        value = _applied(value, op, path, copy.deepcopy(operation.get("value")))
    return value


def _applied(whole: Any, op: str, path: str, new: Any) -> Any:
    if path == "":
        if op == "remove":
            msg = "the whole answer cannot be removed"
            raise PatchError(msg)
        return new
    *above, last = (part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:])
    holder = whole
    for part in above:
        holder = holder[_key(holder, part, path)]
    if isinstance(holder, list) and op == "add":
        holder.insert(len(holder) if last == "-" else _position(holder, last, path, len(holder)), new)
    elif isinstance(holder, dict) and op == "add":
        holder[last] = new
    elif op == "remove":
        del holder[_key(holder, last, path)]
    else:
        holder[_key(holder, last, path)] = new
    return whole


def _key(holder: Any, part: str, path: str) -> Any:
    if isinstance(holder, list):
        return _position(holder, part, path, len(holder) - 1)
    if isinstance(holder, dict) and part in holder:
        return part
    msg = f"there is nothing at {path!r}"
    raise PatchError(msg)


def _position(holder: list[Any], part: str, path: str, last: int) -> int:
    if _INDEX.fullmatch(part) is None or int(part) > last:
        msg = f"there is nothing at {path!r}: the list has {len(holder)} items"
        raise PatchError(msg)
    return int(part)
