"""Rewards: pure functions of a scenario and a trajectory, one file per published scheme."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tool_gym.errors import UnknownNameError
from tool_gym.rewards.base import Reward, Score, Scorer, StepScore, score
from tool_gym.rewards.ftrl import FtrlReward
from tool_gym.rewards.solve import SolveReward

__all__ = ["REWARDS", "FtrlReward", "Reward", "Score", "Scorer", "SolveReward", "StepScore", "get_reward", "score"]

REWARDS: dict[str, Callable[..., Reward]] = {
    "ftrl_f1": partial(FtrlReward, "f1"),
    "ftrl_precision": partial(FtrlReward, "precision"),
    "ftrl_pr": partial(FtrlReward, "pr"),
    "ftrl_rate": partial(FtrlReward, "rate"),
    "solve": SolveReward,
}
"""Reward name → its constructor."""


def get_reward(reward: str | Reward, **parameters: Any) -> Reward:
    """Return a reward by name, or the one given.

    Raises:
        UnknownNameError: If there is none of that name.
    """
    if not isinstance(reward, str):
        return reward
    if reward not in REWARDS:
        unknown = UnknownNameError.of("reward", reward, REWARDS)
        raise unknown
    return REWARDS[reward](**parameters)
