"""Domains: small relational schemas with the words to talk about them, as data files."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tool_gym import jsonio, units
from tool_gym.errors import GenerationError, UnknownNameError

FOLDER = Path(__file__).resolve().parent / "domains"

RESERVED = frozenset(
    {
        "id", "name", "field", "operation", "order_by", "direction", "sort_by", "order",
        "limit", "page", "page_size", "type", "date", "value",
    }
)  # fmt: skip
"""Column names that would collide with a tool family's own arguments."""

MAX_DECIMALS = 2
"""Most decimals of a number: what statistics are rounded to."""

MAX_ROWS = 2000
"""Most rows of an entity: ids have four digits."""

_KEY = re.compile(r"[a-z][a-z0-9_]{0,40}")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Attribute(_Data):
    """One attribute of an entity, and its words."""

    type: Literal["integer", "number", "date", "enum", "text", "ref", "state"]
    noun: str
    forms: tuple[str, ...] = ()
    """Noun phrases with {x} for the entity's own phrase."""
    low: float | str | None = None
    high: float | str | None = None
    decimals: int = 0
    unit: str | None = None
    most: str = ""
    least: str = ""
    """Superlatives that fit 'the {most} {noun}'."""
    writable: bool = False
    additive: bool = True
    """Whether a sum over several rows means anything."""
    values: tuple[str, ...] = ()
    filter: tuple[str, ...] = ()
    """Plural noun phrases with {value} and {plural}."""
    pool: str | None = None
    entity: str | None = None
    """The entity a ref leads to."""
    children: tuple[str, ...] = ()
    """Post-modifiers with {x} that restrict the plural of this entity by the one the ref leads to."""
    transitions: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    initial: str | None = None
    cancel: str | None = None
    cancel_verb: str = ""
    move: str = ""

    def phrases(self) -> tuple[str, ...]:
        """Return the noun phrases that name this attribute of {x}."""
        return self.forms or (f"the {self.noun} of {{x}}",)


class Label(_Data):
    """How the rows of an entity are named."""

    pool: str | None = None
    suffix: str = ""
    code: str | None = None


class Availability(_Data):
    """What occupies a bookable entity."""

    bookings: str
    ref: str
    date: str
    blocking: tuple[str, ...]


class Entity(_Data):
    """One entity of a domain."""

    noun: str
    plural: str
    prefix: str
    rows: tuple[int, int]
    label: Label
    creatable: bool = False
    attributes: dict[str, Attribute]
    availability: Availability | None = None

    @cached_property
    def columns(self) -> dict[str, Attribute]:
        """Attributes by column: refs carry the suffix _id."""
        return {column_of(name, attribute): attribute for name, attribute in self.attributes.items()}

    @cached_property
    def refs(self) -> dict[str, str]:
        """Column → entity, for the refs."""
        return {column: a.entity for column, a in self.columns.items() if a.entity is not None}

    def of_type(self, *types: str) -> tuple[str, ...]:
        """Return the columns of the given types."""
        return tuple(column for column, attribute in self.columns.items() if attribute.type in types)

    @cached_property
    def state(self) -> str | None:
        """The state column, if there is one."""
        return next(iter(self.of_type("state")), None)


class Domain(_Data):
    """A domain."""

    name: str
    title: str
    split: Literal["train", "validation", "test"]
    entities: dict[str, Entity]

    @cached_property
    def groups(self) -> tuple[tuple[str, str, str], ...]:
        """Every (child entity, ref column, parent entity)."""
        return tuple(
            (name, column, parent) for name, entity in self.entities.items() for column, parent in entity.refs.items()
        )

    def attribute(self, entity: str, column: str) -> Attribute:
        """Return the attribute behind a column."""
        return self.entities[entity].columns[column]


def column_of(name: str, attribute: Attribute) -> str:
    """Return the column an attribute is stored in."""
    return f"{name}_id" if attribute.type == "ref" else name


@cache
def load_domain(name: str) -> Domain:
    """Return a bundled domain.

    Raises:
        UnknownNameError: If there is none of that name.
        GenerationError: If its file breaks the format.
    """
    if name not in domain_names():
        kind = "domain"
        raise UnknownNameError.of(kind, name, domain_names())
    return read_domain(FOLDER / f"{name}.json")


def read_domain(path: Path) -> Domain:
    """Read a domain file.

    Raises:
        GenerationError: If it breaks the format, or a reference in it leads nowhere.
    """
    try:
        domain = Domain.model_validate(jsonio.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        msg = f"cannot read the domain {path}: {error.strerror}"
        raise GenerationError(msg) from None
    except ValidationError as error:
        first = error.errors()[0]
        msg = f"{path} is no domain: {first['msg']} (at {'.'.join(map(str, first['loc']))})"
        raise GenerationError(msg) from None
    except ValueError as error:
        msg = f"{path} is no domain: {error}"
        raise GenerationError(msg) from None
    problem = next(_problems(domain), None)
    if problem is not None:
        msg = f"{path}: {problem}"
        raise GenerationError(msg)
    return domain


def domain_names(split: str | None = None) -> tuple[str, ...]:
    """Return the names of the bundled domains, of one split or all."""
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    return tuple(name for name in names if split is None or load_domain(name).split == split)


@cache
def load_pools() -> dict[str, Any]:
    """Return the value pools: name → {"parts": lists of words, "join": text between them}."""
    path = Path(__file__).resolve().parent / "wording" / "pools.json"
    pools: dict[str, Any] = jsonio.loads(path.read_text(encoding="utf-8"))
    return pools


def _problems(domain: Domain) -> Iterator[str]:
    """Yield what is wrong with a domain, in words."""
    prefixes = [entity.prefix for entity in domain.entities.values()]
    for name, entity in domain.entities.items():
        if _KEY.fullmatch(name) is None:
            yield f"{name!r} is no name for an entity; use lower-case letters, digits and _"
        if prefixes.count(entity.prefix) > 1 or re.fullmatch(r"[A-Z]{1,6}", entity.prefix) is None:
            yield f"{name}.prefix must be 1 to 6 capital letters that no other entity has, not {entity.prefix!r}"
        yield from (f"{name}.{problem}" for problem in _entity_problems(domain, entity))
        for column, attribute in entity.columns.items():
            if column in RESERVED or _KEY.fullmatch(column) is None:
                yield f"{name}.{column} is a name tools use for themselves, or no name at all; choose another"
            yield from (f"{name}.{column}: {problem}" for problem in _attribute_problems(domain, entity, attribute))


def _entity_problems(domain: Domain, entity: Entity) -> Iterator[str]:
    low, high = entity.rows
    if not 1 <= low <= high <= MAX_ROWS:
        yield f"rows must be two numbers from 1 to {MAX_ROWS}, the smaller first, not {entity.rows}"
    if (entity.label.pool is None) == (entity.label.code is None):
        yield "label needs either a pool or a code"
    if entity.label.pool is not None and _capacity(entity.label.pool) < 2 * high:
        yield f"label.pool {entity.label.pool!r} has not enough names for {high} rows, or does not exist"
    if len(entity.of_type("state")) > 1:
        yield "attributes has more than one state"
    booked = entity.availability
    if booked is not None:
        bookings = domain.entities.get(booked.bookings)
        refs = bookings.refs if bookings is not None else {}
        if bookings is None or domain.entities.get(refs.get(f"{booked.ref}_id", "")) is not entity:
            yield f"availability: {booked.bookings}.{booked.ref} does not lead here"
        elif booked.date not in bookings.of_type("date"):
            yield f"availability: {booked.bookings}.{booked.date} is no date"
        elif bookings.state is None or not set(booked.blocking) <= set(bookings.columns[bookings.state].values):
            yield f"availability: blocking names states that {booked.bookings} does not have"


def _attribute_problems(domain: Domain, entity: Entity, attribute: Attribute) -> Iterator[str]:
    if (attribute.type == "ref") != (attribute.entity is not None):
        yield "a ref, and nothing else, needs an entity"
    if attribute.entity is not None and attribute.entity not in domain.entities:
        yield f"leads to the unknown entity {attribute.entity!r}"
    if attribute.type in ("integer", "number", "date"):
        yield from _range_problems(attribute)
    if attribute.type in ("enum", "state"):
        yield from _values_problems(attribute)
    if attribute.type == "text" and _capacity(attribute.pool or "") < entity.rows[1]:
        yield f"the pool {attribute.pool!r} does not exist, or has not enough texts"
    if attribute.writable and attribute.type not in ("integer", "number"):
        yield "only numbers can be writable"
    if attribute.unit is not None and attribute.unit not in (*units.FACTORS, *units.WITHOUT_CONVERSION):
        yield f"the unit {attribute.unit!r} is unknown"


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


def _capacity(pool: str) -> int:
    """Return how many different values a pool gives; 0 if there is none of that name."""
    found = load_pools().get(pool)
    return math.prod(len(part) for part in found["parts"]) if found is not None else 0
