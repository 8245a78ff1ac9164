"""Which public tool each concept goes to under a choice of merges, and how its calls are rewritten for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from tool_gym import units
from tool_gym.generators.decompose import Path
from tool_gym.generators.document import Catalogue
from tool_gym.generators.document_kinds import GROUPED
from tool_gym.generators.merges import Merges
from tool_gym.scenario import ToolSpec

_FIRST = ("items", 0)


class Route(NamedTuple):
    """How a call is made through a public tool."""

    tool: ToolSpec
    implied: dict[str, Any] = {}  # noqa: RUF012 - never written to
    """Arguments it needs beyond the call's own, in its family's names."""
    roles: dict[str, str] = {}  # noqa: RUF012 - never written to
    """The call's name of an argument → the tool's family's."""
    dropped: tuple[str, ...] = ()
    """Arguments of the call that the tool does without."""
    paths: dict[Path, Path] = {}  # noqa: RUF012 - never written to
    """Where a value stood in the result → where it stands now."""


def _calculate(catalogue: Catalogue, merges: Merges, operation: str) -> Route:
    atomic = merges.computing == "atomic"
    return Route(catalogue.document(*(("calculate_one", operation) if atomic else ("calculate",))))


def _convert(catalogue: Catalogue, merges: Merges, unit: str, target: str) -> Route:
    atomic = merges.computing == "atomic"
    return Route(catalogue.document(*(("convert_one", unit, target) if atomic else ("convert",))))


def _days(catalogue: Catalogue, _: Merges) -> Route:
    return Route(catalogue.document("days_between"))


def _find(catalogue: Catalogue, merges: Merges, name: str) -> Route:
    if merges.records == "merged":
        return Route(catalogue.document("any", "find"), {"type": name})
    if merges.finding == "fuzzy":
        return Route(catalogue.document("match", name), roles={"name": "query"}, paths={("id",): (*_FIRST, "id")})
    return Route(catalogue.document("find", name))


def _get(catalogue: Catalogue, merges: Merges, name: str, column: str) -> Route:
    document, getters = catalogue.document, merges.getters
    if getters == "union":
        return Route(document("get_union"), {"type": name})
    if getters == "by_field":
        return Route(document("get_any_field", name))
    if getters == "record":
        return Route(document("get_record", name), dropped=("field",))
    attribute = catalogue.domain.entities[name].columns.get(column)
    stored = attribute.unit if attribute is not None and attribute.type in ("integer", "number") else None
    if stored is None or not units.partners(stored) or merges.units == "stored":
        return Route(document("get_field", name, column))
    if merges.units == "split":
        return Route(document("measure_one", name, column, stored), {"unit": stored}, dropped=("field",))
    return Route(document("measure", name, column), {"unit": stored}, dropped=("field",))


def _measure(catalogue: Catalogue, _: Merges, name: str, column: str, unit: str) -> Route:
    return Route(catalogue.document("measure_one", name, column, unit))


def _list(catalogue: Catalogue, merges: Merges, name: str, by: str | None) -> Route:
    if by is None and merges.records == "merged":
        return Route(catalogue.document("any", "list"), {"type": name})
    return Route(catalogue.document("list", name, _group(catalogue, merges, name, by)))


def _top(catalogue: Catalogue, merges: Merges, *parts: str) -> Route:
    name, by, column, direction = parts
    document = catalogue.document
    if merges.selection == "atomic":
        return Route(document("top_one", name, by, column, direction))
    if merges.selection == "query":
        roles = {"order_by": "sort_by", "direction": "order"}
        paths: dict[Path, Path] = {("id",): (*_FIRST, "id"), ("name",): (*_FIRST, "name")}
        return Route(document("query", name), {"limit": 1}, roles, paths=paths)
    return Route(document("top", name, _group(catalogue, merges, name, by)))


def _search(catalogue: Catalogue, merges: Merges, name: str, category: str | None) -> Route:
    if merges.selection == "query":
        return Route(catalogue.document("query", name))
    return Route(catalogue.document("search", name, category if merges.selection == "atomic" else None))


def _summarize(catalogue: Catalogue, merges: Merges, *parts: str) -> Route:
    name, by, operation, column, category = parts
    document, group = catalogue.document, _group(catalogue, merges, name, by)
    if merges.statistics == "merged":
        return Route(document("statistic", name, group))
    if merges.statistics == "by_operation" and column is not None:
        return Route(document("statistic_column", name, group, column))
    filters = category if merges.selection == "atomic" else GROUPED
    return Route(document("statistic_one", name, group, operation, column, filters))


def _group(catalogue: Catalogue, merges: Merges, name: str, by: str | None) -> str | None:
    return GROUPED if merges.selection in ("grouped", "query") and catalogue.domain.entities[name].refs else by


def _compare(catalogue: Catalogue, merges: Merges, name: str, column: str) -> Route:
    atomic = merges.selection == "atomic"
    return Route(catalogue.document(*(("compare_one", name, column) if atomic else ("compare", name))))


def _check(catalogue: Catalogue, _: Merges, name: str) -> Route:
    return Route(catalogue.document("check_availability", name))


def _is_upsert(catalogue: Catalogue, merges: Merges, name: str) -> bool:
    entity = catalogue.domain.entities[name]
    writable = any(attribute.writable for attribute in entity.columns.values())
    return merges.saving == "upsert" and entity.creatable and writable


def _create(catalogue: Catalogue, merges: Merges, name: str) -> Route:
    if _is_upsert(catalogue, merges, name):
        return Route(catalogue.document("upsert", name), {"mode": "create"})
    return Route(catalogue.document("create", name))


def _update(catalogue: Catalogue, merges: Merges, name: str, column: str) -> Route:
    document, saving = catalogue.document, merges.saving
    if _is_upsert(catalogue, merges, name):
        return Route(document("upsert", name), {"mode": "update"}, {"value": column}, dropped=("field",))
    if saving in ("patch", "upsert"):
        return Route(document("patch", name), {}, {"value": column}, dropped=("field",))
    return Route(document(*(("update_one", name, column) if saving == "atomic" else ("update", name))))


def _transition(catalogue: Catalogue, merges: Merges, name: str, state: str, value: str) -> Route:
    if merges.states == "atomic":
        return Route(catalogue.document("transition_one", name, value))
    cancel = catalogue.domain.entities[name].columns[state].cancel
    every = merges.states == "all" and cancel is not None
    return Route(catalogue.document("change_state" if every else "transition", name))


def _cancel(catalogue: Catalogue, merges: Merges, name: str, state: str) -> Route:
    if merges.states == "all":
        cancel = catalogue.domain.entities[name].columns[state].cancel
        return Route(catalogue.document("change_state", name), {state: cancel})
    return Route(catalogue.document("cancel", name))


ROUTES: dict[str, Callable[..., Route]] = {
    "calculate": _calculate,
    "convert_unit": _convert,
    "days_between": _days,
    "find": _find,
    "get": _get,
    "measure": _measure,
    "list": _list,
    "top": _top,
    "search": _search,
    "summarize": _summarize,
    "compare": _compare,
    "check_availability": _check,
    "create": _create,
    "update": _update,
    "transition": _transition,
    "cancel": _cancel,
}
"""Family of a concept → how its calls are made."""
