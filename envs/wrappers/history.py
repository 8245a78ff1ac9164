"""A conversation that stays within a budget, however long the episode."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from tool_gym.dialects.base import Message
from tool_gym.envs.wrappers.base import Presentation
from tool_gym.errors import ScenarioError
from tool_gym.turns import ToolResult

if TYPE_CHECKING:
    import gymnasium

NOTE_CHARS = 48
"""Most characters a note of left-out turns adds to a user's message."""

_LEAST_RESULT = 64

_Part: TypeAlias = list[Message]
"""The system message, a user's message, or a turn: the assistant's message and its results."""


class TruncateHistory(Presentation):
    """Leaves the oldest turns out of `info["messages"]` and cuts long results, there and in the observation.

    A turn is an assistant's message with the results of its calls: it is shown whole or not at all. The system message,
    what the user said, and the latest turn are always shown. Where turns are left out, the user's message before them
    says how many; two messages of the user that meet become one, as chat templates expect roles to alternate.
    """

    def __init__(
        self,
        env: gymnasium.Env[str, Any],
        *,
        max_turns: int | None = None,
        max_chars: int | None = None,
        max_result_chars: int | None = None,
    ) -> None:
        """Wrap `env`; a limit that is None does not hold, and one must be given.

        Args:
            env: A `ToolUseEnv`, or wrappers around one.
            max_turns: Most turns shown; at least 1.
            max_chars: Most characters of the messages together (text, thinking, names and arguments of calls; not the
                markup a dialect adds); at least 1. What is always shown is shown even if it is longer.
            max_result_chars: Most characters of one result, the note a cut one ends with included; at least 64.

        Raises:
            ScenarioError: If no limit is given, or one is out of its range.
            EpisodeError: If `env` is no environment of that kind.
        """
        limits = {"max_turns": max_turns, "max_chars": max_chars, "max_result_chars": max_result_chars}
        if all(limit is None for limit in limits.values()):
            msg = f"give at least one of {', '.join(limits)}"
            raise ScenarioError(msg)
        for name, limit in limits.items():
            least = _LEAST_RESULT if name == "max_result_chars" else 1
            if limit is not None and (type(limit) is not int or limit < least):
                msg = f"{name} must be a whole number of at least {least}, or None, not {limit!r}"
                raise ScenarioError(msg)
        super().__init__(env, **limits)
        self._max_turns = max_turns
        self._max_chars = max_chars
        self._max_result_chars = max_result_chars

    def observation(self, info: dict[str, Any]) -> str:
        """Return the observation, long results cut."""
        step, limit = info.get("step"), self._max_result_chars
        if step is None or limit is None:
            return super().observation(info)
        cut = tuple(_CutResult(result.outcome, None, _cut(result.text, limit)) for result in step.results)
        return super().observation({**info, "step": step._replace(results=cut)})

    def _show(self, info: dict[str, Any]) -> None:
        parts = _parts(self._cut_results(info["messages"]))
        turns = [part for part in parts if part[0]["role"] == "assistant"]
        info["messages"] = _without_first(len(turns) - self._kept(parts, turns), parts)

    def _cut_results(self, messages: Iterable[Message]) -> Iterator[Message]:
        limit = self._max_result_chars
        for message in messages:
            if limit is not None and message["role"] == "tool":
                yield {**message, "content": _cut(message["content"], limit)}
            else:
                yield message

    def _kept(self, parts: Sequence[_Part], turns: Sequence[_Part]) -> int:
        """Return how many turns are shown, the latest ones."""
        most = len(turns) if self._max_turns is None else min(len(turns), self._max_turns)
        if self._max_chars is None:
            return most
        left = self._max_chars - sum(_size(part) + NOTE_CHARS for part in parts if part[0]["role"] != "assistant")
        for number, turn in enumerate(reversed(turns[-most:])):
            left -= _size(turn)
            if left < 0:
                return max(1, number)
        return most


class _CutResult(ToolResult):
    """A result as it is shown: `message` holds the text, whatever the outcome."""

    __slots__ = ()

    @property
    def text(self) -> str:
        """The result as the model reads it."""
        return self.message


def _parts(messages: Iterable[Message]) -> list[_Part]:
    """Return the messages, those of one turn together."""
    parts: list[_Part] = []
    for message in messages:
        if message["role"] == "tool":
            parts[-1].append(message)
        else:
            parts.append([message])
    return parts


def _without_first(count: int, parts: Iterable[_Part]) -> list[Message]:
    """Return the messages without the first `count` turns."""
    shown: list[Message] = []
    missing = 0
    for part in parts:
        role = part[0]["role"]
        if role == "assistant" and count > 0:
            count -= 1
            missing += 1
            continue
        if missing:
            note = f"[{missing} earlier turn{'s are' if missing > 1 else ' is'} left out here]"
            shown[-1] = _longer(shown[-1], note)
            missing = 0
        if role == "user" and shown and shown[-1]["role"] == "user":
            shown[-1] = _longer(shown[-1], part[0]["content"])
        else:
            shown += part
    return shown


def _longer(message: Message, text: str) -> Message:
    return {**message, "content": f"{message['content']}\n\n{text}"}


def _size(part: _Part) -> int:
    """Return the characters of a part that `max_chars` counts."""
    size = 0
    for message in part:
        size += len(message["content"]) + len(message.get("reasoning_content", ""))
        for call in message.get("tool_calls", ()):
            size += len(call["function"]["name"]) + len(call["function"]["arguments"])
    return size


def _cut(text: str, limit: int) -> str:
    """Return a text of at most `limit` characters that says how many are missing."""
    if len(text) <= limit:
        return text
    note = f"… [cut: {len(text):,} characters in all]"
    return text[: limit - len(note)] + note
