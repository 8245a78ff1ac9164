"""cancel: a row moved to its cancelled state, where its state machine still allows it."""

from __future__ import annotations

from typing import Any

from tool_gym.errors import ScenarioError
from tool_gym.tools.base import (
    ID_SCHEMA,
    Arguments,
    Bindings,
    Family,
    Parameters,
    Run,
    no_facts,
    precondition,
    require_columns,
    require_row,
)
from tool_gym.world import BaseTables, WorldView


class CancelBindings(Bindings):
    """Which state column of which table is moved to its `cancel` value."""

    table: str
    column: str


def _parameters(bindings: CancelBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, (bindings.column,), ("state",))
    if base.columns[bindings.table][bindings.column].cancel is None:
        msg = f"column {bindings.column!r} of table {bindings.table!r} has no cancelled state"
        raise ScenarioError(msg)
    return Parameters({"id": ID_SCHEMA}, ("id",))


def _compile(bindings: CancelBindings, base: BaseTables) -> Run:
    table, column = bindings.table, bindings.column
    spec = base.columns[table][column]

    def run(view: WorldView, arguments: Arguments) -> Any:
        row = require_row(view, table, arguments["id"])
        if spec.cancel not in spec.transitions.get(row[column], ()):
            msg = f"{row['id']} is {row[column]}, which is past this change"
            raise precondition(msg)
        view.update(table, row["id"], {column: spec.cancel})
        return {"id": row["id"], column: spec.cancel, "updated": True}

    return run


FAMILY = Family("cancel", CancelBindings, _parameters, _compile, no_facts, lambda b: (b.table,), writes=True)
