"""What can be had early: every value that some short sequence of calls serves to a caller who makes no lucky guess.

From the constants of the request all read tools are called with every combination of arguments; the ids they serve
feed the next round. A list longer than the caller has patience for does not tell which of its rows is the right one:
what it shows of a row counts once the row is known otherwise (or comes first in an order). Arithmetic is left out: it
is judged by its operands and by its result. This is the shortcut closure behind gate G8.
"""

from __future__ import annotations

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
    """

    def __init__(self, candidate: Candidate, patience: int) -> None:
        self._world = candidate.world
        self._tools = [tool for tool in candidate.scenario.tools if _is_read(tool)]
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

    def rounds(self, count: int) -> list[set[Any]]:
        """Return the values served within 1, 2, … `count` rounds, each set including the ones before.

        Raises:
            TooWideError: If that takes too many calls.
        """
        view, served, rounds = WorldView(self._world.base), set[Any](), []
        done: set[tuple[str, tuple[tuple[str, Any], ...]]] = set()
        for number in range(1, count + 1):
            fresh: list[Any] = []
            for tool in self._tools:
                run = self._caller.runs(tool)
                for arguments in self._caller.arguments(tool, self._stock):
                    key = (tool.name, tuple(arguments.items()))
                    if key in done:
                        continue
                    done.add(key)
                    if len(done) > MAX_CALLS:
                        raise TooWideError
                    outcome = self._caller.call(run, view, arguments)
                    if outcome.ok:
                        self.readings.append(Reading(number, tool, arguments, outcome.shown))
                        fresh += self._told(outcome.shown, in_order="sort_by" in arguments)
            self._learn(fresh)
            served |= set(fresh) | self._told_of_known()
            rounds.append(set(served))
        return rounds

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

    def _learn(self, fresh: list[Any]) -> None:
        for value in fresh:
            table = table_of(self._world, value) if type(value) is str else None
            if table is not None:
                self._stock.ids[table][value] = None


def _is_read(tool: ToolSpec) -> bool:
    return isinstance(tool.impl, TemplateImpl) and template(tool).family not in _COMPUTING and not is_write(tool)
