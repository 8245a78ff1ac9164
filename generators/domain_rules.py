"""What a domain file must keep to: without it no world can be drawn from it, or no tool be made for it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

from tool_gym import units

if TYPE_CHECKING:
    from tool_gym.generators.domain import Attribute, Domain, Entity

RESERVED = frozenset(
    {
        "id", "name", "field", "operation", "order_by", "direction", "sort_by", "order",
        "limit", "page", "page_size", "type", "date", "value", "mode", "query", "unit",
    }
)  # fmt: skip
"""Column names that would collide with a tool family's own arguments."""

MAX_DECIMALS = 2
"""Most decimals of a number: what statistics are rounded to."""

MAX_ROWS = 2000
"""Most rows of an entity: ids have four digits."""

_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")


class Problem(NamedTuple):
    """One thing wrong with a domain file."""

    place: str
    """Where: entity, entity.column, pools.name; "" for the whole file."""
    rule: str
    """Short name of the rule."""
    message: str
    """What was found, and what to do."""
    error: bool = True
    """Whether the domain should not be used so; else it is advice."""

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


def problems(domain: Domain) -> Iterator[Problem]:
    """Yield what keeps a domain from being used."""
    for name, pool in domain.pools.items():
        yield from (Problem(f"pools.{name}", "words", message) for message in pool.problems())
    prefixes = [entity.prefix for entity in domain.entities.values()]
    for name, entity in domain.entities.items():
        if _KEY.fullmatch(name) is None:
            yield Problem(name, "key", f"{name!r} is no name for an entity; use lower-case letters, digits and _")
        if prefixes.count(entity.prefix) > 1 or re.fullmatch(r"[A-Z]{1,6}", entity.prefix) is None:
            found = f"prefix must be 1 to 6 capital letters that no other entity has, not {entity.prefix!r}"
            yield Problem(name, "prefix", found)
        yield from (Problem(name, rule, message) for rule, message in _entity_problems(domain, entity))
        for column, attribute in entity.columns.items():
            place = f"{name}.{column}"
            if column in RESERVED or _KEY.fullmatch(column) is None:
                yield Problem(place, "key", "is a name tools use for themselves, or no name at all; choose another")
            found_here = _attribute_problems(domain, entity, attribute)
            yield from (Problem(place, rule, message) for rule, message in found_here)


def _entity_problems(domain: Domain, entity: Entity) -> Iterator[tuple[str, str]]:
    low, high = entity.rows
    if not 1 <= low <= high <= MAX_ROWS:
        yield "rows", f"rows must be two numbers from 1 to {MAX_ROWS}, the smaller first, not {entity.rows}"
    if (entity.label.pool is None) == (entity.label.code is None):
        yield "label", "label needs either a pool or a code"
    if entity.label.pool is not None:
        names = _capacity(domain, entity.label.pool)
        if names < 2 * high:
            yield "pool", f"{_lacking(entity.label.pool, names)} for {high} rows; {2 * high} are needed"
    if entity.creatable and entity.label.code is None:
        yield "create", "a creatable entity needs a label with a code: requests do not name what is new"
    if entity.create and not entity.creatable:
        yield "create", "create has words for making a new one, but creatable is false; set it, or leave the words out"
    if len(entity.of_type("state")) > 1:
        yield "state", "attributes has more than one state"
    yield from _booking_problems(domain, entity)


def _booking_problems(domain: Domain, entity: Entity) -> Iterator[tuple[str, str]]:
    booked = entity.availability
    if booked is None:
        return
    bookings = domain.entities.get(booked.bookings)
    refs = bookings.refs if bookings is not None else {}
    if bookings is None or domain.entities.get(refs.get(f"{booked.ref}_id", "")) is not entity:
        yield "availability", f"availability: {booked.bookings}.{booked.ref} does not lead here"
    elif booked.date not in bookings.of_type("date"):
        yield "availability", f"availability: {booked.bookings}.{booked.date} is no date"
    elif bookings.state is None or not set(booked.blocking) <= set(bookings.columns[bookings.state].values):
        yield "availability", f"availability: blocking names states that {booked.bookings} does not have"


def _attribute_problems(domain: Domain, entity: Entity, attribute: Attribute) -> Iterator[tuple[str, str]]:
    if (attribute.type == "ref") != (attribute.entity is not None):
        yield "entity", "a ref, and nothing else, needs an entity"
    if attribute.entity is not None and attribute.entity not in domain.entities:
        yield "entity", f"leads to the unknown entity {attribute.entity!r}"
    if attribute.entity is not None and domain.entities.get(attribute.entity) is entity:
        yield "entity", "leads to its own entity; a reference must lead to another one"
    if attribute.type in ("integer", "number", "date"):
        yield from (("range", message) for message in _range_problems(attribute))
    if attribute.type in ("enum", "state"):
        yield from (("values", message) for message in _values_problems(attribute))
    texts = _capacity(domain, attribute.pool or "") if attribute.type == "text" else MAX_ROWS
    if texts < entity.rows[1]:
        yield "pool", f"{_lacking(attribute.pool, texts)} for {entity.rows[1]} rows"
    if attribute.writable and attribute.type not in ("integer", "number"):
        yield "writable", "only numbers can be writable"
    known = (*units.FACTORS, *units.WITHOUT_CONVERSION)
    if attribute.unit is not None and attribute.unit not in known:
        yield "unit", f"the unit {attribute.unit!r} is unknown; known are {', '.join(known)}"


def _range_problems(attribute: Attribute) -> Iterator[str]:
    low, high = attribute.low, attribute.high
    if attribute.type == "date":
        try:
            ordered = dt.date.fromisoformat(str(low)) < dt.date.fromisoformat(str(high))
        except ValueError:
            ordered = False
        if not ordered:
            yield f"a date needs low and high, as YYYY-MM-DD, the earlier first; not {low!r} and {high!r}"
    elif not isinstance(low, float) or not isinstance(high, float) or not low < high:
        yield f"a number needs low and high, the smaller first; not {low!r} and {high!r}"
    if not 0 <= attribute.decimals <= MAX_DECIMALS:
        yield f"decimals must be 0 to {MAX_DECIMALS}, not {attribute.decimals}"


def _values_problems(attribute: Attribute) -> Iterator[str]:
    values = attribute.values
    if len({value.casefold().replace("_", " ") for value in values}) < max(2, len(values)):
        yield f"values must be two or more, all different, not {values}"
    named = {attribute.initial, attribute.cancel, *attribute.transitions}
    named |= {after for afters in attribute.transitions.values() for after in afters}
    strange = named - {None, *values}
    if strange:
        yield f"{min(map(str, strange))!r} is not among its values"
    if attribute.type == "state" and (attribute.initial is None or set(attribute.transitions) != set(values)):
        yield "a state needs an initial value, and transitions for every value"


def _capacity(domain: Domain, pool: str) -> int:
    """Return how many different values a pool gives; 0 if there is none of that name."""
    found = domain.pool(pool)
    return found.size if found is not None else 0


def _lacking(pool: str | None, size: int) -> str:
    if not size:
        return f"the pool {pool!r} does not exist, so it has not enough names"
    return f"the pool {pool!r} has not enough names ({size} in this split)"
