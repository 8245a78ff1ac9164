"""Answers made of what results served: one value of each result that no later call has built on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tool_gym import jsonio
from tool_gym.envs.policies.lexical import looks_like_id
from tool_gym.envs.wrappers.discrete_entries import Entry
from tool_gym.envs.wrappers.discrete_grounding import MAX_TRIED, Option, best_first, distinct
from tool_gym.envs.wrappers.discrete_reading import Reading, Result, Served
from tool_gym.turns import Turn
from tool_gym.values import Scalar

MAX_JOINED = 4
"""Most values of one answer."""


def answers(reading: Reading) -> list[Iterator[Entry]]:
    """Return for each number of values, from one to `MAX_JOINED`, answers with so many values, the best first.

    An answer of two values states one value of each of the last two loose ends, in the order they were looked up.
    """
    loose = reading.loose_ends()
    values = [_values(reading, result) for result in loose[-MAX_JOINED:]]
    return [_answers(reading, values[-count:], count, len(loose)) for count in range(1, MAX_JOINED + 1)]


def _answers(reading: Reading, values: Sequence[Sequence[Option]], count: int, loose: int) -> Iterator[Entry]:
    best = None
    for lost, picked in best_first(values, MAX_TRIED) if len(values) == count else ():
        score = -lost / count
        best = score if best is None else best
        yield Entry(
            Turn(f"Answer: {_joined([one.value for one in picked])}"),
            is_answer=1.0,
            score=score,
            lead=score - best,
            said=sum(one.score > 0.3 for one in picked) / count,
            fresh=picked[-1].fresh,
            joined=count / MAX_JOINED,
            complete=count == loose,
            expected=count == reading.parts,
            has_id=any(looks_like_id(one.value) for one in picked),
        )


def _values(reading: Reading, result: Result) -> list[Option]:
    """Return the values of a result as answers, the best first."""
    found = []
    ordered = any(one.key in result.given for one in result.served)  # by that key: what comes first is then wanted
    for one in result.served:
        counts = one.key == "total" and reading.says("count")
        asked = counts or one.key in result.given or reading.says_key(one.key)
        score = 0.6 * asked + 0.3 * isinstance(one.value, bool)
        score += (0.75 if ordered else 0.5) * (one.key == "name") - 0.8 * one.is_id
        score -= 0.8 * (one.text in result.given) + 0.02 * min(one.place, 9) + 0.5 * (one.item > 0)
        found.append(Option(score, one.value, "result", result is reading.results[-1]))
        found += (Option(score + 0.7, name, "result") for name in _names(reading, one))
    return distinct(found)


def _names(reading: Reading, wanted: Served) -> Iterator[Scalar]:
    """Yield the names that other results served right after an id."""
    for result in reading.results[:-1] if wanted.is_id else ():
        for one, after in pairwise(result.served):
            if one.value == wanted.value and after.key == "name":
                yield after.value


def _joined(values: Sequence[Scalar]) -> str:
    said = [_written(value) for value in values]
    plainly = len(said) == 1 or not any(mark in one for one in said for mark in ";,\n[")
    return "; ".join(said) if plainly else json.dumps(said, ensure_ascii=False)


def _written(value: Scalar) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else jsonio.dumps(value)
