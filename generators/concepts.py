"""Concepts: what single calls do, told apart as finely as any tool could tell them apart.

Decomposition names a call's concept as far as its plan needs it: (family, entity, …). Which tool serves it may hang on
more: the column ordered by, the category filtered by, the operation. `full_concept` reads that off the call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tool_gym import units
from tool_gym.generators.decompose import Call, Concept
from tool_gym.generators.domain import Domain, Entity
from tool_gym.tools.calculate import OPERATIONS as ARITHMETIC
from tool_gym.tools.summarize import OPERATIONS as FIGURES

_NUMBERS = ("integer", "number")
_ORDERED = (*_NUMBERS, "date")
_CATEGORIES = ("enum", "state")


def full_concept(call: Call, domain: Domain) -> Concept:
    """Return a call's concept with everything a tool's choice could hang on."""
    more = _MORE.get(str(call.concept[0]))
    return call.concept if more is None else (*call.concept, *more(call, domain))


def padded(concept: Concept, domain: Domain) -> Concept:
    """Return a concept in full: what it leaves open is taken to be the first there is."""
    family, *rest = concept
    fill = _FILLS.get(str(family))
    if fill is None or len(concept) >= 1 + fill[0]:
        return concept
    entity = domain.entities.get(str(rest[0])) if rest else None
    missing = fill[1](entity) if entity is not None else fill[1](next(iter(domain.entities.values())))
    return (*concept, *missing[len(missing) - (1 + fill[0] - len(concept)) :])


def concepts_of(domain: Domain, *, in_units: bool = False) -> Iterator[Concept]:
    """Yield every concept of a domain, in full.

    Args:
        domain: The domain.
        in_units: Whether a quantity in another unit is a concept of its own.
    """
    yield from (("calculate", operation) for operation in ARITHMETIC)
    found = dict.fromkeys(a.unit for e in domain.entities.values() for a in e.columns.values() if a.unit is not None)
    yield from (("convert_unit", unit, target) for unit in found for target in units.partners(unit))
    yield ("days_between",)
    for name, entity in domain.entities.items():
        yield from _reads(name, entity)
        yield from _figures(name, entity)
        yield from _writes(name, entity)
        if in_units:
            for column in entity.of_type(*_NUMBERS):
                partners = units.partners(entity.columns[column].unit or "")
                yield from (("measure", name, column, unit) for unit in partners)


def _reads(name: str, entity: Entity) -> Iterator[Concept]:
    yield ("find", name)
    yield from (("get", name, column) for column in ("name", *entity.columns))
    yield from (("search", name, category) for category in entity.of_type(*_CATEGORIES) or (None,))
    yield from (("compare", name, column) for column in entity.of_type(*_NUMBERS))
    for by in (None, *entity.refs):
        yield ("list", name, by)
        for column in entity.of_type(*_ORDERED):
            yield from (("top", name, by, column, direction) for direction in ("ascending", "descending"))
    if entity.availability is not None:
        yield ("check_availability", name)


def _figures(name: str, entity: Entity) -> Iterator[Concept]:
    for by in (None, *entity.refs):
        for category in (None, *entity.of_type(*_CATEGORIES)):
            yield ("summarize", name, by, "count", None, category)
            for column in entity.of_type(*_NUMBERS):
                yield from (("summarize", name, by, operation, column, category) for operation in FIGURES)


def _writes(name: str, entity: Entity) -> Iterator[Concept]:
    if entity.creatable:
        yield ("create", name)
    yield from (("update", name, column) for column, attribute in entity.columns.items() if attribute.writable)
    if entity.state is not None:
        state = entity.columns[entity.state]
        reached = {after for afters in state.transitions.values() for after in afters}
        yield from (("transition", name, entity.state, value) for value in state.values if value in reached)
        if state.cancel is not None:
            yield ("cancel", name, entity.state)


def _category(call: Call, domain: Domain) -> str | None:
    columns = domain.entities[str(call.concept[1])].of_type(*_CATEGORIES)
    return next((column for column in columns if column in call.literals), None)


_MORE: dict[str, Callable[[Call, Domain], Concept]] = {
    "top": lambda call, _: (call.literals["order_by"], call.literals["direction"]),
    "search": lambda call, domain: (_category(call, domain),),
    "summarize": lambda call, domain: (_category(call, domain),),
    "compare": lambda call, _: (call.literals["field"],),
    "update": lambda call, _: (call.literals["field"],),
    "transition": lambda call, _: (call.literals[str(call.concept[2])],),
    "calculate": lambda call, _: (call.literals["operation"],),
    "convert_unit": lambda call, _: (call.literals["from_unit"], call.literals["to_unit"]),
}
"""Family → what a call's arguments add to its concept."""


def _first_unit(_: Entity) -> Concept:
    unit = next(iter(units.FACTORS))
    return (unit, units.partners(unit)[0])


_FILLS: dict[str, tuple[int, Callable[[Entity], Concept]]] = {
    "top": (4, lambda e: (None, next(iter(e.of_type(*_ORDERED)), None), "descending")),
    "search": (2, lambda e: (next(iter(e.of_type(*_CATEGORIES)), None),)),
    "summarize": (5, lambda _: (None,)),
    "compare": (2, lambda e: (next(iter(e.of_type(*_NUMBERS)), None),)),
    "update": (2, lambda e: (next((column for column, a in e.columns.items() if a.writable), None),)),
    "transition": (3, lambda e: (e.columns[e.state or ""].values[0],)),
    "calculate": (1, lambda _: (next(iter(ARITHMETIC)),)),
    "convert_unit": (2, _first_unit),
}
"""Family → how many parts its concept has in full, and what the last of them are taken to be."""
