"""What the next domain should be about, and whether what came is new.

Breadth is planned, not hoped for: ideas come from a grid of sector, kind of entity and kind of interaction, the least
filled cells first. What came is compared with every domain there is by its words and by its structure.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tool_gym.generators.domain import Domain
from tool_gym.generators.seeding import stream

SECTORS = (
    "agriculture and food production", "arts and heritage", "aviation and space", "banking and payments",
    "building and property", "chemistry and materials", "community and charity", "crafts and repair",
    "education and training", "emergency services", "energy and utilities", "environment and wildlife",
    "fashion and textiles", "games and hobbies", "health care", "hospitality", "information technology",
    "law and public administration", "machines and manufacturing", "media and publishing", "mining and geology",
    "music and performance", "personal services", "pharmacy and life sciences", "retail and wholesale",
    "road and rail transport", "science and laboratories", "shipping and harbours", "sport and outdoors",
    "tourism and events",
)  # fmt: skip
ARCHETYPES = (
    "places with equipment", "people with skills", "batches and their tests", "documents and their revisions",
    "collections and their pieces", "routes and their stops", "contracts and their parties", "parts and assemblies",
)  # fmt: skip
PATTERNS = (
    "booking and cancelling", "inspecting and approving", "ordering and delivering", "measuring and reporting",
    "assigning and completing", "lending and returning",
)  # fmt: skip

SAME, ALIKE = 0.5, 0.35
"""Share of their words in common from which two domains are the same, or alike."""

MAX_ALIKE = 2
"""Most domains of a sector that may be like one there is."""

_WORD = re.compile(r"[a-z]{3,}")
_COMMON = frozenset({"and", "date", "for", "from", "its", "name", "number", "status", "that", "the", "this", "with"})


class Cell(NamedTuple):
    """One cell of the grid."""

    sector: str
    archetype: str
    pattern: str


class Outline(NamedTuple):
    """What two domains are compared by."""

    name: str
    words: frozenset[str]
    structure: tuple[tuple[str, ...], ...]
    """Of each entity the types of its attributes, all sorted: what is left when every word is taken away."""


def next_cell(done: Sequence[Cell], seed: int, topic: str | None = None) -> Cell:
    """Return the cell to fill next: the least filled sector, then archetype, then pattern; ties fall by the seed.

    Args:
        done: Cells tried so far, in order.
        seed: Root seed.
        topic: What all are to be about, in place of the sectors.
    """
    rng = stream("ideas", seed, len(done))
    sectors = (topic,) if topic is not None else SECTORS
    counts = [Counter(getattr(cell, part) for cell in done) for part in Cell._fields]
    grid = [(sectors, counts[0]), (ARCHETYPES, counts[1]), (PATTERNS, counts[2])]
    tried = Counter(done)
    cells = [Cell(*parts) for parts in itertools.product(*(names for names, _ in grid))]
    rng.shuffle(cells)
    return min(
        cells,
        key=lambda cell: (counts[0][cell.sector], tried[cell], counts[1][cell.archetype], counts[2][cell.pattern]),
    )


def outline(domain: Domain) -> Outline:
    """Return what a domain is compared by."""
    said: list[str] = [domain.title]
    for entity in domain.entities.values():
        said += [entity.noun, entity.plural, *entity.create]
        for attribute in entity.attributes.values():
            said += [attribute.noun, *attribute.forms, *attribute.values, *attribute.children]
    words = frozenset(_WORD.findall(" ".join(said).casefold())) - _COMMON
    structure = tuple(sorted(tuple(sorted(a.type for a in e.attributes.values())) for e in domain.entities.values()))
    return Outline(domain.name, words, structure)


def likeness(one: Outline, other: Outline) -> float:
    """Return the share of words in common (Jaccard index); half as much again where the structure is the same."""
    together = len(one.words | other.words)
    share = len(one.words & other.words) / together if together else 1.0
    return min(1.0, 1.5 * share) if one.structure == other.structure else share


def not_new(found: Outline, known: Iterable[Outline], alike: int) -> str:
    """Return why a domain is not new enough; empty if it is.

    Args:
        found: The domain.
        known: All others.
        alike: How many of its sector were like another one already.
    """
    nearest = max(known, key=lambda other: likeness(found, other), default=None)
    if nearest is None:
        return ""
    share = likeness(found, nearest)
    if share >= SAME:
        return f"it is the domain {nearest.name!r} in other words"
    if share >= ALIKE and alike >= MAX_ALIKE:
        return f"it is like the domain {nearest.name!r}, and the sector has {alike} of this kind already"
    return ""
