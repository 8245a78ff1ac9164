"""Playing whole episodes with a policy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies.base import Policy
from tool_gym.errors import EpisodeError
from tool_gym.trajectory import Trajectory
from tool_gym.turns import Turn

if TYPE_CHECKING:
    import gymnasium


def rollout(
    env: gymnasium.Env[Any, Any],
    policy: Policy,
    *,
    seed: int | None = None,
    options: dict[str, Any] | None = None,
) -> Trajectory:
    """Play one episode and return its record.

    Args:
        env: A `ToolUseEnv`, or wrappers around one.
        policy: Who plays.
        seed: Seed of `reset` and of the policy; None continues the environment's sequence.
        options: Options of `reset`, such as `{"scenario": id}`.

    Raises:
        EpisodeError: If `env` is no tool-use environment.
    """
    base = env.unwrapped
    if not isinstance(base, ToolUseEnv):
        msg = f"rollout needs a ToolUseEnv, not {type(base).__name__}"
        raise EpisodeError(msg)
    observation, info = env.reset(seed=seed, options=options)
    policy.reset(base, seed if seed is not None else int(base.np_random.integers(2**31)))
    over = False
    while not over:
        action = policy.act(observation, info)
        if isinstance(action, Turn):
            action = base.dialect.write(action)
        observation, _, terminated, truncated, info = env.step(action)
        over = terminated or truncated
    return base.trajectory._replace(policy=policy.name)
