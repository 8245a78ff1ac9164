"""Stage B, document generation: one tool document for each kind of call, in a register of its own.

A document is a `ToolSpec`: name, description, parameters as JSON Schema, and the family and bindings behind it.
Everything follows from the domain's schema; the words come from its nouns.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any, Literal, TypeAlias

from tool_gym.generators.decompose import Concept
from tool_gym.generators.domain import Attribute, Domain, Entity
from tool_gym.generators.worlds import table_of
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.tools import FAMILIES
from tool_gym.world import BaseTables, World

Register: TypeAlias = Literal["plain", "terse"]
REGISTERS: tuple[Register, ...] = ("plain", "terse")

_OPERATIONS = {
    "count": "number",
    "sum": "total",
    "average": "average",
    "minimum": "smallest",
    "maximum": "largest",
}


class Catalogue:
    """The documents of a domain's tools, one for each concept, made on first use."""

    def __init__(self, domain: Domain, register: Register) -> None:
        self.domain = domain
        self.register = register
        tables = {name: table_of(entity, {}) for name, entity in domain.entities.items()}
        self.base: BaseTables = World(domain=domain.name, tables=tables).base
        self._tools: dict[Concept, ToolSpec] = {}

    def tool(self, concept: Concept) -> ToolSpec:
        """Return the document of the tool that does exactly `concept`."""
        known = self._tools.get(concept)
        if known is None:
            known = self._tools[concept] = self._document(concept)
        return known

    def concepts(self) -> tuple[Concept, ...]:
        """Return every concept the domain offers, statistics by operation and reads by column."""
        found: list[Concept] = [("calculate",), ("convert_unit",), ("days_between",)]
        for name, entity in self.domain.entities.items():
            found += _concepts_of(name, entity)
        return tuple(found)

    def make(self, name: str, description: str, impl: TemplateImpl) -> ToolSpec:
        """Build a tool of a family: its parameters without the constant ones, renamed and described."""
        template, constants = FAMILIES[impl.family], impl.constants
        parameters = template.parameters(template.bindings.model_validate(impl.bindings), self.base)
        public = {role: name for name, role in impl.renames.items()}
        properties = {
            public.get(role, role): {**schema, "description": self._describe(role, schema, impl)}
            for role, schema in parameters.properties.items()
            if role not in constants
        }
        return ToolSpec(
            name=name,
            description=description,
            parameters={
                "type": "object",
                "properties": properties,
                "required": [public.get(role, role) for role in parameters.required if role not in constants],
                "additionalProperties": False,
            },
            impl=impl,
        )

    def sentence(self, plain: str, terse: str) -> str:
        """Return the wording of the catalogue's register."""
        return plain if self.register == "plain" else terse

    def group(self, entity: str, by: str | None) -> tuple[str, str]:
        """Return (suffix of a tool's name, words) for the group of rows a tool speaks of."""
        spec = self.domain.entities[entity]
        if by is None:
            return "", f"all {spec.plural}"
        noun = spec.columns[by].noun
        return f"_by_{by.removesuffix('_id')}", f"the {spec.plural} of one {noun}"

    def _document(self, concept: Concept) -> ToolSpec:
        family, *rest = concept
        names = [part or "" for part in rest]
        if family in ("calculate", "convert_unit", "days_between"):
            return self._computing(family)
        entity = self.domain.entities[names[0]]
        if family == "get":
            return self._get(names[0], entity, names[1])
        if family in ("top", "list", "summarize"):
            return self._grouped(concept, entity)
        if family in ("find", "search", "compare", "check_availability"):
            return self._looking(family, names[0], entity)
        return self._writing(str(family), names[0], entity)

    def _computing(self, family: str | None) -> ToolSpec:
        if family == "calculate":
            text = self.sentence("Combine two numbers by one arithmetic operation.", "Arithmetic on a and b.")
            return self.make("calculate", text, TemplateImpl(family="calculate"))
        if family == "convert_unit":
            text = self.sentence("Convert a quantity from one unit into another.", "Unit conversion.")
            return self.make("convert_unit", text, TemplateImpl(family="convert_unit"))
        text = self.sentence("Count the days between two dates.", "Days from start to end.")
        return self.make("days_between", text, TemplateImpl(family="days_between"))

    def _get(self, name: str, entity: Entity, column: str) -> ToolSpec:
        what = described(column, entity.columns.get(column))
        text = self.sentence(f"Return the {what} of {article(entity.noun)}.", f"{what} by {name} id")
        impl = TemplateImpl(
            family="get",
            bindings={"tables": {name: [column]}},
            constants={"field": column},
            renames={f"{name}_id": "id"},
        )
        return self.make(f"get_{name}_{column}", text, impl)

    def _grouped(self, concept: Concept, entity: Entity) -> ToolSpec:
        family, name, by = str(concept[0]), str(concept[1]), concept[2]
        suffix, group = self.group(name, by)
        bindings: dict[str, Any] = {"table": name, "by": by}
        if family == "list":
            text = self.sentence(
                f"List {group} by id and name, page by page.", f"ids and names of {entity.plural}, paged"
            )
            return self.make(f"list_{name}{suffix}", text, TemplateImpl(family="list", bindings=bindings))
        if family == "top":
            bindings["order_by"] = list(entity.of_type("integer", "number", "date"))
            text = self.sentence(
                f"Order {group} by a field and return the id and name of the first.",
                f"id and name of the first of {group}",
            )
            return self.make(f"top_{name}{suffix}", text, TemplateImpl(family="top", bindings=bindings))
        operation, column = str(concept[3]), concept[4]
        bindings |= {"filters": list(entity.of_type("enum", "state"))}
        constants: dict[str, Any] = {"operation": operation}
        if column is None:
            text = self.sentence(f"Count {group}.", f"count of {group}")
            impl = TemplateImpl(family="summarize", bindings=bindings, constants=constants)
            return self.make(f"count_{name}{suffix}", text, impl)
        bindings["fields"] = [column]
        what = described(column, entity.columns[column])
        text = self.sentence(
            f"Return the {_OPERATIONS[operation]} {what} over {group}.", f"{operation} of {what} over {group}"
        )
        constants["field"] = column
        impl = TemplateImpl(family="summarize", bindings=bindings, constants=constants)
        return self.make(f"{operation}_{column}_of_{name}{suffix}", text, impl)

    def _looking(self, family: str | None, name: str, entity: Entity) -> ToolSpec:
        numbers, ordered = entity.of_type("integer", "number"), entity.of_type("integer", "number", "date")
        a, called = article(entity.noun), "code" if entity.label.code else "name"
        if family == "find":
            text = self.sentence(f"Look up the id of {a} by its exact {called}.", f"{name} id by {called}")
            return self.make(f"find_{name}", text, TemplateImpl(family="find", bindings={"table": name}))
        if family == "search":
            text = self.sentence(
                f"Search {entity.plural} with filters; returns ids, names and the field sorted by.",
                f"filter and sort {entity.plural}: ids, names, sorted field",
            )
            bindings = {"table": name, "filters": list(entity.of_type("enum", "state")), "sort": list(ordered)}
            return self.make(f"search_{name}", text, TemplateImpl(family="search", bindings=bindings))
        if family == "compare":
            text = self.sentence(
                f"Say which of two {entity.plural} has more of a field, and by how much.",
                f"higher id and gap of two {name} ids",
            )
            bindings = {"table": name, "fields": list(numbers)}
            return self.make(f"compare_{name}", text, TemplateImpl(family="compare", bindings=bindings))
        booked = entity.availability
        if booked is None:
            msg = f"{name} cannot be booked"
            raise KeyError(msg)
        bookings = self.domain.entities[booked.bookings]
        bindings = {"table": name, "bookings": booked.bookings, "ref": f"{booked.ref}_id", "date": booked.date}
        if bookings.state is not None:
            bindings |= {"state": bookings.state, "blocking": list(booked.blocking)}
        text = self.sentence(f"Check whether {a} is free on a date.", f"{name} free on date?")
        impl = TemplateImpl(family="check_availability", bindings=bindings, renames={f"{name}_id": "id"})
        return self.make(f"check_{name}_availability", text, impl)

    def _writing(self, family: str, name: str, entity: Entity) -> ToolSpec:
        a, renames = article(entity.noun), {f"{name}_id": "id"}
        if family == "create":
            fields = [column for column, attribute in entity.columns.items() if attribute.type != "state"]
            text = self.sentence(f"Create {a}.", f"new {name}")
            return self.make(
                f"create_{name}", text, TemplateImpl(family="create", bindings={"table": name, "fields": fields})
            )
        if family == "update":
            fields = [column for column, attribute in entity.columns.items() if attribute.writable]
            text = self.sentence(f"Set one numeric field of {a} to a new value.", f"set a {name} field")
            bindings = {"table": name, "fields": fields}
            return self.make(f"update_{name}", text, TemplateImpl(family="update", bindings=bindings, renames=renames))
        impl = TemplateImpl(family=family, bindings={"table": name, "column": entity.state}, renames=renames)
        if family == "transition":
            text = self.sentence(f"Move {a} to another {entity.state}.", f"change {name} {entity.state}")
            return self.make(f"set_{name}_{entity.state}", text, impl)
        text = self.sentence(f"Cancel {a}, where that is still possible.", f"cancel a {name}")
        return self.make(f"cancel_{name}", text, impl)

    def measures(self, tables: Iterable[str], columns: Container[str]) -> str:
        """Return in words what units columns have: "capacity in MW, build_cost in USD"."""
        found = [
            (table, column, attribute.unit)
            for table in tables
            for column, attribute in self.domain.entities[table].columns.items()
            if column in columns and attribute.unit is not None
        ]
        units: dict[str, set[str]] = {}
        for _, column, unit in found:
            units.setdefault(column, set()).add(unit)
        told = [f"{c if len(units[c]) == 1 else f'{t} {c}'} in {unit}" for t, c, unit in found]
        return ", ".join(dict.fromkeys(told))

    def _describe(self, role: str, schema: dict[str, Any], impl: TemplateImpl) -> str:
        tables = [impl.bindings["table"]] if "table" in impl.bindings else list(impl.bindings.get("tables", ()))
        attribute = self.domain.entities[tables[0]].columns.get(role) if len(tables) == 1 else None
        if attribute is not None:
            noun = described(role, attribute)
            return self.sentence(f"{noun[0].upper()}{noun[1:]}.", noun)
        words = _ROLES.get(role, role.replace("_", " "))
        if role in ("field", "order_by", "sort_by"):
            units = self.measures(tables, schema["enum"])
            words = f"{words} ({units})" if units else words
            return self.sentence(f"{words}.", f"{words[0].lower()}{words[1:]}")
        return self.sentence(f"{words}.", words.lower())


_ROLES = {
    "id": "Id of the record",
    "name": "Exact name or code",
    "field": "Field to use",
    "order_by": "Field to order by",
    "sort_by": "Field to sort by",
    "direction": "Descending puts the largest or latest first",
    "order": "Descending puts the largest or latest first",
    "operation": "Operation to carry out",
    "page": "Page number, from 1",
    "page_size": "Records a page",
    "limit": "Most records to return",
    "first_id": "Id of the first record",
    "second_id": "Id of the second record",
    "a": "First number",
    "b": "Second number",
    "value": "Number to use",
    "from_unit": "Unit of the number",
    "to_unit": "Unit wanted",
    "start": "First date, as YYYY-MM-DD",
    "end": "Second date, as YYYY-MM-DD",
    "date": "Date, as YYYY-MM-DD",
    "type": "Kind of record",
}


def described(column: str, attribute: Attribute | None) -> str:
    """Return a column in words: its noun, with unit or date format."""
    if attribute is None:
        return column.replace("_", " ")
    if attribute.entity is not None:
        return f"id of the {attribute.noun}"
    if attribute.type == "date":
        return f"{attribute.noun} (YYYY-MM-DD)"
    if attribute.unit is None:
        return attribute.noun
    return f"{attribute.noun} in {attribute.unit}"


def article(noun: str) -> str:
    """Return a noun with its indefinite article.

    >>> article("inspection"), article("power plant")
    ('an inspection', 'a power plant')
    """
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


def _concepts_of(name: str, entity: Entity) -> list[Concept]:
    numbers, ordered = entity.of_type("integer", "number"), entity.of_type("integer", "number", "date")
    found: list[Concept] = [("find", name), ("search", name)]
    found += [("get", name, column) for column in ("name", *entity.columns)]
    found += [("compare", name)] if numbers else []
    for by in (None, *entity.refs):
        found += [("list", name, by), ("summarize", name, by, "count", None)]
        found += [("top", name, by)] if ordered else []
        found += [
            ("summarize", name, by, op, col) for op in ("sum", "average", "minimum", "maximum") for col in numbers
        ]
    found += [("update", name)] if any(a.writable for a in entity.columns.values()) else []
    if entity.state is not None:
        found += [("transition", name, entity.state)]
        found += [("cancel", name, entity.state)] if entity.columns[entity.state].cancel else []
    found += [("create", name)] if entity.creatable else []
    found += [("check_availability", name)] if entity.availability is not None else []
    return found
