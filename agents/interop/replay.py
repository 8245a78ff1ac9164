"""Playing again what was said elsewhere: chat messages of another library's loop, in an environment of ours.

Another library's loop runs the calls as it sees fit: one by one, and not all of them. Played again as turns, the
conversation earns what the environment pays. Worlds are deterministic, so the results are those the model saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tool_gym.dialects import Dialect, get_dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import Pack
from tool_gym.rewards import Reward
from tool_gym.trajectory import Trajectory
from tool_gym.turns import BrokenCall, Turn

NO_CAP = 1_000_000
"""Turns, and calls of a turn, that the environment takes: it is the other loop that has caps."""

_UNREAD = BrokenCall("unread", "this was not read as a call", "")


def uncapped(pack: Pack, reward: str | Reward) -> ToolUseEnv:
    """Return an environment that takes turns as they are, however many."""
    return ToolUseEnv(pack, dialect="structured", reward=reward, max_turns=NO_CAP, max_calls_per_turn=NO_CAP)


def replay(env: ToolUseEnv, scenario_id: str, turns: Sequence[Turn]) -> Trajectory:
    """Play turns from the start, as far as the episode goes, and return the record with the reward of every turn."""
    env.reset(seed=0, options={"scenario": scenario_id})
    for turn in turns:
        if not env.terminated:
            env.step(turn)
    return env.trajectory


def turns_of_chat(messages: Sequence[Mapping[str, Any]], dialect: Dialect) -> list[Turn]:
    """Return the assistant's turns as far as they were played.

    Calls that no result follows were never run: their turn is left out. A turn without `tool_calls` is text; what the
    dialect reads as calls in it was not read as calls there, and is a broken call.

    Args:
        messages: The conversation in OpenAI's form; arguments may be JSON text or objects.
        dialect: How text is read.
    """
    turns = []
    for number, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        if not message.get("tool_calls"):
            turns.append(_as_text(dialect.parse(message.get("content") or "")))
        elif any(following["role"] == "tool" for following in messages[number + 1 : number + 2]):
            turns.append(get_dialect("openai").parse(dict(message)))
    return turns


def _as_text(turn: Turn) -> Turn:
    return turn._replace(calls=tuple(call if isinstance(call, BrokenCall) else _UNREAD for call in turn.calls))
