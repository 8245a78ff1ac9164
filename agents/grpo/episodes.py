"""What a batch of episodes amounts to: what processes tell each other of theirs, and the figures that are logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tool_gym.agents.credit import Turns
from tool_gym.agents.curriculum import GroupResult
from tool_gym.envs.pack import Pack
from tool_gym.errors import AgentError
from tool_gym.rewards import get_reward
from tool_gym.summary import rescored

if TYPE_CHECKING:
    from tool_gym.agents.rollouts import Rollout, Timing

TURNS_LOGGED = 8
"""Turn indices whose advantages' deviation is logged."""

_SPREAD = 1e-9


class Played(NamedTuple):
    """One episode, as far as other processes have to know it."""

    scenario_id: str
    rewards: tuple[float, ...]
    """One for each turn."""
    parts: Mapping[str, float]
    """The parts of `solve` at the end; empty for an episode without a turn."""
    calls: int
    overlong: bool
    values: tuple[float, ...] = ()
    """The critic's, one for each turn, where there is one."""

    @property
    def episode_return(self) -> float:
        """Sum of the rewards."""
        return sum(self.rewards)

    @property
    def solved(self) -> bool:
        """Whether all goals were met."""
        return self.parts.get("goals") == 1


def played(rollout: Rollout, pack: Pack) -> Played:
    """Return what is told of an episode, whatever reward it was trained with."""
    trajectory = rollout.trajectory
    if trajectory.steps and trajectory.reward != "solve":
        trajectory = rescored(trajectory, pack.task(trajectory.scenario_id).scenario, get_reward("solve"))
    return Played(
        scenario_id=trajectory.scenario_id,
        rewards=tuple(rollout.rewards),
        parts=dict((trajectory.steps[-1].parts or {}) if trajectory.steps else {}),
        calls=sum(len(step.turn.calls) for step in trajectory.steps),
        overlong=rollout.overlong,
    )


def group_results(episodes: Sequence[Played], size: int) -> list[GroupResult]:
    """Return the groups' results, `size` episodes each.

    Raises:
        AgentError: If the members of a group did not play the same scenario: the processes have drawn differently.
    """
    results = []
    for start in range(0, len(episodes), size):
        members = episodes[start : start + size]
        ids = {member.scenario_id for member in members}
        if len(ids) != 1:
            msg = (
                f"the members of one group played {sorted(ids)}: every process needs a schedule with the same seed "
                "and the same history"
            )
            raise AgentError(msg)
        returns = tuple(member.episode_return for member in members)
        results.append(GroupResult(ids.pop(), returns, tuple(member.solved for member in members)))
    return results


def episode_figures(episodes: Sequence[Played], size: int) -> dict[str, float]:
    """Return the means over a batch that are logged; solve_p is left out where no episode has a charged attempt."""
    parts = [episode.parts for episode in episodes if episode.parts]
    charged = [part for part in parts if part["charged"]]
    returns = np.array([episode.episode_return for episode in episodes]).reshape(-1, size)
    figures = {
        "return": float(returns.mean()),
        "solved": fmean(episode.solved for episode in episodes),
        "turns": fmean(len(episode.rewards) for episode in episodes),
        "calls": fmean(episode.calls for episode in episodes),
        "overlong": fmean(episode.overlong for episode in episodes),
        "groups_without_spread": float((np.ptp(returns, axis=1) <= _SPREAD).mean()),
    }
    if charged:
        figures["solve_p"] = fmean(part["solved"] / part["charged"] for part in charged)
    if parts:
        figures["solve_r"] = fmean(part["completeness"] for part in parts)
        figures["solve_f1"] = fmean(2 * part["solved"] / (part["charged"] + part["needed"] or 1) for part in parts)
        figures["goals"] = fmean(part["goals"] for part in parts)
        figures["junk_calls"] = fmean(part["charged"] - part["solved"] for part in parts)
    return figures


def advantage_figures(advantages: Sequence[Turns]) -> dict[str, float]:
    """Return the deviation of the advantages at each of the first turn indices that two episodes reached."""
    figures = {}
    for turn in range(TURNS_LOGGED):
        here = [float(episode[turn]) for episode in advantages if len(episode) > turn]
        if len(here) > 1:
            figures[f"advantage_std/turn_{turn}"] = float(np.std(here))
    return figures


def timing_figures(timings: Sequence[Timing]) -> dict[str, float]:
    """Return the seconds a process spent on average, and the share of them that the environment took."""
    env, model, encode = (
        fmean(getattr(timing, f"{part}_seconds") for timing in timings) for part in ("env", "model", "encode")
    )
    whole = env + model + encode
    return {
        "env_seconds": env,
        "model_seconds": model,
        "encode_seconds": encode,
        "env_share": env / whole if whole else 0.0,
    }
