"""Is a domain file good enough: everything that is wrong with it, and what would make it better.

`read_domain` stops at the first thing that keeps a domain from being used. `examine` goes on: it tells all of them,
then what makes questions dull or ambiguous, then tries the domain out (`tool_gym.generators.domain_trial`).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from tool_gym import jsonio
from tool_gym.generators.domain import Domain
from tool_gym.generators.domain_rules import Problem, problems
from tool_gym.generators.domain_trial import trial
from tool_gym.generators.domain_words import word_problems

MIN_ENTITIES = 4
MIN_CHAIN, GOOD_CHAIN = 2, 3
"""References that can be followed one after the other: needed, and recommended."""


def examine(path: Path) -> list[Problem]:
    """Return what is wrong with a domain file and what could be better, in the order of the file; [] if nothing.

    Errors of one kind hide later ones: a file of the wrong format is not tried out.
    """
    try:
        domain = Domain.model_validate(jsonio.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        return [Problem("", "file", f"cannot be read: {error.strerror}")]
    except ValidationError as error:
        return [Problem(".".join(map(str, e["loc"])), "format", _told(e["msg"], e["input"])) for e in error.errors()]
    except ValueError as error:
        return [Problem("", "format", f"is no JSON object of the format: {error}")]
    found = list(problems(domain))
    if found:
        return found
    found = [*_name_problems(domain, path), *structure_problems(domain), *word_problems(domain)]
    return found if any(problem.error for problem in found) else [*found, *trial(domain)]


def longest_chain(domain: Domain) -> tuple[str, ...]:
    """Return the longest way along references, as the entities it visits, none of them twice."""
    chains = [_longest(domain, (name,)) for name in domain.entities]
    return max(chains, key=len, default=())


def structure_problems(domain: Domain) -> Iterator[Problem]:
    """Yield what a domain lacks for all kinds of requests to be made about it."""
    entities = domain.entities
    if len(entities) < MIN_ENTITIES:
        yield Problem("entities", "size", f"there are {len(entities)}; at least {MIN_ENTITIES} are needed")
    apart = set(entities) - _reached(domain)
    if apart:
        yield Problem(min(apart), "connected", "no chain of references leads here from the first entity; add one")
    chain = longest_chain(domain)
    if len(chain) <= GOOD_CHAIN:
        short = len(chain) <= MIN_CHAIN
        wish = f"at least {MIN_CHAIN} in a row are needed" if short else f"{GOOD_CHAIN} in a row make deeper questions"
        yield Problem("entities", "chain", f"the longest chain of references is {' → '.join(chain)}; {wish}", short)
    if not any(entity.creatable and entity.state is not None for entity in entities.values()):
        yield Problem("entities", "create", "none is creatable and has a state; requests for new ones need one")
    if not any(attribute.writable for entity in entities.values() for attribute in entity.columns.values()):
        yield Problem("entities", "writable", "no number is writable; requests for changes need one")
    yield from _lacks(domain)
    yield from _unused(domain)


def _unused(domain: Domain) -> Iterator[Problem]:
    used = {entity.label.pool for entity in domain.entities.values()}
    used |= {attribute.pool for entity in domain.entities.values() for attribute in entity.columns.values()}
    for name in domain.pools:
        if name not in used:
            yield Problem(f"pools.{name}", "unused", "no label and no text draws from it; use it or leave it out")


def _lacks(domain: Domain) -> Iterator[Problem]:
    columns = [a for entity in domain.entities.values() for a in entity.columns.values()]
    for kind in ("date", "enum"):
        if not any(a.type == kind for a in columns):
            yield Problem("entities", kind, f"no attribute is of type {kind}; add one")
    if not any(a.cancel for a in columns):
        yield Problem("entities", "cancel", "no state can be cancelled; name its cancel value", error=False)
    if not any(entity.availability for entity in domain.entities.values()):
        found = "nothing can be booked: no entity has availability; leave it so only where nothing is bookable"
        yield Problem("entities", "availability", found, error=False)
    for name, entity in domain.entities.items():
        if not entity.of_type("integer", "number"):
            yield Problem(name, "numbers", "has no number, so nothing can be ordered or summed; add one", error=False)


def _name_problems(domain: Domain, path: Path) -> Iterator[Problem]:
    if domain.name != path.stem:
        found = f"the domain is called {domain.name!r}, its file {path.name!r}; call both the same"
        yield Problem("name", "name", found)


def _longest(domain: Domain, chain: tuple[str, ...]) -> tuple[str, ...]:
    onward = [parent for parent in domain.entities[chain[-1]].refs.values() if parent not in chain]
    return max((_longest(domain, (*chain, parent)) for parent in dict.fromkeys(onward)), key=len, default=chain)


def _reached(domain: Domain) -> set[str]:
    """Return the entities connected with the first, whichever way references lead."""
    links = [(child, parent) for child, _, parent in domain.groups]
    reached = set(itertools.islice(domain.entities, 1))
    while True:
        more = {b for pair in links for a, b in (pair, pair[::-1]) if a in reached} - reached
        if not more:
            return reached
        reached |= more


def _told(message: str, given: object) -> str:
    shown = "" if isinstance(given, dict | list | tuple) else f"; found {given!r}"
    return f"{message}{shown} (CONTRIBUTING.md, How to write a domain, has the format)"
