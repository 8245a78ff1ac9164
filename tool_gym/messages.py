"""Episodes as chat messages in OpenAI's form.

Calls that could not be read stand as calls of a tool named `malformed_call`, so that every attempt is in the
conversation and every tool message answers a call.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, overload

from tool_gym.trajectory import Step
from tool_gym.turns import BrokenCall, ToolCall, ToolResult, Turn

MALFORMED = "malformed_call"
"""Name under which a call that cannot be read is shown."""

_to_json = json.JSONEncoder(ensure_ascii=False).encode


def user_message(text: str) -> dict[str, Any]:
    """Return what a user says."""
    return {"role": "user", "content": text}


def assistant_message(turn: Turn, step: int = 0) -> dict[str, Any]:
    """Return the message of a turn; calls without an id of their own get `call_{step}_{index}`."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.text}
    if turn.reasoning:
        message["reasoning_content"] = turn.reasoning
    if turn.calls:
        message["tool_calls"] = [_tool_call(call, f"call_{step}_{i}") for i, call in enumerate(turn.calls)]
    return message


def tool_messages(turn: Turn, results: Sequence[ToolResult], step: int = 0) -> list[dict[str, Any]]:
    """Return the messages that answer a turn's calls, one for each."""
    return [
        tool_message(call_id(call, f"call_{step}_{i}"), result)
        for i, (call, result) in enumerate(zip(turn.calls, results, strict=True))
    ]


def tool_message(answers: str, result: ToolResult) -> dict[str, Any]:
    """Return the message of a result; `answers` is the id of the call."""
    return {"role": "tool", "tool_call_id": answers, "content": result.text}


def call_id(call: ToolCall | BrokenCall, default: str) -> str:
    """Return the call's own id, or `default`."""
    return (isinstance(call, ToolCall) and call.id) or default


class Conversation(Sequence[dict[str, Any]]):
    """The messages of an episode so far, made anew at each access.

    A view of the first `count` steps: making one copies nothing, and steps appended later don't change it.

    >>> list(Conversation("What is 2 + 2?", [Step(Turn("Answer: 4"))]))
    [{'role': 'user', 'content': 'What is 2 + 2?'}, {'role': 'assistant', 'content': 'Answer: 4'}]
    """

    __slots__ = ("_count", "_opening", "_steps", "_system")

    def __init__(self, opening: str, steps: Sequence[Step] = (), count: int | None = None, system: str = "") -> None:
        """Look at an episode.

        Args:
            opening: What the user said first.
            steps: The steps so far, and perhaps later ones.
            count: How many of them are seen; all if None.
            system: Text of a system message in front; none if empty.
        """
        self._system = system
        self._opening = opening
        self._steps = steps
        self._count = len(steps) if count is None else count

    @property
    def opening(self) -> list[dict[str, Any]]:
        """The messages before the first turn."""
        system = [{"role": "system", "content": self._system}] if self._system else []
        return [*system, user_message(self._opening)]

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps that are seen, with the turns as they were written."""
        return tuple(islice(self._steps, self._count))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        yield from self.opening
        for number, step in enumerate(islice(self._steps, self._count)):
            yield assistant_message(step.turn, number)
            yield from tool_messages(step.turn, step.results, number)
            if step.reply:
                yield user_message(step.reply)

    def __len__(self) -> int:
        steps = islice(self._steps, self._count)
        return bool(self._system) + 1 + sum(1 + len(step.results) + bool(step.reply) for step in steps)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        return list(self)[index]

    def __eq__(self, other: object) -> bool:
        return list(self) == list(other) if isinstance(other, Conversation | list) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equal to lists, so no more hashable than they

    def __repr__(self) -> str:
        return f"<Conversation of {len(self)} messages>"

    def __reduce__(self) -> tuple[type[Conversation], tuple[str, tuple[Step, ...], None, str]]:
        return Conversation, (self._opening, tuple(islice(self._steps, self._count)), None, self._system)


def _tool_call(call: ToolCall | BrokenCall, default: str) -> dict[str, Any]:
    if isinstance(call, BrokenCall):
        name, arguments = MALFORMED, call.raw
    else:
        name, arguments = call.name, _to_json(call.arguments)
    return {"id": call_id(call, default), "type": "function", "function": {"name": name, "arguments": arguments}}
