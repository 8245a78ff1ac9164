"""What a schedule is, and what all of them need to keep their state."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Protocol

from tool_gym.errors import AgentError


class GroupResult(NamedTuple):
    """What the members of one group made of its scenario."""

    scenario_id: str
    returns: tuple[float, ...]
    """The return of each member."""
    solved: tuple[bool, ...]
    """Whether each met all goals."""
    loss: float | None = None
    """The policy's mean loss on the tokens of a solution, in nats a token, where it was measured."""

    @property
    def success(self) -> float:
        """Share of the members that met all goals; 0 for a group without members."""
        return sum(self.solved) / len(self.solved) if self.solved else 0.0

    @property
    def has_spread(self) -> bool:
        """Whether returns differ: a group in which they do not has advantages of 0, and so no gradient."""
        return bool(self.returns) and max(self.returns) - min(self.returns) > 1e-9


class Schedule(Protocol):
    """Chooses the scenarios of each batch and learns how they went; what it knows can be saved."""

    def draw(self, groups: int) -> list[str]:
        """Return scenario ids, one for each group."""
        ...

    def observe(self, results: Sequence[GroupResult]) -> None:
        """Take in how the groups of the last batch went."""
        ...

    def state(self) -> dict[str, Any]:
        """Return what `load` needs to go on from here: plain JSON data."""
        ...

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state of a schedule that was made alike; of the same scenarios, or of their first part.

        Raises:
            AgentError: If the state is of another kind of schedule, or of other scenarios.
        """
        ...


class Turns:
    """Shares of several among the groups of all batches: whose turn it is, to within one group of its share.

    Each group adds to everyone's credit their share, and is paid for by the one with the most.
    """

    def __init__(self, count: int) -> None:
        self.credits = [0.0] * count

    def next(self, shares: Sequence[float]) -> int:
        """Return whose the next group is.

        Args:
            shares: Everyone's share; together 1. Who has none is never chosen.
        """
        for number, share in enumerate(shares):
            self.credits[number] += share
        chosen = max((number for number, share in enumerate(shares) if share > 0), key=self.credits.__getitem__)
        self.credits[chosen] -= 1.0
        return chosen


def stamp(ids: Sequence[str]) -> list[Any]:
    """Return what tells these scenarios, in this order, from others: how many, and a hash."""
    return [len(ids), hashlib.blake2b("\n".join(ids).encode(), digest_size=8).hexdigest()]


def has_grown(ids: Sequence[str], known: Any) -> bool:
    """Return whether `ids` go on where those of the stamp `known` end.

    Raises:
        AgentError: If they do not begin with them.
    """
    count = known[0] if isinstance(known, list) and known else None
    if not isinstance(count, int) or count > len(ids) or stamp(ids[:count]) != known:
        msg = (
            f"the schedule's state is of other scenarios ({known}) than the {len(ids)} here; resume with the pack it "
            "was made for, or with one that holds these and then more"
        )
        raise AgentError(msg)
    return count < len(ids)


@contextmanager
def reading(state: Any, kind: str) -> Iterator[dict[str, Any]]:
    """Yield a state to be read, once it is sure that it is of a kind.

    Raises:
        AgentError: If it is not, or what is read from it is not what it should be.
    """
    found = state.get("kind") if isinstance(state, dict) else None
    if found != kind:
        msg = f"this is no state of the schedule {kind!r} but of {found!r}; resume with the settings it was made with"
        raise AgentError(msg)
    try:
        yield state
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        msg = f"the state of the schedule {kind!r} is damaged ({error!r:.80}); resume from another checkpoint"
        raise AgentError(msg) from error


def check_groups(groups: int) -> None:
    """Raise `AgentError` unless so many groups can be drawn."""
    if groups < 0:
        msg = f"the number of groups must be 0 or more, not {groups}"
        raise AgentError(msg)


def check_known(scenarios: Iterable[str], known: Collection[str]) -> None:
    """Raise `AgentError` for a scenario that is not among those known."""
    for scenario in scenarios:
        if scenario not in known:
            msg = f"there is no scenario {scenario!r} among the {len(known)} of this schedule"
            raise AgentError(msg)
