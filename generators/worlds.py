"""Sampling a world of a domain: rows with names, values and references."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

from tool_gym.errors import GenerationError
from tool_gym.generators.domain import Attribute, Domain, Entity
from tool_gym.generators.pools import Pool
from tool_gym.world import Column, Table, World

_COLUMN_FIELDS = ("unit", "low", "high", "decimals", "values", "transitions", "initial", "cancel")


def sample_world(domain: Domain, rng: random.Random) -> World:
    """Draw a world: every name occurs once in it, every number of an id once in its table.

    Args:
        domain: What the world is about.
        rng: The stream to draw from; equal streams give equal worlds.

    Raises:
        GenerationError: If a pool runs out of names.
    """
    names = _sample_names(domain, rng)
    ids = {
        key: [f"{entity.prefix}{number}" for number in sorted(rng.sample(range(1000, 10_000), len(names[key])))]
        for key, entity in domain.entities.items()
    }
    tables = {}
    for key, entity in domain.entities.items():
        columns = {
            column: draw_values(domain, attribute, ids, len(ids[key]), rng)
            for column, attribute in entity.columns.items()
        }
        rows = {
            row_id: {"id": row_id, "name": name, **{column: columns[column][i] for column in columns}}
            for i, (row_id, name) in enumerate(zip(ids[key], names[key], strict=True))
        }
        tables[key] = table_of(entity, rows)
    world = World(domain=domain.name, tables=tables)
    world.check()
    return world


def table_of(entity: Entity, rows: dict[str, dict[str, Any]]) -> Table:
    """Return an entity as a world's table."""
    columns = {"name": Column(type="name")}
    for name, attribute in entity.columns.items():
        known = {field: getattr(attribute, field) for field in _COLUMN_FIELDS}
        columns[name] = Column(type=attribute.type, table=attribute.entity, **known)
    return Table(noun=entity.noun, prefix=entity.prefix, code=entity.label.code, columns=columns, rows=rows)


def draw(pool: Pool, count: int, rng: random.Random) -> list[str]:
    """Draw different values from a pool."""
    return [pool.name(number) for number in rng.sample(range(pool.size), count)]


def _sample_names(domain: Domain, rng: random.Random) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    taken: set[str] = set()
    for key, entity in domain.entities.items():
        count = rng.randint(*entity.rows)
        if entity.label.code is not None:
            names[key] = [f"{entity.label.code}-{n}" for n in rng.sample(range(10_000, 100_000), count)]
            continue
        fresh = (f"{name}{entity.label.suffix}" for name in draw(_pool(domain, entity.label.pool), 2 * count, rng))
        names[key] = [name for name in fresh if name.casefold() not in taken][:count]
        if len(names[key]) < count:
            msg = f"the pool {entity.label.pool!r} has not enough names for the {entity.plural} of {domain.name}"
            raise GenerationError(msg)
        taken.update(name.casefold() for name in names[key])
    return names


def draw_values(
    domain: Domain, attribute: Attribute, ids: dict[str, list[str]], count: int, rng: random.Random
) -> list[Any]:
    """Draw `count` values of an attribute; `ids` holds the rows a ref may lead to, by entity."""
    low, high = attribute.low, attribute.high
    if attribute.type == "ref" and attribute.entity is not None:
        return _references(ids[attribute.entity], count, rng)
    if attribute.type in ("enum", "state"):
        return [rng.choice(attribute.values) for _ in range(count)]
    if attribute.type == "text":
        return draw(_pool(domain, attribute.pool), count, rng)
    if attribute.type == "date":
        first, last = dt.date.fromisoformat(str(low)).toordinal(), dt.date.fromisoformat(str(high)).toordinal()
        return [dt.date.fromordinal(day).isoformat() for day in _spread(first, last, count, rng)]
    scale = 10**attribute.decimals
    numbers = _spread(round(float(low or 0) * scale), round(float(high or 0) * scale), count, rng)
    return [number if attribute.type == "integer" else round(number / scale, attribute.decimals) for number in numbers]


def _pool(domain: Domain, name: str | None) -> Pool:
    found = domain.pool(name or "")
    if found is None:
        msg = f"the domain {domain.name} has no pool {name!r}, and none is shared under that name"
        raise GenerationError(msg)
    return found


def _spread(low: int, high: int, count: int, rng: random.Random) -> list[int]:
    """Draw numbers of a range, all different where the range allows it."""
    if high - low + 1 >= count:
        return rng.sample(range(low, high + 1), count)
    return [rng.randint(low, high) for _ in range(count)]


def _references(ids: list[str], count: int, rng: random.Random) -> list[str]:
    """Draw parents so that each is used about equally often: groups of one say too much."""
    rounds = -(-count // len(ids))
    pool = [row_id for _ in range(rounds) for row_id in ids]
    chosen = pool[: count // 2] + [rng.choice(ids) for _ in range(count - count // 2)]
    rng.shuffle(chosen)
    return chosen
