"""Worlds never change; an episode's view of one does, and goes back to any snapshot."""

from __future__ import annotations

import copy
import json
import time
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.handmade import BOOKINGS, SHIPS, WORLD
from tool_gym.errors import ScenarioError
from tool_gym.turns import Effect
from tool_gym.world import Column, Row, Table, World, WorldView, fold

Model = dict[str, dict[str, Row]]
TABLES = tuple(WORLD.tables)


def fresh(**changes: Any) -> World:
    return WORLD.model_copy(update=changes)


class ViewMachine(RuleBasedStateMachine):
    """Drives two views of one world against a plain deep copy of its tables."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World.from_json(WORLD.to_json())
        tables = {name: sorted(table.rows.items(), key=_number) for name, table in self.world.tables.items()}
        self.before: Model = copy.deepcopy({name: dict(rows) for name, rows in tables.items()})
        self.view, self.twin = WorldView(self.world.base), WorldView(self.world.base)
        self.model: Model = copy.deepcopy(self.before)
        self.kept: list[tuple[Any, Model, str]] = []

    @initialize()
    def untouched(self) -> None:
        assert self.view.digest() == self.twin.digest()

    @rule(row=st.sampled_from([*SHIPS, "SH9", "SH10"]), crew=st.integers(1, 5), draft=st.sampled_from([9.4, 2.0]))
    def update(self, row: str, crew: int, draft: float) -> None:
        known = self.model["ship"].get(row)
        self.view.effects = []
        if known is None:
            with pytest.raises(KeyError):
                self.view.update("ship", row, {"crew": crew})
            return
        changes = {"crew": crew, "draft": draft}
        self.view.update("ship", row, changes)
        assert self.view.effects == [
            Effect("ship", row, field, known[field], after) for field, after in changes.items() if known[field] != after
        ]
        self.model["ship"][row] = {**known, **changes}

    @rule(name=st.sampled_from(["Ingrid", "Jarl"]))
    def insert_ship(self, name: str) -> None:
        values = {**SHIPS["SH1"], "name": name}
        del values["id"]
        self._insert("ship", values, {})

    @rule(tonnes=st.integers(1, 3))
    def insert_booking(self, tonnes: int) -> None:
        number = len(self.model["booking"]) + 1
        values = {key: item for key, item in BOOKINGS["BK1"].items() if key not in ("id", "name")}
        self._insert("booking", {**values, "tonnes": tonnes}, {"name": f"BK-{number}"})

    def _insert(self, table: str, values: Row, given: Row) -> None:
        self.view.effects = []
        row = self.view.insert(table, values)
        number = len(self.model[table]) + 1
        expected = {"id": f"{self.world.tables[table].prefix}{number}", **values, **given}
        assert row == expected
        assert self.view.effects == [
            Effect(table, row["id"], field, None, after, created=True) for field, after in row.items() if field != "id"
        ]
        self.model[table][row["id"]] = expected

    @rule()
    def snapshot(self) -> None:
        self.kept.append((self.view.delta, copy.deepcopy(self.model), self.view.digest()))

    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        if self.kept:
            delta, model, digest = data.draw(st.sampled_from(self.kept))
            self.view.delta, self.model = delta, copy.deepcopy(model)
            assert self.view.digest() == digest

    @rule(column=st.sampled_from(["crew", "name", "owner_id", "draft"]), data=st.data())
    def where(self, column: str, data: st.DataObject) -> None:
        rows = list(self.model["ship"].values())
        value = data.draw(st.sampled_from([row[column] for row in rows] + ["nothing"]))
        wanted = value.upper() if isinstance(value, str) else value
        assert self.view.where("ship", column, wanted) == [row for row in rows if fold(row[column]) == fold(value)]

    @rule(row=st.sampled_from(["SH1", "SH9", "SH10", "nothing"]))
    def row(self, row: str) -> None:
        assert self.view.row("ship", row) == self.model["ship"].get(row)

    @invariant()
    def sees_what_it_should(self) -> None:
        for table in TABLES:
            assert list(self.view.rows(table)) == list(self.model[table].values())

    @invariant()
    def the_world_and_other_views_never_change(self) -> None:
        assert {name: table.rows for name, table in self.world.tables.items()} == self.before
        assert {name: dict(rows) for name, rows in self.world.base.rows.items()} == self.before
        assert self.twin.delta == {}

    def teardown(self) -> None:
        assert self.view.digest() == _rebuilt(self.model), "equal states have equal digests"


def _number(item: tuple[str, Row]) -> int:
    return int(item[0][2:])


def _rebuilt(model: Model) -> str:
    tables = {name: table.model_copy(update={"rows": model[name]}) for name, table in WORLD.tables.items()}
    return WorldView(fresh(tables=tables).base).digest()


ViewMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestView = ViewMachine.TestCase


def test_a_world_is_read_back_as_it_was_written() -> None:
    read = World.from_json(WORLD.to_json())
    assert read == WORLD
    assert read.id == WORLD.id
    assert read.to_json() == WORLD.to_json()


def test_the_order_a_world_is_written_in_changes_nothing() -> None:
    def backwards(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: backwards(value[key]) for key in reversed(value)}
        return value

    read = World.from_json(json.dumps(backwards(json.loads(WORLD.to_json()))))
    assert read.id == WORLD.id
    assert [row["id"] for row in WorldView(read.base).rows("booking")] == [f"BK{number}" for number in range(1, 11)]
    assert WorldView(read.base).digest() == WorldView(WORLD.base).digest()


@pytest.mark.parametrize("field", ["domain", "tables"])
def test_the_id_depends_on_the_content(field: str) -> None:
    ship = WORLD.tables["ship"]
    changed = ship.model_copy(update={"rows": {**ship.rows, "SH1": {**ship.rows["SH1"], "crew": 22}}})
    other = {"domain": "airport", "tables": {**WORLD.tables, "ship": changed}}
    assert fresh(**{field: other[field]}).id != WORLD.id
    assert fresh().id == WORLD.id


def test_a_snapshot_is_one_reference() -> None:
    big = {f"SH{number}": {**SHIPS["SH1"], "id": f"SH{number}"} for number in range(1, 20_001)}
    world = fresh(tables={**WORLD.tables, "ship": WORLD.tables["ship"].model_copy(update={"rows": big})})
    view = WorldView(world.base)
    view.update("ship", "SH7", {"crew": 1})
    began = time.perf_counter()
    for crew in range(2, 1002):
        kept = view.delta
        view.update("ship", "SH8", {"crew": crew})
        view.delta = kept
        WorldView(world.base)
    assert time.perf_counter() - began < 1
    assert view.row("ship", "SH8") is big["SH8"], "rows are handed out as they are"


def test_a_row_that_keeps_its_values_has_no_effect() -> None:
    view = WorldView(WORLD.base)
    view.update("ship", "SH1", {"crew": 21, "draft": 9.4})
    assert view.effects == []
    assert view.digest() == WorldView(WORLD.base).digest()


def test_ids_go_on_from_the_largest_number() -> None:
    rows = {"BK7": {**BOOKINGS["BK7"]}, "BK10": {**BOOKINGS["BK10"]}, "BKx": {**BOOKINGS["BK1"], "id": "BKx"}}
    table = WORLD.tables["booking"].model_copy(update={"rows": rows})
    view = WorldView(fresh(tables={**WORLD.tables, "booking": table}).base)
    values = {key: item for key, item in BOOKINGS["BK1"].items() if key not in ("id", "name")}
    assert [view.insert("booking", values)["id"] for _ in range(3)] == ["BK11", "BK12", "BK13"]
    named = Table(noun="thing", prefix="TH", columns={"name": Column(type="name")}, rows={})
    assert WorldView(World(domain="d", tables={"thing": named}).base).insert("thing", {}) == {
        "id": "TH1",
        "name": "TH-1",
    }


@pytest.mark.parametrize(
    ("table", "row", "change", "problem"),
    [
        ("ship", "SH1", {"colour": "red"}, "must have exactly the keys"),
        ("ship", "SH1", {"id": "SH2"}, "must have exactly the keys"),
        ("ship", "SH1", {"owner_id": "OW99"}, "owner_id leads to no row of 'owner'"),
        ("ship", "SH1", {"owner_id": None}, "owner_id holds no ref"),
        ("ship", "SH1", {"crew": 21.0}, "crew holds no integer"),
        ("ship", "SH1", {"crew": True}, "crew holds no integer"),
        ("ship", "SH1", {"crew": "21"}, "crew holds no integer"),
        ("ship", "SH1", {"draft": False}, "draft holds no number"),
        ("ship", "SH1", {"draft": None}, "draft holds no number"),
        ("ship", "SH1", {"draft": [9.4]}, "draft holds no number"),
        ("ship", "SH1", {"type": "submarine"}, "type holds no enum"),
        ("ship", "SH1", {"type": ["cargo"]}, "type holds no enum"),
        ("ship", "SH1", {"built_on": "2009-5-14"}, "built_on holds no date"),
        ("ship", "SH1", {"built_on": "2009-02-30"}, "built_on holds no date"),
        ("ship", "SH1", {"built_on": "14 May 2009"}, "built_on holds no date"),
        ("ship", "SH1", {"name": 5}, "name holds no name"),
        ("booking", "BK1", {"state": "sunk"}, "state holds no state"),
    ],
)
def test_a_row_that_breaks_its_columns_is_refused(table: str, row: str, change: Row, problem: str) -> None:
    data = json.loads(WORLD.to_json())
    data["tables"][table]["rows"][row].update(change)
    with pytest.raises(ScenarioError, match=problem):
        World.from_json(json.dumps(data))


@pytest.mark.parametrize(
    ("column", "change", "problem"),
    [
        ("state", {"initial": "sunk"}, "not among the column's values"),
        ("state", {"cancel": "sunk"}, "not among the column's values"),
        ("state", {"transitions": {"planned": ["sunk"]}}, "not among the column's values"),
        ("state", {"transitions": {"sunk": ["planned"]}}, "not among the column's values"),
        ("state", {"values": []}, "not among the column's values"),
        ("ship_id", {"table": None}, "needs a table if a ref"),
        ("tonnes", {"table": "ship"}, "needs a table if a ref"),
        ("tonnes", {"values": ["1"]}, "values if an enum"),
        ("tonnes", {"low": "1"}, "cannot have the bounds"),
        ("tonnes", {"high": None}, "cannot have the bounds"),
        ("date", {"low": 1}, "cannot have the bounds"),
        ("name", {"low": "A", "high": "Z"}, "cannot have the bounds"),
        ("tonnes", {"type": "colour"}, "not a world"),
        ("tonnes", {"colour": "red"}, "not a world"),
    ],
)
def test_a_column_that_contradicts_itself_is_refused(column: str, change: dict[str, Any], problem: str) -> None:
    data = json.loads(WORLD.to_json())
    data["tables"]["booking"]["columns"][column].update(change)
    with pytest.raises(ScenarioError, match=problem):
        World.from_json(json.dumps(data))


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"domain": "x", "tables": {"UPPER": {}}}'])
def test_what_is_no_world_is_refused(text: str) -> None:
    with pytest.raises(ScenarioError, match="not a world"):
        World.from_json(text)


def test_a_reference_to_a_missing_table_is_refused() -> None:
    data = json.loads(WORLD.to_json())
    del data["tables"]["owner"]
    with pytest.raises(ScenarioError, match="leads to no row of 'owner'"):
        World.from_json(json.dumps(data))


def test_a_number_beyond_floats_is_held_and_infinity_is_not() -> None:
    column = Column(type="number")
    assert column.holds(10**400)
    assert not column.holds(float("inf"))
