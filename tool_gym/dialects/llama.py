"""What is the same in every dialect of Llama models: messages under headers, prompts, the way a turn is read.

The marks and their places are the formats'; the words between them are ours. For a model's own wording use its chat
template on `info["messages"]` and `info["tools"]`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from tool_gym import jsonio
from tool_gym.dialects.base import INSTRUCTIONS, Message, Tool, content_of, instructed
from tool_gym.dialects.chatml import to_json
from tool_gym.dialects.llama_text import END_TOKENS, cut_invented, gather
from tool_gym.dialects.text import Reading, read_turn, turn_of
from tool_gym.turns import BrokenCall, ToolCall, ToolResult, Turn


class Llama(ABC):
    """A dialect whose messages are opened by a header that names the role, `ipython` for results."""

    name: str
    form: str
    """A call, as a model is told to write it."""
    _header = "<|start_header_id|>{}<|end_header_id|>\n\n"
    _end = "<|eot_id|>"
    _end_of_calls = "<|eot_id|>"

    def parse(self, action: Any) -> Turn:
        """Read an assistant's text."""
        return read_turn(action, self._read, END_TOKENS)

    def write(self, turn: Turn) -> str:
        """Write a turn as text; the calls' own ids have no place in it."""
        thinking = f"<think>\n{turn.reasoning}\n</think>\n\n" if turn.reasoning else ""
        parts = [turn.text, self._write_calls(turn.calls) if turn.calls else ""]
        return thinking + "\n".join(part for part in parts if part)

    def render(self, messages: Sequence[Message], tools: Sequence[Tool]) -> str:
        """Return the prompt."""
        system, *others = instructed(messages)
        blocks = [self._block("system", self._system_text(content_of(system), tools)), *map(self._message, others)]
        return "".join(["<|begin_of_text|>", *blocks, self._header.format("assistant")])

    def opening(self, user_text: str, tools: Sequence[Tool]) -> str:
        """Return the system text with the tools, then what the user asks."""
        return f"{self._system_text(INSTRUCTIONS, tools)}\n\n{user_text}"

    def observe(self, calls: Sequence[ToolCall | BrokenCall], results: Sequence[ToolResult], reply: str) -> str:
        """Return one message of the role ipython for each call, then the user's words."""
        del calls
        return "".join([*(self._block("ipython", result.text) for result in results), reply])

    @abstractmethod
    def _read_text(self, text: str) -> Reading:
        """Read the visible part, stripped and without headers."""

    @abstractmethod
    def _write_calls(self, calls: Sequence[ToolCall | BrokenCall]) -> str:
        """Write a turn's calls."""

    def _read(self, visible: str) -> Reading:
        text = visible.strip()
        if "header" not in text:
            return self._read_text(text)
        text, invented = cut_invented(text)
        said, calls = self._read_text(text.strip())
        return gather([said, *calls, *invented])

    def _system_text(self, text: str, tools: Sequence[Tool]) -> str:
        return (
            f"Environment: ipython\n\n{text}\n\n{_tools_text(jsonio.dump_bytes(tools), self.form)}" if tools else text
        )

    def _message(self, message: Message) -> str:
        role = message.get("role")
        if role != "assistant":
            return self._block("ipython" if role == "tool" else str(role), content_of(message))
        turn = turn_of(message)
        return f"{self._header.format(role)}{self.write(turn)}{self._end_of_calls if turn.calls else self._end}"

    def _block(self, role: str, content: str) -> str:
        return f"{self._header.format(role)}{content}{self._end}"


@lru_cache(maxsize=256)
def _tools_text(tools: bytes, form: str) -> str:
    lines = [f"\n{to_json(tool)}" for tool in jsonio.loads(tools.decode())]
    return f"""\
These are the tools, each a JSON schema on a line of its own:{"".join(lines)}

A turn with calls ends like this:
{form}"""
