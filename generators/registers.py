"""Registers of documentation: how the tools of a domain are named, and in what words they are described.

Four registers (terse, prose, openapi, legacy), each in a few *styles*: other verbs, another case, other parameter
names. All of it is data, in `generators/wording/registers.json`; a style is the same for every domain.
"""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from tool_gym import jsonio
from tool_gym.errors import UnknownNameError
from tool_gym.generators.domain import Attribute, Domain

MAX_NAME = 64
"""Longest name of a tool."""

_SHORT = 4
"""Letters of an abbreviated word, or fewer."""

_KEPT = frozenset({"id", "no", "by", "in", "as", "of", "with", "to", "on"})
"""Words that no style abbreviates."""

_VERBS = {
    "transition": "set",
    "statistic": "summarize",
    "availability": "check",
    "days": "days between",
    "measure": "get",
}
"""Verbs where they are not the act's own name."""

_WORD = re.compile(r"[^\W_]+")

# How words begin that do not sound as they are spelt.
_SILENT = ("hour", "honest", "honor", "honour", "heir")
_CONSONANT = ("uni", "use", "usu", "util", "eu", "one", "once", "ubiq", "ufo", "ukul", "uran")
_VOWEL = ("unin", "unim", "unid", "unil", "unit's")


class Title(NamedTuple):
    """What a tool's name is made of; each part is words with spaces or underscores between them."""

    verb: str
    """Key of the verb, as in "get" or "find"."""
    entity: str = ""
    """What it is about; empty for pure computation."""
    object: str = ""
    suffix: str = ""


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Variant(_Data):
    """One style's choices within its register."""

    form: Literal["verb_noun", "noun_verb", "namespace"]
    """Order of a name's parts; a namespace is domain.entity.verb."""
    case: Literal["snake", "camel", "pascal"]
    id: str
    """Name of the parameter that takes an id, with {entity}."""
    plural: bool
    """Whether tools that speak of many records are named in the plural."""
    abbreviate: bool = False
    prefix: str = ""
    verbs: dict[str, str] = {}
    roles: dict[str, str] = {}
    """The family's name of an argument → the words it is called here."""
    silent: tuple[str, ...] = ()
    """Kinds of document without a description, where name and parameters say it all."""
    bare: tuple[str, ...] = ()
    """Arguments without a description."""
    fixed_pages: bool = False
    """Whether lists have pages of a fixed size."""


class RegisterSpec(_Data):
    """The words of one register."""

    variants: tuple[Variant, ...]
    documents: dict[str, tuple[str, ...]]
    """Kind of document → its wordings; a style takes the one of its own number, or starts over."""
    parameters: dict[str, str]
    column: str
    """How a parameter that is a column is described: {what}, {Noun}, {format}."""
    choice: str
    """How any other parameter is described: {words}, {schema}."""


@cache
def registers() -> dict[str, RegisterSpec]:
    """Return the registers by name."""
    path = Path(__file__).resolve().parent / "wording" / "registers.json"
    return {name: RegisterSpec.model_validate(spec) for name, spec in jsonio.loads(path.read_text("utf-8")).items()}


@cache
def style_names() -> tuple[str, ...]:
    """Return the names of all styles, a register and a number each, as in "terse-1"."""
    return tuple(f"{name}-{n}" for name, spec in registers().items() for n in range(1, len(spec.variants) + 1))


class Style:
    """One style, applied to one domain.

    Args:
        name: One of `style_names()`.
        domain: The domain.

    Raises:
        UnknownNameError: If there is no style of that name.
    """

    def __init__(self, name: str, domain: Domain) -> None:
        if name not in style_names():
            kind = "style of documentation"
            raise UnknownNameError.of(kind, name, style_names())
        self.name = name
        self.register, number = name.rsplit("-", 1)
        self.spec = registers()[self.register]
        self._number = int(number) - 1
        self.variant = self.spec.variants[self._number]
        self._domain = domain
        self._short = _abbreviations(domain) if self.variant.abbreviate else {}

    def title(self, title: Title, *, plural: bool = False) -> str:
        """Return the name of a tool: in this style's order, case and verbs, at most 64 characters long."""
        entity = self._domain.entities.get(title.entity)
        noun = _words(title.entity if entity is None or not (plural and self.variant.plural) else entity.plural)
        verb = _words(self.variant.verbs.get(title.verb, _VERBS.get(title.verb, title.verb)))
        what, suffix = _words(title.object), _words(title.suffix)
        prefix = _words(self.variant.prefix)
        if self.variant.form == "namespace":
            parts = [_words(self._domain.name), noun, [*prefix, *verb, *what, *suffix]]
        elif self.variant.form == "noun_verb":
            parts = [[*prefix, *noun, *what, *verb, *suffix]]
        else:
            parts = [[*prefix, *verb, *noun, *what, *suffix]]
        return _fitted([[self._short.get(word, word) for word in part] for part in parts if part], self.variant.case)

    def parameter(self, role: str, entity: str) -> str:
        """Return the public name of an argument of a tool about `entity`."""
        if role == "id":
            words = self.variant.id.format(entity=entity or "record")
        elif role.endswith("_id") and role not in self.variant.roles and "{" in self.variant.id:
            words = self.variant.id.format(entity=role.removesuffix("_id"))
        else:
            words = self.variant.roles.get(role, role)
        return _cased([self._short.get(word, word) for word in _words(words)], _parameter_case(self.variant.case))

    def document(self, kind: str, words: dict[str, str], *, plain: bool) -> str:
        """Return the description of a tool.

        Args:
            kind: Kind of document.
            words: What its placeholders stand for.
            plain: Whether the name and the parameters say it all, so that it may be left out.
        """
        if plain and kind in self.variant.silent:
            return ""
        wordings = self.spec.documents[kind]
        text = wordings[self._number % len(wordings)].format(**words)
        return text[0].upper() + text[1:] if self.register != "terse" else text

    def describe(self, role: str, words: dict[str, str]) -> str:
        """Return the description of an argument that is no column; empty where this style has none."""
        if role in self.variant.bare:
            return ""
        text = self.spec.parameters[role].format(**words)
        return self.spec.choice.format(words=f"{text}{words['units']}", schema=words["schema"])

    def describe_column(self, words: dict[str, str]) -> str:
        """Return the description of an argument that is a column."""
        return self.spec.column.format(**words)


def described(column: str, attribute: Attribute | None) -> str:
    """Return a column in words: its noun, with unit or date format."""
    if attribute is None:
        return column.replace("_", " ")
    if attribute.entity is not None:
        return f"id of the {attribute.noun}"
    if attribute.type == "date":
        return f"{attribute.noun} (YYYY-MM-DD)"
    if attribute.unit is None:
        return attribute.noun
    return f"{attribute.noun} in {attribute.unit}"


def article(noun: str) -> str:
    """Return a noun with the indefinite article it is spoken with.

    >>> article("inspection"), article("hour"), article("unit"), article("umbrella"), article("one-way trip")
    ('an inspection', 'an hour', 'a unit', 'an umbrella', 'a one-way trip')
    """
    word = noun.casefold()
    as_consonant = word.startswith(_CONSONANT) and not word.startswith(_VOWEL)
    vowel = word.startswith(_SILENT) or (word[:1] in "aeiou" and not as_consonant)
    return f"{'an' if vowel else 'a'} {noun}"


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def _cased(words: list[str], case: str) -> str:
    if case == "snake":
        return "_".join(words)
    first = words[0] if case == "camel" else words[0].capitalize()
    return first + "".join(word.capitalize() for word in words[1:])


def _parameter_case(case: str) -> str:
    """Return the case of parameters beside tools of a case: nobody writes them in Pascal's."""
    return "camel" if case == "pascal" else case


def _fitted(parts: list[list[str]], case: str) -> str:
    """Join a name, its words cut shorter and shorter as far as needed."""
    for longest in (MAX_NAME, 8, _SHORT):
        name = ".".join(_cased([word[:longest] for word in part], case) for part in parts)
        if len(name) <= MAX_NAME:
            return name
    whole = ".".join(_cased(part, case) for part in parts)
    return f"{name[: MAX_NAME - 7]}_{hashlib.blake2b(whole.encode(), digest_size=3).hexdigest()}"


def _abbreviations(domain: Domain) -> dict[str, str]:
    """Return word → abbreviation for a domain's own words, no two alike."""
    keys = [key for name, entity in domain.entities.items() for key in (name, entity.plural, *entity.columns)]
    words = {word for key in keys for word in _words(key)}
    taken = {word for word in words if len(word) <= _SHORT} | _KEPT
    table: dict[str, str] = {}
    for word in sorted(words - taken):
        bare = word[0] + re.sub(r"[aeiouy]", "", word[1:])
        tries = [*(bare[:length] for length in range(_SHORT, len(bare) + 1)), bare, word]
        table[word] = next(short for short in tries if short not in taken)
        taken.add(table[word])
    return table
