"""Parameter-type generalisation (FTRL's third strategy): parameters of richer types. Rewrites the oracle's arguments.

A number becomes a text with its unit, a date an object of year, month and day (level 1); an id an object of kind and
id (level 2); any value a list of one (level 3). Levels: a quarter, 40, 60 and 80 percent of the required parameters
that can be.
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.calls import template
from tool_gym.generators.scale.editing import recoded
from tool_gym.generators.scale.interning import interned
from tool_gym.generators.seeding import stream
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.tools.codecs import Codec, DateParts, Quantity, Single, TypedId
from tool_gym.world import BaseTables, Column

SHARES = (0.0, 0.25, 0.4, 0.6, 0.8)
"""Share of the parameters that get another form, by level."""

_TYPED_IDS, _LISTS = 2, 3
"""Levels from which ids carry their kind, and values stand in lists."""

_IDS = ("id", "first_id", "second_id")
_DATES = ("date", "start", "end")


def generalise_types(tool: ToolSpec, level: int, variant: int, base: BaseTables) -> ToolSpec:
    """Return a tool whose parameters have other forms.

    Args:
        tool: The tool, its parameters by the names documentation gave them.
        level: 0 to 4.
        variant: Which of the ways.
        base: The tables it is bound to: they tell ids, dates and units.
    """
    if level == 0:
        return tool
    return interned(tool, ("types", level, variant), lambda: _generalise(tool, level, variant, base))


def _generalise(tool: ToolSpec, level: int, variant: int, base: BaseTables) -> ToolSpec:
    rng = stream("types", tool.name, level, variant)
    impl = template(tool)
    codecs: dict[str, Codec] = {}
    for name in tool.parameters.get("required", ()):
        possible = _possible(impl, name, tool.parameters["properties"][name], level, base)
        if name not in impl.expected and rng.random() < SHARES[level] and possible:
            codecs[name] = rng.choice(possible)
    return recoded(tool, codecs, {name: _words(codec) for name, codec in codecs.items()})


def _possible(impl: TemplateImpl, name: str, schema: dict[str, Any], level: int, base: BaseTables) -> list[Codec]:
    role, table = impl.renames.get(name, name), impl.bindings.get("table")
    column = base.columns.get(table or "", {}).get(role)
    lists: list[Codec] = [Single()] if level >= _LISTS else []
    if schema.get("type") in ("integer", "number"):
        return [Quantity(unit=(column.unit if column is not None else None) or ""), *lists]
    if role in _DATES or (column is not None and column.type == "date"):
        return [DateParts(), *lists]
    kind = _kind(impl, role, column)
    if kind is not None and level >= _TYPED_IDS:
        return [TypedId(type=kind), *lists]
    return lists


def _kind(impl: TemplateImpl, role: str, column: Column | None) -> str | None:
    """Return the one table whose ids a parameter takes; None if it takes none, or those of several."""
    if column is not None:
        return column.table
    tables = [impl.bindings["table"]] if "table" in impl.bindings else list(impl.bindings.get("tables", ()))
    return tables[0] if role in _IDS and len(tables) == 1 else None


def _words(codec: Codec) -> str:
    if isinstance(codec, Quantity):
        return f"Written as '<number> {codec.unit}'." if codec.unit else "Written as text, digits only."
    if isinstance(codec, DateParts):
        return "Given by year, month and day."
    return "A list of exactly one." if isinstance(codec, Single) else "Given with its type."
