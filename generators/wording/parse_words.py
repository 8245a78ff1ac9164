"""The words a reader knows: those of a domain, and the names of a world."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Generic, NamedTuple, TypeVar

from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import Agg, Attr, ById, ByName, Evaluator, Said
from tool_gym.generators.wording.lexicon import before_noun, filtered, lexicon_of
from tool_gym.generators.wording.text import UNIT_NAMES, comparative, superlative
from tool_gym.units import FACTORS, WITHOUT_CONVERSION
from tool_gym.world import World, WorldView

Category = tuple[str, str]
T = TypeVar("T")

NUMERIC = ("integer", "number")

_PREFIX = 2
"""Letters by which words are looked up."""


class Around(NamedTuple):
    """A phrase around another one, in lower case."""

    before: str
    after: str


class Rows(NamedTuple):
    """A plural, or the singular of one category: which rows it means."""

    entity: str
    filter: Category | None = None


class Written(NamedTuple):
    """A value as it is written."""

    kind: str
    """One of "quantity", "date", "word", "text" and "name"."""
    value: Any
    unit: str | None = None


class Index(Generic[T]):
    """Texts and what they mean, found at a place of a longer text."""

    def __init__(self) -> None:
        self._by_prefix: dict[str, list[tuple[str, T]]] = {}

    def add(self, text: str, meaning: T) -> None:
        """Add a text; it may have several meanings."""
        entry, lowered = (text.lower(), meaning), text.lower()
        bucket = self._by_prefix.setdefault(lowered[:_PREFIX], [])
        if entry not in bucket:
            bucket.append(entry)

    def at(self, text: str, start: int) -> Iterator[tuple[int, T]]:
        """Yield where each text that stands at `start` ends, with its meaning."""
        for length in range(1, _PREFIX + 1):
            for known, meaning in self._by_prefix.get(text[start : start + length], ()):
                end = start + len(known)
                if text.startswith(known, start) and (end >= len(text) or not text[end].isalnum()):
                    yield end, meaning


class Words:
    """What a reader knows before it reads: nothing of the goal.

    Args:
        domain: The words.
        world: The names.
    """

    def __init__(self, domain: Domain, world: World) -> None:
        self.domain = domain
        self.evaluator = Evaluator(WorldView(world.base))
        self.kinds: Index[str] = Index()
        """Nouns to take a row up with: those of entities and those of references."""
        self.nouns: Index[str] = Index()
        """Nouns of attributes."""
        self.plurals: Index[Rows] = Index()
        self.singles: Index[Rows] = Index()
        """Nouns with a category before them: "wind power plant"."""
        self.names: Index[ByName | ById] = Index()
        self.superlatives: Index[str] = Index()
        self.comparatives: Index[str] = Index()
        self.units: Index[str] = Index()
        self.states: Index[str] = Index()
        """Values of categories and states, without underscores."""
        self.texts: Index[str] = Index()
        """Texts of other cells."""
        self.forms: dict[tuple[str, str], tuple[Around, ...]] = {}
        self.children: dict[tuple[str, str], tuple[Around, ...]] = {}
        self.columns: dict[str, tuple[tuple[str, str], ...]] = {}
        """Noun → every (entity, column) it names."""
        self.entities: dict[str, tuple[str, ...]] = {}
        """Noun to take a row up with → the entities whose rows it may mean."""
        self._read_domain()
        self._read_world(world)

    def column_of(self, entity: str, noun: str) -> str | None:
        """Return the column of an entity that a noun names."""
        return next((column for key, column in self.columns.get(noun, ()) if key == entity), None)

    def ordered(self, entity: str, noun: str, adjective: str) -> tuple[str, bool] | None:
        """Return the column and direction of "the {adjective} {noun}" among rows of an entity."""
        column = self.column_of(entity, noun)
        if column is None:
            return None
        attribute = self.domain.attribute(entity, column)
        for descending in (True, False):
            if superlative(attribute, descending=descending).lower() == adjective:
                return column, descending
        return None

    def fitted(self, entity: str, column: str, written: Written) -> Any:
        """Return a written value as a cell holds it, or None where it is none for that column."""
        attribute = self.domain.attribute(entity, column)
        if attribute.type in NUMERIC:
            return written.value if written.kind == "quantity" and written.unit == attribute.unit else None
        if attribute.type in ("enum", "state"):
            return written.value if written.kind == "word" and written.value in attribute.values else None
        return written.value if attribute.type == written.kind else None

    def said(self, val: Any, written: Written) -> Said | None:
        """Return what a written value says beside the value it is compared with, or None where it does not fit."""
        value = None
        if isinstance(val, Attr):
            value = self.fitted(val.source.entity, val.column, written)
        elif isinstance(val, Agg) and val.column is not None:
            value = self.fitted(val.entity, val.column, written)
        elif isinstance(val, Agg) and written.unit is None and written.kind == "quantity":
            value = written.value
        return Said(value) if value is not None else None

    def _read_domain(self) -> None:
        lexicon = lexicon_of(self.domain)
        for key, entity in self.domain.entities.items():
            self._take(entity.noun, key)
            self.plurals.add(entity.plural, Rows(key))
            for column, attribute in entity.columns.items():
                noun = attribute.noun.lower()
                self.nouns.add(noun, noun)
                self.columns[noun] = (*self.columns.get(noun, ()), (key, column))
                if attribute.entity is not None:
                    self._take(noun, attribute.entity)
                texts = attribute.phrases()
                self.forms[key, column] = tuple(_around(text) for text in texts)
                kept = lexicon.children[key, column]
                self.children[key, column] = tuple(Around(f.before.lower(), f.after.lower()) for f in kept)
                pool = self.domain.pool(attribute.pool or "")
                for name in pool.names() if pool is not None and attribute.type == "text" else ():
                    self.texts.add(name, name)
                self._read_orders(key, column)
                self._read_categories(key, column)
        for unit in (*FACTORS, *WITHOUT_CONVERSION):
            self.units.add(unit, unit)
            self.units.add(UNIT_NAMES.get(unit, unit), unit)
        self.units.add("%", "percent")

    def _take(self, noun: str, entity: str) -> None:
        noun = noun.lower()
        self.kinds.add(noun, noun)
        if entity not in self.entities.get(noun, ()):
            self.entities[noun] = (*self.entities.get(noun, ()), entity)

    def _read_orders(self, key: str, column: str) -> None:
        attribute = self.domain.attribute(key, column)
        for descending in (True, False):
            word = superlative(attribute, descending=descending)
            self.superlatives.add(word, word.lower())
            self.comparatives.add(comparative(word), comparative(word).lower())

    def _read_categories(self, key: str, column: str) -> None:
        attribute, entity = self.domain.attribute(key, column), self.domain.entities[key]
        if attribute.type not in ("enum", "state"):
            return
        for value in attribute.values:
            rows = Rows(key, (column, value))
            self.states.add(value.replace("_", " "), value)
            for text in attribute.filter:
                self.plurals.add(filtered(attribute, text, value, entity.plural), rows)
            text = before_noun(attribute)[0]
            if text.endswith("{plural}"):
                self.singles.add(filtered(attribute, text, value, entity.noun), rows)

    def _read_world(self, world: World) -> None:
        for key, table in world.tables.items():
            entity = self.domain.entities.get(key)
            if entity is None:
                continue
            quoted = entity.label.pool == "title"
            columns = entity.of_type("text")
            for row_id, row in table.rows.items():
                name = f'"{row["name"]}"' if quoted else str(row["name"])
                self.names.add(name, ByName(key, row_id))
                self.names.add(row_id, ById(key, row_id))
                for column in columns:
                    self.texts.add(str(row[column]), str(row[column]))


def _around(text: str) -> Around:
    before, _, after = text.partition("{x}")
    return Around(before.lower(), after.lower())
