"""The steps of an episode under way: raw as they come, each made a `Step` when it is first looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias, overload

from tool_gym.trajectory import Step
from tool_gym.turns import ToolResult, Turn

Raw: TypeAlias = tuple[Turn, tuple[ToolResult, ...], int, str, float, Any]
"""Turn, results, user turn, reply, reward, and the figures that the reward's parts are made from."""


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
        return map(self._made, range(len(self.raw)))

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | Sequence[Step]:
        numbers = range(len(self.raw))[index]
        return self._made(numbers) if isinstance(numbers, int) else list(map(self._made, numbers))

    def _made(self, number: int) -> Step:
        step = self.raw[number]
        if type(step) is not Step:
            turn, results, user_turn, reply, reward, figures = step
            step = self.raw[number] = Step(turn, results, user_turn, reply, reward, self.parts_of(figures))
        return step
