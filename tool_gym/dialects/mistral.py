"""The dialects of Mistral's models: bracketed control tokens, in the two forms their tokenizers have had.

Up to version 7 a turn's calls are one list, `[TOOL_CALLS][{"name": …, "arguments": {…}, "id": …}]`; from version 11 on
each stands alone, `[TOOL_CALLS]name[ARGS]{…}`, perhaps with `[CALL_ID]…` before its arguments. Both dialects read both
forms; they differ in what they write. What stands after a call's JSON is visible text again.

The tokens and their places are the format's; the words between them are ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tool_gym.dialects.base import INSTRUCTIONS, Message, Tool, content_of, instructed
from tool_gym.dialects.chatml import to_json
from tool_gym.dialects.mistral_calls import LISTED, NAMED, read_calls, write_listed, write_named
from tool_gym.dialects.text import Reading, read_turn, read_untagged, turn_of
from tool_gym.messages import call_id
from tool_gym.turns import BrokenCall, ToolCall, ToolResult, Turn

_ARGUMENTS = '"arguments"'
_END = ("</s>",)


class Mistral:
    """A list of calls after one token, as models up to tokenizer version 7 write them; results under their ids."""

    name = "mistral"
    form = LISTED
    """A call, as a model is told to write it."""

    def parse(self, action: Any) -> Turn:
        """Read an assistant's text."""
        return read_turn(action, self._read, _END)

    def write(self, turn: Turn) -> str:
        """Write a turn as text."""
        thinking = f"<think>\n{turn.reasoning}\n</think>\n\n" if turn.reasoning else ""
        return thinking + turn.text + write_listed(turn.calls)

    def render(self, messages: Sequence[Message], tools: Sequence[Tool]) -> str:
        """Return the prompt."""
        messages = list(instructed(messages))
        users = [number for number, message in enumerate(messages) if message.get("role") == "user"]
        parts = [self._message(message, tools) for message in messages]
        if tools:
            parts.insert(self._place_of_tools(users), _tools_text(tools))
        return "".join(["<s>", *parts])

    def opening(self, user_text: str, tools: Sequence[Tool]) -> str:
        """Return how to act, the tools, then what the user asks."""
        shown = [self._system_text(INSTRUCTIONS, tools), _tools_text(tools) if tools else "", user_text]
        return "\n\n".join(part for part in shown if part)

    def observe(self, calls: Sequence[ToolCall | BrokenCall], results: Sequence[ToolResult], reply: str) -> str:
        """Return one block for each result, then the user's words."""
        ids = [call_id(call, f"call_{number}") for number, call in enumerate(calls)]
        parts = [self._result(name, result.text) for name, result in zip(ids, results, strict=True)]
        return "".join([*parts, reply])

    def _read(self, visible: str) -> Reading:
        if "[" not in visible and _ARGUMENTS not in visible:
            return visible.strip(), ()
        text, calls = read_calls(visible)
        if not calls and _ARGUMENTS in text:
            return read_untagged(text, self.form)
        return text, calls

    def _message(self, message: Message, tools: Sequence[Tool]) -> str:
        role, content = message.get("role"), content_of(message)
        if role == "assistant":
            return f"{self.write(turn_of(message))}</s>"
        if role == "tool":
            return self._result(str(message.get("tool_call_id")), content)
        if role == "system":
            return f"[SYSTEM_PROMPT]{self._system_text(content, tools)}[/SYSTEM_PROMPT]"
        return f"[INST]{content}[/INST]"

    def _system_text(self, text: str, tools: Sequence[Tool]) -> str:
        return f"{text}\n\nA call looks like this, and a turn may hold several:\n{self.form}" if tools else text

    def _place_of_tools(self, users: Sequence[int]) -> int:
        return users[-1] if users else 0

    def _result(self, answers: str, content: str) -> str:
        return f"[TOOL_RESULTS]{answers}[TOOL_CONTENT]{content}[/TOOL_RESULTS]"


class MistralV13(Mistral):
    """Each call after a token of its own, as models from tokenizer version 11 on write them; no ids are written."""

    name = "mistral_v13"
    form = NAMED

    def write(self, turn: Turn) -> str:
        """Write a turn as text; the calls' own ids have no place in it."""
        thinking = f"[THINK]{turn.reasoning}[/THINK]" if turn.reasoning else ""
        return thinking + turn.text + write_named(turn.calls)

    def _place_of_tools(self, users: Sequence[int]) -> int:
        return users[0] if users else 0

    def _result(self, answers: str, content: str) -> str:
        del answers
        return f"[TOOL_RESULTS]{content}[/TOOL_RESULTS]"


def _tools_text(tools: Sequence[Tool]) -> str:
    return f"[AVAILABLE_TOOLS]{to_json(list(tools))}[/AVAILABLE_TOOLS]"
