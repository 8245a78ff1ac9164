"""A policy that makes valid calls at random: what knowing the format, and nothing else, is worth."""

from __future__ import annotations

import random
from math import ceil, floor, isfinite
from typing import Any

from tool_gym import jsonio
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies.lexical import first_request, mentions
from tool_gym.trajectory import Step
from tool_gym.turns import ToolCall, Turn
from tool_gym.values import leaves

MAX_CALLS = 8
"""Calls made for one request at most; at least 1."""

OPTIONAL = 0.3
"""Probability that an optional parameter is given."""

DECLINE = 0.1
"""Probability that a request is declined in the end."""

_MAX_DEPTH = 4
_MAX_ITEMS = 8
_MAX_LENGTH = 1000


class RandomValidPolicy:
    """Calls tools at random, with arguments the schemas allow, then answers with some value it was served.

    Texts come from what it has read: the names, codes and dates of the requests, and earlier results.
    """

    name = "random"

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        """Begin anew; the environment is not looked at."""
        del env
        self._random = random.Random(seed)
        self._texts: list[str] = []
        self._numbers: list[float] = []
        self._served: list[Any] = []
        self._left = -1

    def act(self, observation: str, info: dict[str, Any]) -> Turn:
        """Return a random call, or an answer when enough were made."""
        del observation
        self._read(info)
        if self._left > 0 and info["tools"]:
            self._left -= 1
            function = self._random.choice(info["tools"])["function"]
            return Turn(calls=(ToolCall(function["name"], self._value(function["parameters"], 0)),))
        self._left = -1
        if self._random.random() < DECLINE or not (self._served or self._texts):
            return Turn("Decline: I cannot do that.")
        value = self._random.choice(self._served or self._texts)
        return Turn(f"Answer: {value if isinstance(value, str) else jsonio.dumps(value)}")

    def _read(self, info: dict[str, Any]) -> None:
        """Take in what was said and served since the last turn."""
        step: Step | None = info.get("step")
        heard = first_request(info) if step is None else step.reply
        if step is None or not step.turn.calls:
            self._left = self._random.randint(1, MAX_CALLS)
        for mention in mentions(str(heard)):
            self._keep(mention.text)
        for result in step.results if step is not None else ():
            for value in leaves(result.value):
                if value is not None:
                    self._served.append(value)
                    self._keep(value)

    def _keep(self, value: Any) -> None:
        if isinstance(value, str):
            self._texts.append(value)
            value = _number(value)
        if value is not None and not isinstance(value, bool):
            self._numbers.append(value)

    def _value(self, schema: Any, depth: int) -> Any:
        """Return a value the schema allows, as far as it is understood and of modest size; else a text."""
        rng = self._random
        if not isinstance(schema, dict) or depth > _MAX_DEPTH:
            return self._text({})
        if "const" in schema:
            return schema["const"]
        if schema.get("enum"):
            return rng.choice(schema["enum"])
        choices = schema.get("anyOf") or schema.get("oneOf")
        if choices:
            return self._value(rng.choice(choices), depth + 1)
        kind = schema.get("type", "object" if "properties" in schema else "string")
        if isinstance(kind, list):
            kind = rng.choice(kind)
        makers = {"object": self._object, "array": self._array}
        if kind in makers:
            return makers[kind](schema, depth)
        return self._scalar(kind, schema)

    def _scalar(self, kind: str, schema: dict[str, Any]) -> Any:
        if kind == "integer":
            return round(self._within(schema, whole=True))
        if kind == "number":
            return self._within(schema, whole=False)
        if kind == "boolean":
            return self._random.random() < 0.5
        return None if kind == "null" else self._text(schema)

    def _object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        required = schema.get("required", ())
        return {
            name: self._value(of, depth + 1)
            for name, of in schema.get("properties", {}).items()
            if name in required or self._random.random() < OPTIONAL
        }

    def _array(self, schema: dict[str, Any], depth: int) -> list[Any]:
        least = min(int(schema.get("minItems", 1)), _MAX_ITEMS)
        count = self._random.randint(least, max(least, min(3, int(schema.get("maxItems", 3)))))
        return [self._value(schema.get("items", {}), depth + 1) for _ in range(count)]

    def _within(self, schema: dict[str, Any], *, whole: bool) -> float:
        """Return a number that was read, if it is in range, or any in range."""
        low, high = schema.get("minimum"), schema.get("maximum")
        fitting = [
            value
            for value in self._numbers
            if (low is None or value >= low) and (high is None or value <= high) and (not whole or value == int(value))
        ]
        if fitting:
            return self._random.choice(fitting)
        low = low if low is not None else (high - 100 if high is not None else 0)
        high = max(low, high if high is not None else low + 100)
        if whole:
            return self._random.randint(ceil(low), max(ceil(low), floor(high)))
        return round(self._random.uniform(low, high), 2)

    def _text(self, schema: dict[str, Any]) -> str:
        least, most = int(schema.get("minLength", 0)), int(schema.get("maxLength", 1_000_000))
        fitting = [text for text in self._texts if least <= len(text) <= most]
        return self._random.choice(fitting) if fitting else "text"[:most].ljust(min(least, _MAX_LENGTH), "x")


def _number(text: str) -> float | None:
    """Return the number a text is, or None."""
    digits = text.replace(",", "")
    try:
        value = int(digits) if digits.isdecimal() and len(digits) < 19 else float(digits)
    except ValueError:
        return None
    return value if isfinite(value) else None
