"""A pack as a taskset of Prime Intellect's `verifiers` (0.4), with an environment in which the user speaks again.

verifiers finds plugins by the name of a top-level module. Make one, `tool_gym_taskset.py`, and run it:

    from tool_gym.agents.interop.verifiers_taskset import ToolGymEnv, ToolGymTaskset
    __all__ = ["ToolGymEnv", "ToolGymTaskset"]

    vf-eval tool-gym-taskset --env.taskset.pack everyday --env.agent.harness.id null

What a rollout earns is what a `ToolUseEnv` pays for its turns (see `tool_gym.agents.interop.replay`).
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import cache
from typing import Any

import verifiers.v1 as vf

from tool_gym.agents.interop.replay import replay, turns_of_chat, uncapped
from tool_gym.agents.interop.verifiers_tools import ToolGymState, ToolGymToolset
from tool_gym.dialects import INSTRUCTIONS, get_dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import open_pack
from tool_gym.rewards import online_reward
from tool_gym.trajectory import Trajectory

__all__ = ["ToolGymData", "ToolGymEnv", "ToolGymEnvConfig", "ToolGymTask", "ToolGymTaskset", "ToolGymTasksetConfig"]


class ToolGymTaskConfig(vf.TaskConfig):
    """How rollouts are scored: `--env.taskset.task.*`."""

    reward: str = "solve"
    """Name of an online reward, with parameters if need be."""
    dialect: str = "hermes"
    """How turns without calls are read."""


class ToolGymTasksetConfig(vf.TasksetConfig):
    """Which scenarios there are: `--env.taskset.*`."""

    pack: str = "everyday"
    """A bundled pack's name, or a pack folder."""
    split: str | None = "test"
    """The split of the pack; all if None."""
    task: ToolGymTaskConfig = ToolGymTaskConfig()
    tools: vf.SharedToolsetConfig = vf.SharedToolsetConfig()
    """Where the tool server runs."""


class ToolGymData(vf.TaskData):
    """Which scenario a task is."""

    pack: str
    scenario_id: str
    shape: str


class ToolGymTask(vf.Task[ToolGymData, ToolGymState, ToolGymTaskConfig]):
    """One scenario."""

    async def setup(self, trace: vf.Trace, runtime: vf.Runtime) -> None:
        """Tell the tool server which scenario the rollout plays."""
        del runtime
        trace.state.pack, trace.state.scenario_id = self.data.pack, self.data.scenario_id
        trace.state.rollout = uuid.uuid4().hex

    @vf.reward(weight=1.0)  # type: ignore[untyped-decorator]  # not installed where this is type-checked
    async def tool_gym(self, trace: vf.Trace) -> float:
        """Return what the environment pays, and record what the score is made of."""
        played = self.played(trace)
        if played.steps:
            trace.record_metrics(played.steps[-1].parts or {})
        trace.info["tool_gym_rewards"] = [step.reward for step in played.steps]
        return played.episode_return

    def played(self, trace: vf.Trace) -> Trajectory:
        """Return the record of a rollout so far, as the environment has it."""
        messages = [_as_openai(message) for message in trace.messages]
        env = _environment(self.data.pack, self.config.reward)
        return replay(env, self.data.scenario_id, turns_of_chat(messages, get_dialect(self.config.dialect)))


class ToolGymTaskset(vf.Taskset[ToolGymTask, ToolGymTasksetConfig]):
    """The scenarios of a pack."""

    @classmethod
    def toolsets(cls, config: ToolGymTasksetConfig) -> list[vf.Toolset]:
        """Return the one tool server."""
        return [ToolGymToolset(config.tools)]

    def load(self) -> Iterator[ToolGymTask]:
        """Yield the tasks in the pack's order."""
        online_reward(self.config.task.reward)
        pack = open_pack(self.config.pack)
        for entry in pack.entries(self.config.split):
            scenario = pack.task(entry.id).scenario
            data = ToolGymData(
                id=scenario.id,
                name=scenario.id,
                prompt=scenario.user_turns[0],
                system_prompt=INSTRUCTIONS,
                pack=self.config.pack,
                scenario_id=scenario.id,
                shape=scenario.shape,
            )
            yield ToolGymTask(data, self.config.task)


class ToolGymEnvConfig(vf.EnvConfig):
    """One seat, `agent`."""

    agent: vf.AgentConfig = vf.AgentConfig()


class ToolGymEnv(vf.Env[ToolGymEnvConfig]):
    """One agent, and the scripted user: what they say next comes from the scenario, whatever was answered."""

    async def run(self, task: ToolGymTask, agents: vf.Agents) -> None:
        """Play the episode to its end."""
        async with agents.agent.interaction(task) as talk:
            segment = await talk.turn()
            while not segment.terminated:
                played = task.played(talk.trace)
                if played.terminated or not played.steps or not played.steps[-1].reply:
                    break
                segment = await talk.turn(played.steps[-1].reply)


@cache
def _environment(pack: str, reward: str) -> ToolUseEnv:
    return uncapped(open_pack(pack), reward)


def _as_openai(message: Any) -> dict[str, Any]:
    """Return a message of verifiers in OpenAI's form."""
    found: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.role == "assistant" and message.tool_calls:
        found["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    return found
