"""search: rows by any mix of filters, sorted, the first few of them."""

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
    cell_schema,
    filter_key,
    record_facts,
    require_columns,
)
from tool_gym.world import BaseTables, Row, WorldView, fold

MAX_LIMIT = 10


class SearchBindings(Bindings):
    """Which table is searched, by which columns, sorted by which; the last two may be empty."""

    table: str
    filters: tuple[str, ...] = ()
    sort: tuple[str, ...] = ()


def _parameters(bindings: SearchBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, ("name", *bindings.filters))
    require_columns(base, bindings.table, bindings.sort, ORDERABLE)
    columns = base.columns[bindings.table]
    properties = {column: cell_schema(columns[column]) for column in bindings.filters}
    if bindings.sort:
        properties["sort_by"] = {"type": "string", "enum": list(bindings.sort)}
        properties["order"] = {"type": "string", "enum": ["ascending", "descending"], "default": "ascending"}
    properties["limit"] = {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": MAX_LIMIT}
    return Parameters(properties, ())


def _compile(bindings: SearchBindings, _: BaseTables) -> Run:
    def run(view: WorldView, arguments: Arguments) -> Any:
        rows = _matching(bindings, view, arguments)
        sort = arguments.get("sort_by")
        if sort is not None:
            rows.sort(key=lambda row: (row[sort], row["id"]), reverse=arguments.get("order") == "descending")
        shown = rows[: int(arguments.get("limit", MAX_LIMIT))]
        fields = ("id", "name") if sort is None else ("id", "name", sort)
        return {"total": len(rows), "items": [{field: row[field] for field in fields} for row in shown]}

    return run


def _matching(bindings: SearchBindings, view: WorldView, arguments: Arguments) -> list[Row]:
    wanted = [(column, arguments[column]) for column in bindings.filters if column in arguments]
    if not wanted:
        return list(view.rows(bindings.table))
    rows = view.where(bindings.table, *wanted[0])
    return [row for row in rows if all(fold(row[column]) == fold(value) for column, value in wanted[1:])]


def _facts(bindings: SearchBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    table, items = bindings.table, value["items"]
    filters = filter_key({column: arguments[column] for column in bindings.filters if column in arguments})
    yield Fact(("aggregate", table, None, None, filters, ("count",)), value["total"], ("total",))
    sort = arguments.get("sort_by")
    if sort is not None and items:
        order = arguments.get("order", "ascending")
        for index, direction in _ends(items, sort, order, whole=len(items) == value["total"]):
            extreme = "maximum" if direction == "descending" else "minimum"
            first, place = items[index], ("items", index)
            yield Fact(("top", table, None, sort, filters, (direction,)), first["id"], (*place, "id"))
            yield Fact(("aggregate", table, None, sort, filters, (extreme,)), first[sort], (*place, sort))
    for index, item in enumerate(items):
        yield from record_facts(table, item, ("items", index))


def _ends(items: list[Row], sort: str, order: str, *, whole: bool) -> Iterator[tuple[int, str]]:
    """Yield the place of the first row of an order, and of the opposite one where all rows are shown and none ties."""
    yield 0, order
    if whole and len(items) > 1 and items[-1][sort] != items[-2][sort]:
        yield len(items) - 1, "ascending" if order == "descending" else "descending"


FAMILY = Family("search", SearchBindings, _parameters, _compile, _facts, lambda b: (b.table,))
