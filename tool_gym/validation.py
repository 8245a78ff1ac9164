r"""Argument validation against JSON Schema draft 2020-12, compiled once per tool.

jsonschema-rs decides alone; a differential test holds it to the reference implementation, `jsonschema`. They are known
to differ in two keywords. `pattern` is ECMA-262 without look-around and back-references, matched in linear time (`\d`
is 0-9, `$` the very end), where the reference uses Python's `re`. `multipleOf` is exact in decimals: 0.3 is a multiple
of 0.1, and 2**64 - 1 is none of 2.0. `format` is an annotation in both.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from typing import Any
from weakref import WeakValueDictionary

import jsonschema_rs as rs

from tool_gym import jsonio, schemas
from tool_gym.errors import ScenarioError

MAX_EXPLAINED = 100_000
"""Size in bytes of JSON from which arguments are refused without saying where they are wrong."""

MAX_SENTENCE = 300
"""Longest explanation, in characters."""

_PATTERN_SIZE = 1_000_000
_PLAIN_SIZE = 4000
"""Longest schema that is checked property by property, in bytes: one that keeps all limits if its parts do."""

_NOT_PLAIN = (b'"$', b"pattern", b"unevaluated", b"allOf", b"anyOf", b"oneOf", b"not", b"if")
"""What must not stand in such a schema: references, and what could nest."""
_MAX_UNEVALUATED = 3
_NEEDS = {
    "const": "must be {}",
    "multipleOf": "must be a multiple of {}",
    "minimum": "must be at least {}",
    "exclusiveMinimum": "must be more than {}",
    "maximum": "must be at most {}",
    "exclusiveMaximum": "must be less than {}",
    "minLength": "must have at least {} characters",
    "maxLength": "must have at most {} characters",
    "pattern": "must match the pattern {}",
    "minItems": "must have at least {} items",
    "maxItems": "must have at most {} items",
    "minProperties": "must have at least {} entries",
    "maxProperties": "must have at most {} entries",
    "uniqueItems": "must not hold the same item twice",
    "contains": "lacks an item it must hold",
    "anyOf": "fits none of the allowed forms",
    "oneOf": "must fit exactly one of the allowed forms",
    "not": "has a form that is not allowed",
    "propertyNames": "has a key of a form that is not allowed",
    "falseSchema": "is not accepted",
}


class ArgumentValidator:
    """Checks arguments against one schema.

    >>> schema = {"type": "object", "properties": {"page": {"type": "integer"}}, "additionalProperties": False}
    >>> validator = ArgumentValidator.of(schema)
    >>> validator.is_valid({"page": 2}), validator.explain({"pgae": 2})
    (True, "unexpected argument 'pgae'; did you mean 'page'? Accepted: page")
    """

    __slots__ = ("__weakref__", "_schema", "_validate", "is_valid")

    is_valid: Callable[[Any], bool]
    """Whether arguments fit the schema; never raises. What is no JSON data at all does not fit."""

    def __init__(self, schema: schemas.Schema, *, resolved: bool = False) -> None:
        """Compile a schema; `resolved` says that `schemas.resolve` made it."""
        self._schema = schema if resolved else schemas.resolve(schema)
        try:
            validator = rs.Draft202012Validator(
                self._schema,
                validate_formats=False,
                pattern_options=rs.RegexOptions(size_limit=_PATTERN_SIZE),
                offline=True,
            )
        except (ValueError, rs.ReferencingError) as error:
            msg = f"not a JSON Schema that can be checked: {_cut(str(error).partition(chr(10))[0], 200)}"
            raise ScenarioError(msg) from None
        self._validate = validator.validate
        self.is_valid = _guarded(validator.is_valid)

    @staticmethod
    def of(schema: dict[str, Any]) -> ArgumentValidator:
        """Return the validator of `schema`; schemas that differ in their documentation alone share one.

        Raises:
            ScenarioError: If `schema` is no JSON Schema, or one that is refused (see `tool_gym.schemas`).
        """
        try:
            return _compiled(jsonio.dump_bytes(schema))
        except jsonio.PlainJsonError as error:
            msg = f"a schema must be plain JSON: {error}"
            raise ScenarioError(msg) from None

    def explain(self, arguments: Any) -> str:
        """Say in one sentence what is wrong with `arguments`; empty if nothing is. Never raises."""
        if self.is_valid(arguments):
            return ""
        try:
            jsonio.check_plain(arguments)
            if len(jsonio.dump_bytes(arguments)) > MAX_EXPLAINED:
                return "the arguments don't fit the tool's parameters, and are too long to say where"
        except jsonio.PlainJsonError as error:
            return f"the arguments are not accepted: {error}"
        sentence = _explain_keys(self._schema, arguments) or self._explain_first(arguments)
        return _cut(jsonio.clean_text(sentence), MAX_SENTENCE)

    def _explain_first(self, arguments: Any) -> str:
        try:
            self._validate(arguments)
        except rs.ValidationError as error:
            where = error.instance_path
            return _explain_keys(_holder(self._schema, error.schema_path), error.instance, where) or _describe(error)
        except ValueError:
            pass
        return "the arguments don't fit the tool's parameters"


def check_schema(schema: dict[str, Any]) -> None:
    """Check that `ArgumentValidator.of` takes a schema, without making a validator of plain ones.

    A closed object of a few plain properties can be checked if each property can: properties recur from tool to tool.

    Raises:
        ScenarioError: As `ArgumentValidator.of`.
    """
    try:
        written = jsonio.dump_bytes(schema)
    except jsonio.PlainJsonError as error:
        msg = f"a schema must be plain JSON: {error}"
        raise ScenarioError(msg) from None
    if not _is_plain_object(schema) or len(written) > _PLAIN_SIZE or any(mark in written for mark in _NOT_PLAIN):
        ArgumentValidator.of(schema)
        return
    for part in schema["properties"].values():
        _check_part(jsonio.dump_bytes(part))


_IN_USE: WeakValueDictionary[bytes, ArgumentValidator] = WeakValueDictionary()
"""Hash of what a schema means → its validator. Each holds memory of its own, about 15 kB."""


def _guarded(is_valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    def guarded(arguments: Any) -> bool:
        try:
            return is_valid(arguments)
        except (ValueError, TypeError, OverflowError, RecursionError):
            return False

    return guarded


def _explain_keys(schema: Any, arguments: Any, path: Sequence[str | int] = ()) -> str:
    """Explain the two commonest mistakes: an argument the tool does not take, or one left out."""
    if not isinstance(arguments, dict) or not isinstance(schema, dict):
        return ""
    known = schema.get("properties", {})
    if schema.get("additionalProperties") is False and "patternProperties" not in schema:
        extra = next((key for key in arguments if key not in known), None)
        if extra is not None:
            close = difflib.get_close_matches(extra[:80], known, n=1)
            hint = f"; did you mean {close[0]!r}?" if close else "."
            return f"unexpected argument {_name([*path, extra])}{hint} Accepted: {', '.join(known) or 'none'}"
    missing = [_name([*path, key]) for key in schema.get("required", ()) if key not in arguments]
    return f"missing argument{'s' if len(missing) > 1 else ''} {', '.join(missing)}" if missing else ""


def _holder(schema: Any, path: Sequence[str | int]) -> Any:
    """Return the subschema whose keyword stands at the end of `path`, or None if it cannot be followed."""
    try:
        for part in path[:-1]:
            schema = schema[part]
    except (LookupError, TypeError):  # jsonschema-rs writes a property called "0" like an index
        return None
    return schema


def _describe(error: rs.ValidationError) -> str:
    path, keyword, value = error.instance_path, error.kind.name, error.kind.value
    where = f"argument {_name(path)}" if path else "the set of arguments"
    if keyword == "required":
        return f"missing argument {_name([*path, value])}"
    if keyword in ("additionalProperties", "unevaluatedProperties"):
        return f"unexpected argument {_name([*path, value[0]])}"
    given = error.instance
    types = _types(error)
    if types:
        return f"{where} must be {' or '.join(types)}, got {_type_of(given)} {_shown(given)}"
    if keyword == "enum":
        return f"{where} must be one of {_cut(_listed(value), 150)}; got {_shown(given)}"
    need = _NEEDS.get(keyword, "does not fit")
    if "{}" in need:
        need = need.format(_shown(value))
    return f"{where} {need}; got {_shown(given)}"


def _types(error: rs.ValidationError) -> list[str]:
    """Return the types one of which was needed, if a type is all that was wrong."""
    kind = error.kind
    if isinstance(kind, rs.ValidationErrorKind.Type):
        return sorted(kind.types)
    if isinstance(kind, rs.ValidationErrorKind.AnyOf | rs.ValidationErrorKind.OneOfNotValid):
        branches = [_types(branch[0]) if len(branch) == 1 else [] for branch in kind.context]
        if all(branches):
            return sorted({name for branch in branches for name in branch})
    return []


def _name(path: Iterable[str | int]) -> str:
    return repr(_cut(".".join(str(part) for part in path), 80))


def _listed(values: Iterable[Any]) -> str:
    return ", ".join(_shown(value) for value in values)


def _shown(value: Any) -> str:
    return _cut(jsonio.dumps(value), 60)


def _type_of(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return names.get(type(value), "null")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


@lru_cache(maxsize=1024)
def _compiled(schema: bytes) -> ArgumentValidator:
    resolved = schemas.resolve(jsonio.loads(schema.decode()))
    meaning = hashlib.blake2b(jsonio.dump_bytes(resolved), digest_size=16).digest()
    known = _IN_USE.get(meaning)
    if known is None:
        known = _IN_USE[meaning] = ArgumentValidator(resolved, resolved=True)
    return known


@lru_cache(maxsize=4096)
def _check_part(schema: bytes) -> None:
    """Check one property's schema; raises ScenarioError."""
    ArgumentValidator(jsonio.loads(schema.decode()))


def _is_plain_object(schema: dict[str, Any]) -> bool:
    if schema.keys() != {"type", "properties", "required", "additionalProperties"} or schema["type"] != "object":
        return False
    properties, required = schema["properties"], schema["required"]
    if type(properties) is not dict or type(required) is not list or schema["additionalProperties"] is not False:
        return False
    return len(set(map(str, required))) == len(required) and all(type(name) is str for name in (*properties, *required))
