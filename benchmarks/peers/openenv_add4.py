"""ADD4 on OpenEnv, in process: a typed environment, and an environment whose tools are an MCP server."""

# OpenEnv is not installed where this file is type-checked.
# mypy: disable-error-code="import-not-found, misc, untyped-decorator"

from __future__ import annotations

import asyncio
import itertools
from typing import Any, Literal

from fastmcp import FastMCP
from openenv.core.env_server.interfaces import Environment
from openenv.core.env_server.mcp_environment import MCPEnvironment
from openenv.core.env_server.mcp_types import CallToolAction
from openenv.core.env_server.types import Action, Observation, State

from benchmarks.peers.workload import REQUEST, SCRIPT, Player, add, serve


class Call(Action):
    """A call of the tool."""

    tool: Literal["add"] = "add"
    a: int
    b: int


class Answer(Action):
    """The final answer."""

    text: str


class Told(Observation):
    """What the environment says."""

    text: str = ""


class TypedEnv(Environment):
    """Takes calls and answers as typed actions."""

    def __init__(self) -> None:
        """Start before the first episode."""
        super().__init__()
        self._script = itertools.cycle(SCRIPT)
        self._state = State()
        self._answer = ""

    def reset(self, seed: int | None = None, episode_id: str | None = None, **_: Any) -> Told:
        """Start the next episode."""
        del seed
        self._answer = next(self._script).answer
        self._state = State(episode_id=episode_id)
        return Told(text=REQUEST)

    def step(self, action: Call | Answer, timeout_s: float | None = None, **_: Any) -> Told:
        """Run the call, or take the answer."""
        del timeout_s
        self._state.step_count += 1
        if isinstance(action, Answer):
            return Told(done=True, reward=float(action.text == self._answer))
        return Told(text=str(add(action.a, action.b)), reward=0.0)

    @property
    def state(self) -> State:
        """The state."""
        return self._state


class ToolEnv(MCPEnvironment):
    """Takes calls through an MCP server in this process, and answers as typed actions."""

    def __init__(self) -> None:
        """Offer the tool."""
        server = FastMCP("arithmetic")
        server.tool()(add)
        super().__init__(server)
        self._typed = TypedEnv()

    def reset(self, seed: int | None = None, episode_id: str | None = None, **_: Any) -> Told:
        """Start the next episode."""
        return self._typed.reset(seed, episode_id)

    def _step_impl(self, action: Answer, timeout_s: float | None = None, **_: Any) -> Told:
        return self._typed.step(action, timeout_s)

    @property
    def state(self) -> State:
        """The state."""
        return self._typed.state


def typed() -> Player:
    """Return a player of the typed environment."""
    env, script = TypedEnv(), itertools.cycle(SCRIPT)

    def play(episodes: int) -> float:
        total = 0.0
        for item in itertools.islice(script, episodes):
            env.reset()
            served = sum(int(env.step(Call(a=a, b=b)).text) for a, b in item.pairs)
            total += env.step(Answer(text=str(served))).reward
        return total

    return play


def through_mcp() -> Player:
    """Return a player of the environment with an MCP server."""
    env, script = ToolEnv(), itertools.cycle(SCRIPT)

    async def play(episodes: int) -> float:
        total = 0.0
        async with env.mcp_session():  # held open, as OpenEnv's server does for a session
            for item in itertools.islice(script, episodes):
                env.reset()
                served = 0
                for a, b in item.pairs:
                    told = await env.step_async(CallToolAction(tool_name="add", arguments={"a": a, "b": b}))
                    served += told.result.data
                total += (await env.step_async(Answer(text=str(served)))).reward
        return total

    return lambda episodes: asyncio.run(play(episodes))


serve({"Environment.step": typed, "MCPEnvironment.step_async": through_mcp})
