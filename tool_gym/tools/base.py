"""What a tool family is: one template that becomes many tools by data.

A *tool* is a family and its bindings (tables, columns, fixed arguments). The family gives three things: the
parameters a call may have, a function that runs a call on a world view, and the *facts* a call's result
serves. A fact is a value with the question it answers, in one canonical form (`FactKey`) for all families, so
that two different calls which learn the same thing from the world are recognised as equal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, TypeAlias

from tool_gym.errors import ScenarioError
from tool_gym.model import Model
from tool_gym.turns import Outcome
from tool_gym.world import BaseTables, Column, Row, WorldView, fold

Arguments: TypeAlias = dict[str, Any]
FactKey: TypeAlias = tuple[str, str | None, str | None, str | None, tuple[Any, ...], tuple[Any, ...]]
"""(operation, entity, row, field, filter, inputs): the question a fact answers."""

Path: TypeAlias = tuple[str | int, ...]
Run: TypeAlias = Callable[[WorldView, Arguments], Any]

COMPUTED = frozenset({"compare", "calculate", "convert", "days"})
"""Operations whose facts follow from their inputs alone; a result equal to an input is no echo."""


NUMERIC = ("integer", "number")
ORDERABLE = (*NUMERIC, "date")
"""Types of the columns that can be summed, and of those that can be sorted by."""


class Fact(NamedTuple):
    """A value some result serves, and where it stands in it."""

    key: FactKey
    value: Any
    path: Path


class Bindings(Model):
    """Base of every family's bindings: plain data, unknown keys refused."""


class Parameters(NamedTuple):
    """The arguments a family takes, by role."""

    properties: dict[str, dict[str, Any]]
    """Role → JSON Schema of its value, without a description."""
    required: tuple[str, ...]


class Family(NamedTuple):
    """A tool template."""

    name: str
    bindings: type[Bindings]
    parameters: Callable[[Any, BaseTables], Parameters]
    """(bindings, tables) → the arguments; raises `ScenarioError` if the tables are not what the bindings say."""
    compile: Callable[[Any, BaseTables], Run]
    facts: Callable[[Any, Arguments, Any], Iterator[Fact]]
    """(bindings, arguments, value) → the facts an ok result serves. Pure: it needs no world."""
    tables: Callable[[Any], tuple[str, ...]]
    """The tables a tool of these bindings speaks of; empty for pure computation."""
    writes: bool = False


FAMILIES: dict[str, Family] = {}
"""Family name → family; filled where the families are put together, in `tool_gym.tools`."""


class ToolFailure(Exception):  # noqa: N818 - a result on its way to the model, no error of ours
    """Raised inside a template tool when a call cannot be honoured; becomes the call's result."""

    def __init__(self, outcome: Outcome, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


def not_found(message: str) -> ToolFailure:
    """Build the failure for an argument that names nothing."""
    return ToolFailure(Outcome.NOT_FOUND, message)


def precondition(message: str) -> ToolFailure:
    """Build the failure for a call the world's invariants forbid."""
    return ToolFailure(Outcome.PRECONDITION_FAILED, message)


def require_columns(base: BaseTables, table: str, columns: Iterable[str | None], types: tuple[str, ...] = ()) -> None:
    """Check that a table has the columns a tool is bound to.

    Args:
        base: The world's tables.
        table: Name of the table.
        columns: The columns; None stands for one the tool does without.
        types: The types they may have; empty for any.

    Raises:
        ScenarioError: If the table or a column is missing, or a column is of another type.
    """
    if table not in base.columns:
        msg = f"the world has no table {table!r}"
        raise ScenarioError(msg)
    for column in columns:
        spec = base.columns[table].get(column) if column is not None else None
        if column is not None and (spec is None or (types and spec.type not in types)):
            msg = f"table {table!r} has no column {column!r}" + (f" of type {' or '.join(types)}" if types else "")
            raise ScenarioError(msg)


def require_row(view: WorldView, table: str, row_id: str) -> Row:
    """Return the row of that id, or fail with not_found."""
    row = view.row(table, row_id)
    if row is None:
        msg = f"no {view.base.tables[table].noun} has the id {row_id!r}"
        raise not_found(msg)
    return row


def no_facts(_: Any, __: Arguments, ___: Any) -> Iterator[Fact]:
    """Yield nothing: a write is judged by its effects."""
    return iter(())


def group(view: WorldView, table: str, by: str | None, arguments: Arguments, groups: tuple[str, ...] = ()) -> list[Row]:
    """Return the rows a call speaks of: those that refer to every given parent, or the whole table.

    Args:
        view: The world.
        table: Name of the table.
        by: The reference column whose parent is always given; None for none.
        arguments: The call's arguments.
        groups: The reference columns whose parents may be given.
    """
    wanted = [column for column in (by, *groups) if column is not None and column in arguments]
    for column in wanted:
        parent = view.base.columns[table][column].table
        if parent is not None:
            require_row(view, parent, arguments[column])
    if not wanted:
        return list(view.rows(table))
    rows = view.where(table, wanted[0], arguments[wanted[0]])
    return [row for row in rows if all(fold(row[column]) == fold(arguments[column]) for column in wanted[1:])]


def group_schemas(by: str | None, groups: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Return the schemas of the arguments that `group` takes."""
    return {column: ID_SCHEMA for column in (by, *groups) if column is not None}


def group_filters(by: str | None, groups: tuple[str, ...], arguments: Arguments) -> dict[str, Any]:
    """Return the group a call speaks of: column → parent."""
    return {column: arguments[column] for column in (by, *groups) if column is not None and column in arguments}


def read_key(table: str, row: str, field: str) -> FactKey:
    """Return the key of a cell read."""
    return ("read", table, row, field, (), ())


def find_key(table: str, column: str, value: Any) -> FactKey:
    """Return the key of looking up the row whose `column` is `value`."""
    return ("find", table, None, None, filter_key({column: value}), ())


def record_facts(table: str, record: Row, path: Path) -> Iterator[Fact]:
    """Yield what a record with an `id` serves: its cells, and its id by its name."""
    row_id = record["id"]
    for field, value in record.items():
        if field != "id":
            yield Fact(read_key(table, row_id, field), value, (*path, field))
    if "name" in record:
        yield Fact(find_key(table, "name", record["name"]), row_id, (*path, "id"))


def filter_key(filters: dict[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return filters as a key: sorted by column, texts folded as tables are searched."""
    return tuple(sorted((column, fold(value)) for column, value in filters.items()))


def cell_schema(column: Column) -> dict[str, Any]:
    """Return the JSON Schema of a value of `column`."""
    if column.type == "integer":
        return {"type": "integer"}
    if column.type == "number":
        return {"type": "number"}
    if column.type in ("enum", "state"):
        return {"type": "string", "enum": list(column.values)}
    return {"type": "string", "minLength": 1, "maxLength": 200}


ID_SCHEMA: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": 40}
