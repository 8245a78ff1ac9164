"""What every dialect offers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from tool_gym.turns import BrokenCall, ToolCall, ToolResult, Turn

Message: TypeAlias = Mapping[str, Any]
"""A chat message in OpenAI's form."""

Tool: TypeAlias = Mapping[str, Any]
"""A tool in OpenAI's form: `{"type": "function", "function": {"name", "description", "parameters"}}`."""

INSTRUCTIONS = """\
You help a user with the tools below. Take every fact and figure from a tool, calculations too where a tool does \
them, and nothing from memory. Call tools until you know what was asked, or have done it. \
Then end your turn with a line of text and no call, in one of three forms:
Answer: <value> - the bare value and no sentence: a number as the tools give it, with its unit; a date as YYYY-MM-DD; \
a name or word as the tools give it; yes or no. Several values in the order they were asked for, separated by \
semicolons. If something was to be done, say in short what you did.
Decline: <reason> - if it cannot be done with these tools.
Ask: <question> - if the user left out something you need."""
"""What a model is told of the act protocol, in every dialect."""


class Dialect(Protocol):
    """One way to write turns, tools and results down."""

    @property
    def name(self) -> str:
        """The name it is chosen by."""

    def parse(self, action: Any) -> Turn:
        """Read one assistant turn; never raises, and never executes anything, whatever `action` is."""

    def write(self, turn: Turn) -> Any:
        """Write a turn such that `parse` reads it back, but for its `raw`.

        The inverse holds for stripped text and reasoning without the dialect's own markup.
        """

    def render(self, messages: Sequence[Message], tools: Sequence[Tool]) -> str:
        """Return the whole prompt a text model is shown: tools, conversation, and the cue to speak.

        `INSTRUCTIONS` are put in front unless the conversation opens with a system message.
        """

    def opening(self, user_text: str, tools: Sequence[Tool]) -> str:
        """Return the first observation: how to act, the tools, and what the user asks."""

    def observe(self, calls: Sequence[ToolCall | BrokenCall], results: Sequence[ToolResult], reply: str) -> str:
        """Return the next observation: one result for each call, then what the user says, if anything."""


def instructed(messages: Sequence[Message]) -> Sequence[Message]:
    """Return `messages` with `INSTRUCTIONS` in front, unless they open with a system message of their own."""
    if messages and messages[0].get("role") == "system":
        return messages
    return [{"role": "system", "content": INSTRUCTIONS}, *messages]


def content_of(message: Message) -> str:
    """Return a message's text; empty if it has none."""
    content = message.get("content")
    return content if isinstance(content, str) else ""
