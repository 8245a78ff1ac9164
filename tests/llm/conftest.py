"""Clients and caches of a test are closed when it is over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.llm.keeping import Keep


@pytest.fixture
def keep() -> Iterator[Keep]:
    with ExitStack() as stack:
        yield stack.enter_context
