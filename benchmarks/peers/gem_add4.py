"""ADD4 on GEM: its `ToolEnvWrapper` around an environment that takes the answer, and its vector environments."""

# GEM is not installed where this file is type-checked.
# mypy: disable-error-code="import-not-found, misc"

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import gem
from gem.core import Env
from gem.tools.base_tool import BaseTool
from gem.tools.tool_env_wrapper import ToolEnvWrapper

from benchmarks.peers.workload import REQUEST, SCRIPT, STEPS, Player, add, serve

ENVS = 64
TURNS = [item.hermes for item in SCRIPT]
_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)


class AnswerEnv(Env):
    """Takes the answer of the next episode of the script."""

    def __init__(self, **_: Any) -> None:
        """Start before the first episode; the seed is of no use."""
        super().__init__()
        self._script = itertools.cycle(SCRIPT)
        self._answer = ""

    def reset(self, seed: int | None = None) -> tuple[str, dict[str, Any]]:
        """Start the next episode."""
        super().reset(seed)
        self._answer = next(self._script).answer
        return REQUEST, {}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Take the answer."""
        return "", float(action == self._answer), True, False, {}


class AddTool(BaseTool):
    """Finds a call in the text as GEM's own tools do, decodes and runs it."""

    tool_type = "add"

    def instruction_string(self) -> str:
        """Return how to call it."""
        return 'Call add as <tool_call>{"name": "add", "arguments": {"a": int, "b": int}}</tool_call>.'

    def execute_action(self, action: str) -> tuple[bool, bool, str, str]:
        """Return (found, error, observation, the action up to the call's end)."""
        match = _CALL.search(action)
        if match is None:
            return False, True, "", action
        call = json.loads(match.group(1))
        return True, False, str(add(**call["arguments"])), action[: match.end()]


def wrapped(env: Env) -> ToolEnvWrapper:
    """Give an environment the tool."""
    return ToolEnvWrapper(env, tools=[AddTool()])


def single() -> Player:
    """Return a player of one environment."""
    env = wrapped(AnswerEnv())
    env.reset()
    assert env.step(TURNS[0][0])[0] == str(add(*SCRIPT[0].pairs[0]))
    env = wrapped(AnswerEnv())
    script = itertools.cycle(TURNS)

    def play(episodes: int) -> float:
        total = 0.0
        for _ in range(episodes):
            env.reset()
            for turn in next(script):
                total += float(env.step(turn)[1])
        return total

    return play


def vector(*, threads: bool) -> Player:
    """Return a player of a vector environment, which plays one episode many times over at a time."""
    envs = gem.make_vec(["Add4-v0"] * ENVS, wrappers=[wrapped], async_mode=threads)
    envs.reset()  # from here on they reset themselves
    script = itertools.cycle(TURNS)

    def play(episodes: int) -> float:
        total = 0.0
        for _ in range(episodes // ENVS):
            turns = next(script)
            for step in range(STEPS):
                total += float(envs.step([turns[step]] * ENVS)[1].sum())
        return total

    return play


gem.register("Add4-v0", AnswerEnv)
serve(
    {
        "ToolEnvWrapper": single,
        "SyncVectorEnv, n=64": lambda: vector(threads=False),
        "AsyncVectorEnv (threads), n=64": lambda: vector(threads=True),
    }
)
