"""ADD4, the common episode: reset, four `add` calls as Hermes text, one final answer; five steps.

`add4_pack` is the episode as ours: schema validation, typed results, a strict score each step, a trajectory. `BareEnv`
is the floor beside it: a `gymnasium.Env` that finds, decodes and dispatches a call, checks nothing and scores only
the end.
"""

from __future__ import annotations

from typing import Any

import gymnasium
import orjson

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

EPISODES = 64
"""Different episodes, played round and round."""

STEPS = 5

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


def pairs_of(episode: int) -> list[tuple[int, int]]:
    """Return the four pairs an episode adds."""
    return [((episode * 7 + k) % 1000, (episode * 13 + 3 * k) % 1000) for k in range(4)]


def turns_of(episode: int) -> list[str]:
    """Return the five turns of an episode as Hermes text."""
    calls = [
        f'<tool_call>\n{{"name": "add", "arguments": {{"a": {a}, "b": {b}}}}}\n</tool_call>'
        for a, b in pairs_of(episode)
    ]
    return [*calls, str(sum(a + b for a, b in pairs_of(episode)))]


def add4_pack() -> MemoryPack:
    """Return the episodes as scenarios."""
    world = World(domain="arithmetic", tables={})
    return MemoryPack([_scenario(episode, world) for episode in range(EPISODES)], [world], name="add4")


class BareEnv(gymnasium.Env[str, str]):
    """Finds, decodes and dispatches; nothing else."""

    observation_space = UnicodeText(1000)
    action_space = UnicodeText(1000)

    def __init__(self) -> None:
        """Start before the first episode."""
        self._episode = -1
        self._tools = {"add": lambda a, b: a + b}

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start the next episode; there are no options."""
        super().reset(seed=seed, options=options)
        self._episode = (self._episode + 1) % EPISODES
        self._answer = turns_of(self._episode)[-1]
        return "Add the pairs and report the grand total.", {}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Run the call, or take the answer."""
        start = action.find("<tool_call>")
        if start < 0:
            return "", float(action == self._answer), True, False, {}
        call = orjson.loads(action[start + 11 : action.rindex("</tool_call>")])
        return str(self._tools[call["name"]](**call["arguments"])), 0.0, False, False, {}


def _scenario(episode: int, world: World) -> Scenario:
    pairs = pairs_of(episode)
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
        id="g1", rests_on=tuple(item.id for item in sub_goals), gold=NumberValue(value=sum(a + b for a, b in pairs))
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
