"""Every scenario once an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.agents.curriculum.base import GroupResult, check_groups, has_grown, reading, stamp
from tool_gym.errors import AgentError
from tool_gym.generators.seeding import stream

_KIND = "uniform"


class UniformSchedule:
    """Draws without replacement until all were drawn, then begins anew in another order.

    The order of an epoch follows from seed and number of the epoch, so the state is three numbers.

    Args:
        ids: The scenarios.
        seed: Seed of the orders.

    Raises:
        AgentError: If there is no scenario.
    """

    def __init__(self, ids: Sequence[str], seed: int = 0) -> None:
        if not ids:
            msg = "a schedule needs at least one scenario"
            raise AgentError(msg)
        self._ids = list(ids)
        self._seed = seed
        self._epoch = self._drawn = 0
        self._order = self._shuffled()

    def draw(self, groups: int) -> list[str]:
        """Return the next scenarios."""
        check_groups(groups)
        drawn: list[str] = []
        while len(drawn) < groups:
            if self._drawn == len(self._order):
                self._begin(self._epoch + 1)
            new = self._order[self._drawn : self._drawn + groups - len(drawn)]
            self._drawn += len(new)
            drawn += new
        return drawn

    def observe(self, results: Sequence[GroupResult]) -> None:
        """Take in results, which change nothing here."""

    def state(self) -> dict[str, Any]:
        """Return how far the schedule has come."""
        return {"kind": _KIND, "scenarios": stamp(self._ids), "epoch": self._epoch, "drawn": self._drawn}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state; where scenarios have been added since, with a new epoch.

        Raises:
            AgentError: If it is the state of something else.
        """
        with reading(state, _KIND) as found:
            if has_grown(self._ids, found["scenarios"]):
                self._begin(found["epoch"] + 1)
            else:
                self._begin(found["epoch"], found["drawn"])

    def _begin(self, epoch: int, drawn: int = 0) -> None:
        self._epoch, self._drawn = epoch, drawn
        self._order = self._shuffled()

    def _shuffled(self) -> list[str]:
        order = self._ids.copy()
        stream(self._seed, "uniform", self._epoch).shuffle(order)
        return order
