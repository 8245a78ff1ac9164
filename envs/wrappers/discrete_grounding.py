"""Ways to call a tool: its parameters filled from what the user named and earlier results served, the best first."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tool_gym import units
from tool_gym.envs.policies.slots import value_of
from tool_gym.envs.wrappers.discrete_forms import Blank, Form, ids_among
from tool_gym.envs.wrappers.discrete_reading import Reading, identity
from tool_gym.turns import ToolCall

MAX_TRIED = 300
"""Combinations of values tried for one tool at one step."""

UNASKED = -2.5
"""Score of a choice for an optional parameter if nothing speaks for any of its choices."""

OTHERWISE = -1.0
"""The same if something speaks for another of its choices."""


class Option(NamedTuple):
    """A value for a parameter."""

    score: float
    """What speaks for it: about −2.5 to 1."""
    value: Any
    """None where an optional parameter is left out."""
    source: str
    """"choice" from a closed list, "user" or "result"."""
    fresh: bool = False
    """Whether no call has used it, and the user named it or the latest result served it."""


class Filling(NamedTuple):
    """A call with all its arguments."""

    score: float
    """Rank among all calls of the menu."""
    call: ToolCall
    options: tuple[Option, ...]


def fillings(reading: Reading, form: Form, places: Sequence[Sequence[Option]]) -> Iterator[Filling]:
    """Yield ways to call a tool, the best first, leaving out calls that were made already.

    Args:
        reading: What is known.
        form: The tool.
        places: The options of each of its blanks. If one has none, there is no way: the parameter is of a kind that is
            not read (list, object), or nothing was said or served that fits it.
    """
    base = relevance(reading, form)
    repeated = reading.tried[form.tool.name] > 0
    for lost, picked in best_first(places, MAX_TRIED):
        if not form.at_odds or _go_together(form.blanks, picked):
            pairs = zip(form.blanks, picked, strict=True)
            call = ToolCall(
                form.tool.name, {blank.slot.name: one.value for blank, one in pairs if one.value is not None}
            )
            if not repeated or identity(call) not in reading.made:
                yield Filling(base - lost, call, picked)


def relevance(reading: Reading, form: Form) -> float:
    """Return how far the request speaks of a tool; words that a call was already made for count less."""
    score = 0.0
    for one in form.stems:
        weight = reading.weight[one]
        if reading.says(one):
            score += weight * (0.3 if one in reading.covered else 1.0)
        elif one in form.tool.named:
            score -= 0.4 * weight
    return score


def best_first(places: Sequence[Sequence[Option]], limit: int) -> Iterator[tuple[float, tuple[Option, ...]]]:
    """Yield combinations of one option for each place, by the sum of their scores; with the sum, negated.

    Args:
        places: For each place its options, the best first. With an empty place there is no combination.
        limit: Most combinations yielded.
    """
    if not all(places):
        return
    heap = [(-sum(options[0].score for options in places), (0,) * len(places), 0)]
    while heap and limit > 0:
        lost, at, changed = heapq.heappop(heap)
        limit -= 1
        yield lost, tuple([options[number] for options, number in zip(places, at, strict=True)])
        for place in range(changed, len(places)):  # later places only: so each combination comes once
            options, number = places[place], at[place] + 1
            if number < len(options):
                step = options[number - 1].score - options[number].score
                heapq.heappush(heap, (lost + step, (*at[:place], number, *at[place + 1 :]), place))


def options(reading: Reading, blank: Blank) -> list[Option]:
    """Return the values a parameter may take, the best first."""
    if blank.choices:
        return sorted(_choices(reading, blank), key=_rank)
    return distinct([*_named(reading, blank), *_served(reading, blank)])


def distinct(found: Sequence[Option]) -> list[Option]:
    """Return options the best first, each value once."""
    best: dict[str, Option] = {}
    for one in sorted(found, key=_rank):
        best.setdefault(repr(one.value), one)
    return list(best.values())


def _rank(option: Option) -> float:
    return -option.score


def _choices(reading: Reading, blank: Blank) -> list[Option]:
    latest = reading.latest
    served = {one.text for one in latest.served} if latest is not None else frozenset()
    tool = reading.by_name.get(latest.call.name) if latest is not None else None
    about = tool.stems if tool is not None else frozenset()
    found = []
    for value, text, stems in blank.choices:
        score = reading.says_all(stems)
        if score < 0.5 and (text in served or (stems and about.issuperset(stems))):
            score = 0.5
        found.append(Option(score - 0.4 * (text in reading.used), value, "choice"))
    if blank.slot.required:
        return found
    unasked = OTHERWISE if any(one.score > 0 for one in found) else UNASKED
    return [Option(0.0, None, "choice"), *(one if one.score > 0 else one._replace(score=unasked) for one in found)]


def _named(reading: Reading, blank: Blank) -> Iterator[Option]:
    for named in reading.named:
        value = value_of(named.mention, blank.slot)
        is_name = blank.slot.kind == "id" and named.mention.text in reading.names
        if value is not None and not is_name and blank.allows(value):
            used = str(value) in reading.used
            near = 0.8 if blank.about & named.before else 0.4 if blank.about & named.after else 0.0
            yield Option(0.2 + near - 0.6 * used, value, "user", not used)


def _served(reading: Reading, blank: Blank) -> Iterator[Option]:
    slot, latest = blank.slot, len(reading.results) - 1
    for result in reversed(reading.results):
        for one in result.served:
            if not slot.takes(one.value) or (slot.kind == "id" and not one.is_id) or not blank.allows(one.value):
                continue
            used, last = one.text in reading.used, one.result == latest
            score = -0.3 if used else 0.8 if last else 0.5
            if slot.kind == "number" and not reading.says_key(one.key):
                score -= 0.2
            score += 0.2 * (one.key == slot.name) - 0.02 * min(one.place, 9) - 0.3 * (one.item > 0)
            yield Option(score, one.value, "result", last and not used)


def _go_together(blanks: Sequence[Blank], picked: Sequence[Option]) -> bool:
    """Return whether values make sense beside each other.

    No value stands for two parameters, units convert into each other, and a parameter that says what kind of record an
    id is of agrees with the id's letters.
    """
    free, measures = [], []
    for one in picked:
        if one.source != "choice":
            free.append(one.value)
        elif isinstance(one.value, str) and one.value in units.FACTORS:
            measures.append(one.value)
    if len(set(free)) < len(free):
        return False
    if len(measures) == 2 and (measures[0] == measures[1] or units.convert(1.0, *measures) is None):
        return False
    ids = ids_among(free)
    return not ids or all(blank.agrees(one.value, ids) for blank, one in zip(blanks, picked, strict=True))
