"""The merge operators of function integration, and how far each is taken: a choice for each, drawn by level.

1. Getters of one entity → `get_plant(id, field)`, or the whole record.          (`getters`)
2. The same over several entities → `get_record(type, id, field)`, find and list. (`getters`, `records`)
3. A family of operations → `operation` or the state as an argument.              (`statistics`, `computing`, `states`)
4. Sort and filter variants → optional arguments, up to one query.               (`selection`, `finding`)
5. Unit variants → `unit`.                                                        (`units`)
6. Create and update → one tool with a `mode`.                                    (`saving`)
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias

Getters: TypeAlias = Literal["atomic", "by_field", "record", "union"]
Finding: TypeAlias = Literal["exact", "fuzzy"]
Records: TypeAlias = Literal["atomic", "merged"]
Statistics: TypeAlias = Literal["atomic", "by_operation", "merged"]
Computing: TypeAlias = Literal["atomic", "merged"]
States: TypeAlias = Literal["atomic", "merged", "all"]
Selection: TypeAlias = Literal["atomic", "sorted", "grouped", "query"]
Units: TypeAlias = Literal["stored", "split", "merged"]
Saving: TypeAlias = Literal["atomic", "by_field", "patch", "upsert"]

CHOICES: dict[str, tuple[tuple[str, ...], ...]] = {
    "getters": (("atomic",), ("atomic", "by_field", "record"), ("by_field", "record"), ("record", "union"), ("union",)),
    "finding": (("exact",), ("exact",), ("exact", "fuzzy"), ("exact", "fuzzy"), ("exact", "fuzzy")),
    "records": (("atomic",), ("atomic",), ("atomic",), ("atomic", "merged"), ("merged",)),
    "statistics": (("atomic",), ("atomic", "by_operation"), ("by_operation", "merged"), ("merged",), ("merged",)),
    "computing": (("atomic",), ("atomic", "merged"), ("merged",), ("merged",), ("merged",)),
    "states": (("atomic",), ("atomic", "merged"), ("merged",), ("merged", "all"), ("all",)),
    "selection": (("atomic",), ("atomic", "sorted"), ("sorted", "grouped"), ("grouped", "query"), ("query",)),
    "units": (("stored", "split"), ("stored", "split", "merged"), ("stored", "merged"), ("stored",), ("stored",)),
    "saving": (("atomic",), ("atomic", "by_field"), ("by_field", "patch"), ("patch", "upsert"), ("upsert",)),
}
"""Choice → what may be drawn at each level of function integration, 0 to 4. Units differ where getters are atomic."""


@dataclass(frozen=True, slots=True)
class Merges:
    """How far each operator is taken.

    Args:
        getters: A read tool for each column; one an entity, by field or of the whole record; one for all entities.
        finding: Rows by their exact names, or by words of them.
        records: Find and list for each entity, or for all.
        statistics: A tool for each operation and column; for each column; for each group.
        computing: A tool for each operation and pair of units, or one each for arithmetic and for conversion.
        states: A tool for each state a row can be moved to; one for all states; one for these and for cancelling.
        selection: Tools for each order, category and column compared; these as arguments; groups too; all in one query.
        units: Quantities as they are stored; a tool for each unit; the unit as an argument.
        saving: A tool for each column; the column as an argument; columns as arguments; creating in the same tool.
    """

    getters: Getters = "atomic"
    finding: Finding = "exact"
    records: Records = "atomic"
    statistics: Statistics = "atomic"
    computing: Computing = "atomic"
    states: States = "atomic"
    selection: Selection = "atomic"
    units: Units = "stored"
    saving: Saving = "atomic"

    @classmethod
    def draw(cls, rng: random.Random, level: int) -> Merges:
        """Draw a choice of each operator at a level of integration, 0 to 4."""
        return cls(**{name: rng.choice(levels[level]) for name, levels in CHOICES.items()})  # type: ignore[arg-type]  # values of their own types

    def record(self) -> dict[str, str]:
        """Return what is stored in a scenario."""
        return {f"merge_{field.name}": getattr(self, field.name) for field in fields(self)}


ATOMIC = Merges()
"""No merge at all."""

PLAIN = Merges(computing="merged", states="merged", selection="sorted", saving="by_field")
"""The tools most services have: one a purpose, with orders, categories and fields as arguments."""
