"""ADD4 on Pydantic AI: whole runs of an agent whose model is a scripted function."""

# Pydantic AI is not installed where this file is type-checked.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import asyncio
import itertools

from pydantic_ai import Agent
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import FunctionModel

from benchmarks.peers.workload import REQUEST, SCRIPT, Player, add, serve


def agent() -> Player:
    """Return a player of whole runs; what the tool returned must come to the answer."""
    parts = [
        [*(ToolCallPart("add", {"a": a, "b": b}) for a, b in item.pairs), TextPart(item.answer)] for item in SCRIPT
    ]
    turns = itertools.cycle(itertools.chain.from_iterable(parts))
    runner = Agent(FunctionModel(lambda _, __: ModelResponse(parts=[next(turns)])), tools=[add])
    script = itertools.cycle(SCRIPT)

    async def play(episodes: int) -> float:
        total = 0.0
        for item in itertools.islice(script, episodes):
            result = await runner.run(REQUEST)
            messages = itertools.chain.from_iterable(message.parts for message in result.all_messages())
            served = sum(part.content for part in messages if part.part_kind == "tool-return")
            total += result.output == item.answer == str(served)
        return total

    return lambda episodes: asyncio.run(play(episodes))


serve({"Agent.run": agent})
