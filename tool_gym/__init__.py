"""tool-gym: tool-use environments for language models, as Gymnasium environments.

>>> import gymnasium as gym
>>> import tool_gym
>>> env = gym.make("ToolUse-v0")

Importing this package registers the environments and loads little else; the names below load on first use.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_gym.version import __version__ as __version__

# In a source checkout the wings (envs, generators, agents) stand beside this folder, in a wheel inside it.
_checkout = Path(__file__).resolve().parent.parent
if (_checkout / "pyproject.toml").is_file() and (_checkout / "envs").is_dir():
    __path__.append(str(_checkout))

if TYPE_CHECKING:
    from tool_gym.envs.checker import check_pack, check_scenario
    from tool_gym.envs.env import ToolUseEnv
    from tool_gym.envs.pack import FolderPack, MemoryPack, open_pack
    from tool_gym.envs.policies import get_policy
    from tool_gym.envs.registration import register_pack
    from tool_gym.envs.rollout import rollout, rollout_many
    from tool_gym.envs.vector import ToolUseVectorEnv
    from tool_gym.rewards import get_reward, score
    from tool_gym.scenario import Scenario, scenario_schema
    from tool_gym.trajectory import Trajectory, read_trajectories, write_trajectories
    from tool_gym.world import World


__all__ = [
    "FolderPack",
    "MemoryPack",
    "Scenario",
    "ToolUseEnv",
    "ToolUseVectorEnv",
    "Trajectory",
    "World",
    "check_pack",
    "check_scenario",
    "get_policy",
    "get_reward",
    "open_pack",
    "read_trajectories",
    "register_pack",
    "rollout",
    "rollout_many",
    "scenario_schema",
    "score",
    "write_trajectories",
]

_HOMES = {
    "FolderPack": "envs.pack",
    "MemoryPack": "envs.pack",
    "Scenario": "scenario",
    "ToolUseEnv": "envs.env",
    "ToolUseVectorEnv": "envs.vector",
    "Trajectory": "trajectory",
    "World": "world",
    "check_pack": "envs.checker",
    "check_scenario": "envs.checker",
    "get_policy": "envs.policies",
    "get_reward": "rewards",
    "open_pack": "envs.pack",
    "read_trajectories": "trajectory",
    "register_pack": "envs.registration",
    "rollout": "envs.rollout",
    "rollout_many": "envs.rollout",
    "scenario_schema": "scenario",
    "score": "rewards",
    "write_trajectories": "trajectory",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module 'tool_gym' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(f"tool_gym.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


from tool_gym.envs.registration import register_bundled  # noqa: E402 - needs the path above

register_bundled()
del register_bundled
