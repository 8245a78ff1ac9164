"""The more of a family, the more it is failed."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from tool_gym import jsonio
from tool_gym.agents.curriculum.base import GroupResult, Schedule, Turns, check_groups, check_known, reading
from tool_gym.agents.curriculum.rows import FAMILY, Family, Row
from tool_gym.errors import AgentError

_KIND = "failures"


class FailureConfig(BaseModel):
    """How failure is measured and what follows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    groups: Annotated[int, Field(ge=1)] = 16
    """Of how many of its last groups a family's failure is the mean."""
    floor: Annotated[float, Field(gt=0)] = 0.1
    """Weight of a family that is never failed, where one that always is has 1 + floor."""
    power: Annotated[float, Field(gt=0)] = 2.0
    """Exponent of the failure: above 1 the worst families gain more."""
    loss_weight: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Weight of a family's mean token loss, relative to the largest of any, against its failures; 0 without one."""
    keys: tuple[str, ...] = FAMILY
    """What makes a family; fewer for a large pack, for a family is known only once it was played."""


class _Played(NamedTuple):
    """What is kept of a group."""

    scenario_id: str
    success: float
    loss: float | None


class FailureTally:
    """How often each family was failed of late.

    A family's failure is 1 - the mean success of its last `groups` groups: 1 if none was ever solved, 0 if all were.
    Where token losses come with the results, it is (1 - v) times that + v times the family's mean loss over the
    largest of any family, v being `loss_weight`.

    Args:
        rows: The scenarios.
        config: How failure is measured.
    """

    def __init__(self, rows: Sequence[Row], config: FailureConfig) -> None:
        self.config = config
        self._rows = {row.id: row for row in rows}
        self.family = {row.id: row.family(config.keys) for row in rows}
        """Scenario → its family."""
        self._last: dict[Family, deque[_Played]] = {}

    def observe(self, results: Sequence[GroupResult]) -> None:
        """Take in results in their order.

        Raises:
            AgentError: If a scenario is unknown.
        """
        check_known((result.scenario_id for result in results), self.family)
        for result in results:
            found = self._last.setdefault(self.family[result.scenario_id], deque(maxlen=self.config.groups))
            found.append(_Played(result.scenario_id, result.success, result.loss))

    def failures(self) -> dict[Family, float]:
        """Return the failure of each family that was played, in [0, 1]."""
        losses = {family: _mean_loss(found) for family, found in self._last.items()}
        largest = max((loss for loss in losses.values() if loss is not None), default=0.0)
        return {family: self._failure(found, losses[family], largest) for family, found in sorted_items(self._last)}

    def failed(self) -> dict[Family, list[tuple[Row, float]]]:
        """Return, of each family, the scenarios last played that were not always solved, the most failed first."""
        found: dict[Family, list[tuple[Row, float]]] = {}
        for family, results in sorted_items(self._last):
            last = {result.scenario_id: 1 - result.success for result in results}
            bad = [(self._rows[scenario], failure) for scenario, failure in last.items() if failure > 0]
            found[family] = sorted(bad, key=lambda pair: (-pair[1], pair[0].id))
        return found

    def state(self) -> dict[str, Any]:
        """Return each family's last groups, as plain data."""
        return {
            "last": [[list(family), [list(result) for result in results]] for family, results in self._last.items()],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state.

        Raises:
            AgentError: If it has scenarios that are not here.
        """
        self._last = {}
        for family, results in state["last"]:
            read = [_Played(*result) for result in results]
            check_known((result.scenario_id for result in read), self.family)
            self._last[tuple(family)] = deque(read, maxlen=self.config.groups)

    def _failure(self, results: Sequence[_Played], loss: float | None, largest: float) -> float:
        failure = 1 - fmean(result.success for result in results)
        if loss is None or largest <= 0:
            return failure
        return (1 - self.config.loss_weight) * failure + self.config.loss_weight * loss / largest


class FailureSchedule:
    """Gives each family a share by how much it is failed; each is played by a schedule of its own.

    A family's weight is floor + failure^power, and its share that over the sum of all weights; one that was not played
    yet has a failure of 1. What is mastered so keeps floor / (1 + floor) of the share of what is always failed.

    Confucius (arXiv 2308.14034) makes new instances of what its model finds hardest; here the same measure also says
    how often what there is gets played. Note that a family that is *always* failed carries no gradient under a reward
    that only tells success: its scenarios are worth their share where the reward is graded, or with demonstrations.

    Args:
        rows: The scenarios.
        config: How failure is measured.
        make: Makes the schedule of one family from its scenarios and a name for its random stream.

    Raises:
        AgentError: If there is no scenario, or one lacks what makes its family.
    """

    def __init__(
        self, rows: Sequence[Row], config: FailureConfig, make: Callable[[Sequence[Row], str], Schedule]
    ) -> None:
        if not rows:
            msg = "a schedule needs at least one scenario"
            raise AgentError(msg)
        self.config = config
        self.tally = FailureTally(rows, config)
        own: dict[Family, list[Row]] = {}
        for row in rows:
            own.setdefault(self.tally.family[row.id], []).append(row)
        self._families = list(own)
        self._children = [make(own[family], f"family {named(family)}") for family in own]
        self._turns = Turns(len(self._families))

    def shares(self) -> dict[Family, float]:
        """Return the share of each family; together 1."""
        failures = self.tally.failures()
        weights = {
            family: self.config.floor + max(0.0, failures.get(family, 1.0)) ** self.config.power
            for family in self._families
        }
        total = sum(weights.values())
        return {family: weight / total for family, weight in weights.items()}

    def draw(self, groups: int) -> list[str]:
        """Return scenarios, each family to within a group of its share."""
        check_groups(groups)
        shares = list(self.shares().values())
        families = [self._turns.next(shares) for _ in range(groups)]
        drawn = {family: iter(self._children[family].draw(families.count(family))) for family in set(families)}
        return [next(drawn[family]) for family in families]

    def observe(self, results: Sequence[GroupResult]) -> None:
        """Take in results."""
        self.tally.observe(results)
        by_family: dict[Family, list[GroupResult]] = {}
        for result in results:
            by_family.setdefault(self.tally.family[result.scenario_id], []).append(result)
        for family, child in zip(self._families, self._children, strict=True):
            if family in by_family:
                child.observe(by_family[family])

    def state(self) -> dict[str, Any]:
        """Return the tally, and the state of each family's schedule."""
        children = {
            named(family): [credit, child.state()]
            for family, credit, child in zip(self._families, self._turns.credits, self._children, strict=True)
        }
        return {"kind": _KIND, "tally": self.tally.state(), "children": children}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state; families that were added since begin anew.

        Raises:
            AgentError: If it is the state of something else.
        """
        with reading(state, _KIND) as found:
            children: Mapping[str, Any] = found["children"]
            gone = children.keys() - set(map(named, self._families))
            if gone:
                msg = f"the state is of other scenarios: it has the family {min(gone)}, of which there is none here"
                raise AgentError(msg)
            self.tally.load(found["tally"])
            for number, (family, child) in enumerate(zip(self._families, self._children, strict=True)):
                if named(family) in children:
                    self._turns.credits[number], its = children[named(family)]
                    child.load(its)


def named(family: Family) -> str:
    """Return a family as text, as in `["clinic","multi_hop",2,0]`."""
    return jsonio.dumps(list(family))


def sorted_items(found: Mapping[Family, Any]) -> list[tuple[Family, Any]]:
    """Return the items in the order of their families' names."""
    return sorted(found.items(), key=lambda item: named(item[0]))


def _mean_loss(results: Sequence[_Played]) -> float | None:
    losses = [result.loss for result in results if result.loss is not None]
    return fmean(losses) if losses else None
