"""The figures of a set of trajectories, as FTRL defines them and corrected where its definition flatters.

Solve-P, Solve-R and Solve-F1 are means over episodes of S/C, S/T and 2S/(C+T) (arXiv 2508.08791, section on
evaluation), with S, C and T as in docs/reward.md. FTRL sets Solve-P to 1 for an episode without calls; here such an
episode has no precision and is left out of that mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

from tool_gym.errors import TrajectoryError
from tool_gym.rewards import Reward, get_reward
from tool_gym.rewards import score as score_of
from tool_gym.scenario import Scenario
from tool_gym.trajectory import Trajectory

_PARTS = frozenset({"solved", "charged", "needed", "completeness", "goals"})


class Summary(NamedTuple):
    """Figures of one policy; rates and means in [0, 1]."""

    policy: str
    episodes: int
    solve_p: float | None
    """Mean precision over the episodes with at least one charged attempt; None if there is none."""
    solve_r: float
    solve_f1: float
    answer_accuracy: float
    """Share of episodes that met all their goals (answers, states, declines)."""
    mean_return: float
    calls: float
    """Mean number of attempted calls."""


def summarize(policy: str, trajectories: Iterable[Trajectory]) -> Summary:
    """Return the figures of trajectories scored by `solve`; those without a step are left out.

    Raises:
        TrajectoryError: If there are none, or they were scored by another reward.
    """
    played = [trajectory for trajectory in trajectories if trajectory.steps]
    known = [trajectory.steps[-1].parts or {} for trajectory in played]
    if not known or not all(part.keys() >= _PARTS for part in known):
        name = policy or "the policy"
        msg = f"{name} has no trajectory with a step scored by the reward 'solve': nothing to sum up"
        raise TrajectoryError(msg)
    charged = [part for part in known if part["charged"]]
    return Summary(
        policy=policy,
        episodes=len(known),
        solve_p=fmean(part["solved"] / part["charged"] for part in charged) if charged else None,
        solve_r=fmean(part["completeness"] for part in known),
        solve_f1=fmean(2 * part["solved"] / (part["charged"] + part["needed"] or 1) for part in known),
        answer_accuracy=fmean(part["goals"] == 1 for part in known),
        mean_return=fmean(trajectory.episode_return for trajectory in played),
        calls=fmean(sum(len(step.turn.calls) for step in trajectory.steps) for trajectory in played),
    )


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
