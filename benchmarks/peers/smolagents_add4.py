"""ADD4 on smolagents: its Python executor with one call a code action, and whole runs of its tool-calling agent."""

# smolagents is not installed where this file is type-checked.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from smolagents import LocalPythonExecutor, LogLevel, Model, ToolCallingAgent, tool
from smolagents.models import ChatMessage, ChatMessageToolCall, ChatMessageToolCallFunction, MessageRole

from benchmarks.peers import workload
from benchmarks.peers.workload import REQUEST, SCRIPT, Player, serve


def call(name: str, arguments: dict[str, Any]) -> ChatMessage:
    """Return the message that makes a call."""
    function = ChatMessageToolCallFunction(name=name, arguments=arguments)
    made = ChatMessageToolCall(id="call", type="function", function=function)
    return ChatMessage(role=MessageRole.ASSISTANT, content="", tool_calls=[made])


class ScriptedModel(Model):
    """Says what the script says next."""

    def __init__(self, turns: Iterator[ChatMessage]) -> None:
        """Take the script."""
        super().__init__()
        self._turns = turns

    def generate(self, *_: Any, **__: Any) -> ChatMessage:
        """Return the next turn."""
        return next(self._turns)


def executor() -> Player:
    """Return a player of the Python executor: a code action a step, the last one gives the answer."""
    tools = {"add": tool(workload.add), "final_answer": lambda answer: answer}
    script = itertools.cycle(SCRIPT)

    def play(episodes: int) -> float:
        total = 0.0
        for item in itertools.islice(script, episodes):
            python = LocalPythonExecutor(additional_authorized_imports=[])
            python.send_tools(tools)
            served = sum(python(f"add(a={a}, b={b})").output for a, b in item.pairs)
            total += python(f"final_answer('{served}')").output == item.answer
        return total

    return play


def agent() -> Player:
    """Return a player of the tool-calling agent; what it saw must come to the answer."""
    turns = [
        [*(call("add", {"a": a, "b": b}) for a, b in item.pairs), call("final_answer", {"answer": item.answer})]
        for item in SCRIPT
    ]
    model = ScriptedModel(itertools.cycle(itertools.chain.from_iterable(turns)))
    runner = ToolCallingAgent(tools=[tool(workload.add)], model=model, verbosity_level=LogLevel.OFF)
    script = itertools.cycle(SCRIPT)

    def play(episodes: int) -> float:
        total = 0.0
        for item in itertools.islice(script, episodes):
            answer = runner.run(REQUEST)
            served = sum(int(step.observations) for step in runner.memory.steps[1:-1])
            total += answer == item.answer == str(served)
        return total

    return play


serve({"LocalPythonExecutor": executor, "ToolCallingAgent.run": agent})
