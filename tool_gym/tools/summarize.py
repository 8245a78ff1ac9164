"""summarize: count, sum, average, minimum or maximum over a group of rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from tool_gym.tools.base import (
    NUMERIC,
    Arguments,
    Bindings,
    Fact,
    Family,
    Parameters,
    Run,
    cell_schema,
    filter_key,
    group,
    group_filters,
    group_schemas,
    not_found,
    precondition,
    require_columns,
)
from tool_gym.world import BaseTables, WorldView, fold

OPERATIONS: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "average": lambda values: sum(values) / len(values),
    "minimum": min,
    "maximum": max,
}


class SummarizeBindings(Bindings):
    """Which rows are summarised, within which group, over which numeric fields, with which filters."""

    table: str
    by: str | None = None
    groups: tuple[str, ...] = ()
    """Reference columns that may make the group smaller."""
    fields: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()


def _parameters(bindings: SummarizeBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, (bindings.by, *bindings.groups, *bindings.filters))
    require_columns(base, bindings.table, bindings.fields, NUMERIC)
    columns = base.columns[bindings.table]
    properties = group_schemas(bindings.by, ())
    operations = ["count", *OPERATIONS] if bindings.fields else ["count"]
    properties["operation"] = {"type": "string", "enum": operations}
    required = tuple(properties)
    if bindings.fields:
        properties["field"] = {"type": "string", "enum": list(bindings.fields)}
    properties.update(group_schemas(None, bindings.groups))
    properties.update({column: cell_schema(columns[column]) for column in bindings.filters})
    return Parameters(properties, required)


def _compile(bindings: SummarizeBindings, base: BaseTables) -> Run:
    table, by, groups = bindings.table, bindings.by, bindings.groups
    noun = base.tables[table].noun

    def run(view: WorldView, arguments: Arguments) -> Any:
        rows = group(view, table, by, arguments, groups)
        for column in bindings.filters:
            if column in arguments:
                wanted = fold(arguments[column])
                rows = [row for row in rows if fold(row[column]) == wanted]
        if arguments["operation"] == "count":
            return {"value": len(rows)}
        field = arguments.get("field")
        if field is None:
            msg = f"operation {arguments['operation']!r} needs the argument 'field'"
            raise precondition(msg)
        if not rows:
            msg = f"there is no matching {noun} in this group"
            raise not_found(msg)
        return {"value": round(OPERATIONS[arguments["operation"]]([row[field] for row in rows]), 2)}

    return run


def _facts(bindings: SummarizeBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    given = {column: arguments[column] for column in bindings.filters if column in arguments}
    filters = filter_key(given | group_filters(bindings.by, bindings.groups, arguments))
    operation = arguments["operation"]
    field = None if operation == "count" else arguments["field"]
    yield Fact(("aggregate", bindings.table, None, field, filters, (operation,)), value["value"], ("value",))


FAMILY = Family("summarize", SummarizeBindings, _parameters, _compile, _facts, lambda b: (b.table,))
