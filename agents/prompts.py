"""Conversations as text: what a model is shown first, and what stands between two of its turns.

A model's own turns are never written anew: dialects and templates put them in words of their own, or drop the thinking
of earlier ones. So what follows a turn is read off a short conversation in which a stand-in has the turn's place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol, TypeAlias

from tool_gym.dialects import Dialect
from tool_gym.errors import AgentError
from tool_gym.messages import assistant_message, call_id, tool_messages, user_message
from tool_gym.trajectory import Step
from tool_gym.turns import Outcome, ToolCall, ToolResult, Turn

Messages: TypeAlias = Sequence[Mapping[str, Any]]
Tools: TypeAlias = Sequence[Mapping[str, Any]]

OPENING = user_message("Hello")
"""How the short conversations begin."""

MARK = re.compile(r"<\|?/?\w{1,30}\|?>")
"""What end marks look like, and other marks too: `<|im_end|>`, `</s>`, `<turn|>`."""

_STAND_IN = "Zq7"


class Following(NamedTuple):
    """What stands behind a turn."""

    mark: str
    """What ends the turn; empty if nothing does, so that the tokenizer's own end of a sequence has to."""
    rest: str
    """Results, the user's reply, the cue to speak."""


class Marks(NamedTuple):
    """What a model writes to end a turn; empty as in `Following`."""

    text: str
    """After a turn without calls."""
    calls: str
    """After a turn with calls."""


class Prompts(Protocol):
    """A way to show conversations."""

    marks: Marks
    opened: str
    """The mark of thinking that the cue to speak ends with; empty if it ends otherwise."""

    def written(self, turn: Turn, dialect: Dialect) -> str:
        """Return a turn as it stands behind the cue to speak, without its end mark."""
        ...

    def prompt(self, messages: Messages, tools: Tools) -> str:
        """Return the conversation up to and including the cue to speak."""
        ...

    def after(self, step: Step, number: int, tools: Tools) -> Following:
        """Return what follows the turn of `step`, the episode's `number`-th from 0."""
        ...


class DialectPrompts:
    """Conversations as a dialect renders them.

    Where a rendering with one more turn does not begin with the one before (`openai` is one JSON object), what was
    observed stands between the turns instead, on lines of its own.
    """

    opened = ""

    def __init__(self, dialect: Dialect) -> None:
        """Find out how the dialect ends turns.

        Raises:
            AgentError: If its turns are no text.
        """
        if not isinstance(dialect.write(Turn("text")), str):
            msg = f"the turns of the dialect {dialect.name!r} are no text; choose another, such as 'hermes'"
            raise AgentError(msg)
        self._dialect = dialect
        self._lead = ""
        self._grows = self._learn()
        self.marks = Marks(*(self.after(*probe_step(calls=calls), ()).mark for calls in (False, True)))

    def written(self, turn: Turn, dialect: Dialect) -> str:
        """Return what the dialect writes; some leave a line break to the model."""
        return self._lead + str(dialect.write(turn))

    def prompt(self, messages: Messages, tools: Tools) -> str:
        """Return what the dialect renders."""
        rendered = self._dialect.render(messages, tools)
        return rendered if self._grows else f"{rendered}\n"

    def after(self, step: Step, number: int, tools: Tools) -> Following:
        """Return what follows a turn; the tools stay where they were shown first."""
        del tools
        tail = self._follow(step, number) if self._grows else None
        if tail is None:
            return Following("", f"\n{self._dialect.observe(step.turn.calls, step.results, step.reply)}\n")
        mark = MARK.match(tail)
        return Following(mark[0], tail[mark.end() :]) if mark else Following("", tail)

    def _learn(self) -> bool:
        """Find out what stands between the cue and a turn; return whether renderings only grow."""
        step, number = probe_step(calls=False)
        messages = [OPENING, assistant_message(step.turn, number), *answers(step, number)]
        first, whole = (self._dialect.render(shown, ()) for shown in (messages[:1], messages))
        lead, found, _ = whole.removeprefix(first).partition(self._dialect.write(step.turn))
        self._lead = lead if found and whole.startswith(first) and not lead.strip() else ""
        return bool(found) and whole.startswith(first + self._lead)

    def _follow(self, step: Step, number: int) -> str | None:
        """Return the rendering from behind the stand-in for a turn; None if that is not to be found in it."""
        turn = _stand_in_turn(step.turn, stand_in(step), number)
        messages = [OPENING, assistant_message(turn, number), *answers(step, number)]
        _, found, tail = self._dialect.render(messages, ()).rpartition(self._dialect.write(turn))
        return tail if found else None


def stand_in(step: Step) -> str:
    """Return a word that stands for what the model wrote, and nowhere in what it is shown next."""
    shown = "".join([step.reply, *(result.text for result in step.results)])
    word = _STAND_IN
    while word in shown:
        word += _STAND_IN[-1]
    return word


def answers(step: Step, number: int) -> list[dict[str, Any]]:
    """Return the messages that follow a turn: results, then the user's."""
    said = [user_message(step.reply)] if step.reply else []
    return [*tool_messages(step.turn, step.results, number), *said]


def probe_step(*, calls: bool) -> tuple[Step, int]:
    """Return a step to learn from: a call and its result, or a text and the user's reply."""
    if calls:
        return Step(Turn(calls=(ToolCall("probe", {}),)), (ToolResult(Outcome.OK, "found"),)), 0
    return Step(Turn("said"), reply="replied"), 0


def _stand_in_turn(turn: Turn, word: str, number: int) -> Turn:
    calls = (
        ToolCall("probe", {"word": word}, call_id(call, f"call_{number}_{i}")) for i, call in enumerate(turn.calls)
    )
    return Turn(calls=tuple(calls)) if turn.calls else Turn(word)
