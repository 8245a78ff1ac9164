"""update: a new value for one numeric field of a row, within its bounds."""

from __future__ import annotations

from typing import Any

from tool_gym.tools.base import (
    ID_SCHEMA,
    Arguments,
    Bindings,
    Family,
    Parameters,
    Run,
    no_facts,
    precondition,
    require_row,
)
from tool_gym.tools.days_between import parse_date
from tool_gym.world import BaseTables, Column, Row, WorldView


class UpdateBindings(Bindings):
    """Which numeric fields of which table may be set."""

    table: str
    fields: tuple[str, ...]


def check_cell(field: str, column: Column, value: Any) -> None:
    """Fail unless `value` lies within the bounds of `column`."""
    if column.type == "date":
        value = parse_date(value).isoformat()
    if column.low is None or column.high is None:
        return
    if not column.low <= value <= column.high:
        raise precondition(f"{field} must lie between {column.low} and {column.high}")
    if column.type == "number" and round(value, column.decimals) != value:
        raise precondition(f"{field} takes at most {column.decimals} decimals")


def check_open(columns: dict[str, Column], row: Row) -> None:
    """Fail if the row has reached a state that nothing leads out of."""
    for name, column in columns.items():
        if column.type == "state" and not column.transitions.get(row[name]):
            raise precondition(f"{row['id']} is {row[name]} and can no longer be changed")


def _parameters(bindings: UpdateBindings, _: BaseTables) -> Parameters:
    field = {"type": "string", "enum": list(bindings.fields)}
    properties = {"id": ID_SCHEMA, "field": field, "value": {"type": "number"}}
    return Parameters(properties, tuple(properties))


def _compile(bindings: UpdateBindings, base: BaseTables) -> Run:
    table, columns = bindings.table, base.columns[bindings.table]

    def run(view: WorldView, arguments: Arguments) -> Any:
        row = require_row(view, table, arguments["id"])
        field, value = arguments["field"], arguments["value"]
        column = columns[field]
        if column.type == "integer" and isinstance(value, float):
            if not value.is_integer():
                raise precondition(f"{field} takes whole numbers")
            value = int(value)
        check_cell(field, column, value)
        check_open(columns, row)
        if row[field] == value:
            raise precondition(f"{field} of {row['id']} is already {value}")
        view.update(table, row["id"], {field: value})
        return {"id": row["id"], field: value, "updated": True}

    return run


FAMILY = Family("update", UpdateBindings, _parameters, _compile, no_facts, lambda b: (b.table,), writes=True)
