"""Validation agrees with the reference implementation, and nothing hostile hangs or crashes it."""

import json
import math
import random
import time
from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym import schemas
from tool_gym.errors import ScenarioError
from tool_gym.validation import ArgumentValidator

TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")
KEYS = ("a", "b", "aa", "$ref", "0", "")
PATTERNS = ("^a", "b$", "a+b", "[ab]", "^$", ".", "^(a|b)*$", "^[0-9]+$")
LEAVES = (0, 1, 2, -1, 0.5, 1.0, 2.5, 1e20, 1e308, -0.0, 2**53, 2**63, 2**64 - 1, True, False, None, "", "a", "ab", "é")

ORDER = {
    "type": "object",
    "properties": {
        "order_id": {"type": "string", "pattern": "^O-[0-9]+$"},
        "limit": {"type": "integer", "minimum": 1, "maximum": 50},
        "mode": {"enum": ["fast", "slow"]},
        "since": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "filter": {"$ref": "#/$defs/filter"},
    },
    "required": ["order_id"],
    "additionalProperties": False,
    "$defs": {
        "filter": {
            "type": "object",
            "properties": {"tags": {"type": "array", "items": {"type": "string"}, "uniqueItems": True, "maxItems": 2}},
            "required": ["tags"],
            "additionalProperties": False,
        }
    },
}


class Maker:
    """Makes random schemas and random values for them; `multipleOf` only where floats are exact (see the module)."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def value(self, depth: int = 3) -> Any:
        kind = self.random.random()
        if depth == 0 or kind < 0.5:
            return self.random.choice(LEAVES)
        if kind < 0.75:
            return [self.value(depth - 1) for _ in range(self.random.randrange(4))]
        return {self.random.choice(KEYS): self.value(depth - 1) for _ in range(self.random.randrange(4))}

    def schema(self, depth: int = 3) -> Any:
        if depth == 0 or self.random.random() < 0.06:
            return self.random.choice([True, False, {"type": self.random.choice(TYPES)}])
        schema: dict[str, Any] = {}
        for _ in range(self.random.randrange(1, 4)):
            schema.update(self.random.choice(self.makers())(lambda: self.schema(depth - 1)))
        return schema

    def root(self) -> dict[str, Any]:
        definitions = {"x": self.schema(1), "y": {"type": self.random.choice(TYPES)}}
        return {"allOf": [self.schema()], "$defs": definitions}

    def makers(self) -> list[Callable[[Callable[[], Any]], dict[str, Any]]]:
        pick, count = self.random.choice, self.random.randrange(3)

        def some() -> list[str]:
            return self.random.sample(KEYS, self.random.randrange(3))

        return [
            lambda _: {"type": pick([pick(TYPES), self.random.sample(TYPES, 2)])},
            lambda _: {"type": pick(TYPES)},
            lambda _: {"enum": [self.value(1) for _ in range(count + 1)]},
            lambda _: {"const": self.value(2)},
            lambda _: {
                pick(["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]): pick([0, 1, 2.5, -1, 1e20, 2**63])
            },
            lambda _: {"multipleOf": pick([1, 2, 3, 0.5, 7])},
            lambda _: {
                pick(["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"]): count
            },
            lambda _: {"pattern": pick(PATTERNS)},
            lambda _: {"uniqueItems": pick([True, False])},
            lambda _: {"required": some()},
            lambda _: {"dependentRequired": {pick(KEYS): some()}},
            lambda inner: {"properties": {key: inner() for key in some()}},
            lambda inner: {"patternProperties": {pick(PATTERNS): inner()}},
            lambda inner: {
                pick(
                    [
                        "additionalProperties",
                        "propertyNames",
                        "items",
                        "not",
                        "unevaluatedItems",
                        "unevaluatedProperties",
                    ]
                ): inner()
            },
            lambda inner: {"contains": inner(), pick(["minContains", "maxContains"]): count},
            lambda inner: {pick(["allOf", "anyOf", "oneOf", "prefixItems"]): [inner(), inner()][: count or 1]},
            lambda inner: {"if": inner(), "then": inner(), "else": inner()},
            lambda inner: {"dependentSchemas": {pick(KEYS): inner()}},
            lambda _: {"$ref": pick(["#/$defs/x", "#/$defs/y"])},
            lambda _: {"format": pick(["date", "email", "ipv4"])},
        ]


def compare_with_the_reference(seed: int, rounds: int) -> int:
    make, compared = Maker(seed), 0
    for _ in range(rounds):
        schema = make.root()
        try:
            validator = ArgumentValidator(schema)
        except ScenarioError as error:
            assert "refers to itself" in str(error) or "unevaluated" in str(error)  # noqa: PT017 - none is fine too
            continue
        reference = jsonschema.Draft202012Validator(schema)
        for value in [make.value() for _ in range(10)]:
            verdict = reference.is_valid(value)
            assert validator.is_valid(value) == verdict, (schema, value)
            sentence = validator.explain(value)
            assert (sentence == "") == verdict, (schema, value, sentence)
            assert len(sentence) <= 300
            compared += 1
    return compared


def test_verdicts_are_the_references() -> None:
    assert compare_with_the_reference(seed=1, rounds=1_000) > 9_000


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
def test_verdicts_are_the_references_at_length(seed: int) -> None:
    assert compare_with_the_reference(seed, rounds=10_000) > 90_000


@pytest.mark.parametrize(
    ("schema", "value", "verdict", "reference"),
    [
        ({"pattern": "^a$"}, "a\n", False, True),
        ({"pattern": r"^\d$"}, "٣", False, True),
        ({"pattern": r"^\w$"}, "é", False, True),
        ({"multipleOf": 0.1}, 0.3, True, False),
        ({"multipleOf": 2.0}, 2**64 - 1, False, True),
    ],
)
def test_the_known_differences_are_these(schema: Any, value: Any, *, verdict: bool, reference: bool) -> None:
    assert ArgumentValidator.of(schema).is_valid(value) is verdict
    assert jsonschema.Draft202012Validator(schema).is_valid(value) is reference


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({}, "missing argument 'order_id'"),
        (
            {"ordr_id": "x"},
            "unexpected argument 'ordr_id'; did you mean 'order_id'? Accepted: order_id, limit, mode, since, filter",
        ),
        ({"order_id": "O-1", "zzz": 1}, "unexpected argument 'zzz'. Accepted: order_id, limit, mode, since, filter"),
        ({"order_id": 5}, "argument 'order_id' must be string, got integer 5"),
        ({"order_id": "x"}, 'argument \'order_id\' must match the pattern "^O-[0-9]+$"; got "x"'),
        ({"order_id": "O-1", "limit": 0}, "argument 'limit' must be at least 1; got 0"),
        ({"order_id": "O-1", "limit": 99}, "argument 'limit' must be at most 50; got 99"),
        ({"order_id": "O-1", "limit": True}, "argument 'limit' must be integer, got boolean true"),
        ({"order_id": "O-1", "mode": "fats"}, 'argument \'mode\' must be one of "fast", "slow"; got "fats"'),
        ({"order_id": "O-1", "since": 3}, "argument 'since' must be null or string, got integer 3"),
        ({"order_id": "O-1", "filter": {}}, "missing argument 'filter.tags'"),
        ({"order_id": "O-1", "filter": {"tags": [], "x": 1}}, "unexpected argument 'filter.x'. Accepted: tags"),
        ({"order_id": "O-1", "filter": {"tags": ["a", 2]}}, "argument 'filter.tags.1' must be string, got integer 2"),
        (
            {"order_id": "O-1", "filter": {"tags": ["a", "a"]}},
            'argument \'filter.tags\' must not hold the same item twice; got ["a","a"]',
        ),
        ([], "the set of arguments must be object, got array []"),
        ({"order_id": math.nan}, "the arguments are not accepted: NaN and Infinity are not JSON numbers"),
    ],
)
def test_explanations_say_what_was_wanted_and_what_came(arguments: Any, sentence: str) -> None:
    assert ArgumentValidator.of(ORDER).explain(arguments) == sentence


def test_several_missing_arguments_are_all_named() -> None:
    validator = ArgumentValidator.of({"type": "object", "required": ["a", "b"]})
    assert validator.explain({}) == "missing arguments 'a', 'b'"


def nested(levels: int, wrap: Callable[[Any], Any], innermost: Any) -> Any:
    for _ in range(levels):
        innermost = wrap(innermost)
    return innermost


class Hostile:
    """An object that fails at whatever is asked of it."""

    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    def __hash__(self) -> int:
        raise RuntimeError

    def __repr__(self) -> str:
        raise RuntimeError


HOSTILE = {
    "deep_list": nested(10_000, lambda it: [it], 1),
    "deeper_object": nested(100_000, lambda it: {"order_id": it}, 1),
    "huge_text": {"order_id": "x" * 50_000_000},
    "huge_key": {"x" * 50_000_000: 1},
    "nan": {"order_id": "O-1", "limit": math.nan},
    "infinity": {"order_id": "O-1", "limit": math.inf},
    "surrogate": {"order_id": "\ud800"},
    "surrogate_key": {"\ud800": 1},
    "big_integer": {"order_id": "O-1", "limit": 10**5000},
    "bytes": b"x",
    "set": {1},
    "object": Hostile(),
    "inner_object": {"order_id": Hostile()},
    "integer_key": {1: 2},
    "many_items": {"order_id": "O-1", "filter": {"tags": ["x"] * 1_000_000}},
    "many_keys": {str(number): 1 for number in range(100_000)},
    "deep_duplicates": {"order_id": "O-1", "filter": {"tags": [nested(300, lambda it: [it], 1)] * 2}},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_hostile_raises_or_hangs(name: str) -> None:
    started = time.perf_counter()
    validator = ArgumentValidator.of(ORDER)
    assert validator.is_valid(HOSTILE[name]) is False
    sentence = validator.explain(HOSTILE[name])
    assert 0 < len(sentence) <= 300
    sentence.encode()
    assert time.perf_counter() - started < 2


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text(st.characters()) | st.binary() | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()) | st.integers(), inner),
        max_leaves=8,
    )
)
def test_anything_is_judged(value: Any) -> None:
    for arguments in (value, {"order_id": value}, {"order_id": "O-1", "filter": {"tags": value}}):
        validator = ArgumentValidator.of(ORDER)
        assert validator.is_valid(arguments) == (validator.explain(arguments) == "")


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ({"type": "text"}, "not a JSON Schema"),
        ({"properties": 5}, "at properties"),
        (5, "not a JSON Schema"),
        ({"$ref": "#"}, "can be referred to"),
        ({"$ref": "#/properties/a", "properties": {"a": {}}}, "can be referred to"),
        ({"$ref": "#/$defs/a"}, "can be referred to"),
        ({"$ref": "http://127.0.0.1:9/schema.json"}, "can be referred to"),
        ({"$ref": "file:///etc/hostname"}, "can be referred to"),
        ({"$ref": "https://json-schema.org/draft/2020-12/schema"}, "can be referred to"),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "refers to itself"),
        (
            {"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"},
            "refers to itself",
        ),
        ({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}, "recursive"),
        ({"$dynamicRef": "#a"}, r"\$dynamicRef"),
        ({"properties": {"a": {"$id": "http://example.com/x"}}}, r"\$id"),
        ({"pattern": "(?=a)"}, "regex"),
        ({"pattern": r"(a)\1"}, "regex"),
        ({"pattern": "("}, "regex"),
        ({"patternProperties": {"(?!x)": {}}}, "regex"),
        ({"pattern": r"(\w{1000}){1000}"}, "regex"),
        ({"properties": {str(number): {"pattern": "a"} for number in range(200)}}, "more than"),
        (
            {
                "$defs": {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(20)} | {"d20": True},
                "$ref": "#/$defs/d0",
            },
            "more than",
        ),
        ({"enum": ["x" * 200_000]}, "longer than"),
        ({"maximum": 10**30}, "64 bits"),
        ({"enum": [{1, 2}]}, "plain JSON"),
        (nested(4, lambda it: {"allOf": [it], "unevaluatedProperties": False}, {}), "unevaluated"),
        (nested(10_000, lambda it: {"properties": {"a": it}}, {}), "deeper"),
        (nested(10_000, lambda it: {"allOf": [it]}, {}), "deeper"),
        ({"const": nested(10_000, lambda it: [it], 1)}, "deeper"),
    ],
)
def test_unsafe_schemas_are_refused_when_compiled(schema: Any, reason: str) -> None:
    for compile_ in (ArgumentValidator.of, ArgumentValidator):
        with pytest.raises(ScenarioError, match=reason) as caught:
            compile_(schema)
        assert len(str(caught.value)) < 400


def test_patterns_take_linear_time() -> None:
    validator = ArgumentValidator.of({"properties": {"a": {"pattern": "^(a+)+$"}}})
    started = time.perf_counter()
    assert "pattern" in validator.explain({"a": "a" * 60_000 + "!"})
    assert time.perf_counter() - started < 1


def test_references_are_resolved_in_place() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": "https://example.com/tool",
        "title": "left out",
        "properties": {"a/b": {"$ref": "#/definitions/x~1y", "minimum": 2}, "$ref": {"type": "string"}},
        "definitions": {"x/y": {"type": "integer"}},
    }
    resolved = {"properties": {"a/b": {"minimum": 2, "allOf": [{"type": "integer"}]}, "$ref": {"type": "string"}}}
    assert schemas.resolve(schema) == resolved


def test_a_property_may_be_called_like_a_keyword() -> None:
    validator = ArgumentValidator.of({"properties": {"$ref": {"type": "string"}, "$id": {"const": {"$ref": "#"}}}})
    assert validator.is_valid({"$ref": "x", "$id": {"$ref": "#"}})
    assert not validator.is_valid({"$ref": 1})


def test_a_schema_is_compiled_once() -> None:
    assert ArgumentValidator.of(ORDER) is ArgumentValidator.of(json.loads(json.dumps(ORDER)))
