"""A curriculum: a window of levels that moves up when the top one is mastered."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tool_gym.agents.curriculum.base import GroupResult, Schedule, Turns, check_groups, check_known, reading
from tool_gym.agents.curriculum.rows import Row
from tool_gym.errors import AgentError

_KIND = "levels"


class LevelConfig(BaseModel):
    """How a curriculum goes up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str = "depth"
    """What the levels are of: depth, level (of complexity), or any other number that scenarios know, as toolset."""
    most: Annotated[int, Field(ge=1)] = 8
    """Most levels; a key with more values is cut into so many of about equally many scenarios."""
    window: Annotated[int, Field(ge=1)] = 2
    """Levels that are played besides review: the top one and those right below it."""
    fade: Annotated[float, Field(gt=0, le=1)] = 0.5
    """Share of each level of the window, by that of the level above it."""
    review: Annotated[float, Field(ge=0, lt=1)] = 0.1
    """Share of all the levels below the window together, never less once there are any."""
    threshold: Annotated[float, Field(gt=0, le=1)] = 0.7
    """Success of the top level, the mean over its last groups, at which the next level is opened."""
    groups: Annotated[int, Field(ge=1)] = 32
    """How many of its last groups that is the mean of."""
    least: Annotated[int, Field(ge=1)] = 16
    """Groups of the top level before it can be left."""

    @model_validator(mode="after")
    def _least_can_be(self) -> LevelConfig:
        if self.least > self.groups:
            msg = f"least ({self.least}) must not be above groups ({self.groups}), which is all that is remembered"
            raise ValueError(msg)
        return self


class LevelSchedule:
    """Plays levels from the easiest up, each by a schedule of its own.

    With the top level t and a window of w levels, level t - i has a share in proportion to fade^i for 0 <= i < w; the
    levels below together have `review`, equally. The next level is opened right after the first group of level t with
    which the mean success of its last `groups` groups, at least `least` of them, is `threshold` or more. There is no
    way down: the window's lower levels and the review are what keeps what was learnt.

    Args:
        rows: The scenarios.
        config: How it goes up.
        make: Makes the schedule of one level from its scenarios and a name for its random stream.

    Raises:
        AgentError: If there is no scenario, or one without a number under the key.
    """

    def __init__(
        self, rows: Sequence[Row], config: LevelConfig, make: Callable[[Sequence[Row], str], Schedule]
    ) -> None:
        if not rows:
            msg = "a curriculum needs at least one scenario"
            raise AgentError(msg)
        self.config = config
        self._values = [(row, row.number(config.key)) for row in rows]
        self._make = make
        self.top = 0
        """The highest level that is open, from 0."""
        self._last: deque[float] = deque(maxlen=config.groups)
        self._divide(_edges([value for _, value in self._values], config.most))

    @property
    def levels(self) -> list[float]:
        """The highest value of the key in each level; the last one has no bound."""
        return list(self._edges)

    @property
    def success(self) -> float | None:
        """Mean success of the top level's last groups; None while there is none."""
        return fmean(self._last) if self._last else None

    def shares(self) -> list[float]:
        """Return the share of each level; together 1."""
        first = max(0, self.top - self.config.window + 1)
        weights = [self.config.fade ** (self.top - level) for level in range(first, self.top + 1)]
        review = self.config.review if first else 0.0
        old = [review / max(1, first)] * first
        open_levels = [(1 - review) * weight / sum(weights) for weight in weights]
        return old + open_levels + [0.0] * (len(self._edges) - self.top - 1)

    def draw(self, groups: int) -> list[str]:
        """Return scenarios of the open levels, each to within a group of its share."""
        check_groups(groups)
        shares = self.shares()
        levels = [self._turns.next(shares) for _ in range(groups)]
        drawn = {level: iter(self._children[level].draw(levels.count(level))) for level in set(levels)}
        return [next(drawn[level]) for level in levels]

    def observe(self, results: Sequence[GroupResult]) -> None:
        """Take in results in their order, and open the next level when it is time."""
        check_known((result.scenario_id for result in results), self._level)
        for level, child in enumerate(self._children):
            own = [result for result in results if self._level[result.scenario_id] == level]
            if own:
                child.observe(own)
        for result in results:
            if self._level[result.scenario_id] == self.top:
                self._last.append(result.success)
                self._promote()

    def state(self) -> dict[str, Any]:
        """Return the window, the last groups, and the state of each level's schedule."""
        return {
            "kind": _KIND,
            "key": self.config.key,
            "edges": self._edges,
            "top": self.top,
            "last": list(self._last),
            "credits": list(self._turns.credits),
            "children": [child.state() for child in self._children],
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state; the bounds of its levels hold, so scenarios added since find their place in them.

        Raises:
            AgentError: If it is the state of something else.
        """
        with reading(state, _KIND) as found:
            if found["key"] != self.config.key:
                msg = f"the state is of a curriculum by {found['key']!r}, and this one goes by {self.config.key!r}"
                raise AgentError(msg)
            if found["edges"] != self._edges:
                self._divide(found["edges"])
            self.top = found["top"]
            self._last = deque(found["last"], maxlen=self.config.groups)
            self._turns.credits = list(found["credits"])
            for child, its in zip(self._children, found["children"], strict=False):
                child.load(its)

    def _promote(self) -> None:
        """Open the next level if the top one is mastered."""
        mastered = len(self._last) >= self.config.least and fmean(self._last) >= self.config.threshold
        if mastered and self.top < len(self._edges) - 1:
            self.top += 1
            self._last.clear()

    def _divide(self, edges: Sequence[float]) -> None:
        """Sort the scenarios into the levels that end at `edges`."""
        self._edges = list(edges)
        last = len(self._edges) - 1
        rows: list[list[Row]] = [[] for _ in self._edges]
        self._level: dict[str, int] = {}
        for row, value in self._values:
            level = self._level[row.id] = min(bisect_left(self._edges, value), last)
            rows[level].append(row)
        if not all(rows):
            msg = f"the state's levels end at {self._edges}, and some of them have no scenario here"
            raise AgentError(msg)
        self._children = [self._make(own, f"level {level}") for level, own in enumerate(rows)]
        self._turns = Turns(len(self._edges))


def _edges(values: Sequence[float], most: int) -> list[float]:
    """Return the highest value of each level: every value its own, or at most `most` of about equally many."""
    ordered = sorted(values)
    distinct = sorted(set(ordered))
    if len(distinct) <= most:
        return distinct
    ends = {ordered[len(ordered) * (band + 1) // most - 1] for band in range(most)}
    return sorted(ends)
