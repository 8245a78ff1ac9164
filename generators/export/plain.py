"""What an exported tool has in place of tool-gym's own data model and validator: plain data, and a small checker.

All of this is printed into exports, so it is short and uses the standard library alone. The checker knows the
keywords of `RULES` and `NESTED`; a schema with others is not exported.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any


class Data:
    """Plain data, its fields given by name."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)


class Checker:
    """Checks arguments against one JSON Schema."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self._rules = schema

    @classmethod
    def of(cls, schema: dict[str, Any]) -> Checker:
        """Return the checker of a schema."""
        return cls(schema)

    def is_valid(self, arguments: Any) -> bool:
        """Return whether arguments fit the schema."""
        return not self.explain(arguments)

    def explain(self, arguments: Any) -> str:
        """Say what is wrong with arguments; empty if nothing is."""
        return problem(self._rules, arguments, "the set of arguments")


def dumps(value: Any) -> str:
    """Write a value as compact JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def problem(schema: Any, value: Any, where: str) -> str:
    """Say what is wrong with a value at some place; empty if it fits the schema."""
    if isinstance(schema, bool):
        return "" if schema else f"{where} is not accepted"
    for keyword, wanted in schema.items():
        if keyword in RULES and not RULES[keyword](wanted, value):
            return f"{where} must keep to {keyword} {json.dumps(wanted, ensure_ascii=False)}"
        found = NESTED[keyword](schema, value, where) if keyword in NESTED else ""
        if found:
            return found
    return ""


def is_of(kind: str, value: Any) -> bool:
    """Return whether a value is of a JSON type; 1.0 is an integer, infinity no number."""
    if kind in ("integer", "number") and type(value) is float:
        return value.is_integer() if kind == "integer" else value - value == 0
    return type(value) in TYPES[kind]


def equal(first: Any, second: Any) -> bool:
    """Return whether two JSON values are the same; true is no 1."""
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(equal, first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(equal(first[key], second[key]) for key in first)
    return bool(first == second) and (type(first) is bool) == (type(second) is bool)


def entries(schema: Any, value: Any, where: str) -> str:
    """Check the entries of an object."""
    if not isinstance(value, dict):
        return ""
    known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
    for key, item in value.items():
        if key not in known and others is False:
            return f"{where} has no place for {key!r}; accepted: {', '.join(known) or 'none'}"
        found = problem(known.get(key, others), item, f"argument {key!r}")
        if found:
            return found
    return ""


def items(schema: Any, value: Any, where: str) -> str:
    """Check the items of an array."""
    found = [problem(schema["items"], item, f"an item of {where}") for item in value] if type(value) is list else []
    return next(filter(None, found), "")


def forms(keyword: str, fits: Callable[[int, int], bool]) -> Callable[[Any, Any, str], str]:
    """Return the check that so many of several forms fit."""

    def check(schema: Any, value: Any, where: str) -> str:
        count = sum(not problem(form, value, where) for form in schema[keyword])
        return "" if fits(count, len(schema[keyword])) else f"{where} has none of the allowed forms"

    return check


TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int,),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}
RULES: dict[str, Callable[[Any, Any], bool]] = {
    "type": lambda wanted, value: any(is_of(kind, value) for kind in ([wanted] if type(wanted) is str else wanted)),
    "enum": lambda wanted, value: any(equal(value, option) for option in wanted),
    "const": equal,
    "required": lambda wanted, value: type(value) is not dict or all(key in value for key in wanted),
    "minimum": lambda wanted, value: not is_of("number", value) or value >= wanted,
    "maximum": lambda wanted, value: not is_of("number", value) or value <= wanted,
    "exclusiveMinimum": lambda wanted, value: not is_of("number", value) or value > wanted,
    "exclusiveMaximum": lambda wanted, value: not is_of("number", value) or value < wanted,
    "minLength": lambda wanted, value: type(value) is not str or len(value) >= wanted,
    "maxLength": lambda wanted, value: type(value) is not str or len(value) <= wanted,
    "pattern": lambda wanted, value: type(value) is not str or bool(re.search(wanted, value, re.ASCII)),
    "minItems": lambda wanted, value: type(value) is not list or len(value) >= wanted,
    "maxItems": lambda wanted, value: type(value) is not list or len(value) <= wanted,
    "minProperties": lambda wanted, value: type(value) is not dict or len(value) >= wanted,
    "maxProperties": lambda wanted, value: type(value) is not dict or len(value) <= wanted,
    "uniqueItems": lambda wanted, value: (
        not wanted
        or type(value) is not list
        or not any(equal(item, other) for number, item in enumerate(value) for other in value[:number])
    ),
}
"""Keyword → whether a value keeps to it."""

NESTED: dict[str, Callable[[Any, Any, str], str]] = {
    "properties": entries,
    "additionalProperties": entries,
    "items": items,
    "anyOf": forms("anyOf", lambda count, _: count > 0),
    "oneOf": forms("oneOf", lambda count, _: count == 1),
    "allOf": forms("allOf", lambda count, number: count == number),
}
"""Keyword → what is wrong with the parts of a value that it speaks of."""
