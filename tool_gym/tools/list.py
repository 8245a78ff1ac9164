"""list: the rows that belong to a parent, page by page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import Field

from tool_gym.tools.base import (
    Arguments,
    Bindings,
    Fact,
    Family,
    Parameters,
    Run,
    filter_key,
    group,
    group_filters,
    group_schemas,
    record_facts,
    require_columns,
)
from tool_gym.world import BaseTables, WorldView

MAX_PAGE_SIZE = 20


class ListBindings(Bindings):
    """Which rows are listed, and by which reference column; without one, all of them."""

    table: str
    by: str | None = None
    groups: tuple[str, ...] = ()
    """Reference columns that may make the group smaller."""
    page_size: int = Field(default=10, ge=1, le=MAX_PAGE_SIZE)


def _parameters(bindings: ListBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, (bindings.by, *bindings.groups, "name"))
    properties: dict[str, dict[str, Any]] = {
        "page": {"type": "integer", "minimum": 1, "default": 1},
        "page_size": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE, "default": bindings.page_size},
    }
    groups = group_schemas(bindings.by, bindings.groups)
    return Parameters({**groups, **properties}, () if bindings.by is None else (bindings.by,))


def _compile(bindings: ListBindings, _: BaseTables) -> Run:
    table, by, groups = bindings.table, bindings.by, bindings.groups

    def run(view: WorldView, arguments: Arguments) -> Any:
        rows = group(view, table, by, arguments, groups)
        size, page = int(arguments.get("page_size", bindings.page_size)), int(arguments.get("page", 1))
        shown = rows[(page - 1) * size : page * size]
        return {
            "total": len(rows),
            "page": page,
            "pages": -(-len(rows) // size),
            "items": [{"id": row["id"], "name": row["name"]} for row in shown],
        }

    return run


def _facts(bindings: ListBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    filters = group_filters(bindings.by, bindings.groups, arguments)
    yield Fact(("aggregate", bindings.table, None, None, filter_key(filters), ("count",)), value["total"], ("total",))
    for index, item in enumerate(value["items"]):
        yield from record_facts(bindings.table, item, ("items", index))


FAMILY = Family("list", ListBindings, _parameters, _compile, _facts, lambda b: (b.table,))
