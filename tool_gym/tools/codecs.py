"""Other forms of an argument: what a tool's public schema takes in place of the plain value its family takes.

Each form is data with a pair of functions, `encode` and `decode`, and `decode(encode(value)) == value` for every value
that `schema` allows. What cannot be decoded raises `ArgumentError`, whose message says what was wanted.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field

from tool_gym.model import Kind

MAX_DIGITS = 24
"""Most digits on either side of a written number's point."""

_QUANTITY = re.compile(
    rf"\s*(-?[0-9]{{1,{MAX_DIGITS}}}(\.[0-9]{{1,{MAX_DIGITS}}})?(?:[eE][-+]?[0-9]{{1,3}})?)\s*(.{{0,20}}?)\s*"
)


class ArgumentError(ValueError):
    """Raised for an argument of the right schema that cannot be what it has to be; becomes the call's result."""


class Quantity(Kind):
    """A number written as a text, with its unit: "12.5 MW"; without one where it has none."""

    kind: Literal["quantity"] = "quantity"
    unit: str = ""

    def form(self, plain: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of the encoded form of a number."""
        del plain
        return {"type": "string", "minLength": 1, "maxLength": 80}

    def encode(self, value: Any) -> Any:
        """Write a number of at most `MAX_DIGITS` digits."""
        return f"{value!r} {self.unit}".rstrip()

    def decode(self, given: Any) -> Any:
        """Read a number."""
        match = _QUANTITY.fullmatch(given)
        if match is None or match[3].casefold() != self.unit.casefold():
            form = f"a number and its unit, as '<number> {self.unit}'" if self.unit else "a number and nothing else"
            msg = f"must be {form}; got {given[:40]!r}"
            raise ArgumentError(msg)
        digits = match[1]
        value = int(digits) if digits.lstrip("-").isdecimal() else float(digits)
        if not math.isfinite(value):
            msg = f"is too large a number: {given[:40]!r}"
            raise ArgumentError(msg)
        return value


class DateParts(Kind):
    """A date as an object of year, month and day."""

    kind: Literal["date_parts"] = "date_parts"

    def form(self, plain: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of the encoded form of a date."""
        del plain
        bounds = {"year": (1, 9999), "month": (1, 12), "day": (1, 31)}
        parts = {name: {"type": "integer", "minimum": low, "maximum": high} for name, (low, high) in bounds.items()}
        return {"type": "object", "properties": parts, "required": [*parts], "additionalProperties": False}

    def encode(self, value: Any) -> Any:
        """Take a date written as YYYY-MM-DD apart."""
        date = dt.date.fromisoformat(value)
        return {"year": date.year, "month": date.month, "day": date.day}

    def decode(self, given: Any) -> Any:
        """Put a date together."""
        try:
            return dt.date(*(int(given[part]) for part in ("year", "month", "day"))).isoformat()
        except ValueError:
            msg = "is no day of the calendar"
            raise ArgumentError(msg) from None


class Single(Kind):
    """A list with the value as its only item."""

    kind: Literal["single"] = "single"

    def form(self, plain: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of a list of one `plain` value."""
        return {"type": "array", "items": plain, "minItems": 1, "maxItems": 1}

    def encode(self, value: Any) -> Any:
        """Put a value into a list."""
        return [value]

    def decode(self, given: Any) -> Any:
        """Take the value out."""
        return given[0]


class TypedId(Kind):
    """An id together with the kind of record it is of."""

    kind: Literal["typed_id"] = "typed_id"
    type: str

    def form(self, plain: dict[str, Any]) -> dict[str, Any]:
        """Return the schema of an object of kind and id."""
        properties = {"type": {"type": "string", "enum": [self.type]}, "id": plain}
        return {"type": "object", "properties": properties, "required": ["type", "id"], "additionalProperties": False}

    def encode(self, value: Any) -> Any:
        """Add the kind to an id."""
        return {"type": self.type, "id": value}

    def decode(self, given: Any) -> Any:
        """Return the id."""
        return given["id"]


Codec: TypeAlias = Annotated[Quantity | DateParts | Single | TypedId, Field(discriminator="kind")]
"""A form an argument can have."""
