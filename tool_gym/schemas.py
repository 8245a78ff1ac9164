"""JSON Schemas from files nobody here wrote, made safe to compile.

`resolve` puts each reference's target in its place and drops what does not validate. What could fetch, hang or crash
is refused: references other than to the schema's own definitions, recursive references (a deep argument would overrun
the validator's stack), schemas beyond a size or depth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import jsonschema_rs as rs

from tool_gym import jsonio
from tool_gym.errors import ScenarioError

Schema: TypeAlias = dict[str, Any] | bool

MAX_BYTES = 100_000
"""Longest schema, as JSON."""

MAX_SUBSCHEMAS = 1_000
"""Most subschemas in one schema, references resolved; a pattern counts for ten."""

MAX_UNEVALUATED = 3
"""Deepest nesting of `unevaluatedProperties` and `unevaluatedItems`, whose cost doubles with each level."""

_VALUES = frozenset(
    {
        "type",
        "enum",
        "const",
        "multipleOf",
        "maximum",
        "exclusiveMaximum",
        "minimum",
        "exclusiveMinimum",
        "maxLength",
        "minLength",
        "pattern",
        "maxItems",
        "minItems",
        "uniqueItems",
        "maxContains",
        "minContains",
        "maxProperties",
        "minProperties",
        "required",
        "dependentRequired",
    }
)
_SCHEMAS = frozenset(
    {
        "additionalProperties",
        "items",
        "contains",
        "not",
        "if",
        "then",
        "else",
        "propertyNames",
        "unevaluatedItems",
        "unevaluatedProperties",
    }
)
_SCHEMA_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SCHEMA_MAPS = frozenset({"properties", "patternProperties", "dependentSchemas"})
_KEYWORDS = _VALUES | _SCHEMAS | _SCHEMA_LISTS | _SCHEMA_MAPS
_REFUSED = frozenset({"$id", "$anchor", "$dynamicRef", "$dynamicAnchor", "$vocabulary"})
_UNEVALUATED = frozenset({"unevaluatedItems", "unevaluatedProperties"})

_META_SCHEMA = rs.Draft202012Validator({"$ref": "https://json-schema.org/draft/2020-12/schema"}, offline=True)


def resolve(schema: Any) -> Schema:
    """Return `schema` without references, annotations, and keywords that don't validate.

    Raises:
        ScenarioError: If it is no JSON Schema (draft 2020-12), or one that is refused.
    """
    try:
        jsonio.check_plain(schema)
        _META_SCHEMA.validate(schema)
    except rs.ValidationError as error:
        where = ".".join(str(part) for part in error.instance_path) or "the top level"
        msg = f"not a JSON Schema (draft 2020-12): {error.message[:160]} at {where[:80]}"
        raise ScenarioError(msg) from None
    except jsonio.PlainJsonError as error:
        msg = f"a schema must be plain JSON: {error}"
        raise ScenarioError(msg) from None
    if not isinstance(schema, dict):
        return bool(schema)
    if len(jsonio.dump_bytes(schema)) > MAX_BYTES:
        msg = f"the schema is longer than {MAX_BYTES} bytes"
        raise ScenarioError(msg)
    root = {key: value for key, value in schema.items() if key != "$id"}
    resolver = _Resolver({group: root.get(group, {}) for group in ("$defs", "definitions")})
    return resolver.resolve(root, depth=1, unevaluated=0)


class _Resolver:
    def __init__(self, definitions: dict[str, dict[str, Any]]) -> None:
        self._definitions = definitions
        self._left = MAX_SUBSCHEMAS
        self._open: list[str] = []

    def resolve(self, schema: Schema, *, depth: int, unevaluated: int) -> Schema:
        if isinstance(schema, bool):
            return schema
        unevaluated += not _UNEVALUATED.isdisjoint(schema)
        self._check(schema, depth, unevaluated)

        def deeper(inner: Schema) -> Schema:
            return self.resolve(inner, depth=depth + 1, unevaluated=unevaluated)

        resolved = {key: _map(key, value, deeper) for key, value in schema.items() if key in _KEYWORDS}
        reference = schema.get("$ref")
        if reference is None:
            return resolved
        definition = self._find(reference)
        self._open.append(reference)
        target = deeper(definition)
        self._open.pop()
        return {**resolved, "allOf": [target, *resolved.get("allOf", [])]} if resolved else target

    def _find(self, reference: str) -> Schema:
        start, _, rest = reference.partition("/")
        group, _, name = rest.partition("/")
        name = name.replace("~1", "/").replace("~0", "~") if "/" not in name else ""
        if start != "#" or name not in self._definitions.get(group, {}):
            msg = f"the schema refers to {reference[:80]!r}: only its own '#/$defs/<name>' can be referred to"
            raise ScenarioError(msg)
        if reference in self._open:
            msg = f"the schema refers to itself through {reference[:80]!r}: recursive schemas are not supported"
            raise ScenarioError(msg)
        found: Schema = self._definitions[group][name]
        return found

    def _check(self, schema: dict[str, Any], depth: int, unevaluated: int) -> None:
        refused = _REFUSED.intersection(schema)
        if refused:
            msg = f"the schema uses {min(refused)!r}, which is not supported"
            raise ScenarioError(msg)
        self._left -= 1 + 10 * (("pattern" in schema) + len(schema.get("patternProperties", ())))
        if self._left < 0:
            msg = f"the schema has more than {MAX_SUBSCHEMAS} subschemas, references resolved"
            raise ScenarioError(msg)
        if depth > jsonio.MAX_DEPTH:
            msg = f"the schema nests deeper than {jsonio.MAX_DEPTH} levels, references resolved"
            raise ScenarioError(msg)
        if unevaluated > MAX_UNEVALUATED:
            msg = f"the schema nests 'unevaluated…' keywords more than {MAX_UNEVALUATED} deep"
            raise ScenarioError(msg)


def _map(keyword: str, value: Any, resolve_one: Callable[[Schema], Any]) -> Any:
    if keyword in _SCHEMAS:
        return resolve_one(value)
    if keyword in _SCHEMA_LISTS:
        return [resolve_one(item) for item in value]
    if keyword in _SCHEMA_MAPS:
        return {name: resolve_one(item) for name, item in value.items()}
    return value
