"""A scenario's world as an SQLite database: a typed table for each entity, and what the user asks in a table `meta`.

Ids are primary keys, references foreign keys, closed lists checked; bounds are not, which bind what tools write and not
the data. Tools compare texts without case and spacing; SQL compares them as they stand.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from tool_gym import jsonio
from tool_gym.envs.pack import Task
from tool_gym.errors import ExportError
from tool_gym.version import __version__
from tool_gym.world import Column, Table, World

META = "meta"
"""The table of what is no world: key and value, both texts."""

_TYPES = {"integer": "INTEGER", "number": "REAL"}


def write_sqlite(task: Task, path: Path, *, with_answers: bool = False) -> None:
    """Write a scenario's world and request into a new SQLite file.

    Args:
        task: The scenario and its world.
        path: Where nothing is yet; what fails leaves nothing there.
        with_answers: Whether `meta` also gets the sub-goals, goals and plans.

    Raises:
        ExportError: If the world has a table called `meta`, or a number beyond 64 bits.
        OSError: If the file is there already.
    """
    if META in task.world.tables:
        msg = f"the world has a table {META!r} of its own, where the export keeps the request"
        raise ExportError(msg)
    path.touch(exist_ok=False)
    connection = sqlite3.connect(path)
    try:
        with connection:  # one transaction
            _write(connection, task, with_answers=with_answers)
    except OverflowError:
        msg = f"scenario {task.scenario.id}: its world has a number beyond 64 bits, which SQLite cannot hold"
        raise ExportError(msg) from None
    finally:
        connection.close()


def read_rows(path: Path, world: World) -> dict[str, dict[str, dict[str, Any]]]:
    """Return the rows of a written file, by table and id, in the order they were written."""
    connection = sqlite3.connect(path)
    connection.row_factory = sqlite3.Row
    try:
        return {
            name: {row["id"]: dict(row) for row in connection.execute(f"SELECT * FROM {_quoted(name)} ORDER BY rowid")}  # noqa: S608 - a table of the world, quoted
            for name in world.tables
        }
    finally:
        connection.close()


def _write(connection: sqlite3.Connection, task: Task, *, with_answers: bool) -> None:
    connection.execute(f"CREATE TABLE {META} (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    connection.executemany(f"INSERT INTO {META} VALUES (?, ?)", _meta(task, with_answers=with_answers).items())  # noqa: S608 - a constant
    for name, table in task.world.tables.items():
        connection.execute(_create(name, table))
    for name, table in task.world.tables.items():
        _fill(connection, name, table)


def _meta(task: Task, *, with_answers: bool) -> dict[str, str]:
    scenario = task.scenario
    meta = {
        "exported_by": f"tool-gym {__version__}",
        "scenario": scenario.id,
        "domain": scenario.domain,
        "shape": scenario.shape,
        "world": task.world.id,
        "request": jsonio.dumps(list(scenario.user_turns)),
        "tools": jsonio.dumps([tool.schema for tool in scenario.tools]),
    }
    if with_answers:
        written = scenario.model_dump(mode="json", include={"sub_goals", "goals", "plans"}, exclude_defaults=True)
        meta |= {key: jsonio.dumps(value) for key, value in written.items()}
    return meta


def _create(name: str, table: Table) -> str:
    columns = [f"{_quoted('id')} TEXT PRIMARY KEY NOT NULL"]
    columns += [f"{_quoted(column)} {_declared(column, spec)}" for column, spec in table.columns.items()]
    return f"CREATE TABLE {_quoted(name)} ({', '.join(columns)})"


def _declared(name: str, column: Column) -> str:
    kind = _TYPES.get(column.type, "TEXT")
    target = f" REFERENCES {_quoted(column.table)} ({_quoted('id')})" if column.table is not None else ""
    options = ", ".join("'" + value.replace("'", "''") + "'" for value in column.values)
    return f"{kind} NOT NULL{target}" + (f" CHECK ({_quoted(name)} IN ({options}))" if options else "")


def _fill(connection: sqlite3.Connection, name: str, table: Table) -> None:
    columns = ("id", *table.columns)
    marks = ", ".join("?" * len(columns))
    names = ", ".join(map(_quoted, columns))
    rows = ([row[column] for column in columns] for row in table.rows.values())
    connection.executemany(f"INSERT INTO {_quoted(name)} ({names}) VALUES ({marks})", rows)  # noqa: S608 - names of the world, quoted


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
