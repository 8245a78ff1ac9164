"""Stage C, function integration: documents of overlapping function are merged into fewer, more general tools.

Two operators of function integration are built here: getters of one record (by field, or the whole record) or of
any record, and statistics by operation. Each merge is proved where it is used: for sampled and for the oracle's
own arguments, every old call has one new call that serves the same value.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from tool_gym.generators.decompose import Call, Concept, RejectedError
from tool_gym.generators.document import Catalogue, article
from tool_gym.runtime import InProcessRuntime, Session
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.world import World

Getters: TypeAlias = Literal["atomic", "by_field", "record", "union"]
Statistics: TypeAlias = Literal["atomic", "merged"]
GETTERS: tuple[Getters, ...] = ("atomic", "by_field", "record", "union")
STATISTICS: tuple[Statistics, ...] = ("atomic", "merged")

STAGE = "merge"
"""Stands for the gate of a draft whose merged tools are not proved."""

_SAMPLES = 3


class Interface:
    """A domain's tools under one choice of merges."""

    def __init__(self, catalogue: Catalogue, getters: Getters, statistics: Statistics) -> None:
        self.catalogue = catalogue
        self.getters = getters
        self.statistics = statistics
        self._merged: dict[str, ToolSpec] = {}

    def tool(self, concept: Concept) -> ToolSpec:
        """Return the public tool that does `concept`."""
        if concept[0] == "get" and self.getters != "atomic":
            return self._getter(str(concept[1]))
        if concept[0] == "summarize" and self.statistics == "merged":
            return self._statistic(str(concept[1]), concept[2])
        return self.catalogue.tool(concept)

    def arguments(self, tool: ToolSpec, call: Call) -> dict[str, str]:
        """Return which of a call's family arguments the tool takes: family name → public name."""
        impl = tool.impl
        if not isinstance(impl, TemplateImpl):
            return {}
        public = {role: name for name, role in impl.renames.items()}
        named = {role: public.get(role, role) for role in (*call.literals, *call.references)}
        return {role: name for role, name in named.items() if name in tool.parameters["properties"]}

    def implied(self, tool: ToolSpec, call: Call) -> dict[str, Any]:
        """Return the arguments a merged tool needs beyond the call's own."""
        return {"type": call.concept[1]} if "type" in tool.parameters["properties"] else {}

    def _getter(self, entity: str) -> ToolSpec:
        key = "record" if self.getters == "union" else f"get_{entity}"
        if key not in self._merged:
            self._merged[key] = self._union() if self.getters == "union" else self._own_getter(entity)
        return self._merged[key]

    def _own_getter(self, entity: str) -> ToolSpec:
        catalogue, spec = self.catalogue, self.catalogue.domain.entities[entity]
        a = article(spec.noun)
        by_field = self.getters == "by_field"
        units = catalogue.measures([entity], spec.columns)
        text = (
            catalogue.sentence(f"Read one field of {a} record.", f"one field of a {entity}")
            if by_field
            else catalogue.sentence(f"Return the whole record of {a} ({units}).", f"{entity} record ({units})")
        )
        bindings = {"tables": {entity: ["name", *spec.columns]}, "by_field": by_field}
        impl = TemplateImpl(family="get", bindings=bindings, renames={f"{entity}_id": "id"})
        return catalogue.make(f"get_{entity}", text.replace(" ()", ""), impl)

    def _union(self) -> ToolSpec:
        catalogue = self.catalogue
        tables = {name: ["name", *spec.columns] for name, spec in catalogue.domain.entities.items()}
        text = catalogue.sentence("Read one field of any record.", "one field of a record")
        impl = TemplateImpl(family="get", bindings={"tables": tables}, renames={"record_id": "id"})
        return catalogue.make("get_record", text, impl)

    def _statistic(self, entity: str, by: str | None) -> ToolSpec:
        catalogue, spec = self.catalogue, self.catalogue.domain.entities[entity]
        suffix, group = catalogue.group(entity, by)
        name = f"summarize_{entity}{suffix}"
        if name not in self._merged:
            bindings = {
                "table": entity,
                "by": by,
                "fields": list(spec.of_type("integer", "number")),
                "filters": list(spec.of_type("enum", "state")),
            }
            text = catalogue.sentence(
                f"Compute a statistic over {group}: their number, or a sum, average or extreme of a field.",
                f"count, sum, average, min, max over {group}",
            )
            self._merged[name] = catalogue.make(name, text, TemplateImpl(family="summarize", bindings=bindings))
        return self._merged[name]


def prove_merge(interface: Interface, calls: list[Call], arguments: list[dict[str, Any]], world: World) -> int:
    """Prove that each merged tool serves what the document it replaced served.

    Args:
        interface: The merged tools.
        calls: The oracle's calls.
        arguments: Their family arguments, references resolved.
        world: Where both are run.

    Returns:
        How many pairs of calls were compared.

    Raises:
        RejectedError: If a pair disagrees.
    """
    compared = 0
    for call, resolved in zip(calls, arguments, strict=True):
        old, new = interface.catalogue.tool(call.concept), interface.tool(call.concept)
        if old is new or call.concept[0] not in ("get", "summarize"):
            continue
        session = InProcessRuntime((old, new), world).start()
        for sample in (resolved, *_samples(call, resolved, world)):
            before = _serve(session, old, interface, call, sample)
            if before != _serve(session, new, interface, call, sample):
                raise RejectedError(STAGE, f"{new.name} differs from {old.name}")
            compared += 1
    return compared


def _samples(call: Call, resolved: dict[str, Any], world: World) -> list[dict[str, Any]]:
    """Return the call's arguments with other rows' ids."""
    role = "id" if call.concept[0] == "get" else call.concept[2]
    if role is None:
        return []
    table = str(call.concept[1])
    target = table if role == "id" else world.tables[table].columns[role].table or table
    return [{**resolved, role: row_id} for row_id in list(world.tables[target].rows)[:_SAMPLES]]


def _serve(session: Session, tool: ToolSpec, interface: Interface, call: Call, sample: dict[str, Any]) -> Any:
    named = {name: sample[role] for role, name in interface.arguments(tool, call).items()}
    result = session.call(tool.name, {**named, **interface.implied(tool, call)})
    return result.value.get(call.path[0], "nothing there") if result.ok else result.outcome
