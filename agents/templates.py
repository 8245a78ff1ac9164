"""Conversations as a tokenizer's chat template shows them, whatever the template does to the turns of the past."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any, NamedTuple
from zlib import crc32

from tool_gym.agents.prompts import MARK, OPENING, Following, Marks, Messages, Tools, answers, probe_step, stand_in
from tool_gym.dialects import Dialect
from tool_gym.errors import AgentError
from tool_gym.trajectory import Step
from tool_gym.turns import Turn

_TOOL: dict[str, Any] = {
    "name": "probe",
    "description": "Probes a word.",
    "parameters": {
        "type": "object",
        "properties": {"word": {"type": "string", "description": "A word."}},
        "required": ["word"],
    },
}
_TOOLS = [{"type": "function", "function": _TOOL}]
_CLOSING = {"<think>": "</think>", "[THINK]": "[/THINK]"}
_OPEN_THINKING = re.compile(rf"(?:{'|'.join(map(re.escape, _CLOSING))})\s*\Z")
_THOUGHT = "Zq8"
_NEXT_MOVE = 'choose prompt="dialect" or another template'


class TemplatePrompts:
    """Conversations as a chat template shows them."""

    def __init__(self, tokenizer: Any, stops: Iterable[str], options: Mapping[str, Any]) -> None:
        """Find out how the template takes calls and how it ends turns.

        Args:
            tokenizer: A tokenizer with a chat template.
            stops: Texts of the tokens that are known to end a turn.
            options: Variables of the template, such as `{"enable_thinking": False}`.

        Raises:
            AgentError: If the template cannot show tools, calls and results.
        """
        self._tokenizer = tokenizer
        self._options = dict(options)
        self._leads: dict[tuple[bool, bool], str] = {}
        self._habits = self._learn_habits()
        self._with_tools = self._learn_tools()
        special = sorted((str(token) for token in tokenizer.all_special_tokens), key=len, reverse=True)
        self._mark = re.compile("|".join([*map(re.escape, special), MARK.pattern]))
        self.marks = self._learn_marks([stop for stop in stops if stop])
        opened = _OPEN_THINKING.search(self._render([OPENING], _TOOLS))
        self.opened = opened[0] if opened else ""

    def prompt(self, messages: Messages, tools: Tools) -> str:
        """Return the conversation up to and including the cue to speak.

        Raises:
            AgentError: If the template refuses it.
        """
        try:
            return self._render(messages, tools)
        except Exception as error:
            msg = f"the chat template refuses the conversation: {_said(error)}; {_NEXT_MOVE}"
            raise AgentError(msg) from error

    def after(self, step: Step, number: int, tools: Tools) -> Following:
        """Return what follows a turn.

        Raises:
            AgentError: If the template refuses a turn's results.
        """
        tail = self._tail(step, number, tools if self._with_tools else ())
        mark = self.marks.calls if step.turn.calls else self.marks.text
        _, found, rest = tail.partition(mark) if mark else ("", "", "")
        if found:
            return Following(mark, rest)
        other = self._mark.search(tail) if mark else None  # a turn of the past may end otherwise than the last one
        return Following(other[0], tail[other.end() :]) if other else Following("", tail)

    def written(self, turn: Turn, dialect: Dialect) -> str:
        """Return what the dialect writes, behind what the template has there, such as an empty thought."""
        kind = bool(turn.calls), bool(turn.reasoning)
        if kind not in self._leads:
            self._leads[kind] = self._lead(*kind)
        lead, said = self._leads[kind], turn
        if turn.reasoning and _THOUGHT in lead:
            lead, said = lead.replace(_THOUGHT, turn.reasoning), turn._replace(reasoning="")
        written = lead + str(dialect.write(said))
        if dialect.parse(self.opened + written)[:2] == turn[:2]:
            return written
        thought = turn.reasoning if self.opened else ""  # what the template has there is none of the dialect's
        closed = f"{thought}\n{_CLOSING[self.opened.strip()]}\n\n" if self.opened else ""
        return closed + str(dialect.write(turn._replace(reasoning="") if thought else turn))

    def _learn_habits(self) -> _Habits:
        """Find out how the template takes calls."""
        failures = []
        for short_ids, in_content, decoded in product((False, True), (False, True), (True, False)):
            self._habits = _Habits(decoded, in_content, short_ids)
            failure = self._failure()
            if not failure:
                return self._habits
            failures.append(failure)
        msg = f"the chat template does not support tools: {failures[0]}; {_NEXT_MOVE}"
        raise AgentError(msg)

    def _failure(self) -> str:
        """Say what is wrong with an episode rendered as things stand; empty if nothing is."""
        step, number = probe_step(calls=True)
        conversation = next(self._stand_ins(step, number, word := stand_in(step)))
        try:
            text = self._render(conversation, _TOOLS)
        except Exception as error:  # noqa: BLE001 - a template raises what it likes
            return _said(error)
        wanted = {"tools": _TOOL["description"], "calls": word, "results": step.results[0].value}
        missing = [what for what, shown in wanted.items() if shown not in text]
        if missing:
            return f"it does not show {' and '.join(missing)}"
        return "it does not write arguments as JSON" if f"'word': '{word}'" in text else ""

    def _learn_tools(self) -> bool:
        """Find out whether what follows a turn is another without tools, though it does not show them."""
        step, number = probe_step(calls=True)
        with_tools, without = (self._tail(step, number, tools) for tools in (_TOOLS, ()))
        return with_tools != without and _TOOL["description"] not in with_tools

    def _learn_marks(self, stops: Sequence[str]) -> Marks:
        ends = [self._ends(calls=calls) for calls in (False, True)]
        text = _first(stops, ends[0][0]) or _last(self._mark, ends[0][0])
        calls = _first([*stops, text], ends[1][0]) or (_last(self._mark, ends[1][0]) if text else "")
        return Marks(text or self._begins(*ends[0]), calls or self._begins(*ends[1]))

    def _ends(self, *, calls: bool) -> tuple[str, str]:
        """Return what stands behind a turn that is the last message, and behind one that is not."""
        step, number = probe_step(calls=calls)
        conversation, word = next(self._stand_ins(step, number, "Zq7")), "Zq7"
        try:
            last = self._render(conversation[:2], (), cue=False)
        except Exception:  # noqa: BLE001 - a template may refuse calls without results
            last = ""
        return last.rpartition(word)[2], self._render(conversation, ()).rpartition(word)[2]

    def _begins(self, last: str, following: str) -> str:
        """Return the mark with which the next message begins: of some models the end of a turn."""
        mark = self._mark.match(following.removeprefix(last).lstrip())
        return mark[0] if mark else ""

    def _tail(self, step: Step, number: int, tools: Tools) -> str:
        """Return the rendering from behind the stand-in for a turn."""
        word = stand_in(step)
        why = "it does not show the turn"
        for conversation in self._stand_ins(step, number, word):
            try:
                _, found, tail = self._render(conversation, tools).rpartition(word)
            except Exception as error:  # noqa: BLE001 - a template raises what it likes
                why = _said(error)
                continue
            if found:
                return tail
        msg = f"the chat template cannot show what follows a turn: {why}; {_NEXT_MOVE}"
        raise AgentError(msg)

    def _stand_ins(self, step: Step, number: int, word: str) -> Iterator[list[dict[str, Any]]]:
        """Yield short conversations in which a stand-in has the turn's place, from faithful to acceptable to all.

        Some templates take one call a turn, and then perhaps one result.
        """
        following = answers(step, number)
        if not step.turn.calls:
            yield [OPENING, {"role": "assistant", "content": word}, *following]
            return
        count = len(step.results)
        results, said = following[:count], following[count:]
        content = word if self._habits.in_content else ""
        for chosen in [results, results[-1:]] if count > 1 else [results]:
            calls = [_call(result["tool_call_id"], {"word": word}) for result in chosen]
            yield [OPENING, {"role": "assistant", "content": content, "tool_calls": calls}, *following]
        if count > 1:
            joined = {**results[-1], "content": "\n".join(result["content"] for result in results)}
            yield [OPENING, {"role": "assistant", "content": content, "tool_calls": calls}, joined, *said]

    def _lead(self, calls: bool, reasoning: bool) -> str:  # noqa: FBT001 - the key of a table
        """Return what stands between the cue to speak and a turn's text."""
        said: dict[str, Any] = {"role": "assistant", "content": (word := "Zq7")}
        if reasoning:
            said["reasoning_content"] = _THOUGHT
        if calls:
            said["tool_calls"] = [_call("call_0_0", {})]
        try:
            cue, whole = self._render([OPENING], ()), self._render([OPENING, said], (), cue=False)
        except Exception:  # noqa: BLE001 - a template may refuse calls without results
            return ""
        lead, found, _ = whole.removeprefix(cue).partition(word)
        return lead if found and whole.startswith(cue) and _TOOL["name"] not in lead else ""

    def _render(self, messages: Messages, tools: Tools, *, cue: bool = True) -> str:
        shown = list(messages)
        if self._habits.decoded:
            shown = [_with_objects(message) for message in shown]
        if self._habits.short_ids:
            shown = [_with_short_ids(message) for message in shown]
        return str(
            self._tokenizer.apply_chat_template(
                shown, tools=list(tools) or None, tokenize=False, add_generation_prompt=cue, **self._options
            )
        )


class _Habits(NamedTuple):
    """How a template takes calls."""

    decoded: bool
    """Arguments as objects, not as the JSON text of OpenAI's form."""
    in_content: bool
    """It shows only the text beside calls, not the calls."""
    short_ids: bool
    """Ids of nine letters and digits, as some of Mistral's templates demand."""


def _call(name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": name, "type": "function", "function": {"name": _TOOL["name"], "arguments": json.dumps(arguments)}}


def _with_objects(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message whose arguments are objects; text that is none becomes the value of one."""
    if not message.get("tool_calls"):
        return message
    calls = [
        {**call, "function": {**call["function"], "arguments": _as_object(call["function"]["arguments"])}}
        for call in message["tool_calls"]
    ]
    return {**message, "tool_calls": calls}


def _with_short_ids(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message whose ids of calls are of nine letters and digits."""
    if "tool_call_id" in message:
        return {**message, "tool_call_id": _short(message["tool_call_id"])}
    if not message.get("tool_calls"):
        return message
    return {**message, "tool_calls": [{**call, "id": _short(call["id"])} for call in message["tool_calls"]]}


def _short(name: str) -> str:
    return name if len(name) == 9 and name.isalnum() else f"{crc32(name.encode('utf-8', 'replace')) % 10**9:09}"


def _as_object(arguments: Any) -> Mapping[str, Any]:
    try:
        read = json.loads(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        read = None
    return read if isinstance(read, dict) else {"text": arguments}


def _first(marks: Sequence[str], text: str) -> str:
    """Return the mark that comes first in `text`; empty if none does."""
    found = [(text.find(mark), mark) for mark in marks if mark and mark in text]
    return min(found)[1] if found else ""


def _last(mark: re.Pattern[str], text: str) -> str:
    found = mark.findall(text)
    return str(found[-1]) if found else ""


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {str(error)[:160]}".replace(os.linesep, " ")
