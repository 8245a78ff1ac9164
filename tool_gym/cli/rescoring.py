"""Scoring trajectories again, for tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING

from tool_gym.evaluate import Summary, summarize
from tool_gym.rewards import get_reward
from tool_gym.rewards import score as score_of

if TYPE_CHECKING:
    from tool_gym.rewards import Reward
    from tool_gym.scenario import Scenario
    from tool_gym.trajectory import Trajectory


def rescored(trajectory: Trajectory, scenario: Scenario, reward: Reward) -> Trajectory:
    """Return a trajectory with another reward's step rewards and parts."""
    scores = score_of(reward, scenario, trajectory).steps
    steps = tuple(
        step._replace(reward=new.delta, parts=new.parts) for step, new in zip(trajectory.steps, scores, strict=True)
    )
    return trajectory._replace(steps=steps, reward=reward.name)


def summary_of(policy: str, trajectories: Sequence[Trajectory], scenario_of: Callable[[str], Scenario]) -> Summary:
    """Return the figures of trajectories scored by any reward: its mean return, and solve's figures."""
    solve = get_reward("solve")
    by_solve = [
        trajectory if trajectory.reward == "solve" else rescored(trajectory, scenario_of(trajectory.scenario_id), solve)
        for trajectory in trajectories
    ]
    mean_return = fmean(trajectory.episode_return for trajectory in trajectories)
    return summarize(policy, by_solve)._replace(mean_return=mean_return)
