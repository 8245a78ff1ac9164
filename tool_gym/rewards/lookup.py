"""The rewards there are, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from tool_gym.errors import ScenarioError, UnknownNameError
from tool_gym.rewards.base import Reward
from tool_gym.rewards.ftrl import FtrlReward
from tool_gym.rewards.solve import SolveReward
from tool_gym.rewards.spec import parameters_of, split_spec
from tool_gym.rewards.step_grained import StepGrainedReward
from tool_gym.rewards.tool_match import ToolMatchReward

REWARDS: dict[str, Callable[..., Reward]] = {
    "ftrl_f1": partial(FtrlReward, "f1"),
    "ftrl_precision": partial(FtrlReward, "precision"),
    "ftrl_pr": partial(FtrlReward, "pr"),
    "ftrl_rate": partial(FtrlReward, "rate"),
    "solve": SolveReward,
    "step_grained": StepGrainedReward,
    "tool_match": ToolMatchReward,
}
"""Reward name → its constructor."""


def get_reward(reward: str | Reward, **parameters: Any) -> Reward:
    """Return a reward by name, or the one given.

    Args:
        reward: A reward, a name, or a name with parameters: `"solve:beta=2"`.
        **parameters: Parameters of the reward, as `beta=2.0`; they win over those in the name.

    Raises:
        UnknownNameError: If there is no reward of that name, or it has no such parameter.
        ScenarioError: If a parameter is out of its range, or the text is not of that form.

    >>> get_reward("solve:beta=2") == get_reward("solve", beta=2)
    True
    """
    if not isinstance(reward, str):
        return reward
    name, given = split_spec(reward)
    if name not in REWARDS:
        unknown = UnknownNameError.of("reward", name, REWARDS)
        raise unknown
    return REWARDS[name](**parameters_of(name, REWARDS[name], {**given, **parameters}))


def online_reward(reward: str | Reward) -> Reward:
    """Return a reward that may pay an environment's steps as they happen, by name or the one given.

    Raises:
        UnknownNameError: As `get_reward`.
        ScenarioError: As `get_reward`, and if the reward is for stored trajectories only (its `online` is False).
    """
    found = get_reward(reward)
    if not getattr(found, "online", True):
        msg = (
            f"{found.name} is for stored trajectories (tool_gym.score, `tool-gym score`), not for an environment: it "
            "looks back from an episode's end, or pays harmless calls without end. Play step_grained in its default "
            "mode, or mode=mean with contribution=gold and a call_cost above 0.5"
        )
        raise ScenarioError(msg)
    return found
