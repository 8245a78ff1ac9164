"""ADD4, the common episode (see `benchmarks.peers.workload`), on ours and on a bare environment.

`add4_pack` is the episode as ours: schema validation, typed results, a strict score each step, a trajectory. `BareEnv`
is the floor beside it: a `gymnasium.Env` that finds, decodes and dispatches a call, checks nothing and scores only
the end.
"""

from __future__ import annotations

import itertools
from typing import Any

import gymnasium as gym
import orjson

from benchmarks.peers.workload import REQUEST, SCRIPT, Episode
from tool_gym.envs.pack import MemoryPack
from tool_gym.scenario import (
    AnswerGoal,
    Binding,
    Plan,
    PlanStep,
    Scenario,
    SubGoal,
    TemplateImpl,
    ToolSpec,
)
from tool_gym.spaces import UnicodeText
from tool_gym.values import NumberValue
from tool_gym.world import World

ENV_ID = "Add4-v0"
BARE_ID = "BareAdd4-v0"

_INTEGER = {"type": "integer"}
_ADD = ToolSpec(
    name="add",
    description="Add two integers.",
    parameters={
        "type": "object",
        "properties": {"a": _INTEGER, "b": _INTEGER},
        "required": ["a", "b"],
        "additionalProperties": False,
    },
    impl=TemplateImpl(family="calculate", constants={"operation": "add"}),
)


def add4_pack() -> MemoryPack:
    """Return the episodes as scenarios, in the order of the script."""
    world = World(domain="arithmetic", tables={})
    return MemoryPack([_scenario(episode, world) for episode in SCRIPT], [world], name="add4")


def turns_of(number: int) -> list[str]:
    """Return the five turns of an episode as Hermes text."""
    return SCRIPT[number].hermes


class BareEnv(gym.Env[str, str]):
    """Finds, decodes and dispatches; nothing else."""

    observation_space = UnicodeText(1000)
    action_space = UnicodeText(1000)

    def __init__(self) -> None:
        """Start before the first episode."""
        self._script = itertools.cycle(SCRIPT)
        self._tools = {"add": lambda a, b: a + b}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start the next episode; there are no options."""
        super().reset(seed=seed, options=options)
        self._answer = next(self._script).answer
        return REQUEST, {}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Run the call, or take the answer."""
        start = action.find("<tool_call>")
        if start < 0:
            return "", float(action == self._answer), True, False, {}
        call = orjson.loads(action[start + 11 : action.rindex("</tool_call>")])
        return str(self._tools[call["name"]](**call["arguments"])), 0.0, False, False, {}


def register() -> None:
    """Register ADD4 as ours and as the bare environment, once."""
    if ENV_ID not in gym.registry:
        gym.register(
            ENV_ID,
            entry_point="tool_gym.envs.env:ToolUseEnv",
            vector_entry_point="tool_gym.envs.vector:ToolUseVectorEnv",
            kwargs={"pack": PACK},
        )
        gym.register(BARE_ID, entry_point="benchmarks.add4:BareEnv")


def _scenario(episode: Episode, world: World) -> Scenario:
    pairs = list(episode.pairs)
    sub_goals = tuple(
        SubGoal(
            id=f"s{number}",
            tool="add",
            arguments={"a": a, "b": b},
            binding=Binding(operation="calculate", inputs=("add", min(a, b), max(a, b))),
            result_path=("value",),
            gold=NumberValue(value=a + b),
        )
        for number, (a, b) in enumerate(pairs)
    )
    goal = AnswerGoal(
        id="g1", rests_on=tuple(item.id for item in sub_goals), gold=NumberValue(value=int(episode.answer))
    )
    steps = tuple(PlanStep(sub_goal=item.id, literals=item.arguments or {}) for item in sub_goals)
    return Scenario(
        id="unproved",
        domain="arithmetic",
        shape="parallel_single_hop",
        user_turns=(f"Add the pairs {pairs} and report the grand total.",),
        world_ref=world.id,
        tools=(_ADD,),
        sub_goals=sub_goals,
        goals=(goal,),
        plans=(Plan(steps=steps),),
    ).with_id()


PACK = add4_pack()
"""The scenarios every benchmark plays."""

TURNS = {entry.id: turns_of(number) for number, entry in enumerate(PACK.entries())}
"""Scenario → the five turns."""
