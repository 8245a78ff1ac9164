"""update: new values for numeric fields of a row, within their bounds: one named by an argument, or one an argument."""

from __future__ import annotations

from typing import Any

from tool_gym.tools.base import (
    ID_SCHEMA,
    NUMERIC,
    Arguments,
    Bindings,
    Family,
    Parameters,
    Run,
    cell_schema,
    no_facts,
    precondition,
    require_columns,
    require_row,
)
from tool_gym.tools.calculate import LARGEST
from tool_gym.tools.days_between import parse_date
from tool_gym.world import BaseTables, Column, Row, WorldView


class UpdateBindings(Bindings):
    """Which numeric fields of which table may be set."""

    table: str
    fields: tuple[str, ...]
    by_column: bool = False
    """Whether each field is an argument of its own, all of them optional, instead of one `field` and its `value`."""


def checked_cell(field: str, column: Column, value: Any) -> Any:
    """Return `value` as `column` stores it, or fail if the column cannot hold it."""
    if column.type in NUMERIC:
        value = _checked_number(field, column, value)
    elif column.type == "date":
        value = parse_date(value).isoformat()
    elif not column.holds(value):
        msg = f"{field} cannot be {value!r}"
        raise precondition(msg)
    if column.low is not None and column.high is not None and not column.low <= value <= column.high:
        msg = f"{field} must lie between {column.low} and {column.high}"
        raise precondition(msg)
    return value


def check_open(columns: dict[str, Column], row: Row) -> None:
    """Fail if the row has reached a state that nothing leads out of."""
    for name, column in columns.items():
        if column.type == "state" and not column.transitions.get(row[name]):
            msg = f"{row['id']} is {row[name]} and can no longer be changed"
            raise precondition(msg)


def _checked_number(field: str, column: Column, value: float) -> float:
    decimals = column.decimals if column.type == "number" else 0
    if not abs(value) <= LARGEST:
        msg = f"{field} cannot be {value}"
        raise precondition(msg)
    if round(value, decimals) != value:
        msg = f"{field} takes at most {decimals} decimals" if decimals else f"{field} takes whole numbers"
        raise precondition(msg)
    return int(value) if column.type == "integer" else value + 0  # no -0.0


def _parameters(bindings: UpdateBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, bindings.fields, NUMERIC)
    if bindings.by_column:
        columns = base.columns[bindings.table]
        return Parameters({"id": ID_SCHEMA, **{name: cell_schema(columns[name]) for name in bindings.fields}}, ("id",))
    field = {"type": "string", "enum": list(bindings.fields)}
    properties = {"id": ID_SCHEMA, "field": field, "value": {"type": "number"}}
    return Parameters(properties, tuple(properties))


def _compile(bindings: UpdateBindings, base: BaseTables) -> Run:
    table, columns = bindings.table, base.columns[bindings.table]

    def run(view: WorldView, arguments: Arguments) -> Any:
        row = require_row(view, table, arguments["id"])
        given = _given(bindings, arguments)
        changes = {field: checked_cell(field, columns[field], value) for field, value in given.items()}
        check_open(columns, row)
        for field, value in changes.items():
            if row[field] == value:
                msg = f"{field} of {row['id']} is already {value}"
                raise precondition(msg)
        view.update(table, row["id"], changes)
        return {"id": row["id"], **changes, "updated": True}

    return run


def _given(bindings: UpdateBindings, arguments: Arguments) -> dict[str, Any]:
    """Return the fields to be set and their new values."""
    if not bindings.by_column:
        return {arguments["field"]: arguments["value"]}
    given = {name: arguments[name] for name in bindings.fields if name in arguments}
    if not given:
        msg = f"nothing to set; give one of {', '.join(bindings.fields)}"
        raise precondition(msg)
    return given


FAMILY = Family("update", UpdateBindings, _parameters, _compile, no_facts, lambda b: (b.table,), writes=True)
