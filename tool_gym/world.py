"""Worlds: typed tables that many episodes share, and the copy-on-write view one episode writes to.

A `World` is data and never changes. A `WorldView` lays one episode's changes over it; because the view
replaces small mappings instead of mutating them, a snapshot is one reference and a restore one assignment.
Rows are handed out as they are: tools read them and must not change them.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import Field, FiniteFloat, ValidationError, model_validator

from tool_gym import jsonio, reading
from tool_gym.errors import ScenarioError
from tool_gym.model import Model, plain
from tool_gym.turns import Effect

Row: TypeAlias = dict[str, Any]
Delta: TypeAlias = Mapping[str, Mapping[str, Row | None]]
"""Table → row id → the row as this episode sees it, or None where it deleted the row."""

Key: TypeAlias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]


class Column(Model):
    """The type of one column and what a value of it may be."""

    type: Literal["name", "text", "integer", "number", "date", "enum", "state", "ref"]
    unit: str | None = None
    """Unit of an integer or number column."""
    low: FiniteFloat | str | None = None
    high: FiniteFloat | str | None = None
    """Inclusive bounds of an integer, number or date column; given together or not at all."""
    decimals: int = 0
    values: tuple[str, ...] = ()
    """The closed list of an enum or state column."""
    transitions: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """State column: from each value, the values it may move to."""
    initial: str | None = None
    """State column: the value of a new row."""
    cancel: str | None = None
    """State column: the value that cancelling moves to."""
    table: str | None = None
    """Ref column: the table whose ids it holds."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Column:
        states = {self.initial, self.cancel, *self.transitions, *(v for to in self.transitions.values() for v in to)}
        strange = states - {None, *self.values}
        bounds = {type(self.low), type(self.high)}
        wanted = {float} if self.type in ("integer", "number") else {str} if self.type == "date" else {type(None)}
        if strange:
            msg = f"{sorted(map(str, strange))} are not among the column's values {self.values}"
            raise ValueError(msg)
        if (self.type == "ref") != (self.table is not None) or (self.type in ("enum", "state")) != bool(self.values):
            msg = (
                f"a {self.type} column needs a table if a ref, values if an enum or state, and nothing of the kind else"
            )
            raise ValueError(msg)
        if bounds not in (wanted, {type(None)}):
            msg = f"a {self.type} column cannot have the bounds {self.low!r} and {self.high!r}"
            raise ValueError(msg)
        return self

    def holds(self, value: Any) -> bool:
        """Return whether a value has this column's type; bounds bind only what a tool writes."""
        if self.type == "integer":
            return type(value) is int
        if self.type == "number":
            return type(value) is int or (type(value) is float and math.isfinite(value))
        if self.type in ("enum", "state"):
            return value in self.values
        if type(value) is not str:
            return False
        return self.type != "date" or reading.whole_date(value) == value


class Table(Model):
    """Rows of one entity, by id. Every row has `id` and the columns' keys."""

    noun: str
    prefix: str = Field(pattern=r"^[A-Z]{1,6}$")
    """Prefix of ids; the id of a new row is the prefix and the next free number."""
    code: str | None = None
    """Prefix of generated names, for entities known by a code; None where a new row must be named."""
    columns: dict[Key, Column]
    rows: dict[str, Row]


class World(Model):
    """An immutable set of typed tables, shared by the scenarios of a pack."""

    domain: str
    tables: dict[Key, Table]

    @cached_property
    def id(self) -> str:
        """Hash of the content: 16 hexadecimal digits."""
        return _digest({"domain": self.domain, "tables": {k: t.model_dump() for k, t in self.tables.items()}})

    @cached_property
    def base(self) -> BaseTables:
        """The tables in the form tools read; built once."""
        return BaseTables(self)

    @classmethod
    def from_json(cls, text: str | bytes) -> World:
        """Parse and check a world.

        Raises:
            ScenarioError: If it breaks the data model.
        """
        try:
            world = cls.model_validate_json(text)
        except ValidationError as error:
            msg = f"not a world: {error.errors()[0]['msg']} at {error.errors()[0]['loc']}"
            raise ScenarioError(msg) from None
        world.check()
        return world

    def to_json(self) -> str:
        """Return the world as one line of JSON with sorted keys."""
        return jsonio.dumps(self.model_dump(exclude_defaults=True), sort_keys=True)

    def check(self) -> None:
        """Check that every row has its columns' keys, values of their types, and references that lead somewhere.

        Raises:
            ScenarioError: Naming the first row that does not.
        """
        for name, table in self.tables.items():
            keys = {"id", *table.columns}
            refs = [(column, spec.table) for column, spec in table.columns.items() if spec.type == "ref"]
            for row_id, row in table.rows.items():
                if row.keys() != keys or row["id"] != row_id:
                    msg = f"row {row_id!r} of table {name!r} must have exactly the keys {sorted(keys)} and its own id"
                    raise ScenarioError(msg)
                wrong = next((column for column, spec in table.columns.items() if not spec.holds(row[column])), None)
                if wrong is not None:
                    msg = f"row {row_id!r} of table {name!r}: {wrong} holds no {table.columns[wrong].type}"
                    raise ScenarioError(msg)
                for column, target in refs:
                    if target not in self.tables or row[column] not in self.tables[target].rows:
                        msg = f"row {row_id!r} of table {name!r}: {column} leads to no row of {target!r}"
                        raise ScenarioError(msg)


class BaseTables:
    """A world as plain dictionaries with indexes built on first use; shared by all its episodes."""

    __slots__ = ("_counters", "_indexes", "columns", "compiled", "derived", "rows", "tables")

    def __init__(self, world: World) -> None:
        self.tables = world.tables
        self.columns = {name: table.columns for name, table in world.tables.items()}
        self.rows = {name: dict(sorted(table.rows.items(), key=_by_number)) for name, table in world.tables.items()}
        """Table → row id → row, in the order of the ids' numbers, whatever order the world was written in."""
        self._indexes: dict[tuple[str, str], dict[Any, tuple[str, ...]]] = {}
        self._counters: dict[str, int] = {}
        self.compiled: dict[bytes, Any] = {}
        """Tools bound to this world, by their content; filled by the runtime."""
        self.derived: dict[object, Any] = {}
        """Room for what is computed from these tables once, by whatever computes it."""

    @property
    def schema(self) -> bytes:
        """Hash of everything about the tables but their rows."""
        found: bytes | None = self.derived.get("schema")
        if found is None:
            content = {name: plain(table, defaults=False, left_out=("rows",)) for name, table in self.tables.items()}
            written = jsonio.dump_bytes(content, sort_keys=True)
            found = self.derived["schema"] = hashlib.blake2b(written, digest_size=16).digest()
        return found

    def index(self, table: str, column: str) -> dict[Any, tuple[str, ...]]:
        """Return value → ids of the rows holding it; texts are case-folded."""
        found = self._indexes.get((table, column))
        if found is None:
            lists: dict[Any, list[str]] = {}
            for row_id, row in self.rows[table].items():
                lists.setdefault(fold(row[column]), []).append(row_id)
            found = self._indexes[table, column] = {value: tuple(ids) for value, ids in lists.items()}
        return found

    def counter(self, table: str) -> int:
        """Return the largest number used in an id of `table`."""
        if table not in self._counters:
            prefix = len(self.tables[table].prefix)
            numbers = (row_id[prefix:] for row_id in self.rows[table])
            self._counters[table] = max((int(n) for n in numbers if n.isdecimal()), default=0)
        return self._counters[table]


class WorldView:
    """One episode's view of a world."""

    __slots__ = ("base", "delta", "effects")

    def __init__(self, base: BaseTables) -> None:
        self.base = base
        self.delta: Delta = {}
        """What this episode changed. Treat as immutable: keep it to snapshot, assign it to restore."""
        self.effects: list[Effect] = []
        """Effects of the call under way; the runtime takes them out after each call."""

    def row(self, table: str, row_id: str) -> Row | None:
        """Return a row, or None if there is none of that id."""
        if self.delta:
            changed = self.delta.get(table)
            if changed is not None and row_id in changed:
                return changed[row_id]
        return self.base.rows[table].get(row_id)

    def rows(self, table: str) -> Iterator[Row]:
        """Yield every row, base rows first, then created ones in order of creation."""
        changed = self.delta.get(table)
        if not changed:
            return iter(self.base.rows[table].values())
        return (row for row in {**self.base.rows[table], **changed}.values() if row is not None)

    def where(self, table: str, column: str, value: Any) -> list[Row]:
        """Return the rows whose `column` is `value` (texts compared without case), in the order of `rows`."""
        wanted = fold(value)
        if not self.delta.get(table):
            rows = self.base.rows[table]
            return [rows[row_id] for row_id in self.base.index(table, column).get(wanted, ())]
        return [row for row in self.rows(table) if fold(row[column]) == wanted]

    def update(self, table: str, row_id: str, changes: Row) -> None:
        """Change cells of an existing row; cells that keep their value have no effect."""
        row = self.row(table, row_id)
        if row is None:
            msg = f"{table} has no row {row_id!r}"
            raise KeyError(msg)
        for field, after in changes.items():
            if row[field] != after:
                self.effects.append(Effect(table, row_id, field, row[field], after))
        self._put(table, row_id, {**row, **changes})

    def insert(self, table: str, values: Row) -> Row:
        """Create a row with the next free id and return it."""
        spec = self.base.tables[table]
        number = self.base.counter(table) + 1
        changed = self.delta.get(table, {})
        number += sum(1 for row_id in changed if row_id not in self.base.rows[table])
        row: Row = {"id": f"{spec.prefix}{number}", **values}
        if "name" in spec.columns and "name" not in row:
            row["name"] = f"{spec.code or spec.prefix}-{number}"
        for field, after in row.items():
            if field != "id":
                self.effects.append(Effect(table, row["id"], field, None, after, created=True))
        self._put(table, row["id"], row)
        return row

    def digest(self) -> str:
        """Hash the state this episode sees; equal states have equal digests."""
        return _digest({table: {row["id"]: row for row in self.rows(table)} for table in self.base.rows})

    def _put(self, table: str, row_id: str, row: Row) -> None:
        self.delta = {**self.delta, table: {**self.delta.get(table, {}), row_id: row}}


def fold(value: Any) -> Any:
    """Fold a text for comparison without case and spacing; other values stay as they are."""
    return " ".join(value.casefold().split()) if type(value) is str else value


def _by_number(item: tuple[str, Row]) -> tuple[int, str]:
    return len(item[0]), item[0]


def _digest(value: Any) -> str:
    return hashlib.blake2b(jsonio.dump_bytes(value, sort_keys=True), digest_size=8).hexdigest()
