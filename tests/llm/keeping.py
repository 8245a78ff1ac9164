"""What the fixture `keep` is: it enters a context that the test's end leaves again."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol, TypeVar

T = TypeVar("T")


class Keep(Protocol):
    def __call__(self, opened: AbstractContextManager[T], /) -> T: ...
