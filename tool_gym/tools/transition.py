"""transition: a row moved to another state its state machine allows."""

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
    require_columns,
    require_row,
)
from tool_gym.world import BaseTables, WorldView


class TransitionBindings(Bindings):
    """Which state column of which table moves."""

    table: str
    column: str


def _parameters(bindings: TransitionBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, (bindings.column,), ("state",))
    values = base.columns[bindings.table][bindings.column].values
    properties = {"id": ID_SCHEMA, bindings.column: {"type": "string", "enum": list(values)}}
    return Parameters(properties, tuple(properties))


def _compile(bindings: TransitionBindings, base: BaseTables) -> Run:
    table, column = bindings.table, bindings.column
    machine = base.columns[table][column].transitions

    def run(view: WorldView, arguments: Arguments) -> Any:
        row = require_row(view, table, arguments["id"])
        before, after = row[column], arguments[column]
        allowed = machine.get(before, ())
        if after not in allowed:
            ways = ", ".join(allowed) or "nothing"
            msg = f"{row['id']} is {before}; from there it may move to {ways}"
            raise precondition(msg)
        view.update(table, row["id"], {column: after})
        return {"id": row["id"], column: after, "updated": True}

    return run


FAMILY = Family("transition", TransitionBindings, _parameters, _compile, no_facts, lambda b: (b.table,), writes=True)
