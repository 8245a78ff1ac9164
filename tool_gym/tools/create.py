"""create: a new row, its references checked and its state at the start."""

from __future__ import annotations

from typing import Any

from tool_gym.errors import ScenarioError
from tool_gym.tools.base import (
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
from tool_gym.tools.update import checked_cell
from tool_gym.world import BaseTables, WorldView


class CreateBindings(Bindings):
    """Which table grows, and which of its columns a call gives; state columns start at their initial value."""

    table: str
    fields: tuple[str, ...]


def _parameters(bindings: CreateBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, (*bindings.fields, "name"))
    columns = base.columns[bindings.table]
    given = {"name", *bindings.fields, *(name for name, column in columns.items() if column.initial is not None)}
    missing = columns.keys() - given
    if missing:
        msg = f"a new row of {bindings.table!r} would lack {sorted(missing)}"
        raise ScenarioError(msg)
    return Parameters({field: cell_schema(columns[field]) for field in bindings.fields}, bindings.fields)


def _compile(bindings: CreateBindings, base: BaseTables) -> Run:
    table, columns = bindings.table, base.columns[bindings.table]
    states = {name: column.initial for name, column in columns.items() if column.type == "state"}
    noun = base.tables[table].noun

    def run(view: WorldView, arguments: Arguments) -> Any:
        values = {field: arguments[field] for field in bindings.fields}
        for field, value in values.items():
            column = columns[field]
            if column.type == "ref" and column.table is not None:
                require_row(view, column.table, value)
            else:
                values[field] = checked_cell(field, column, value)
        if "name" in arguments and view.where(table, "name", arguments["name"]):
            msg = f"there is already a {noun} named {arguments['name']!r}"
            raise precondition(msg)
        row = view.insert(table, {**values, **states})
        return {"id": row["id"], "name": row["name"]}

    return run


FAMILY = Family("create", CreateBindings, _parameters, _compile, no_facts, lambda b: (b.table,), writes=True)
