"""Clients and caches that a test leaves open are closed after it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tool_gym.llm.cache import ResponseCache
from tool_gym.llm.client import Client


@pytest.fixture(autouse=True)
def _tidy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    made: list[Client | ResponseCache] = []
    for kind in (Client, ResponseCache):
        monkeypatch.setattr(kind, "__init__", _noting(kind.__init__, made))
    yield
    for one in made:
        if isinstance(one, Client) or hasattr(one, "_connection"):
            one.close()


def _noting(real: object, made: list[Client | ResponseCache]) -> object:
    def init(self: Client | ResponseCache, *args: object, **options: object) -> None:
        made.append(self)
        real(self, *args, **options)  # type: ignore[operator]  # the constructor it stands for

    return init
