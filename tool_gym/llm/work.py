"""Work that asks a model, piece by piece: side by side, written down as it is finished, stopped gracefully.

The first SIGINT or SIGTERM lets the pieces under way finish and starts no more; the second breaks off. So does a cap
that is reached, or an endpoint that fails for good. What was finished is in the journal, and the next run goes on.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

from tool_gym.llm.client import Client
from tool_gym.llm.journal import Done, Journal

Work: TypeAlias = Callable[[Client], Done]
"""One piece of work; the client is its own to count by."""

_PATIENCE = 0.2
"""Seconds between looks at whether to stop."""


def do(
    work: Mapping[str, Work],
    client: Client,
    journal: Journal,
    *,
    concurrency: int = 8,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Done]:
    """Do the work that is not in the journal yet; return what became of all of it, in order.

    Args:
        work: Hash of the input → what to do.
        client: Who is asked.
        journal: Where finished work is noted.
        concurrency: Most pieces at a time.
        progress: Called with how many are done.

    Raises:
        ToolGymError: By whatever piece failed first, once those under way are finished and noted.
        KeyboardInterrupt: If a signal stopped it.
    """
    missing = iter([(key, piece) for key, piece in work.items() if journal.get(key) is None])
    count = sum(journal.get(key) is not None for key in work)
    progress(count)
    pending: dict[Future[Done], str] = {}
    problem: BaseException | None = None
    with stopping() as stop, ThreadPoolExecutor(concurrency) as pool:
        while True:
            while problem is None and not stop.is_set() and len(pending) < concurrency:
                key, piece = next(missing, ("", None))
                if piece is None:
                    break
                pending[pool.submit(_done, piece, client)] = key
            if not pending:
                break
            for future in wait(pending, timeout=_PATIENCE, return_when=FIRST_COMPLETED).done:
                key = pending.pop(future)
                failure = future.exception()
                if failure is not None:
                    problem = problem or failure
                    continue
                journal.put(key, future.result())
                count += 1
                progress(count)
    if problem is not None:
        raise problem
    if stop.is_set():
        raise KeyboardInterrupt
    return [done for done in map(journal.get, work) if done is not None]


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Yield what the first SIGINT or SIGTERM sets; the second one ends the process at once.

    Outside the main thread, which alone hears signals, it is never set.
    """
    stop = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before: dict[signal.Signals, Any] = {}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def heard(*_: object) -> None:
        stop.set()
        for number in before:
            signal.signal(number, signal.SIG_DFL)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, heard)
    try:
        yield stop
    finally:
        restore()


def _done(piece: Work, client: Client) -> Done:
    own = client.apart()
    return replace(piece(own), tally=own.tally.plain())
