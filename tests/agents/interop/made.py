"""Episodes to export: the hand-written scenarios and some of the default suite, played well and badly."""

from __future__ import annotations

from functools import cache

from tests.handmade import SCENARIOS, WITH_ORACLE
from tests.playing import oracle_turns, play
from tool_gym.agents.interop import Episode
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import Pack, open_pack
from tool_gym.envs.policies import get_policy
from tool_gym.envs.rollout import rollout
from tool_gym.turns import BrokenCall, ToolCall, Turn


@cache
def pack() -> Pack:
    return open_pack("everyday")


def some_ids(count: int) -> list[str]:
    """Return ids of test scenarios, spread over all shapes."""
    entries = pack().entries("test")
    return [entries[number * len(entries) // count].id for number in range(count)]


@cache
def episodes(count: int = 12) -> tuple[Episode, ...]:
    """Return episodes of the default suite, each scenario played by three policies."""
    env = ToolUseEnv(pack())
    return tuple(
        Episode(rollout(env, get_policy(policy), seed=number, options={"scenario": name}), pack().task(name).scenario)
        for name in some_ids(count)
        for number, policy in enumerate(("oracle", "greedy", "random"))
    )


def handmade() -> list[Episode]:
    """Return the hand-written scenarios as their oracles play them, and one with a broken call and thinking."""
    played = [Episode(play(SCENARIOS[name], oracle_turns(SCENARIOS[name])), SCENARIOS[name]) for name in WITH_ORACLE]
    return [*played, odd()]


def odd() -> Episode:
    """Return an episode with a broken call, an unknown tool, arguments of many types, and thinking."""
    scenario = SCENARIOS["single_hop"]
    broken = BrokenCall("bad_json", "not JSON", '{"na')
    turns = [
        Turn("So.", (broken, ToolCall("nothing", {"x": [1, "a", None, 0.1 + 0.2], "y": {"z": 1e-12}}))),
        Turn("", (ToolCall("nothing", {"x": "text"}),), "I think"),
        *oracle_turns(scenario),
    ]
    return Episode(play(scenario, turns), scenario)
