"""StepTool's reward of annotated trajectories, and returns of steps (arXiv 2410.07745).

A judge passes over a trajectory some times. Each pass says of every step but the last whether the call succeeded (SC,
0 or 1) and how much it contributed to the answer (Con, 0 to 5), and of the last whether the request was solved. The
reward of a step is the mean over passes of ½ (SC + Con / 5), that of the last step the mean of its statuses. That is
what the stored rewards of the published data hold; the released trainer then multiplies the reward of step i of T
by T − 1 − i, and so drops the last one. Nothing here does.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

from tool_gym.errors import ScenarioError, UnknownNameError

MOST_CONTRIBUTION = 5.0
"""The judge's highest mark for a contribution."""

STATUSES = {"Solved": 1.0, "Unsure": 0.5, "Unsolved": 0.0}
"""What the judge says of the last step → its reward."""


class Judgement(NamedTuple):
    """One pass of a judge over a trajectory."""

    succeeded: Sequence[float]
    """For every step but the last, whether its call succeeded: 0 or 1."""
    contributions: Sequence[float]
    """For every step but the last, its contribution, from 0 to `MOST_CONTRIBUTION`."""
    status: str
    """A key of `STATUSES`."""


def judged_rewards(passes: Sequence[Judgement]) -> tuple[float, ...]:
    """Return the reward of every step, the last one's at the end, each in [0, 1].

    Raises:
        ScenarioError: If there is no pass, or the passes are of different lengths.
        UnknownNameError: If a status is none of the three.

    >>> judged_rewards([Judgement([1, 1], [5, 4], "Solved")])
    (1.0, 0.9, 1.0)
    """
    lengths = {len(marks) for one in passes for marks in (one.succeeded, one.contributions)}
    if len(lengths) != 1:
        msg = f"one judgement or more of one trajectory are needed, not of lengths {sorted(lengths)}"
        raise ScenarioError(msg)
    unknown = next((one.status for one in passes if one.status not in STATUSES), None)
    if unknown is not None:
        error = UnknownNameError.of("status", unknown, STATUSES)
        raise error
    steps = range(lengths.pop())
    called = (
        fmean(call_reward(one.succeeded[i], one.contributions[i] / MOST_CONTRIBUTION) for one in passes) for i in steps
    )
    return (*called, fmean(STATUSES[one.status] for one in passes))


def call_reward(succeeded: float, contribution: float) -> float:
    """Return ½ (SC + Con), both in [0, 1]: what the published data pays for a call."""
    return (succeeded + contribution) / 2


def step_returns(rewards: Sequence[float], gamma: float = 1.0) -> tuple[float, ...]:
    """Return the discounted sum of the rewards from each step to the end.

    Args:
        rewards: The reward of each step, in order.
        gamma: Discount per step (not per token), in [0, 1].

    Raises:
        ScenarioError: If `gamma` is out of its range.

    >>> step_returns([1, 0, 4], 0.5)
    (2.0, 2.0, 4.0)
    """
    if not 0 <= gamma <= 1:
        msg = f"a discount lies in [0, 1], not {gamma!r}"
        raise ScenarioError(msg)
    returns, total = [], 0.0
    for reward in reversed(rewards):
        total = reward + gamma * total
        returns.append(total)
    return tuple(reversed(returns))
