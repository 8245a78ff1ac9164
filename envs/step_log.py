"""The steps of an episode under way: raw as they come, each made a `Step` when it is first looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, overload

from tool_gym.trajectory import Step
from tool_gym.turns import ToolResult, Turn

Raw: TypeAlias = tuple[Turn, tuple[ToolResult, ...], int, str, float, Any]
"""Turn, results, user turn, reply, reward, and the figures that the reward's parts are made from."""

_new = tuple.__new__  # half the time of a NamedTuple's own constructor


class StepLog(Sequence[Step]):
    """A sequence of steps that grows at its end: append to `raw`."""

    __slots__ = ("parts_of", "raw")

    def __init__(self, parts_of: Callable[[Any], dict[str, float]], raw: Sequence[Raw | Step] = ()) -> None:
        """Begin with the steps in `raw`; `parts_of` makes a reward's parts from its figures."""
        self.parts_of = parts_of
        self.raw: list[Raw | Step] = list(raw)

    def __len__(self) -> int:
        return len(self.raw)

    def __iter__(self) -> Iterator[Step]:
        return map(self.made, range(len(self.raw)))

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        numbers = range(len(self.raw))[index]
        return self.made(numbers) if isinstance(numbers, int) else list(map(self.made, numbers))

    def made(self, number: int) -> Step:
        """Return the step of that number, from 0, made now if nobody has looked at it before."""
        step = self.raw[number]
        if type(step) is Step:
            return step
        turn, results, user_turn, reply, reward, figures = step
        made = self.raw[number] = _new(Step, (turn, results, user_turn, reply, reward, self.parts_of(figures)))
        return made
