"""create: a new row, its references checked and its state at the start."""

from __future__ import annotations

from typing import Any

from tool_gym.tools.base import (
    Arguments,
    Bindings,
    Family,
    Parameters,
    Run,
    no_facts,
    cell_schema,
    precondition,
    require_row,
)
from tool_gym.tools.update import check_cell
from tool_gym.world import BaseTables, WorldView


class CreateBindings(Bindings):
    """Which table grows, and which of its columns a call gives; state columns start at their initial value."""

    table: str
    fields: tuple[str, ...]


def _parameters(bindings: CreateBindings, base: BaseTables) -> Parameters:
    columns = base.columns[bindings.table]
    return Parameters({field: cell_schema(columns[field]) for field in bindings.fields}, bindings.fields)


def _compile(bindings: CreateBindings, base: BaseTables) -> Run:
    table, columns = bindings.table, base.columns[bindings.table]
    states = {name: column.initial for name, column in columns.items() if column.type == "state"}
    noun = base.tables[table].noun

    def run(view: WorldView, arguments: Arguments) -> Any:
        for field in bindings.fields:
            column = columns[field]
            if column.type == "ref" and column.table is not None:
                require_row(view, column.table, arguments[field])
            else:
                check_cell(field, column, arguments[field])
        if "name" in arguments and view.where(table, "name", arguments["name"]):
            raise precondition(f"there is already a {noun} named {arguments['name']!r}")
        row = view.insert(table, {**{field: arguments[field] for field in bindings.fields}, **states})
        return {"id": row["id"], "name": row["name"]}

    return run


FAMILY = Family("create", CreateBindings, _parameters, _compile, no_facts, lambda b: (b.table,), writes=True)
