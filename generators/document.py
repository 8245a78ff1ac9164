"""Stage B, document generation: one tool document for each kind of call, in a register of its own.

A document is a `ToolSpec`: name, description, parameters as JSON Schema, and the family and bindings behind it.
Everything follows from the domain's schema; the words come from its nouns, the wording from a style of
`tool_gym.generators.registers`. A catalogue makes each document once: equal questions get the identical object.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

from tool_gym.generators.document_kinds import KINDS
from tool_gym.generators.domain import Attribute, Domain
from tool_gym.generators.registers import Style, Title, article, described
from tool_gym.generators.worlds import table_of
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.world import BaseTables, World

_CHOICES = ("field", "order_by", "sort_by")
"""Arguments whose description says the units of the columns to choose from."""


class Catalogue:
    """The documents of a domain's tools in one style, made on first use.

    Args:
        domain: The domain.
        style: One of `registers.style_names()`.
    """

    def __init__(self, domain: Domain, style: str) -> None:
        self.domain = domain
        self.style = Style(style, domain)
        tables = {name: table_of(entity, {}) for name, entity in domain.entities.items()}
        self.base: BaseTables = World(domain=domain.name, tables=tables).base
        self._tools: dict[tuple[str | None, ...], ToolSpec] = {}

    def document(self, kind: str, *parts: str | None) -> ToolSpec:
        """Return a document.

        Args:
            kind: A key of `document_kinds.KINDS`.
            parts: What it is about: an entity, columns, an operation, as that kind takes them.
        """
        key = (kind, *parts)
        known = self._tools.get(key)
        if known is None:
            known = self._tools[key] = KINDS[kind](self, *parts).keep()
        return known

    def make(  # noqa: PLR0913 - what a document is made of, most of it named
        self,
        kind: str,
        title: Title,
        impl: TemplateImpl,
        *,
        plural: bool = False,
        plain: bool = False,
        required: Iterable[str] = (),
        **words: str,
    ) -> ToolSpec:
        """Build the document of a tool: its parameters without the constant ones, renamed and described.

        Args:
            kind: Kind of document, for its wording.
            title: What its name is made of.
            impl: The family, its bindings and constants.
            plural: Whether it speaks of many records.
            plain: Whether its name and parameters say it all, so that the style may leave the description out.
            required: Arguments that this tool asks for although its family does not.
            words: What the wording's placeholders stand for, beyond the entity's own words.
        """
        family, bindings = impl.bound
        parameters, tables = family.parameters(bindings, self.base), family.tables(bindings)
        taken = {role: schema for role, schema in parameters.properties.items() if role not in impl.constants}
        public = self._names(list(taken), title.entity)
        words = self._entity_words(title.entity) | words
        needed = [role for role in taken if role in parameters.required or role in tuple(required)]
        return ToolSpec(
            name=self.style.title(title, plural=plural),
            description=self.style.document(kind, {"units": "", **words}, plain=plain),
            parameters={
                "type": "object",
                "properties": {
                    public[role]: self._property(role, schema, tables, words) for role, schema in taken.items()
                },
                "required": [public[role] for role in needed],
                "additionalProperties": False,
            },
            impl=impl.model_copy(update={"renames": {name: role for role, name in public.items() if name != role}}),
        )

    def group(self, entity: str, by: str | None) -> tuple[str, str]:
        """Return (suffix of a tool's name, words) for the group of rows a tool speaks of."""
        spec = self.domain.entities[entity]
        if by is None:
            return "", f"all {spec.plural}"
        return f"by {by.removesuffix('_id')}", f"the {spec.plural} of one {spec.columns[by].noun}"

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

    def _entity_words(self, entity: str) -> dict[str, str]:
        spec = self.domain.entities.get(entity)
        if spec is None:
            return {"noun": "record", "Noun": "Record", "a_noun": "a record", "called": "name or code"}
        return {
            "noun": spec.noun,
            "Noun": spec.noun[0].upper() + spec.noun[1:],
            "a_noun": article(spec.noun),
            "plural": spec.plural,
            "called": "code" if spec.label.code else "name",
        }

    def _names(self, roles: list[str], entity: str) -> dict[str, str]:
        """Return role → public name; a name that two would have is given up for the family's own, which is unique."""
        names = {role: self.style.parameter(role, entity) for role in roles}
        while True:
            given = list(names.values())
            double = [role for role, name in names.items() if given.count(name) > 1 and name != role]
            if not double:
                return names
            names.update({role: role for role in double})

    def _property(
        self, role: str, schema: dict[str, Any], tables: tuple[str, ...], words: dict[str, str]
    ) -> dict[str, Any]:
        attributes = [self.domain.entities[table].columns.get(role) for table in tables]
        if attributes and attributes[0] is not None and all(a == attributes[0] for a in attributes):
            text = self.style.describe_column(_column_words(role, attributes[0]))
        else:
            units = self.measures(tables, schema["enum"]) if role in _CHOICES else ""
            kind = "string, one of the listed values" if "enum" in schema else schema["type"]
            text = self.style.describe(role, words | {"units": f" ({units})" if units else "", "schema": kind})
        return {**schema, "description": text} if text else dict(schema)


def _column_words(column: str, attribute: Attribute) -> dict[str, str]:
    what = described(column, attribute)
    form = {"date": "date", "integer": "integer", "number": "number"}.get(attribute.type, "string")
    unit = f", in {attribute.unit}" if attribute.unit is not None else ""
    noun = f"id of the {attribute.noun}" if attribute.entity is not None else attribute.noun
    written = ", for example written YYYY-MM-DD" if attribute.type == "date" else ""
    return {"what": what, "Noun": noun[0].upper() + noun[1:], "format": f" Format: {form}{unit}{written}."}
