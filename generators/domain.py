"""Domains: small relational schemas with the words to talk about them, as data files."""

from __future__ import annotations

from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tool_gym import jsonio
from tool_gym.errors import GenerationError, UnknownNameError
from tool_gym.generators.domain_rules import problems
from tool_gym.generators.pools import Pool, Split, shared_pools

FOLDER = Path(__file__).resolve().parent / "domains"

_OWN: dict[str, Domain] = {}
"""Domains that are not bundled, by name; see `use_domain`."""


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
    create: tuple[str, ...] = ()
    """What people say for making a new one, without its details: "book a table"."""
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
    split: Split
    pools: dict[str, Pool] = Field(default_factory=dict)
    """The domain's own pools; one of a shared pool's name takes its place."""
    entities: dict[str, Entity]

    def pool(self, name: str) -> Pool | None:
        """Return the names to draw from: the domain's own, or its split's part of a shared pool; None if unknown."""
        return self.pools.get(name) or shared_pools(self.split).get(name)

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


def load_domain(name: str) -> Domain:
    """Return a bundled domain, or one of this process's own.

    Raises:
        UnknownNameError: If there is none of that name.
        GenerationError: If its file breaks the format.
    """
    own = _OWN.get(name)
    return own if own is not None else _bundled(name)


def use_domain(domain: Domain) -> None:
    """Make a domain known by its name, in this process.

    Raises:
        GenerationError: If the name stands for another domain already.
    """
    if (FOLDER / f"{domain.name}.json").is_file() or _OWN.setdefault(domain.name, domain) != domain:
        msg = f"the name {domain.name!r} stands for another domain already; give this one a name of its own"
        raise GenerationError(msg)


@cache
def _bundled(name: str) -> Domain:
    if name not in domain_names():
        kind = "domain"
        raise UnknownNameError.of(kind, name, (*domain_names(), *_OWN))
    return read_domain(FOLDER / f"{name}.json")


def read_domain(path: Path) -> Domain:
    """Read a domain file.

    Raises:
        GenerationError: If it breaks the format, or a reference in it leads nowhere.
    """
    try:
        return domain_from(jsonio.loads(path.read_text(encoding="utf-8")), str(path))
    except OSError as error:
        msg = f"cannot read the domain {path}: {error.strerror}"
    except GenerationError:
        raise
    except ValueError as error:
        msg = f"{path} is no domain: {error}"
    raise GenerationError(msg)


def domain_from(data: Any, what: str) -> Domain:
    """Return the domain that a file's data describes; `what` is what messages call the file.

    Raises:
        GenerationError: As for `read_domain`.
    """
    try:
        domain = Domain.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        msg = f"{what} is no domain: {first['msg']} (at {'.'.join(map(str, first['loc']))})"
        raise GenerationError(msg) from None
    problem = next(problems(domain), None)
    if problem is not None:
        msg = f"{what}: {problem}"
        raise GenerationError(msg)
    return domain


def domain_names(split: str | None = None) -> tuple[str, ...]:
    """Return the names of the bundled domains, of one split or all."""
    names = sorted(path.stem for path in FOLDER.glob("*.json"))
    return tuple(name for name in names if split is None or load_domain(name).split == split)
