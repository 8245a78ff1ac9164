"""measure: a quantity of a row, in a unit of the caller's choice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tool_gym import units
from tool_gym.errors import ScenarioError
from tool_gym.tools.base import (
    ID_SCHEMA,
    NUMERIC,
    Arguments,
    Bindings,
    Fact,
    Family,
    Parameters,
    Run,
    read_key,
    require_columns,
    require_row,
)
from tool_gym.world import BaseTables, WorldView


class MeasureBindings(Bindings):
    """Which numeric column of which table, the unit it is stored in, and the units it can be had in."""

    table: str
    field: str
    stored: str
    units: tuple[str, ...]


def _parameters(bindings: MeasureBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, (bindings.field,), NUMERIC)
    stored = base.columns[bindings.table][bindings.field].unit
    if stored != bindings.stored:
        msg = f"{bindings.field!r} of table {bindings.table!r} is stored in {stored}, not in {bindings.stored}"
        raise ScenarioError(msg)
    strange = [unit for unit in bindings.units if units.convert(1.0, bindings.stored, unit) is None]
    if strange or not bindings.units:
        msg = f"nothing converts {bindings.stored} into {strange or 'no unit at all'}"
        raise ScenarioError(msg)
    return Parameters({"id": ID_SCHEMA, "unit": {"type": "string", "enum": list(bindings.units)}}, ("id", "unit"))


def _compile(bindings: MeasureBindings, _: BaseTables) -> Run:
    table, field, stored = bindings.table, bindings.field, bindings.stored

    def run(view: WorldView, arguments: Arguments) -> Any:
        row = require_row(view, table, arguments["id"])
        unit = arguments["unit"]
        return {"id": row["id"], field: units.convert(row[field], stored, unit), "unit": unit}

    return run


def _facts(bindings: MeasureBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    """Yield the cell, as it is stored: the same fact in whatever unit it was asked for."""
    cell = units.convert(value[bindings.field], arguments["unit"], bindings.stored)
    yield Fact(read_key(bindings.table, value["id"], bindings.field), cell, (bindings.field,))


FAMILY = Family("measure", MeasureBindings, _parameters, _compile, _facts, lambda b: (b.table,))
