"""find: the id of the one row that carries a name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tool_gym.tools.base import (
    Arguments,
    Bindings,
    Fact,
    Family,
    Parameters,
    Run,
    cell_schema,
    find_key,
    not_found,
    require_columns,
)
from tool_gym.world import BaseTables, WorldView


class FindBindings(Bindings):
    """Which table is searched, and by which unique column."""

    table: str
    column: str = "name"


def _parameters(bindings: FindBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, (bindings.column,))
    schema = cell_schema(base.columns[bindings.table][bindings.column])
    return Parameters({bindings.column: schema}, (bindings.column,))


def _compile(bindings: FindBindings, base: BaseTables) -> Run:
    table, column, noun = bindings.table, bindings.column, base.tables[bindings.table].noun

    def run(view: WorldView, arguments: Arguments) -> Any:
        rows = view.where(table, column, arguments[column])
        if not rows:
            msg = f"no {noun} has the {column} {arguments[column]!r}"
            raise not_found(msg)
        return {"id": rows[0]["id"], column: rows[0][column]}

    return run


def _facts(bindings: FindBindings, _: Arguments, value: Any) -> Iterator[Fact]:
    yield Fact(find_key(bindings.table, bindings.column, value[bindings.column]), value["id"], ("id",))


FAMILY = Family("find", FindBindings, _parameters, _compile, _facts, lambda b: (b.table,))
