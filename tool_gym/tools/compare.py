"""compare: which of two rows has more of something, and by how much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tool_gym.tools.base import (
    ID_SCHEMA,
    NUMERIC,
    Arguments,
    Bindings,
    Fact,
    Family,
    Parameters,
    Run,
    require_columns,
    require_row,
)
from tool_gym.world import BaseTables, WorldView


class CompareBindings(Bindings):
    """Which numeric fields of which table are compared."""

    table: str
    fields: tuple[str, ...]


def _parameters(bindings: CompareBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, bindings.fields, NUMERIC)
    field = {"type": "string", "enum": list(bindings.fields)}
    properties = {"first_id": ID_SCHEMA, "second_id": ID_SCHEMA, "field": field}
    return Parameters(properties, tuple(properties))


def _compile(bindings: CompareBindings, _: BaseTables) -> Run:
    table = bindings.table

    def run(view: WorldView, arguments: Arguments) -> Any:
        first = require_row(view, table, arguments["first_id"])
        second = require_row(view, table, arguments["second_id"])
        field = arguments["field"]
        difference = round(first[field] - second[field], 6)
        higher = None if difference == 0 else (first if difference > 0 else second)["id"]
        return {"higher_id": higher, "difference": abs(difference)}

    return run


def _facts(bindings: CompareBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    pair = tuple(sorted((arguments["first_id"], arguments["second_id"])))
    field = arguments["field"]
    yield Fact(("compare", bindings.table, None, field, (), ("higher", *pair)), value["higher_id"], ("higher_id",))
    yield Fact(("compare", bindings.table, None, field, (), ("gap", *pair)), value["difference"], ("difference",))


FAMILY = Family("compare", CompareBindings, _parameters, _compile, _facts, lambda b: (b.table,))
