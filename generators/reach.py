"""What can be had early: every value that some short sequence of calls serves to a caller who makes no lucky guess.

From the constants of the request all read tools are called with every combination of arguments; the ids they serve
feed the next round. A list longer than the caller has patience for does not tell which of its rows is the right one:
what it shows of a row counts once the row is known otherwise (or comes first in an order). Arithmetic is left out: it
is judged by its operands and by its result. This is the shortcut closure behind gate G8.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tool_gym.generators.batches import Batch, Batches, Listing, Told
from tool_gym.generators.calls import Stock, is_write, parts, template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.expressions import Free, walk
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.tools.base import Arguments
from tool_gym.values import leaves
from tool_gym.world import World, fold

MAX_CALLS = 4000
"""Most calls of one closure; beyond that the candidate is rejected as too wide to prove."""

_COMPUTING = frozenset({"calculate", "convert_unit", "days_between"})
_FIGURING = frozenset({"summarize", "compare", "check_availability"})
"""Families that serve figures, yes and no, and no row that is not known."""


class TooWideError(Exception):
    """Raised when a closure would take more than `MAX_CALLS` calls."""


class Reading(NamedTuple):
    """One call of the closure."""

    round: int
    """From 1."""
    tool: ToolSpec
    arguments: Arguments
    """In the family's names."""
    value: Any


class Reach:
    """The values within reach of a candidate's request, round by round.

    Args:
        candidate: The scenario on trial.
        patience: The longest list whose rows the caller would go through one by one.
        figures: Whether figures are wanted; what serves nothing else is left out if not.
    """

    def __init__(self, candidate: Candidate, patience: int, *, figures: bool = True) -> None:
        self._world = candidate.world
        left_out = _COMPUTING if figures else _COMPUTING | _FIGURING
        self._tools = [
            part.tool
            for tool in candidate.scenario.tools
            if isinstance(tool.impl, TemplateImpl)
            for part in parts(tool, candidate.world.base)
            if _is_read(part.tool, left_out)
        ]
        self._patience = patience
        self._stock = Stock.of(candidate.world)
        for call in candidate.draft.calls:
            for role, value in call.literals.items():
                if role == "name":
                    self._stock.names[value] = None
                else:
                    self._stock.add(candidate.world, value)
        for value in candidate.told:
            self._stock.add(candidate.world, value)
            if _is_name(candidate.world, value):
                self._stock.names[value] = None
        for part in (part for goal in candidate.draft.goal for part in walk(goal)):
            if isinstance(part, Free):
                self._stock.dates[part.date] = None
        self._shown: list[dict[str, Any]] = []
        """Rows of long lists that nothing is known of yet."""
        self.rounds_made: list[list[tuple[ToolSpec, Batch]]] = []
        """The calls of each round."""

    @property
    def succeeded(self) -> int:
        """How many calls succeeded."""
        return sum(len(batch.calls) for made in self.rounds_made for _, batch in made)

    @property
    def readings(self) -> Iterator[Reading]:
        """Every call that succeeded."""
        for number, batches in enumerate(self.rounds_made, 1):
            for tool, batch in batches:
                for call in batch.calls:
                    yield Reading(number, tool, call.arguments, call.value)

    def rounds(self, count: int) -> Iterator[set[Any]]:
        """Yield the values served within 1, 2, … `count` rounds: one set that grows.

        Raises:
            TooWideError: If that takes too many calls.
        """
        sources = [Batches(tool, self._world, self._stock) for tool in self._tools]
        served: set[Any] = set()
        fresh: Stock | None = None
        calls = 0
        for _ in range(count):
            made: list[tuple[ToolSpec, Batch]] = []
            ids: dict[str, str] = {}
            for source in sources:
                for batch in source.fitting(fresh):
                    calls += batch.tried
                    if calls > MAX_CALLS:
                        raise TooWideError
                    made.append((source.tool, batch))
                    for told in (batch.told, *map(self._told, batch.lists)):
                        served |= told.values
                        ids |= told.ids
            self.rounds_made.append(made)
            fresh = self._learn(ids)
            served |= self._told_of_known()
            yield served

    def _told(self, listed: Listing) -> Told:
        """Return what a list says for certain; keep the rows of a long one for later."""
        if listed.size <= self._patience:
            return listed.whole
        self._shown.extend(listed.items)
        return listed.certain

    def _told_of_known(self) -> set[Any]:
        """Return what long lists say of rows that are known by now."""
        known, names = set[str]().union(*self._stock.ids.values()), self._stock.names
        found, others = set[Any](), list[dict[str, Any]]()
        for item in self._shown:
            if item["id"] in known or item["name"] in names:
                found.update(leaves(item))
            else:
                others.append(item)
        self._shown = others
        return found

    def _learn(self, ids: dict[str, str]) -> Stock:
        """Add ids of rows, each with its table, to the stock and return those that are new."""
        fresh = Stock.of(self._world)
        for row_id, table in ids.items():
            if row_id not in self._stock.ids[table]:
                self._stock.ids[table][row_id] = fresh.ids[table][row_id] = None
        return fresh


def _is_name(world: World, value: Any) -> bool:
    return type(value) is str and any(fold(value) in world.base.index(table, "name") for table in world.tables)


def _is_read(tool: ToolSpec, left_out: frozenset[str]) -> bool:
    return template(tool).family not in left_out and not is_write(tool)
