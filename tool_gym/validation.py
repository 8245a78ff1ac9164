"""Argument validation against JSON Schema draft 2020-12, compiled once per tool.

jsonschema-rs does the work. Where it is known to differ from the reference implementation `jsonschema`
(see `needs_reference`), or meets a value it cannot read, the reference decides; a fuzzed differential test
holds both to the same verdicts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import jsonschema
import jsonschema_rs
import orjson

from tool_gym import jsonio
from tool_gym.errors import ScenarioError

REFERENCE_KEYWORDS = frozenset({"pattern", "patternProperties", "multipleOf", "format", "$ref", "$dynamicRef"})
"""Keywords whose verdict may differ: regular-expression dialects, decimal arithmetic, optional formats, references."""


class ArgumentValidator:
    """Checks arguments against one schema.

    >>> schema = {"type": "object", "properties": {"page": {"type": "integer"}}, "additionalProperties": False}
    >>> validator = ArgumentValidator.of(schema)
    >>> validator.is_valid({"page": 2}), validator.explain({"pgae": 2})
    (True, "unexpected argument 'pgae' (accepted: page)")
    """

    __slots__ = ("_reference", "_schema", "is_valid")

    is_valid: Callable[[Any], bool]
    """Whether arguments fit the schema; never raises."""

    def __init__(self, schema: dict[str, Any]) -> None:
        try:
            jsonschema.Draft202012Validator.check_schema(schema)
        except (jsonschema.SchemaError, RecursionError) as error:
            msg = f"not a JSON Schema (draft 2020-12): {getattr(error, 'message', error)}"
            raise ScenarioError(msg) from None
        self._schema = schema
        self._reference = jsonschema.Draft202012Validator(schema)
        if needs_reference(schema):
            self.is_valid = self._is_valid_reference
        else:
            fast = jsonschema_rs.Draft202012Validator(schema).is_valid
            self.is_valid = _guarded(fast, self._is_valid_reference)

    @staticmethod
    def of(schema: dict[str, Any]) -> ArgumentValidator:
        """Return the validator of `schema`, compiled once per process.

        Raises:
            ScenarioError: If `schema` is no valid JSON Schema.
        """
        return _compiled(jsonio.dump_bytes(schema, sort_keys=True))

    def explain(self, arguments: Any) -> str:
        """Say in one sentence what is wrong with `arguments`; empty if nothing is."""
        error = min(self._reference.iter_errors(arguments), key=lambda e: (len(e.path), str(e.validator)), default=None)
        if error is None:
            return ""
        where = ".".join(str(part) for part in error.path)
        if error.validator == "additionalProperties" and not where:
            known = self._schema.get("properties", {})
            extra = next((key for key in cast("dict[str, Any]", arguments) if key not in known), "")
            return f"unexpected argument {extra!r} (accepted: {', '.join(known) or 'none'})"
        if error.validator == "required":
            return f"{error.message.replace('property', 'argument')}{f' in {where}' if where else ''}"
        return f"argument {where!r}: {error.message}" if where else error.message

    def _is_valid_reference(self, arguments: Any) -> bool:
        try:
            return self._reference.is_valid(arguments)
        except (RecursionError, OverflowError, ValueError):
            return False


def needs_reference(schema: Any) -> bool:
    """Return whether `schema` uses a keyword on which the two implementations may differ."""
    if isinstance(schema, dict):
        return not REFERENCE_KEYWORDS.isdisjoint(schema) or any(needs_reference(item) for item in schema.values())
    return isinstance(schema, list) and any(needs_reference(item) for item in schema)


def _guarded(fast: Callable[[Any], bool], reference: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def is_valid(arguments: Any) -> bool:
        try:
            return fast(arguments)
        except (ValueError, TypeError, OverflowError, RecursionError):
            return reference(arguments)

    return is_valid


@cache
def _compiled(schema: bytes) -> ArgumentValidator:
    return ArgumentValidator(orjson.loads(schema))
