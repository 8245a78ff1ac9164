"""ADD4 on SkyRL-gym: a text environment with a tool group, made anew for each episode as its trainer does."""

# SkyRL-gym is not installed where this file is type-checked.
# mypy: disable-error-code="import-not-found, misc, untyped-decorator"

from __future__ import annotations

import itertools
import json
import re
from typing import Any

import skyrl_gym
from skyrl_gym.envs.base_text_env import BaseTextEnv, BaseTextEnvStepOutput
from skyrl_gym.tools.core import ToolGroup, tool

from benchmarks.peers import workload
from benchmarks.peers.workload import REQUEST, SCRIPT, STEPS, Player, serve

_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)


class Arithmetic(ToolGroup):
    """The tool of ADD4."""

    def __init__(self) -> None:
        """Register it."""
        super().__init__(name="Arithmetic")

    @tool
    def add(self, a: int, b: int) -> str:
        """Add two integers."""
        return str(workload.add(a, b))


class AddEnv(BaseTextEnv):
    """Finds a call in the text as SkyRL-gym's own environments do; a text without a call is the answer."""

    def __init__(self, env_config: Any, extras: dict[str, Any]) -> None:
        """Take the episode's answer from the dataset row; there is nothing to configure."""
        del env_config
        super().__init__()
        self.answer = extras["reward_spec"]["ground_truth"]
        self.max_turns = STEPS
        self.init_tool_groups([Arithmetic()])
        self.chat_history: list[dict[str, str]] = []

    def step(self, action: str) -> BaseTextEnvStepOutput:
        """Run the call, or take the answer."""
        self.turns += 1
        self.chat_history.append({"role": "assistant", "content": action})
        match = _CALL.search(action)
        if match is None or self.turns >= self.max_turns:
            return BaseTextEnvStepOutput(observations=[], reward=float(action == self.answer), done=True, metadata={})
        call = json.loads(match.group(1))
        name, arguments = call["name"], tuple(call["arguments"].values())
        said = {"role": "user", "content": self._execute_tool(self.tool_to_toolgroup[name], name, arguments)}
        self.chat_history.append(said)
        return BaseTextEnvStepOutput(
            observations=[said], reward=0.0, done=False, metadata={"tool_name": name, "tool_input": arguments}
        )


def made_anew() -> Player:
    """Return a player that makes an environment for each episode, as SkyRL's trainer does."""
    script = itertools.cycle([(item.answer, item.hermes) for item in SCRIPT])

    def play(episodes: int) -> float:
        total = 0.0
        for answer, turns in itertools.islice(script, episodes):
            env = skyrl_gym.make("add4", env_config=None, extras={"reward_spec": {"ground_truth": answer}})
            env.init([{"role": "user", "content": REQUEST}])
            for turn in turns:
                total += env.step(turn)["reward"]
            env.close()
        return total

    return play


skyrl_gym.register(id="add4", entry_point=AddEnv)
serve({"make, init, step": made_anew})
