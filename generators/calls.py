"""Which calls could be made: every sensible combination of arguments that a stock of values allows.

Gates G6, G8, G9 and G11 try tools out instead of reasoning about them: what a caller could learn or do is what some
call shows or does. A call is tried in the family's own argument names, straight on a view of the world, within what
the tool's public schema admits; constants are filled in, parameters that change nothing left out.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from tool_gym import jsonio, reading
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.tools import FAMILIES
from tool_gym.tools.base import Arguments, Run, ToolFailure
from tool_gym.tools.choose import ChooseBindings, part_parameters
from tool_gym.world import BaseTables, Column, World, WorldView

Choices: TypeAlias = list[Any]

_CHOSEN = frozenset({"field", "operation", "order_by", "sort_by", "direction", "order", "type", "unit"})
"""Arguments that say what is wanted: a caller tries them all. Other closed lists are filters."""

_SIZES = frozenset({"page_size", "limit"})
LEFT_OUT = object()
"""Stands for an argument that is not given."""


class Outcome(NamedTuple):
    """What a call comes to."""

    ok: bool
    shown: Any
    """The value, or the error's message."""


@dataclass(slots=True)
class Stock:
    """The values a caller can put into arguments; mappings keep the order in which they came up."""

    ids: dict[str, dict[str, None]]
    """Table → ids of its rows."""
    names: dict[str, None] = field(default_factory=dict)
    dates: dict[str, None] = field(default_factory=dict)
    words: dict[str, None] = field(default_factory=dict)
    """Words of closed lists, for filters."""
    numbers: dict[float, None] = field(default_factory=dict)

    @classmethod
    def of(cls, world: World, values: Iterable[Any] = (), names: Iterable[str] = ()) -> Stock:
        """Sort values into a stock."""
        stock = cls({table: {} for table in world.tables}, dict.fromkeys(names))
        for value in values:
            stock.add(world, value)
        return stock

    def add(self, world: World, value: Any) -> None:
        """Add one value."""
        if type(value) in (int, float):
            self.numbers[value] = None
        elif type(value) is str:
            table = table_of(world, value)
            if table is not None:
                self.ids[table][value] = None
            elif reading.whole_date(value) == value:
                self.dates[value] = None
            else:
                self.words[value] = None


class Ids(NamedTuple):
    """What ids an argument takes."""

    tables: tuple[str, ...]
    optional: bool

    def among(self, stock: Stock) -> Choices:
        """Return the choices a stock gives."""
        found = [row_id for table in self.tables for row_id in stock.ids[table]]
        return [LEFT_OUT, *found] if self.optional else found


def among(roles: dict[str, Ids], stock: Stock, fresh: Stock) -> Iterator[dict[str, Choices]]:
    """Yield choices of ids, by role: together every combination with a fresh one, and each once."""
    new = {role: [row_id for table in ids.tables for row_id in fresh.ids[table]] for role, ids in roles.items()}
    for number, role in enumerate(roles):
        if new[role]:
            whole = {other: ids.among(stock) for other, ids in roles.items()}
            older = {other: [i for i in whole[other] if i not in new[other]] for other in list(roles)[:number]}
            yield {**whole, **older, role: new[role]}


class Caller:
    """Makes calls to the tools of one scenario, in the family's own argument names."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.base: BaseTables = world.base

    def runs(self, tool: ToolSpec) -> Run:
        """Return the tool's compiled family; raises ScenarioError if it does not fit the world."""
        impl = template(tool)
        key = (Caller, tool.kept(_family))
        run: Run | None = self.base.derived.get(key)
        if run is None:
            family, bindings = impl.bound
            run = self.base.derived[key] = family.compile(bindings, self.base)
        return run

    def call(self, run: Run, view: WorldView, arguments: Arguments) -> Outcome:
        """Make one call; what a write changes stays in `view`."""
        try:
            return Outcome(ok=True, shown=run(view, arguments))
        except ToolFailure as failure:
            return Outcome(ok=False, shown=str(failure))

    def properties(self, tool: ToolSpec) -> dict[str, dict[str, Any]]:
        """Return the parameters that mean something, by their public names, each with the schema of its plain value."""
        impl, shown = template(tool), tool.parameters["properties"]
        plain = {name: schema for name, schema in shown.items() if name not in impl.inert and name not in impl.expected}
        if not impl.codecs:
            return plain
        family, bindings = impl.bound
        roles = family.parameters(bindings, self.base).properties
        coded = {name: roles[impl.renames.get(name, name)] for name in impl.codecs}
        return {**plain, **coded}

    def arguments(self, tool: ToolSpec, stock: Stock, fresh: Stock | None = None) -> Iterator[Arguments]:
        """Yield every sensible combination of arguments the stock allows.

        Args:
            tool: The tool.
            stock: What can be put into them.
            fresh: Ids that are new in the stock: only combinations with one of them are wanted. None wants all.
        """
        impl = template(tool)
        if impl.retired:
            return
        choices, roles = self.choices(tool, stock)
        if fresh is None:
            yield from self.combined(impl, choices | {role: part.among(stock) for role, part in roles.items()})
            return
        for some in among(roles, stock, fresh):
            yield from self.combined(impl, {**choices, **some})

    def choices(self, tool: ToolSpec, stock: Stock) -> tuple[dict[str, Choices], dict[str, Ids]]:
        """Return what a tool's arguments may be: role → choices, none yet where an id is wanted; and those roles."""
        impl, properties, required = template(tool), self.properties(tool), tool.parameters.get("required", ())
        roles = {impl.renames.get(name, name): name for name in properties}
        choices: dict[str, Choices] = {}
        ids: dict[str, Ids] = {}
        for role, name in roles.items():
            choices[role] = []
            if role == "page":
                choices[role] = self._pages(impl, properties.get(roles.get("page_size", ""), {}))
                continue
            tables = self._tables(impl, role, properties[name])
            left_out = [] if name in required else [LEFT_OUT]
            if tables is not None:
                ids[role] = Ids(tuple(tables), bool(left_out))
                continue
            options = self._options(impl, role, properties[name], stock)
            choices[role] = [*left_out, *options] if role not in _SIZES else options[-1:] or left_out
        return choices, ids

    def combined(self, impl: TemplateImpl, choices: dict[str, Choices]) -> Iterator[Arguments]:
        """Yield the sensible combinations of choices."""
        if impl.family == "get":
            yield from self._readings(impl, choices)
            return
        is_sensible = _SENSIBLE.get(impl.family)
        for combination in itertools.product(*choices.values()):
            given = {r: v for r, v in zip(choices, combination, strict=True) if v is not LEFT_OUT} | impl.constants
            if is_sensible is None or is_sensible(given):
                yield given

    def _readings(self, impl: TemplateImpl, choices: dict[str, Choices]) -> Iterator[Arguments]:
        """Combine each id with its own table and that table's fields."""
        tables: dict[str, Choices] = impl.bindings["tables"]
        for row_id in choices["id"]:
            kinds = choices.get("type", list(tables)[:1])
            table = next((kind for kind in kinds if row_id in self.base.rows[kind]), None)
            if table is None:
                continue
            given = {"id": row_id, **({"type": table} if "type" in choices else {}), **impl.constants}
            if "field" not in choices:
                yield given
            for column in choices.get("field", ()):
                if column in tables[table]:
                    yield {**given, "field": column}

    def attempts(self, tool: ToolSpec, rows: Collection[str], *, spoiled: bool = False) -> Iterator[Arguments]:
        """Yield calls of a tool that changes something, about some rows of its table; field by field, if it has any.

        Args:
            tool: The tool.
            rows: Ids of the rows to change, or to make a new one after.
            spoiled: Whether numbers and dates lie out of bounds and references lead nowhere, one in each call.
        """
        impl = template(tool)
        if impl.retired:
            return
        fixed = impl.constants.items()
        yield from (given for given in self._attempts(impl, rows, spoiled=spoiled) if fixed <= given.items())

    def _attempts(self, impl: TemplateImpl, rows: Collection[str], *, spoiled: bool) -> Iterator[Arguments]:
        table, columns = impl.bindings["table"], self.base.columns[impl.bindings["table"]]
        fields = impl.bindings.get("fields", ())
        if impl.family == "create":
            for row in (self.base.rows[table][row_id] for row_id in rows):
                whole = {name: row[name] for name in fields}
                bad = ({**whole, name: _spoiled(columns[name])} for name in fields)
                yield from (call for call in bad if None not in call.values()) if spoiled else (whole,)
        elif impl.family == "update":
            for name in fields:
                values = (_spoiled(columns[name]),) if spoiled else (columns[name].low, columns[name].high)
                pairs = itertools.product((value for value in values if value is not None), rows)
                for value, row_id in pairs:
                    change = {name: value} if impl.bindings.get("by_column") else {"field": name, "value": value}
                    yield {"id": row_id, **change}
        elif impl.family == "transition":
            column = impl.bindings["column"]
            yield from ({"id": row_id, column: v} for row_id in rows for v in columns[column].values)
        else:
            yield from ({"id": row_id} for row_id in rows)

    def _options(self, impl: TemplateImpl, role: str, schema: dict[str, Any], stock: Stock) -> Choices:
        if "enum" in schema:
            return [value for value in schema["enum"] if role in _CHOSEN or value in stock.words]
        if role in _SIZES:
            return [schema.get("maximum", schema.get("default", 1))]
        if schema.get("type") in ("integer", "number"):
            return list(stock.numbers)
        column = self.base.columns.get(impl.bindings.get("table", ""), {}).get(role)
        is_date = role == "date" or (column is not None and column.type == "date")
        return list(stock.dates if is_date else stock.names)

    def _tables(self, impl: TemplateImpl, role: str, schema: dict[str, Any]) -> list[str] | None:
        """Return the tables whose ids an argument takes; None if it takes none."""
        if role in ("id", "first_id", "second_id"):
            return [impl.bindings["table"]] if "table" in impl.bindings else list(impl.bindings["tables"])
        column = self.base.columns.get(impl.bindings.get("table", ""), {}).get(role)
        return [column.table] if column is not None and column.table is not None and "enum" not in schema else None

    def _pages(self, impl: TemplateImpl, page_size: dict[str, Any]) -> Choices:
        size = page_size.get("maximum", impl.bindings.get("page_size", 10))
        return list(range(1, 2 + (len(self.base.rows[impl.bindings["table"]]) - 1) // size))


def _family(tool: ToolSpec) -> bytes:
    return jsonio.dump_bytes([template(tool).family, template(tool).bindings])


def template(tool: ToolSpec) -> TemplateImpl:
    """Return what runs behind one of our tools; raises TypeError for foreign source."""
    if not isinstance(tool.impl, TemplateImpl):
        msg = f"{tool.name} is no template tool"
        raise TypeError(msg)
    return tool.impl


class Part(NamedTuple):
    """One of the tools that a merged tool stands for."""

    tool: ToolSpec
    """It, in its family's own argument names."""
    chosen: Arguments
    """What a call to the merged tool adds to choose it."""


def parts(tool: ToolSpec, base: BaseTables) -> tuple[Part, ...]:
    """Return the tools that a tool stands for: itself, or those it lets the caller choose from."""
    bound = template(tool).bound.bindings
    if not isinstance(bound, ChooseBindings):
        return (Part(tool, {}),)
    known: tuple[Part, ...] | None = base.derived.get((parts, tool.digest))
    if known is None:
        known = base.derived[parts, tool.digest] = _parts(tool, bound, base)
    return known


def _parts(tool: ToolSpec, bound: ChooseBindings, base: BaseTables) -> tuple[Part, ...]:
    found = []
    for value, part, one in zip(bound.parts, bound.parts.values(), impls(tool), strict=True):
        takes = part_parameters(part, base)
        schema = {"type": "object", "properties": takes.properties, "required": list(takes.required)}
        virtual = ToolSpec(name=tool.name, description="", parameters=schema, impl=one)
        found.append(Part(virtual.keep(), {bound.selector: value}))
    return tuple(found)


def impls(tool: ToolSpec) -> tuple[TemplateImpl, ...]:
    """Return what runs behind the tools that a tool stands for."""
    impl = template(tool)
    _, bound = impl.bound
    if not isinstance(bound, ChooseBindings):
        return (impl,)
    return tuple(
        TemplateImpl(family=part.family, bindings=part.bindings, constants=part.constants, retired=impl.retired)
        for part in bound.parts.values()
    )


def is_write(tool: ToolSpec) -> bool:
    """Return whether a tool changes the world."""
    return FAMILIES[template(tool).family].writes


def table_of(world: World, row_id: str) -> str | None:
    """Return the table a row is in, or None if there is no row of that id."""
    return tables_of(world).get(row_id)


def tables_of(world: World) -> dict[str, str]:
    """Return the table that each row is in, by the row's id."""
    tables: dict[str, str] | None = world.base.derived.get(tables_of)
    if tables is None:
        pairs = ((row, name) for name, table in reversed(world.tables.items()) for row in table.rows)
        tables = world.base.derived[tables_of] = dict(pairs)
    return tables


def _spoiled(column: Column) -> Any:
    """Return a value that a column does not take; None where the schema alone refuses all such values."""
    if column.type in ("integer", "number"):
        return float(round(1 + 10 * abs(column.high))) if isinstance(column.high, float) else 1e299
    return {"date": "9999-12-31", "ref": "none of them"}.get(column.type)


def _search(given: Arguments) -> bool:
    return ("order" in given) == ("sort_by" in given)


def _summarize(given: Arguments) -> bool:
    return (given.get("operation") == "count") == ("field" not in given)


def _compare(given: Arguments) -> bool:
    return bool(given["first_id"] < given["second_id"])


_SENSIBLE: dict[str, Callable[[Arguments], bool]] = {"search": _search, "summarize": _summarize, "compare": _compare}
"""Family → whether a combination is worth a call: it could succeed, and no other says the same."""
