"""A domain's words, compiled: every phrase with what it costs the noun phrase it is put into."""

from __future__ import annotations

import re
from typing import NamedTuple

from tool_gym.generators.domain import Attribute, Domain

_CACHE: dict[int, tuple[Domain, Lexicon]] = {}
_CACHE_SIZE = 64


class Form(NamedTuple):
    """A phrase around another one."""

    before: str
    after: str
    links: int
    """How many links of a chain of 'of' it adds."""
    clause: int
    """1 if it ends in a clause: "the crew assigned to …"."""
    head: str
    """The noun to take it up with: "that …"."""
    shared: bool
    """Whether another entity of the domain has the same phrase, so that a bare name inside would not say enough."""

    def around(self, inner: str) -> str:
        """Put a phrase inside."""
        return f"{self.before}{inner}{self.after}"


class Lexicon:
    """The compiled words of one domain."""

    def __init__(self, domain: Domain) -> None:
        """Compile the phrases of `domain`."""
        self.owners: dict[str, set[str]] = {}
        """Noun of an attribute → the entities that have one; only ever asked for membership."""
        self._forms: dict[tuple[str, str], tuple[Form, ...]] = {}
        self._fitting: dict[tuple[str, str, bool, bool], tuple[Form, ...]] = {}
        self.children: dict[tuple[str, str], tuple[Form, ...]] = {}
        users = _users(domain)
        for key, entity in domain.entities.items():
            for column, attribute in entity.columns.items():
                self.owners.setdefault(attribute.noun, set()).add(key)
                noun = domain.entities[attribute.entity].noun if attribute.entity else attribute.noun
                self._forms[key, column] = tuple(
                    _form(text, attribute.noun, noun, shared=len(users[text]) > 1) for text in attribute.phrases()
                )
                texts = attribute.children or ((f"with {{x}} as the {attribute.noun}",) if attribute.entity else ())
                self.children[key, column] = tuple(
                    _form(text, noun, noun, shared=len(users.get(text, ())) > 1) for text in texts
                )

    def forms(self, entity: str, column: str, links: int, clauses: int) -> tuple[Form, ...]:
        """Return the phrases for an attribute that fit what is left; none if none does."""
        key = (entity, column, links > 1, clauses > 0)
        found = self._fitting.get(key)
        if found is None:
            forms = self._forms[entity, column]
            found = tuple(f for f in forms if f.links <= max(1, min(links, 2)) and f.clause <= clauses)
            self._fitting[key] = found
        return found

    def first_form(self, entity: str, column: str) -> Form:
        """Return the plainest phrase for an attribute."""
        return self._forms[entity, column][0]

    def is_shared(self, noun: str) -> bool:
        """Return whether several entities have an attribute of that noun."""
        return len(self.owners[noun]) > 1


def lexicon_of(domain: Domain) -> Lexicon:
    """Return the compiled words of a domain; kept while the domain is in use."""
    cached = _CACHE.get(id(domain))
    if cached is None or cached[0] is not domain:
        if len(_CACHE) >= _CACHE_SIZE:
            _CACHE.clear()
        cached = _CACHE[id(domain)] = (domain, Lexicon(domain))
    return cached[1]


def filtered(attribute: Attribute, text: str, value: str, plural: str) -> str:
    """Fill a filter phrase.

    >>> filtered(Attribute(type="enum", noun="kind"), "{value} {plural}", "low_fat", "dishes")
    'low fat dishes'
    """
    shown = value.replace("_", " ")
    if attribute.type == "state" and not text.startswith("{value}"):
        shown = f'"{shown}"'
    return text.replace("{value}", shown).replace("{plural}", plural)


def before_noun(attribute: Attribute) -> tuple[str, ...]:
    """Return the filter phrases that leave the end of the noun phrase free, or all if there are none."""
    return tuple(text for text in attribute.filter if text.endswith("{plural}")) or attribute.filter


def _users(domain: Domain) -> dict[str, set[str]]:
    """Return phrase → the entities whose rows are put into it."""
    users: dict[str, set[str]] = {}
    for key, entity in domain.entities.items():
        for attribute in entity.attributes.values():
            for text in attribute.phrases():
                users.setdefault(text, set()).add(key)
            for text in attribute.children:
                users.setdefault(text, set()).add(attribute.entity or key)
    return users


def _form(text: str, role: str, noun: str, *, shared: bool) -> Form:
    before, _, after = text.partition("{x}")
    links = max(1, min(2, text.count(" of ") - role.count(" of ")))
    bare = before.endswith(" of ") or re.fullmatch(rf"the {re.escape(role)} (at|for|from|in|on|to) ", before)
    plain = bare and not after  # words behind a long phrase would be taken to belong to its inside
    head = role if before.startswith(f"the {role} ") else noun
    return Form(before, after, links, 0 if plain else 1, head, shared)
