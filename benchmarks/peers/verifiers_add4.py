"""ADD4 on verifiers: its `ToolEnv` alone, and as a whole rollout with a scripted client, scored by a rubric."""

# verifiers is not installed where this file is type-checked.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import asyncio
import itertools
import json
from typing import Any

import verifiers.legacy as vf
from datasets import Dataset
from verifiers.legacy.clients import Client
from verifiers.legacy.types import AssistantMessage, Response, ResponseMessage, ToolCall

from benchmarks.peers.workload import REQUEST, SCRIPT, Player, add, serve


def called(number: int, pair: tuple[int, int]) -> list[ToolCall]:
    """Return a call as the model's provider gives it."""
    return [ToolCall(id=f"call_{number}", name="add", arguments=json.dumps({"a": pair[0], "b": pair[1]}))]


class ScriptedClient(Client):
    """Says what the script says next: the episode stands in the request, the step in the results so far."""

    def __init__(self) -> None:
        """Connect to nothing."""
        super().__init__(None)

    def setup_client(self, config: Any) -> None:
        """Connect to nothing."""

    async def to_native_tool(self, tool: Any) -> Any:
        """Return the tool as it is."""
        return tool

    async def to_native_prompt(self, messages: Any) -> tuple[Any, dict[str, Any]]:
        """Return the messages as they are."""
        return messages, {}

    async def get_native_response(self, prompt: Any, model: str, *_: Any, **__: Any) -> Response:
        """Return the next turn."""
        item = SCRIPT[int(prompt[0].content.rpartition(" ")[2])]
        step = sum(message.role == "tool" for message in prompt)
        over = step == len(item.pairs)
        said = ResponseMessage(
            content=item.answer if over else "",
            tool_calls=None if over else called(step, item.pairs[step]),
            finish_reason="stop" if over else "tool_calls",
            is_truncated=False,
        )
        return Response(id="scripted", created=0, model=model, message=said)

    async def raise_from_native_response(self, response: Response) -> None:
        """Raise nothing."""

    async def from_native_response(self, response: Response) -> Response:
        """Return the response as it is."""
        return response

    async def close(self) -> None:
        """Close nothing."""


async def right(completion: Any, answer: str) -> float:
    """Return whether the answer is right, and is what the calls served."""
    served = sum(int(message.content) for message in completion if message.role == "tool")
    return float(completion[-1].content == answer == str(served))


def environment() -> Any:
    """Return the environment with its dataset, tool and rubric."""
    rows = [{"question": f"{REQUEST} Episode {number}", "answer": item.answer} for number, item in enumerate(SCRIPT)]
    return vf.ToolEnv(tools=[add], dataset=Dataset.from_list(rows), rubric=vf.Rubric(funcs=[right]))


def responses() -> Player:
    """Return a player of the environment's part of a rollout; what it served must come to the answer."""
    env, script = environment(), itertools.cycle(SCRIPT)

    async def play(episodes: int) -> float:
        total = 0.0
        for item in itertools.islice(script, episodes):
            served = 0
            for number, pair in enumerate(item.pairs):
                messages = await env.env_response([AssistantMessage(content="", tool_calls=called(number, pair))], {})
                served += int(messages[0].content)
            total += str(served) == item.answer
        return total

    return lambda episodes: asyncio.run(play(episodes))


def rollouts() -> Player:
    """Return a player of whole rollouts, one at a time."""
    env, client = environment(), ScriptedClient()
    rows = itertools.cycle(env.get_dataset().to_list())

    async def play(episodes: int) -> float:
        total = 0.0
        for row in itertools.islice(rows, episodes):
            (played,) = await env.run_group([dict(row)], client, "scripted", {})
            total += played["reward"]
        return total

    return lambda episodes: asyncio.run(play(episodes))


serve({"ToolEnv.env_response": responses, "ToolEnv rollout, scored": rollouts})
