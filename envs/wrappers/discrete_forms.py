"""A tool read once an episode: its parameters, and what decides which values go there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, NamedTuple

from tool_gym import units
from tool_gym.envs.policies.lexical import abbreviates, looks_like_id, words
from tool_gym.envs.policies.slots import Slot, Tool, fits, read_tool

MAX_CHOICES = 200
"""Values of one closed list that are looked at."""

_KIND_SLOTS = ("type", "kind", "entity")
"""Parameters that say what kind of record an id beside them is of."""


class Choice(NamedTuple):
    """A value of a closed list."""

    value: Any
    text: str
    stems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Blank:
    """A parameter to fill."""

    slot: Slot
    choices: tuple[Choice, ...]
    about: frozenset[str]
    """Stems that, said beside a value, speak for it here."""
    tool: Tool
    """The tool, as ids are matched with it."""
    judged: dict[str, bool] = field(default_factory=dict)
    """What `allows` found."""

    def allows(self, value: Any) -> bool:
        """Return whether a value can go here, as far as schema and, for an id, its letters tell."""
        key = repr(value)
        if key not in self.judged:
            self.judged[key] = fits(value, self.slot, self.tool)
        return self.judged[key]

    def agrees(self, value: Any, ids: Sequence[str]) -> bool:
        """Return whether a choice goes with the ids beside it: a kind of record must be one their letters abbreviate.

        If they abbreviate none of the choices, any goes.
        """
        if not ids or self.slot.name not in _KIND_SLOTS:
            return True
        letters = ids[0].rstrip("0123456789-_")
        return abbreviates(letters, str(value)) or not any(abbreviates(letters, one.text) for one in self.choices)


@dataclass(frozen=True, slots=True)
class Form:
    """A tool and the parameters that are filled: all that are required, and optional ones with a closed list."""

    tool: Tool
    stems: tuple[str, ...]
    """Stems of name and description, sorted."""
    blanks: tuple[Blank, ...]
    at_odds: bool
    """Whether values that fit their blanks may yet not go together."""


def read_form(function: dict[str, Any]) -> Form:
    """Read the `function` of a tool schema in OpenAI's form."""
    tool = read_tool(function)
    for_ids = replace(tool, named=tool.named | _compounds(tool.name))
    blanks = tuple(_blank(slot, tool, for_ids) for slot in tool.slots if slot.required or slot.choices)
    free = sum(not blank.choices for blank in blanks)
    measured = sum(any(one.text in units.FACTORS for one in blank.choices) for blank in blanks)
    kinds = any(blank.slot.name in _KIND_SLOTS for blank in blanks)
    return Form(tool, tuple(sorted(tool.stems)), blanks, free > 1 or measured > 1 or kinds)


def key_stems(text: str) -> list[str]:
    """Return the stems of a key or choice; what ends in "_on" is a date."""
    return words(f"{text} date" if text.endswith("_on") else text)


def ids_among(values: Sequence[Any]) -> list[str]:
    """Return the values that have the form of an id."""
    return [value for value in values if looks_like_id(value)]


def _blank(slot: Slot, tool: Tool, for_ids: Tool) -> Blank:
    listed = slot.choices[:MAX_CHOICES] or ((True, False) if slot.schema.get("type") == "boolean" else ())
    choices = tuple(Choice(value, str(value), tuple(key_stems(str(value)))) for value in listed)
    described = words(str(slot.schema.get("description", "")))
    about = tool.all_stems if slot.kind in ("name", "id") else slot.stems.union(described)
    if slot.kind == "id":
        slot = replace(slot, stems=slot.stems | _compounds(slot.name))
    return Blank(slot, choices, about, for_ids)


def _compounds(name: str) -> frozenset[str]:
    """Return the neighbouring words of a name as one word, so that "BB" can abbreviate "bank_branch"."""
    parts = name.removesuffix("_id").split("_")
    return frozenset(first + second for first, second in pairwise(parts))
