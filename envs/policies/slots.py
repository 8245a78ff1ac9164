"""A tool as a policy without a model reads it: words, and slots for values of some kind."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from tool_gym.envs.policies.lexical import Mention, abbreviates, looks_like_id, words

Kind: TypeAlias = Literal["number", "id", "date", "name", "other"]

WRITES = ("add", "book", "cancel", "create", "delete", "move", "remove", "set", "update")
"""First words of the names of tools that change something."""

_GENERIC = frozenset(words("record first second other type"))
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_SAYS_DATE = re.compile(r"yyyy|\bdate\b")


@dataclass(frozen=True, slots=True)
class Slot:
    """A parameter."""

    name: str
    kind: Kind
    schema: dict[str, Any]
    required: bool
    choices: tuple[Any, ...]
    """The closed list it takes its values from; empty if there is none."""
    stems: frozenset[str]

    def takes(self, value: Any) -> bool:
        """Return whether a value some tool served can go here."""
        if self.kind == "number":
            return type(value) in (int, float)
        if not isinstance(value, str) or self.kind in ("name", "other"):
            return False
        return looks_like_id(value) if self.kind == "id" else _DATE.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool."""

    name: str
    verb: str
    """First word of the name."""
    slots: tuple[Slot, ...]
    named: frozenset[str]
    """Stems of the name."""
    stems: frozenset[str]
    """Stems of name and description."""
    all_stems: frozenset[str]
    """The same with those of the closed lists."""

    @property
    def writes(self) -> bool:
        """Whether it seems to change something."""
        return self.verb in WRITES


def read_tool(function: dict[str, Any]) -> Tool:
    """Read the `function` of a tool schema in OpenAI's form."""
    name, parameters = str(function["name"]), function.get("parameters", {})
    required = parameters.get("required", ())
    slots = tuple(
        _slot(key, of, required) for key, of in parameters.get("properties", {}).items() if isinstance(of, dict)
    )
    named = frozenset(words(name))
    stems = named | frozenset(words(str(function.get("description", ""))))
    listed = {one for slot in slots for value in slot.choices for one in words(str(value))}
    return Tool(name, name.partition("_")[0], slots, named, stems, stems | listed)


def value_of(mention: Mention, slot: Slot) -> Any:
    """Return what a text names as a value for a slot, or None if it is none."""
    if slot.kind == "number":
        digits = mention.text.replace(",", "")
        return (float(digits) if "." in digits else int(digits)) if mention.kind == "number" else None
    kinds = {"name": ("name", "quote", "code"), "id": ("code",), "date": ("date",), "other": ()}[slot.kind]
    return mention.text if mention.kind in kinds else None


def fits(value: Any, slot: Slot, tool: Tool) -> bool:
    """Return whether the schema allows a value and, for an id, whether its capitals abbreviate a word of the slot.

    Where the slot has no word of its own, the tool's words count.
    """
    if not _is_allowed(value, slot.schema):
        return False
    if slot.kind != "id":
        return True
    about = slot.stems - _GENERIC or tool.named - _GENERIC or tool.all_stems
    return any(abbreviates(_prefix(value), one) for one in about) or bool(choice_by_prefix(tool, [value]))


def choice_by_prefix(tool: Tool, values: Sequence[Any]) -> dict[str, Any]:
    """Return the arguments that say what kind of record an id is of, for tools that must be told."""
    ids = [value for value in values if looks_like_id(value)]
    if not ids:
        return {}
    return {
        slot.name: choice
        for slot in tool.slots
        if slot.name in ("type", "kind", "entity")
        for choice in slot.choices
        if abbreviates(_prefix(ids[0]), str(choice))
    }


def _slot(name: str, schema: dict[str, Any], required: Sequence[str]) -> Slot:
    choices, stems = tuple(schema.get("enum", ())), frozenset(words(name)) - {"id"}
    return Slot(name, _kind(name, schema), schema, name in required, choices, stems)


def _kind(name: str, schema: dict[str, Any]) -> Kind:
    kind = schema.get("type", "string")
    if kind in ("number", "integer"):
        return "number"
    if kind != "string":
        return "other"
    if name == "id" or name.endswith("_id"):
        return "id"
    about = f"{name} {schema.get('description', '')}".lower()
    return "date" if _SAYS_DATE.search(about) or schema.get("format") == "date" else "name"


def _is_allowed(value: Any, schema: dict[str, Any]) -> bool:
    if isinstance(value, str):
        return bool(schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)))
    whole = isinstance(value, int) or schema.get("type") != "integer"
    return bool(whole and schema.get("minimum", value) <= value <= schema.get("maximum", value))


def _prefix(value: Any) -> str:
    return str(value).rstrip("0123456789").rstrip("-_")
