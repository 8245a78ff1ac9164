"""The menu: turns a policy chooses from, each at an index that keeps its meaning.

    0            decline
    1            answer "done": the confirmation after a change
    2, 3         ask for a value that nothing fits yet
    then         answers with one value, with two, three and four: `answers` entries for each number, the best first
    then         calls, the best first

"Best" is by words: a call ranks by what its tool's name, its choices and the words around its values share with the
request, an answer by its keys. The rank is a hint, not a judgement: about two fifths of the oracle's calls come first.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TypeAlias

from tool_gym.envs.policies.slots import Tool
from tool_gym.envs.wrappers.discrete_answers import MAX_JOINED, answers
from tool_gym.envs.wrappers.discrete_entries import Entry
from tool_gym.envs.wrappers.discrete_grounding import Filling, Option, fillings, options, relevance
from tool_gym.envs.wrappers.discrete_reading import Reading
from tool_gym.turns import Turn

ASKS = 2
"""Entries that ask the user."""

PER_TOOL = 24
"""Most entries of one tool."""

_DECLINE = Turn("Decline: none of the tools can do this.")
_DONE = Turn("Answer: done")

_Places: TypeAlias = list[list[Option]]
"""The options of each parameter of a tool."""


def menu(reading: Reading, per_count: int, calls: int) -> list[Entry | None]:
    """Return the menu, None where a number has no entry now.

    Args:
        reading: What is known.
        per_count: Entries for each number of values an answer may have.
        calls: Entries for calls.
    """
    places = [[options(reading, blank) for blank in form.blanks] for form in reading.forms]
    entries: list[Entry | None] = [Entry(_DECLINE), Entry(_DONE, is_answer=1.0)]
    entries += _padded(_questions(reading, places), ASKS)
    for of_count in answers(reading):
        entries += _padded(of_count, per_count)
    return entries + _padded(_calls(reading, places, calls), calls)


def size(per_count: int, calls: int) -> int:
    """Return how many numbers the menu has."""
    return 2 + ASKS + MAX_JOINED * per_count + calls


def _padded(entries: Iterator[Entry], count: int) -> list[Entry | None]:
    found: list[Entry | None] = list(islice(entries, count))
    return found + [None] * (count - len(found))


def _calls(reading: Reading, places: Sequence[_Places], limit: int) -> Iterator[Entry]:
    """Yield the best calls in order of their scores, among them the best of each tool."""
    pairs = zip(reading.forms, places, strict=True)
    ways = [islice(fillings(reading, form, of_form), PER_TOOL) for form, of_form in pairs]
    found = sorted((one for one in (next(way, None) for way in ways) if one is not None), key=_rank)[:limit]
    best = found[0].score if found else 0.0
    abouts = {form.tool.name: _about(reading, form.tool) for form in reading.forms}
    for filling in sorted([*found, *islice(heapq.merge(*ways, key=_rank), limit - len(found))], key=_rank):
        yield _call(filling, best, abouts[filling.call.name])


def _rank(filling: Filling) -> float:
    return -filling.score


def _about(reading: Reading, tool: Tool) -> tuple[float, float, float, float]:
    """Return what all calls to a tool share: `said`, `news`, `tried` and `writes`."""
    said = [one for one in tool.named if reading.says(one)]
    named = len(tool.named) or 1
    news = sum(one not in reading.covered for one in said)
    return len(said) / named, news / named, reading.tried[tool.name] / 4, float(tool.writes)


def _call(filling: Filling, best: float, about: tuple[float, float, float, float]) -> Entry:
    score, call, picked = filling
    said, news, tried, writes = about
    chosen = evidence = from_user = from_result = fresh = 0.0
    choices = 0
    for one in picked:
        if one.source == "choice":
            chosen += one.score
            choices += 1
        else:
            evidence += one.score
            fresh = fresh or float(one.fresh)
            from_user = from_user or float(one.source == "user")
            from_result = from_result or float(one.source == "result")
    return Entry(
        Turn(calls=(call,)),
        is_call=1.0,
        score=score / 4,
        lead=score - best,
        said=said,
        news=news,
        chosen=chosen / (choices or 1),
        evidence=evidence / ((len(picked) - choices) or 1),
        from_user=from_user,
        from_result=from_result,
        fresh=fresh,
        tried=tried,
        writes=writes,
    )


def _questions(reading: Reading, places: Sequence[_Places]) -> Iterator[Entry]:
    """Yield questions for what required parameters stand for that nothing fits, the most relevant tools' first."""
    wanting = [(form, of_form) for form, of_form in zip(reading.forms, places, strict=True) if not all(of_form)]
    asked: set[str] = set()
    for form, of_form in sorted(wanting, key=lambda pair: -relevance(reading, pair[0])):
        for blank, found in zip(form.blanks, of_form, strict=True):
            if not found and blank.slot.name not in asked:
                asked.add(blank.slot.name)
                yield Entry(Turn(f"Ask: which {blank.slot.name.removesuffix('_id').replace('_', ' ')}?"))
