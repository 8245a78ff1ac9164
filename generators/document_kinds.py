"""The kinds of document: what a tool of each kind is made of, as a family, its bindings and its constants.

Kinds come in variants of different generality (one tool a column, one with a `field`, one for all tables): which of
them a scenario shows is the choice of function integration (`tool_gym.generators.integrate`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tool_gym import units
from tool_gym.generators.document_writes import WRITES
from tool_gym.generators.registers import Title, described
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.tools.calculate import OPERATIONS as ARITHMETIC
from tool_gym.tools.list import MAX_PAGE_SIZE

if TYPE_CHECKING:
    from tool_gym.generators.document import Catalogue

GROUPED = "*"
"""Stands for a tool that takes any of an entity's references as an optional group."""

CATEGORIES = ("enum", "state")
NUMBERS = ("integer", "number")
ORDERED = (*NUMBERS, "date")

_STATISTICS = {
    "count": "number",
    "sum": "total",
    "average": "average",
    "minimum": "smallest",
    "maximum": "largest",
}
_RESULTS = dict(zip(ARITHMETIC, ("sum", "difference", "product", "quotient"), strict=True))


def _calculate(catalogue: Catalogue) -> ToolSpec:
    return catalogue.make("calculate", Title("calculate"), TemplateImpl(family="calculate"), plain=True)


def _calculate_one(catalogue: Catalogue, operation: str) -> ToolSpec:
    impl = TemplateImpl(family="calculate", bindings={"operations": [operation]}, constants={"operation": operation})
    return catalogue.make("calculate_one", Title(operation, "", "numbers"), impl, operation=_RESULTS[operation])


def _convert(catalogue: Catalogue) -> ToolSpec:
    return catalogue.make("convert", Title("convert", "", "unit"), TemplateImpl(family="convert_unit"))


def _convert_one(catalogue: Catalogue, unit: str, target: str) -> ToolSpec:
    constants: dict[str, Any] = {"from_unit": unit, "to_unit": target}
    impl = TemplateImpl(family="convert_unit", bindings={"units": [unit, target]}, constants=constants)
    title = Title("convert", "", f"{unit} to {target}")
    return catalogue.make("convert_one", title, impl, unit=unit, target=target)


def _days_between(catalogue: Catalogue) -> ToolSpec:
    return catalogue.make("days_between", Title("days"), TemplateImpl(family="days_between"), plain=True)


def _find(catalogue: Catalogue, name: str) -> ToolSpec:
    impl = TemplateImpl(family="find", bindings={"table": name})
    return catalogue.make("find", Title("find", name), impl, plain=True)


def _match(catalogue: Catalogue, name: str) -> ToolSpec:
    impl = TemplateImpl(family="match", bindings={"table": name})
    return catalogue.make("match", Title("find", name, "", "by text"), impl, plural=True)


def _any(catalogue: Catalogue, kind: str) -> ToolSpec:
    """One tool for the records of every type: what merging find or list across entities comes to."""
    parts = {name: {"family": kind, "bindings": {"table": name}} for name in catalogue.domain.entities}
    impl = TemplateImpl(family="choose", bindings={"selector": "type", "parts": parts})
    return catalogue.make(f"{kind}_any", Title(kind, "record" if kind == "find" else "records"), impl)


def _get_field(catalogue: Catalogue, name: str, column: str) -> ToolSpec:
    attribute = catalogue.domain.entities[name].columns.get(column)
    impl = TemplateImpl(family="get", bindings={"tables": {name: [column]}}, constants={"field": column})
    plain = attribute is not None and attribute.unit is None and attribute.type in ("integer", "text", *CATEGORIES)
    what = described(column, attribute)
    return catalogue.make("get_field", Title("get", name, column), impl, plain=plain, what=what)


def _get_any_field(catalogue: Catalogue, name: str) -> ToolSpec:
    columns = ["name", *catalogue.domain.entities[name].columns]
    impl = TemplateImpl(family="get", bindings={"tables": {name: columns}})
    return catalogue.make("get_any_field", Title("get", name, "field"), impl, fields=", ".join(columns))


def _get_record(catalogue: Catalogue, name: str) -> ToolSpec:
    columns = ["name", *catalogue.domain.entities[name].columns]
    impl = TemplateImpl(family="get", bindings={"tables": {name: columns}, "by_field": False})
    units_told = catalogue.measures([name], columns)
    return catalogue.make("get_record", Title("get", name), impl, units=f" ({units_told})" if units_told else "")


def _get_union(catalogue: Catalogue) -> ToolSpec:
    tables = {name: ["name", *spec.columns] for name, spec in catalogue.domain.entities.items()}
    impl = TemplateImpl(family="get", bindings={"tables": tables})
    return catalogue.make("get_union", Title("get", "record", "field"), impl)


def _measure_impl(catalogue: Catalogue, name: str, column: str) -> TemplateImpl:
    stored = catalogue.domain.entities[name].columns[column].unit or ""
    bindings = {"table": name, "field": column, "stored": stored, "units": [stored, *units.partners(stored)]}
    return TemplateImpl(family="measure", bindings=bindings)


def _measure(catalogue: Catalogue, name: str, column: str) -> ToolSpec:
    noun = catalogue.domain.entities[name].columns[column].noun
    impl = _measure_impl(catalogue, name, column)
    return catalogue.make("measure", Title("measure", name, column), impl, column=noun)


def _measure_one(catalogue: Catalogue, name: str, column: str, unit: str) -> ToolSpec:
    noun = catalogue.domain.entities[name].columns[column].noun
    impl = _measure_impl(catalogue, name, column).model_copy(update={"constants": {"unit": unit}})
    title = Title("measure", name, column, f"in {unit}")
    return catalogue.make("measure_one", title, impl, column=noun, unit=unit)


def _grouping(catalogue: Catalogue, name: str, by: str | None) -> tuple[dict[str, Any], str, str]:
    """Return (bindings, suffix of the name, words) of a tool's group: none, one, or any of them."""
    if by == GROUPED:
        refs = list(catalogue.domain.entities[name].refs)
        return {"table": name, "groups": refs}, "", f"all {catalogue.domain.entities[name].plural}"
    suffix, group = catalogue.group(name, by)
    return {"table": name, "by": by}, suffix, group


def _list(catalogue: Catalogue, name: str, by: str | None) -> ToolSpec:
    bindings, suffix, group = _grouping(catalogue, name, by)
    entity, kind = catalogue.domain.entities[name], "list_grouped" if by == GROUPED else "list"
    constants: dict[str, Any] = {"page_size": MAX_PAGE_SIZE} if catalogue.style.variant.fixed_pages else {}
    if constants and by is None and entity.rows[1] <= MAX_PAGE_SIZE and not entity.creatable:
        kind, constants["page"] = "list_all", 1
    impl = TemplateImpl(family="list", bindings=bindings, constants=constants)
    return catalogue.make(kind, Title("list", name, "", suffix), impl, plural=True, plain=True, group=group)


def _top(catalogue: Catalogue, name: str, by: str | None) -> ToolSpec:
    bindings, suffix, group = _grouping(catalogue, name, by)
    bindings["order_by"] = list(catalogue.domain.entities[name].of_type(*ORDERED))
    kind = "top_grouped" if by == GROUPED else "top"
    impl = TemplateImpl(family="top", bindings=bindings)
    return catalogue.make(kind, Title("top", name, "", suffix), impl, group=group)


def _top_one(catalogue: Catalogue, name: str, by: str | None, column: str, direction: str) -> ToolSpec:
    bindings, suffix, group = _grouping(catalogue, name, by)
    attribute = catalogue.domain.entities[name].columns[column]
    plain = ("latest", "earliest") if attribute.type == "date" else ("highest", "lowest")
    told = (attribute.most, attribute.least)
    number = 0 if direction == "descending" else 1
    most = told[number] or plain[number]
    constants: dict[str, Any] = {"order_by": column, "direction": direction}
    impl = TemplateImpl(family="top", bindings={**bindings, "order_by": [column]}, constants=constants)
    title = Title("get", name, f"with {plain[number]} {column}", suffix)
    return catalogue.make("top_one", title, impl, group=group, most=most, column=attribute.noun)


def _statistic_one(catalogue: Catalogue, *parts: Any) -> ToolSpec:
    """One statistic of one column; `category` is the filter it asks for, or GROUPED for all of them, to choose from."""
    name, by, operation, column, category = parts
    entity = catalogue.domain.entities[name]
    bindings, suffix, group = _grouping(catalogue, name, by)
    filters = list(entity.of_type(*CATEGORIES)) if category == GROUPED else [category] if category else []
    bindings["filters"] = filters
    constants: dict[str, Any] = {"operation": operation}
    what = ""
    if column is not None:
        bindings["fields"] = [column]
        constants["field"] = column
        what = described(column, entity.columns[column])
    kind = "count" if column is None else "statistic_one"
    filtered = category not in (None, GROUPED)
    if filtered:
        suffix = f"{suffix} with {category}"
        kind = "count_filtered" if column is None else "statistic_filtered"
    elif by == GROUPED:
        kind = "count_grouped" if column is None else "statistic_grouped"
    return catalogue.make(
        kind,
        Title(operation, name, column or "", suffix),
        TemplateImpl(family="summarize", bindings=bindings, constants=constants),
        plural=column is None,
        plain=kind == "count",
        required=filters if filtered else (),
        group=group,
        what=what,
        operation=_STATISTICS[operation],
        filter=entity.columns[filters[0]].noun if filtered else "",
    )


def _statistic_column(catalogue: Catalogue, name: str, by: str | None, column: str) -> ToolSpec:
    entity = catalogue.domain.entities[name]
    bindings, suffix, group = _grouping(catalogue, name, by)
    bindings |= {"fields": [column], "filters": list(entity.of_type(*CATEGORIES))}
    impl = TemplateImpl(family="summarize", bindings=bindings, constants={"field": column})
    what = described(column, entity.columns[column])
    return catalogue.make("statistic_column", Title("statistic", name, column, suffix), impl, group=group, what=what)


def _statistic(catalogue: Catalogue, name: str, by: str | None) -> ToolSpec:
    entity = catalogue.domain.entities[name]
    bindings, suffix, group = _grouping(catalogue, name, by)
    bindings |= {"fields": list(entity.of_type(*NUMBERS)), "filters": list(entity.of_type(*CATEGORIES))}
    impl = TemplateImpl(family="summarize", bindings=bindings)
    return catalogue.make("statistic", Title("statistic", name, "", suffix), impl, plural=True, group=group)


def _search(catalogue: Catalogue, name: str, category: str | None) -> ToolSpec:
    """A search by every category, or by the one that it then asks for."""
    entity = catalogue.domain.entities[name]
    filters = list(entity.of_type(*CATEGORIES)) if category is None else [category]
    impl = TemplateImpl(
        family="search", bindings={"table": name, "filters": filters, "sort": list(entity.of_type(*ORDERED))}
    )
    if category is None:
        return catalogue.make("search", Title("search", name), impl, plural=True)
    title, noun = Title("search", name, "", f"by {category}"), entity.columns[category].noun
    return catalogue.make("search_one", title, impl, plural=True, required=filters, filter=noun)


def _query(catalogue: Catalogue, name: str) -> ToolSpec:
    entity = catalogue.domain.entities[name]
    filters = [*entity.refs, *entity.of_type(*CATEGORIES)]
    impl = TemplateImpl(
        family="search", bindings={"table": name, "filters": filters, "sort": list(entity.of_type(*ORDERED))}
    )
    return catalogue.make("query", Title("query", name), impl, plural=True)


def _compare(catalogue: Catalogue, name: str) -> ToolSpec:
    fields = list(catalogue.domain.entities[name].of_type(*NUMBERS))
    impl = TemplateImpl(family="compare", bindings={"table": name, "fields": fields})
    return catalogue.make("compare", Title("compare", name), impl)


def _compare_one(catalogue: Catalogue, name: str, column: str) -> ToolSpec:
    attribute = catalogue.domain.entities[name].columns[column]
    impl = TemplateImpl(family="compare", bindings={"table": name, "fields": [column]}, constants={"field": column})
    told = f" in {attribute.unit}" if attribute.unit is not None else ""
    return catalogue.make("compare_one", Title("compare", name, column), impl, column=attribute.noun, units=told)


def _check_availability(catalogue: Catalogue, name: str) -> ToolSpec:
    booked = catalogue.domain.entities[name].availability
    if booked is None:
        msg = f"{name} cannot be booked"
        raise KeyError(msg)
    state = catalogue.domain.entities[booked.bookings].state
    bindings: dict[str, Any] = {
        "table": name,
        "bookings": booked.bookings,
        "ref": f"{booked.ref}_id",
        "date": booked.date,
    }
    if state is not None:
        bindings |= {"state": state, "blocking": list(booked.blocking)}
    impl = TemplateImpl(family="check_availability", bindings=bindings)
    return catalogue.make("check_availability", Title("check", name, "availability"), impl)


KINDS: dict[str, Callable[..., ToolSpec]] = {
    "calculate": _calculate,
    "calculate_one": _calculate_one,
    "convert": _convert,
    "convert_one": _convert_one,
    "days_between": _days_between,
    "find": _find,
    "match": _match,
    "any": _any,
    "get_field": _get_field,
    "get_any_field": _get_any_field,
    "get_record": _get_record,
    "get_union": _get_union,
    "measure": _measure,
    "measure_one": _measure_one,
    "list": _list,
    "top": _top,
    "top_one": _top_one,
    "statistic_one": _statistic_one,
    "statistic_column": _statistic_column,
    "statistic": _statistic,
    "search": _search,
    "query": _query,
    "compare": _compare,
    "compare_one": _compare_one,
    "check_availability": _check_availability,
    **WRITES,
}
"""Kind → what makes its documents: (catalogue, entity, columns, …) → tool."""
