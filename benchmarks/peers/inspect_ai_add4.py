"""ADD4 on Inspect: `execute_tools`, which runs the calls of an assistant message."""

# Inspect is not installed where this file is type-checked.
# mypy: disable-error-code="import-not-found, misc, untyped-decorator"

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from inspect_ai.model import ChatMessageAssistant, execute_tools
from inspect_ai.tool import ToolCall, tool

from benchmarks.peers import workload
from benchmarks.peers.workload import SCRIPT, Player, serve


@tool
def add() -> Callable[[int, int], Awaitable[int]]:
    """Return the tool."""

    async def execute(a: int, b: int) -> int:
        """Add two integers.

        Args:
            a: The first integer.
            b: The second integer.
        """
        return workload.add(a, b)

    return execute


def executed() -> Player:
    """Return a player of `execute_tools`: a call a step; what it served must come to the answer."""
    tools, script = [add()], itertools.cycle(SCRIPT)

    async def play(episodes: int) -> float:
        total = 0.0
        for item in itertools.islice(script, episodes):
            served = 0
            for number, (a, b) in enumerate(item.pairs):
                call = ToolCall(id=f"call_{number}", function="add", arguments={"a": a, "b": b})
                done = await execute_tools([ChatMessageAssistant(content="", tool_calls=[call])], tools)
                served += int(done.messages[0].text)
            total += str(served) == item.answer
        return total

    return lambda episodes: asyncio.run(play(episodes))


serve({"execute_tools": executed})
