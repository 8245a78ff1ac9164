"""A run that asks a model: endpoint, cache, caps and journals, opened together and closed together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tool_gym.llm import work
from tool_gym.llm.answers import Constraint, probe
from tool_gym.llm.cache import Mode, ResponseCache
from tool_gym.llm.client import Client
from tool_gym.llm.endpoint import Endpoint
from tool_gym.llm.journal import Done, Journal, Lines, hash_of
from tool_gym.llm.ledger import Ledger, Price, Tally

ACCEPTED = "accepted"
QUARANTINED = "quarantined"
"""Of work that came to nothing within its bounds, whatever was asked of the model."""


@dataclass(frozen=True)
class Settings:
    """Who is asked, and within what bounds."""

    endpoint: Endpoint
    cache: Path | None = None
    """File of recorded answers; needed by the modes record and replay."""
    mode: Mode = "live"
    price: Price | None = None
    max_tokens: int | None = None
    max_money: float | None = None
    concurrency: int = 8
    """Most pieces of work at a time."""


@dataclass
class Run:
    """An open run."""

    client: Client
    journal: Journal
    settings: Settings
    constraint: Constraint = "text"
    """How the endpoint is held to a schema; negotiated when the run was opened."""

    def key(self, *content: Any) -> str:
        """Return the hash of a piece of work's input: what it is about, and who is asked in which way."""
        return hash_of([*content, self.settings.endpoint.model, self.constraint])

    def do(self, pieces: Mapping[str, work.Work], progress: Callable[[int], None] = lambda _: None) -> list[Done]:
        """Do what is not done yet; see `tool_gym.llm.work.do`."""
        concurrency = self.settings.concurrency
        return work.do(pieces, self.client, self.journal, concurrency=concurrency, progress=progress)

    def described(self, results: list[Done], what: dict[str, Any]) -> dict[str, Any]:
        """Return how results were made, as plain data for a card: the same for answers paid for and replayed."""
        tally, counts = Tally(), dict[str, int]()
        for done in (self._probed(), *results):
            tally.add(Tally(done.tally))
        for done in results:
            counts[done.status] = counts.get(done.status, 0) + 1
        told = {"model": self.settings.endpoint.model, "constraint": self.constraint, **what}
        told["results"] = dict(sorted(counts.items()))
        return told | tally.described(self.settings.price, counts.get(ACCEPTED))

    def negotiate(self) -> None:
        """Find out how the endpoint can be held to a schema, or look it up."""
        key = self._probe_key()
        if self.journal.get(key) is None:
            own = self.client.apart()
            self.journal.put(key, Done(ACCEPTED, probe(own), own.tally.plain()))
        self.constraint = self._probed().value

    def _probed(self) -> Done:
        done = self.journal.get(self._probe_key())
        return done if done is not None else Done(ACCEPTED, "text")

    def _probe_key(self) -> str:
        return hash_of(["probe", self.settings.endpoint.model])


@contextmanager
def open_run(settings: Settings, folder: Path, stage: str) -> Iterator[Run]:
    """Open a run, go on from what `folder` holds of it, and close it.

    Args:
        settings: Who is asked, and within what bounds.
        folder: Where the journal and the payments are noted.
        stage: Name of the journal.

    Raises:
        EndpointError: If the endpoint fails, a recording is missing, or another run writes the folder.
        BudgetError: If a cap would be passed.
    """
    with ExitStack() as opened:
        cache = (
            opened.enter_context(ResponseCache(settings.cache, settings.mode)) if settings.cache is not None else None
        )
        paid = opened.enter_context(Lines(folder / "paid.jsonl"))
        ledger = Ledger(settings.price, settings.max_tokens, settings.max_money, log=paid)
        journal = opened.enter_context(Journal(folder / f"{stage}.jsonl"))
        client = opened.enter_context(
            Client(settings.endpoint, cache=cache, ledger=ledger, concurrency=settings.concurrency)
        )
        run = Run(client, journal, settings)
        run.negotiate()
        yield run
