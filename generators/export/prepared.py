"""What every export that carries code starts from: a scenario's tools, checked, with what they rest on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

from pydantic import BaseModel

from tool_gym import jsonio, schemas
from tool_gym.envs.pack import Task
from tool_gym.errors import ExportError
from tool_gym.generators.export.bundle import Bundle
from tool_gym.generators.export.plain import NESTED, RULES, Checker, Data, dumps
from tool_gym.generators.export.sources import Place
from tool_gym.runtime.inprocess import check_tool
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.tools import FAMILIES
from tool_gym.tools.base import Bindings, Family
from tool_gym.tools.choose import Part
from tool_gym.validation import ArgumentValidator
from tool_gym.world import Table

INSTEAD: dict[Any, Any] = {ArgumentValidator: Checker, jsonio.dumps: dumps}
"""What needs a library → what an export has in its place."""


_FAMILIES = Place("tool_gym.tools.base", "FAMILIES")


class Prepared(NamedTuple):
    """A tool, what runs behind it, and the part of its schema that is checked."""

    spec: ToolSpec
    impl: TemplateImpl
    family: Family
    bindings: Bindings
    schema: dict[str, Any]
    """The public parameters."""
    roles: dict[str, Any]
    """The family's own, as far as their values are checked again once they are decoded."""

    @property
    def is_bare(self) -> bool:
        """Whether the tool is its family and bindings and nothing else."""
        return self.impl == TemplateImpl(family=self.impl.family, bindings=self.impl.bindings)


def prepared(task: Task) -> list[Prepared]:
    """Check the tools of a scenario.

    Raises:
        ScenarioError: If a tool is foreign source, or does not fit its world.
        ExportError: If a schema uses a keyword that the checker of exports does not know.
    """
    return [_prepared(spec, task) for spec in task.scenario.tools]


def records(value: Any) -> Iterator[BaseModel]:
    """Yield every record of the data model in a value: itself, its fields, and what it has worked out from them."""
    if isinstance(value, BaseModel):
        yield value
        inside: Iterable[Any] = [getattr(value, name) for name in (*type(value).model_fields, *_worked_out(value))]
    elif isinstance(value, dict):
        inside = value.values()
    else:
        inside = value if isinstance(value, list | tuple) else ()
    for part in inside:
        yield from records(part)


def roots_of(tools: Iterable[Prepared], tables: Iterable[Table]) -> dict[Any, str]:
    """Return the functions and classes that tools over some tables rest on, with names for them."""
    given = list(tools)
    data = [part for tool in given for part in ((tool.bindings,) if tool.is_bare else (tool.bindings, tool.impl))]
    shells = [table.model_copy(update={"rows": {}}) for table in tables]
    families = {tool.family.name: tool.family for tool in given} | parts_of(given)
    functions: dict[Any, str] = {family.compile: f"compile_{family.name}" for family in families.values()}
    functions |= {family.parameters: f"parameters_{family.name}" for family in parts_of(given).values()}
    return functions | {type(part): type(part).__name__ for part in records([*data, *shells])}


def parts_of(tools: Iterable[Prepared]) -> dict[str, Family]:
    """Return the families that some tools hand calls on to, by name."""
    found = (part.family for tool in tools for part in records(tool.bindings) if isinstance(part, Part))
    return {name: FAMILIES[name] for name in dict.fromkeys(found)}


def registry(tools: Iterable[Prepared], bundle: Bundle) -> str:
    """Return the statement that tells the bundle's own table of families those that calls are handed on to."""
    lines = [
        f"{name!r}: {bundle.name_of(Data)}(compile={bundle.name_of(family.compile)}, "
        f"parameters={bundle.name_of(family.parameters)})"
        for name, family in parts_of(tools).items()
    ]
    return f"{bundle.names[_FAMILIES]}.update({{{', '.join(lines)}}})\n" if lines else ""


def literal(value: Any, bundle: Bundle) -> str:
    """Return a value as an expression; records as calls of their class in the bundle, defaults left out."""
    if isinstance(value, BaseModel):
        given = {
            name: getattr(value, name)
            for name, field in bundle.fields(type(value)).items()
            if field.is_required() or getattr(value, name) != field.get_default(call_default_factory=True)
        }
        given |= {name: getattr(value, name) for name in _worked_out(value)}
        return f"{bundle.name_of(type(value))}({', '.join(f'{k}={literal(v, bundle)}' for k, v in given.items())})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {literal(item, bundle)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(literal(item, bundle) for item in value) + "]"
    if isinstance(value, tuple):
        return "(" + "".join(f"{literal(item, bundle)}, " for item in value).removesuffix(" " * (len(value) > 1)) + ")"
    return repr(value)


def rows_of(table: Table) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Return the columns of a table, the id first, and its rows as cells in that order."""
    columns = ("id", *table.columns)
    return columns, [tuple(row[column] for column in columns) for row in table.rows.values()]


def _worked_out(record: BaseModel) -> list[str]:
    """Return the properties in which a record keeps another that it has worked out; they are printed as data."""
    kept = (name for name in dir(type(record)) if isinstance(getattr(type(record), name), cached_property))
    return [name for name in kept if isinstance(getattr(record, name), BaseModel)]


def _prepared(spec: ToolSpec, task: Task) -> Prepared:
    family, bindings = check_tool(spec, task.world.base)
    impl = spec.impl
    if not isinstance(impl, TemplateImpl):
        msg = f"tool {spec.name!r} of scenario {task.scenario.id} is foreign source, which is not exported"
        raise ExportError(msg)
    decoded = {impl.renames.get(name, name) for name in impl.codecs}
    properties = family.parameters(bindings, task.world.base).properties
    roles = {name: _checked(spec, schema) for name, schema in properties.items() if name in decoded}
    return Prepared(spec, impl, family, bindings, _checked(spec, spec.parameters), roles)


def _checked(spec: ToolSpec, schema: dict[str, Any]) -> Any:
    """Return a schema without what does not validate, once it is sure that the checker knows the rest."""
    resolved = schemas.resolve(schema)
    unknown = sorted(_keywords(resolved) - RULES.keys() - NESTED.keys())
    if unknown:
        msg = f"the schema of tool {spec.name!r} says {', '.join(unknown)}, which the checker of exports does not know"
        raise ExportError(msg)
    return resolved


def _keywords(schema: Any) -> set[str]:
    """Return every keyword of a resolved schema."""
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    inner = [*schema.get("properties", {}).values(), schema.get("items"), schema.get("additionalProperties")]
    for form in ("anyOf", "oneOf", "allOf"):
        inner.extend(schema.get(form, ()))
    return found.union(*map(_keywords, inner))
