"""What can be had early: every value that some short sequence of calls serves to a caller who makes no lucky guess.

From the constants of the request all read tools are called with every combination of arguments; the ids they serve
feed the next round. A list longer than the caller has patience for does not tell which of its rows is the right one:
what it shows of a row counts once the row is known otherwise (or comes first in an order). Arithmetic is left out: it
is judged by its operands and by its result. This is the shortcut closure behind gate G8.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from tool_gym.generators.calls import Caller, Stock, is_write, table_of, template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.expressions import Free, walk
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.tools.base import Arguments
from tool_gym.values import leaves
from tool_gym.world import WorldView

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
        self._tools = [tool for tool in candidate.scenario.tools if _is_read(tool, left_out)]
        self._caller = Caller(candidate.world)
        self._patience = patience
        self._stock = Stock.of(candidate.world)
        for call in candidate.draft.calls:
            for role, value in call.literals.items():
                if role == "name":
                    self._stock.names[value] = None
                else:
                    self._stock.add(candidate.world, value)
        for part in (part for goal in candidate.draft.goal for part in walk(goal)):
            if isinstance(part, Free):
                self._stock.dates[part.date] = None
        self._shown: list[dict[str, Any]] = []
        """Rows of long lists."""
        self.readings: list[Reading] = []
        """Every call that succeeded."""

    def rounds(self, count: int) -> Iterator[set[Any]]:
        """Yield the values served within 1, 2, … `count` rounds: one set that grows.

        Raises:
            TooWideError: If that takes too many calls.
        """
        view, calls = WorldView(self._world.base), 0
        served: set[Any] = set()
        fresh: Stock | None = None
        for number in range(1, count + 1):
            told: list[Any] = []
            for tool in self._tools:
                run = self._caller.runs(tool)
                for arguments in self._caller.arguments(tool, self._stock, fresh):
                    calls += 1
                    if calls > MAX_CALLS:
                        raise TooWideError
                    outcome = self._caller.call(run, view, arguments)
                    if outcome.ok:
                        self.readings.append(Reading(number, tool, arguments, outcome.shown))
                        told += self._told(outcome.shown, in_order="sort_by" in arguments)
            fresh = self._learn(told)
            served.update(told, self._told_of_known())
            yield served

    def _told(self, value: Any, *, in_order: bool) -> list[Any]:
        """Return what a result says for certain; keep the rows of a long list for later."""
        items = value.get("items") if isinstance(value, dict) else None
        if not items or max(len(items), value.get("total", 0)) <= self._patience:
            return leaves(value)
        self._shown.extend(items)
        first = items[:1] if in_order else []
        return leaves({**value, "items": first})

    def _told_of_known(self) -> set[Any]:
        """Return what long lists say of rows that are known by now."""
        known, names = self._stock.ids, self._stock.names
        found: set[Any] = set()
        for item in self._shown:
            if item["name"] in names or any(item["id"] in ids for ids in known.values()):
                found.update(leaves(item))
        return found

    def _learn(self, told: list[Any]) -> Stock:
        """Add ids to the stock and return those that are new."""
        fresh = Stock.of(self._world)
        for value in told:
            table = table_of(self._world, value) if type(value) is str else None
            if table is not None and value not in self._stock.ids[table]:
                self._stock.ids[table][value] = fresh.ids[table][value] = None
        return fresh


def _is_read(tool: ToolSpec, left_out: frozenset[str]) -> bool:
    return isinstance(tool.impl, TemplateImpl) and template(tool).family not in left_out and not is_write(tool)
