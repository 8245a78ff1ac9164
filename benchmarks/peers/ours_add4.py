"""ADD4 on tool-gym, and on the bare environment that is its floor, alone and in Gymnasium's vector environments."""

from __future__ import annotations

import gymnasium as gym

from benchmarks.add4 import BARE_ID, ENV_ID, PACK, BareEnv, register
from benchmarks.peers.workload import Player, serve
from benchmarks.players import all_alike, bare, by_scenario, named, ours, vector
from tool_gym.envs.env import ToolUseEnv


def many(env_id: str, count: int, mode: str) -> Player:
    """Return a player of so many environments, made by `gym.make_vec`."""
    kwargs = {"shared_memory": False} if mode == "async" else None  # texts have no fixed size
    envs = gym.make_vec(env_id, num_envs=count, vectorization_mode=mode, vector_kwargs=kwargs)
    return vector(envs, by_scenario if env_id == ENV_ID else all_alike(count))


if __name__ == "__main__":  # Python 3.14 starts an AsyncVectorEnv's workers by importing this module again
    register()
    serve(
        {
            "bare gymnasium.Env": lambda: bare(BareEnv()),
            "bare, SyncVectorEnv, n=64": lambda: many(BARE_ID, 64, "sync"),
            "bare, AsyncVectorEnv, n=8": lambda: many(BARE_ID, 8, "async"),
            "ToolUseEnv": lambda: ours(ToolUseEnv(PACK)),
            "gym.make": lambda: ours(gym.make(ENV_ID)),
            "ToolUseVectorEnv, n=64": lambda: named(gym.make_vec(ENV_ID, num_envs=64)),
            "SyncVectorEnv, n=64": lambda: many(ENV_ID, 64, "sync"),
            "AsyncVectorEnv, n=8": lambda: many(ENV_ID, 8, "async"),
        }
    )
