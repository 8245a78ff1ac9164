"""top: the first row of a group in a given order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tool_gym.tools.base import (
    ORDERABLE,
    Arguments,
    Bindings,
    Fact,
    Family,
    Parameters,
    Run,
    filter_key,
    find_key,
    group,
    group_filters,
    group_schemas,
    not_found,
    require_columns,
)
from tool_gym.world import BaseTables, WorldView


class TopBindings(Bindings):
    """Which rows are ordered, within which group, by which columns."""

    table: str
    by: str | None = None
    """Reference column that makes the group; None for the whole table."""
    groups: tuple[str, ...] = ()
    """Reference columns that may make the group smaller."""
    order_by: tuple[str, ...]


def _parameters(bindings: TopBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, (bindings.by, *bindings.groups, "name"))
    require_columns(base, bindings.table, bindings.order_by, ORDERABLE)
    properties = group_schemas(bindings.by, bindings.groups)
    properties["order_by"] = {"type": "string", "enum": list(bindings.order_by)}
    properties["direction"] = {"type": "string", "enum": ["ascending", "descending"]}
    return Parameters(properties, tuple(role for role in properties if role not in bindings.groups))


def _compile(bindings: TopBindings, base: BaseTables) -> Run:
    table, by, groups = bindings.table, bindings.by, bindings.groups
    noun = base.tables[table].noun

    def run(view: WorldView, arguments: Arguments) -> Any:
        rows = group(view, table, by, arguments, groups)
        if not rows:
            msg = f"there is no {noun} in this group"
            raise not_found(msg)
        column = arguments["order_by"]
        pick = max if arguments["direction"] == "descending" else min
        row = pick(rows, key=lambda row: (row[column], row["id"]))
        return {"id": row["id"], "name": row["name"]}

    return run


def _facts(bindings: TopBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    filters = filter_key(group_filters(bindings.by, bindings.groups, arguments))
    order = (arguments["direction"],)
    yield Fact(("top", bindings.table, None, arguments["order_by"], filters, order), value["id"], ("id",))
    yield Fact(find_key(bindings.table, "name", value["name"]), value["id"], ("id",))


FAMILY = Family("top", TopBindings, _parameters, _compile, _facts, lambda b: (b.table,))
