"""Episodes as the chat messages that training libraries read: whole ones, and one turn at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

from tool_gym.dialects import INSTRUCTIONS
from tool_gym.messages import assistant_message, tool_messages, user_message
from tool_gym.scenario import Scenario
from tool_gym.trajectory import Step
from tool_gym.turns import BrokenCall, ToolCall, Turn

Message: TypeAlias = dict[str, Any]


class SpokenTurn(NamedTuple):
    """One turn of an episode, and what it was said in answer to."""

    before: list[Message]
    """The conversation up to it."""
    message: Message
    step: Step


def opening(scenario: Scenario) -> list[Message]:
    """Return what a model is shown first: how to act, and what the user asks."""
    return [{"role": "system", "content": INSTRUCTIONS}, user_message(scenario.user_turns[0])]


def schemas(scenario: Scenario) -> list[dict[str, Any]]:
    """Return the scenario's tools in OpenAI's form."""
    return [tool.schema for tool in scenario.tools]


def episode_messages(scenario: Scenario, steps: Sequence[Step]) -> list[Message]:
    """Return a whole episode.

    It is the conversation of `info["messages"]` with two differences that chat templates need: arguments are objects
    rather than JSON text (a call that could not be read keeps its text), and results name their tool.
    """
    return [*opening(scenario), *(message for number, step in enumerate(steps) for message in said(step, number))]


def said(step: Step, number: int) -> list[Message]:
    """Return the messages of a step: the turn, its results, what the user says next."""
    results = tool_messages(step.turn, step.results, number)
    for message, call in zip(results, step.turn.calls, strict=True):
        if isinstance(call, ToolCall):
            message["name"] = call.name
    reply = [user_message(step.reply)] if step.reply else []
    return [spoken(step.turn, number), *results, *reply]


def spoken(turn: Turn, number: int = 0) -> Message:
    """Return the message of a turn, arguments as objects."""
    message = assistant_message(turn, number)
    for written, call in zip(message.get("tool_calls", ()), turn.calls, strict=True):
        if isinstance(call, ToolCall):
            written["function"]["arguments"] = call.arguments
    return message


def turns_of(scenario: Scenario, steps: Sequence[Step]) -> Iterator[SpokenTurn]:
    """Yield the turns of an episode, each with what was said before it."""
    before = opening(scenario)
    for number, step in enumerate(steps):
        message, *after = said(step, number)
        yield SpokenTurn(list(before), message, step)
        before += [message, *after]


def is_sound(turn: Turn) -> bool:
    """Return whether every call of a turn could be read: what one may learn from word for word."""
    return not any(isinstance(call, BrokenCall) for call in turn.calls)
