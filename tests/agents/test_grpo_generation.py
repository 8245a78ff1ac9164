"""Generation that processes can only do together; no torch needed."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest

from tool_gym.agents.grpo.generation import CollectiveGenerate, Written

STOP, CLOSING = 9, 7
ENCODER: Any = SimpleNamespace(stop_ids=frozenset({STOP}), text_end=None)


class Ends:
    """Ends a text with the two tokens 6 7."""

    closing = frozenset({CLOSING})

    def __call__(self, ids: Sequence[int]) -> bool:
        return list(ids[-2:]) == [6, CLOSING]


def rollout(prompt: list[int], completion: list[int], turns: list[tuple[int, int]]) -> Any:
    return SimpleNamespace(prompt_ids=prompt, completion_ids=completion, turns=turns)


@pytest.mark.parametrize("calls", [(3, 3), (1, 4), (5, 0)], ids=str)
def test_processes_call_equally_often_and_for_equally_many(calls: tuple[int, int]) -> None:
    meeting = threading.Barrier(2, timeout=20)
    handed: dict[int, Any] = {}
    asked: dict[int, list[list[list[int]]]] = {0: [], 1: []}
    got: dict[int, list[list[int]]] = {0: [], 1: []}

    def process(rank: int) -> None:
        def gather(numbers: list[int]) -> list[int]:
            handed[rank] = numbers
            meeting.wait()
            together: list[int] = handed[0] + handed[1]
            meeting.wait()
            return together

        def generate(prefixes: list[list[int]]) -> Written:
            asked[rank].append(prefixes)
            return [[*prefix, STOP] for prefix in prefixes], None

        ask = CollectiveGenerate(generate, gather, encoder=ENCODER, filler=[0])
        for number in range(calls[rank]):
            got[rank] += [turn.ids for turn in ask([[rank, number, row] for row in range(rank + 1)])]
        ask.finish()

    threads = [threading.Thread(target=process, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [list(map(len, asked[0]))] == [list(map(len, asked[1]))]
    assert len(asked[0]) == max(calls)
    for rank in range(2):
        expected = [[rank, number, row, STOP] for number in range(calls[rank]) for row in range(rank + 1)]
        assert got[rank] == expected


def test_turns_end_at_stop_tokens_and_at_marks_of_several_tokens() -> None:
    written = [[1, STOP], [1, 2], [1, 6, CLOSING, 3], [CLOSING, 1]]
    for ends, expected in (
        (None, [([1, STOP], True), ([1, 2], False), ([1, 6, CLOSING, 3], False), ([CLOSING, 1], False)]),
        (Ends(), [([1, STOP], True), ([1, 2], False), ([1, 6, CLOSING], True), ([CLOSING, 1], False)]),
    ):
        encoder: Any = SimpleNamespace(stop_ids=frozenset({STOP}), text_end=ends)
        ask = CollectiveGenerate(lambda _: (written, None), lambda numbers: numbers, encoder=encoder, filler=[0])
        assert ask([[0]] * 4) == expected


def test_log_probabilities_find_their_tokens() -> None:
    """Two members share a prompt, one's turn was cut; observations have 0."""
    answers: Any = iter([([[1, STOP], [1, 2, 3]], [[-1.0, -2.0], [-3.0, -4.0, -5.0]]), ([[4, STOP]], [[-6.0, None]])])
    ask = CollectiveGenerate(lambda _: next(answers), lambda numbers: numbers, encoder=ENCODER, filler=[0])
    ask([[5], [5]])
    ask([[5, 1, STOP, 8, 8]])
    longer = rollout([5], [1, STOP, 8, 8, 4, STOP], [(0, 2), (4, 6)])
    cut = rollout([5], [1, 2], [(0, 2)])
    assert ask.log_probs([longer, cut]) == [[-1.0, -2.0, 0.0, 0.0, -6.0, None], [-3.0, -4.0]]


def test_without_log_probabilities_there_are_none() -> None:
    ask = CollectiveGenerate(lambda _: ([[1]], None), lambda numbers: numbers, encoder=ENCODER, filler=[0])
    ask([[5]])
    assert ask.log_probs([rollout([5], [1], [(0, 1)])]) is None
