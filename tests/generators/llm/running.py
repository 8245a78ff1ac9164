"""Runs against the fake endpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tool_gym.generators.llm.runs import Run, Settings, open_run
from tool_gym.llm.fake import FakeEndpoint
from tool_gym.llm.journal import Done

Answer = Callable[[dict[str, Any]], str]


@contextmanager
def running(answer: Answer, folder: Path, *script: str, **settings: Any) -> Iterator[Run]:
    with FakeEndpoint(answer, script or ("valid",)) as fake:
        with open_run(Settings(fake.endpoint(retries=6), **settings), folder, "stage") as run:
            yield run


def statuses(results: Iterable[Done]) -> Counter[str]:
    return Counter(done.status for done in results)


def scripted(first: Answer, *, every: int, trouble: Answer) -> Answer:
    """Answers of one kind, every so many of another."""
    count = 0

    def answer(body: dict[str, Any]) -> str:
        nonlocal count
        count += 1
        return trouble(body) if count % every == 0 else first(body)

    return answer
