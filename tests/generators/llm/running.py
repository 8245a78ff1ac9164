"""Runs against the fake endpoint."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tool_gym.generators.llm.rebuilt import Source
from tool_gym.generators.llm.runs import Run, Settings, open_run
from tool_gym.llm.fake import FakeEndpoint
from tool_gym.llm.journal import Done

Answer = Callable[[dict[str, Any]], str]


@contextmanager
def running(answer: Answer, folder: Path, *script: str, **settings: Any) -> Iterator[Run]:
    with (
        FakeEndpoint(answer, script or ("valid",)) as fake,
        open_run(Settings(fake.endpoint(retries=6), **settings), folder, "stage") as run,
    ):
        yield run


def statuses(results: Iterable[Done]) -> Counter[str]:
    return Counter(done.status for done in results)


def few(source: Source, count: int, shape: str | None = None) -> Source:
    """A pack's first scenarios, of one shape or any."""
    some = replace(source, derived={})
    entries = [entry for entry in source.entries if shape in (None, entry.shape)]
    some.__dict__["entries"] = tuple(entries[:count])
    return some
