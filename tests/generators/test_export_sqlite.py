"""SQLite files hold the world as it is, typed and linked, and answers only when they are asked for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.generators.exporting import alone, session_of, tasks
from tests.harbour import TOOLS, WORLD
from tool_gym import jsonio
from tool_gym.envs.pack import Task
from tool_gym.errors import ExportError
from tool_gym.generators.export.sqlite_file import read_rows, write_sqlite
from tool_gym.world import World


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as connection:
        yield connection


@pytest.mark.parametrize("task", [*tasks(1), alone(*TOOLS)], ids=lambda task: task.scenario.id[:12])
def test_rows_come_back_as_they_were(task: Task, tmp_path: Path) -> None:
    path = tmp_path / "world.db"
    write_sqlite(task, path)
    expected = {name: table.rows for name, table in task.world.tables.items()}
    assert read_rows(path, task.world) == expected
    with opened(path) as connection:
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        for name, table in task.world.tables.items():
            info = {row[1]: (row[2], row[5]) for row in connection.execute(f'PRAGMA table_info("{name}")')}
            kinds = {"integer": "INTEGER", "number": "REAL"}
            assert info == {"id": ("TEXT", 1), **{c: (kinds.get(s.type, "TEXT"), 0) for c, s in table.columns.items()}}
            links = {row[3]: row[2] for row in connection.execute(f'PRAGMA foreign_key_list("{name}")')}
            assert links == {column: spec.table for column, spec in table.columns.items() if spec.table is not None}


@pytest.mark.parametrize(
    ("tool", "arguments", "query"),
    [
        ("find_ship", {"name": "Dagmar"}, "SELECT id, name FROM ship WHERE name = 'Dagmar'"),
        ("get_ship", {"ship_id": "SH4", "field": "crew"}, "SELECT id, crew FROM ship WHERE id = 'SH4'"),
        (
            "top_booking",
            {"ship_id": "SH1", "order_by": "tonnes", "direction": "descending"},
            "SELECT id, name FROM booking WHERE ship_id = 'SH1' ORDER BY tonnes DESC LIMIT 1",
        ),
        (
            "summarize_bookings",
            {"ship_id": "SH1", "operation": "average", "field": "tonnes"},
            "SELECT ROUND(AVG(tonnes), 2) AS value FROM booking WHERE ship_id = 'SH1'",
        ),
        (
            "summarize_bookings",
            {"ship_id": "SH1", "operation": "count", "state": "planned"},
            "SELECT COUNT(*) AS value FROM booking WHERE ship_id = 'SH1' AND state = 'planned'",
        ),
    ],
)
def test_sql_says_what_the_tools_say(tool: str, arguments: dict[str, Any], query: str, tmp_path: Path) -> None:
    task, path = alone(*TOOLS), tmp_path / "world.db"
    write_sqlite(task, path)
    with opened(path) as connection:
        connection.row_factory = sqlite3.Row
        assert dict(connection.execute(query).fetchone()) == session_of(task).call(tool, arguments).value


def test_closed_lists_and_links_are_kept_to(tmp_path: Path) -> None:
    path = tmp_path / "world.db"
    write_sqlite(alone(*TOOLS), path)
    with opened(path) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        for change in ("UPDATE ship SET type = 'raft'", "UPDATE ship SET owner_id = 'OW99'", "DELETE FROM owner"):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(change)


def test_answers_are_there_only_when_asked_for(tmp_path: Path) -> None:
    task = next(task for task in tasks(1) if task.scenario.shape == "multi_hop")
    metas = []
    for with_answers in (False, True):
        path = tmp_path / f"{with_answers}.db"
        write_sqlite(task, path, with_answers=with_answers)
        with opened(path) as connection:
            metas.append(dict(connection.execute("SELECT key, value FROM meta").fetchall()))
    assert set(metas[1]) - set(metas[0]) == {"sub_goals", "goals", "plans"}
    assert jsonio.loads(metas[0]["request"]) == list(task.scenario.user_turns)
    assert jsonio.loads(metas[0]["tools"]) == [tool.schema for tool in task.scenario.tools]
    assert (
        jsonio.loads(metas[1]["goals"])[0]["gold"] == task.scenario.goals[0].model_dump(exclude_defaults=True)["gold"]
    )


def test_a_table_called_meta_and_huge_numbers_are_refused(tmp_path: Path) -> None:
    task = alone(TOOLS[0])
    clash = World(domain="harbour", tables={**WORLD.tables, "meta": WORLD.tables["owner"]})
    with pytest.raises(ExportError, match="a table 'meta' of its own"):
        write_sqlite(Task(task.scenario, clash), tmp_path / "a.db")
    owners = WORLD.tables["owner"]
    rows = {**owners.rows, "OW1": {**owners.rows["OW1"], "fleet_budget": 2**70}}
    huge = World(domain="harbour", tables={**WORLD.tables, "owner": owners.model_copy(update={"rows": rows})})
    with pytest.raises(ExportError, match="beyond 64 bits"):
        write_sqlite(Task(task.scenario, huge), tmp_path / "b.db")
