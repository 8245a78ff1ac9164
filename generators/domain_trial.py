"""Trying a domain out: a world is drawn, requests of every shape are worded, and the English is looked at."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from tool_gym.generators.decompose import Goal, RejectedError
from tool_gym.generators.domain import Domain
from tool_gym.generators.domain_rules import Problem
from tool_gym.generators.registers import article
from tool_gym.generators.sampling import Sampler
from tool_gym.generators.seeding import stream
from tool_gym.generators.wording import realise
from tool_gym.generators.wording.parse_check import check_reading
from tool_gym.generators.wording.parse_say import spelled_out
from tool_gym.generators.worlds import sample_world
from tool_gym.world import World

REQUESTS = 50
"""Requests worded of each shape."""

READ_BACK = 10
"""Of so many requests, one is read back."""

SHAPES = {
    "single_hop": (1,),
    "parallel_single_hop": (1,),
    "multi_hop": (2, 3, 4, 5, 6),
    "parallel_multi_hop": (2, 3, 4, 5),
    "write": (2, 3, 4),
    "read_then_write": (2, 3, 4),
    "conditional": (2, 3, 4),
}
"""Shape → depths tried."""

_DRAWS = 20
"""Draws for each request before a shape counts as out of reach."""

_FAULTS = {
    "a slot that was not filled": re.compile(r"[{}<>]|\bNone\b"),
    "an underscore": re.compile(r"[^\W_]_[^\W_]"),
    "two spaces": re.compile(r"  | \n"),
    "a space before a mark": re.compile(r" [.,;:?!]"),
    "two marks": re.compile(r"[.?!,;:][.?!,;:]"),
    "a word twice": re.compile(r"\b([a-z]+) \1\b"),
}
_INDEFINITE = re.compile(r"\b(an?|(?:^|(?<=[.?!] ))An?) ([a-z][\w\-]*)")


def trial(domain: Domain) -> Iterator[Problem]:
    """Yield what goes wrong when requests about a domain are worded: each fault once, with an example."""
    world = sample_world(domain, stream("trial", domain.name, "world"))
    told: set[str] = set()
    for shape, depths in SHAPES.items():
        goals = list(_goals(domain, world, shape, depths))
        if len(goals) < REQUESTS:
            few = f"only {len(goals)} of {REQUESTS} requests of the shape {shape} could be drawn; connect more entities"
            yield Problem("", "trial", few, error=not goals)
        for number, goal in enumerate(goals):
            words = stream("trial", domain.name, shape, number, "words")
            for fault, message in _worded(domain, world, goal, words, read=number % READ_BACK == 0):
                if fault not in told:
                    told.add(fault)
                    yield Problem("", "english", message)


def faults(text: str) -> Iterator[str]:
    """Yield what no one would write.

    >>> list(faults("Give me the the price of an unit."))
    ['a word twice: "the the"', 'a wrong article: "an unit"']
    """
    for name, pattern in _FAULTS.items():
        found = pattern.search(text)
        if found is not None:
            yield f'{name}: "{found.group()}"'
    for found in _INDEFINITE.finditer(text):
        if found.group(1).casefold() != article(found.group(2)).split()[0]:
            yield f'a wrong article: "{found.group()}"'


def _worded(domain: Domain, world: World, goal: Goal, rng: random.Random, *, read: bool) -> Iterator[tuple[str, str]]:
    """Yield (fault, fault with its text) of one request; with `read`, whether it can mean something else, too."""
    try:
        text = realise(goal, domain, world, rng)
    except Exception as error:  # noqa: BLE001 - whatever a domain's words lead to is a finding, not a crash
        fault = f"{type(error).__name__}: {error}"
        yield fault, f"{fault}, when the words for {goal} were put together"
        return
    for fault in faults(text):
        yield fault, f"{fault} in the request {text!r}"
    verdict = check_reading(goal, (text,), domain, world) if read else None
    if verdict is not None and verdict.kind == "different":
        fault = "a request that can mean two things"
        meant = spelled_out(goal, domain, world)
        yield fault, f"{fault}: {text!r} is meant as {meant}, and also means {verdict.other}"


def _goals(domain: Domain, world: World, shape: str, depths: tuple[int, ...]) -> Iterator[Goal]:
    for number in range(REQUESTS):
        for attempt in range(_DRAWS):
            sampler = Sampler(domain, world, stream("trial", domain.name, shape, number, attempt))
            try:
                yield sampler.goal(shape, depths[number % len(depths)])
            except RejectedError:
                continue
            break
