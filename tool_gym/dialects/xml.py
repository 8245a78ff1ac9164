"""Calls as tags, an argument to a tag: three forms in use, which share one way of reading.

`xml`: `<invoke name="f"><parameter name="a">1</parameter></invoke>`, as Claude and MiniMax models write.
`qwen3_coder`: `<function=f><parameter=a>1</parameter></function>`, as Qwen3-Coder, Qwen3.5 and Seed-OSS models do.
`glm`: `<tool_call>f<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>`, as GLM models from 4.5 on do.

The first two have a wrapper around calls, which is packaging: it may be missing or open, but one without a call in it
is a broken call. How values are read: [`markup`][tool_gym.dialects.markup]. This is no XML parser: one pass over the
text, no attributes but the name, no declarations, entities unescaped once.

The tags and their places are the formats'; the words between them are ours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Any

from tool_gym.dialects import chatml
from tool_gym.dialects.base import INSTRUCTIONS, Message, Tool, content_of, instructed
from tool_gym.dialects.tags import ARG_KEYS, FUNCTION, INVOKE, Form, read_calls, write_calls
from tool_gym.dialects.text import Reading, read_turn, read_untagged, turn_of
from tool_gym.turns import BrokenCall, ToolCall, ToolResult, Turn

_TOOLS = """\
These are the tools, each a JSON schema on a line of its own:
<tools>{tools}
</tools>

A call looks like this, and a turn may hold several:
{example}

A value that is JSON is read as JSON: a number, true, false, null, an array, an object, a string in double quotes. \
Anything else is text as it stands. Put text that looks like JSON in double quotes: "12" is text, 12 a number."""

_END = ("<|im_end|>", "<|endoftext|>", "<|user|>", "<|observation|>")
_ARGUMENTS = '"arguments"'


class XML:
    """Calls as `<invoke>` tags, prompts in ChatML."""

    name = "xml"
    _form: Form = INVOKE
    _role_of_results = "user"

    def parse(self, action: Any) -> Turn:
        """Read an assistant's text."""
        return read_turn(action, self._read, _END)

    def write(self, turn: Turn) -> str:
        """Write a turn as text; the calls' own ids have no place in it."""
        thinking = f"<think>\n{turn.reasoning}\n</think>\n\n" if turn.reasoning else ""
        return thinking + "\n".join(part for part in (turn.text, write_calls(turn.calls, self._form)) if part)

    def render(self, messages: Sequence[Message], tools: Sequence[Tool]) -> str:
        """Return the prompt."""
        return self._render(list(self._spelt(list(instructed(messages)), tools)))

    def opening(self, user_text: str, tools: Sequence[Tool]) -> str:
        """Return the system text with the tools, then what the user asks."""
        return f"{self._system_text(INSTRUCTIONS, tools)}\n\n{user_text}"

    def observe(self, calls: Sequence[ToolCall | BrokenCall], results: Sequence[ToolResult], reply: str) -> str:
        """Return a block for each result, then the user's words."""
        del calls
        parts = [self._results([result.text for result in results])] if results else []
        return "\n".join([*parts, reply] if reply else parts)

    def _read(self, visible: str) -> Reading:
        if "<" not in visible and _ARGUMENTS not in visible:
            return visible.strip(), ()
        text, calls = read_calls(visible, self._form)
        if not calls and _ARGUMENTS in text:
            return read_untagged(text, self._form.example)
        return text, calls

    def _system_text(self, text: str, tools: Sequence[Tool]) -> str:
        if not tools:
            return text
        lines = "".join(f"\n{chatml.to_json(tool)}" for tool in tools)
        return f"{text}\n\n{_TOOLS.format(tools=lines, example=self._form.example)}"

    def _spelt(self, messages: list[Message], tools: Sequence[Tool]) -> Iterator[Message]:
        """Yield the messages with tools, calls and results as text, results that follow each other in one message.

        Args:
            messages: A list, whose first is the system message.
            tools: What the system message shows, if anything.
        """
        for is_result, run in groupby(messages, lambda message: message.get("role") == "tool"):
            if is_result:
                yield {"role": self._role_of_results, "content": self._results([content_of(result) for result in run])}
                continue
            for message in run:
                content = content_of(message)
                if message is messages[0]:
                    content = self._system_text(content, tools)
                elif message.get("role") == "assistant":
                    content = self.write(turn_of(message))
                yield {"role": message.get("role"), "content": content}

    def _results(self, texts: Sequence[str]) -> str:
        results = "\n".join(f"<result>\n{text}\n</result>" for text in texts)
        return f"<function_results>\n{results}\n</function_results>"

    def _render(self, messages: Sequence[Message]) -> str:
        return chatml.render(messages, ())


class Qwen3Coder(XML):
    """Calls as `<function=…>` tags, prompts in ChatML."""

    name = "qwen3_coder"
    _form = FUNCTION

    def _results(self, texts: Sequence[str]) -> str:
        return "\n".join(f"<tool_response>\n{text}\n</tool_response>" for text in texts)


class GLM(Qwen3Coder):
    """Calls as pairs of keys and values, prompts with GLM's own marks of roles."""

    name = "glm"
    _form = ARG_KEYS
    _role_of_results = "observation"

    def _render(self, messages: Sequence[Message]) -> str:
        blocks = (f"<|{message['role']}|>\n{message['content']}" for message in messages)
        return f"[gMASK]<sop>{''.join(blocks)}<|assistant|>"
