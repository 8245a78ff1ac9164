"""get: the record of a row, or one field of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from tool_gym.tools.base import (
    ID_SCHEMA,
    Arguments,
    Bindings,
    Fact,
    Family,
    Parameters,
    Run,
    precondition,
    record_facts,
    require_columns,
    require_row,
)
from tool_gym.world import BaseTables, WorldView


class GetBindings(Bindings):
    """Which fields of which tables can be read.

    With several tables the call names one by `type`; with `by_field` it names one field, otherwise it
    receives the whole record.
    """

    tables: dict[str, tuple[str, ...]] = Field(min_length=1)
    by_field: bool = True


def _parameters(bindings: GetBindings, base: BaseTables) -> Parameters:
    for table, columns in bindings.tables.items():
        require_columns(base, table, columns)
    properties: dict[str, dict[str, Any]] = {}
    if len(bindings.tables) > 1:
        properties["type"] = {"type": "string", "enum": list(bindings.tables)}
    properties["id"] = ID_SCHEMA
    if bindings.by_field:
        fields = dict.fromkeys(field for names in bindings.tables.values() for field in names)
        properties["field"] = {"type": "string", "enum": list(fields)}
    return Parameters(properties, tuple(properties))


def _compile(bindings: GetBindings, base: BaseTables) -> Run:
    first = next(iter(bindings.tables))
    fields = bindings.tables
    nouns = {table: base.tables[table].noun for table in fields}

    def run(view: WorldView, arguments: Arguments) -> Any:
        table = arguments.get("type", first)
        row = require_row(view, table, arguments["id"])
        field = arguments.get("field")
        if field is None:
            return {"id": row["id"], **{name: row[name] for name in fields[table]}}
        if field not in fields[table]:
            msg = f"a {nouns[table]} has no field {field!r}; it has {', '.join(fields[table])}"
            raise precondition(msg)
        return {"id": row["id"], field: row[field]}

    return run


def _facts(bindings: GetBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    return record_facts(arguments.get("type", next(iter(bindings.tables))), value, ())


FAMILY = Family("get", GetBindings, _parameters, _compile, _facts, lambda b: tuple(b.tables))
