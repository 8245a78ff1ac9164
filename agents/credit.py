"""Credit: from the rewards of an episode's turns to one advantage for each turn; numpy only.

gamma and lambda act once per turn. How many tokens a tool's result has is no part of any formula here, so an
observation never fades the credit of what came before it.

With r_t the reward of turn t and T the turns of an episode, G_t = r_t + gamma G_{t+1} is the return-to-go. An
*estimator* says what a turn is judged by; every other member of its group played the same scenario:

    trajectory       G_0, the same for every turn                    (GRPO, arXiv 2402.03300)
    turn_group       G_t, compared with the group's at the same t    (turn-level credit, arXiv 2505.11821)
    step_gae         GAE (arXiv 1506.02438) over turns with V_t = mean of G_t over the members that reached t:
                     d_t = r_t + gamma V_{t+1} - V_t,  A_t = d_t + gamma lam A_{t+1},  V = 0 after the last turn
    step_gae_value   the same with values from elsewhere, such as a critic's

A *normalisation* says what is taken off (the baseline) and what it is divided by; ENTRIES are what the estimator
makes: an episode's G_0 under `trajectory`, one number for each turn under the others:

    grpo                   group mean            deviation in the group    (arXiv 2402.03300)
    dr_grpo                group mean            1                         (arXiv 2503.20783)
    rloo                   mean of the others    1                         (arXiv 2402.14740)
    reinforce_pp           mean of the batch     deviation in the batch    (Reinforce++, arXiv 2501.03262)
    reinforce_pp_baseline  group mean, then that of the batch    deviation in the batch    (the same paper's variant)
    reinforce              0                     1                         (Williams 1992)

What combinations mean: a group's baseline is taken per episode under `trajectory`, per turn index under `turn_group`,
and is V itself under `step_gae`: there it is the first half of the normalisation, and only the second is left to do.
`step_gae` therefore needs a baseline in the group, and `step_gae_value`, whose baseline is the values, must have none:
the rest is refused. `turn_group` without one is plain REINFORCE with return-to-go. The deviation in a group is
sqrt(sum of squares / (n - 1)) over its n centred entries, plus 1e-4, so that `trajectory` with `grpo` is TRL's own
number. Who has nobody to be compared with, and whatever has no spread, gets 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from tool_gym.errors import AgentError, UnknownNameError
from tool_gym.model import Model
from tool_gym.rewards.judging import step_returns

Turns: TypeAlias = NDArray[np.float64]
"""One number for each turn of an episode."""

EPSILON = 1e-4
"""Added to a deviation before dividing by it; TRL's."""

_NO_SPREAD = 1e-9
"""Entries that differ by less than this share of the largest are equal: sums of the same rewards in another order."""


class Normalisation(NamedTuple):
    """What is taken off and what it is divided by."""

    baseline: str
    """`group`, `others` (the group without oneself), or empty."""
    scale: str
    """`group`, `batch` (which takes the batch's mean off too), or empty."""


ESTIMATORS = ("trajectory", "turn_group", "step_gae", "step_gae_value")

NORMALISATIONS = {
    "grpo": Normalisation("group", "group"),
    "dr_grpo": Normalisation("group", ""),
    "rloo": Normalisation("others", ""),
    "reinforce_pp": Normalisation("", "batch"),
    "reinforce_pp_baseline": Normalisation("group", "batch"),
    "reinforce": Normalisation("", ""),
}


class CreditConfig(Model):
    """How the rewards of turns become advantages; the module says what each name means."""

    estimator: str = "step_gae"
    """A name in `ESTIMATORS`."""
    normalisation: str = "grpo"
    """A key of `NORMALISATIONS`; unless given, `reinforce_pp` under `step_gae_value`, as is usual in PPO."""
    gamma: float = Field(default=1.0, ge=0, le=1)
    """Discount of one turn; 1 makes the return what the reward says it is."""
    lam: float = Field(default=0.95, ge=0, le=1)
    """Lambda of the two GAE estimators, per turn; the others have none."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("estimator") == "step_gae_value":
            return {"normalisation": "reinforce_pp", **given}
        return given

    @field_validator("estimator")
    @classmethod
    def _known_estimator(cls, name: str) -> str:
        return _known("credit estimator", name, ESTIMATORS)

    @field_validator("normalisation")
    @classmethod
    def _known_normalisation(cls, name: str) -> str:
        return _known("credit normalisation", name, tuple(NORMALISATIONS))

    @model_validator(mode="after")
    def _fitting(self) -> CreditConfig:
        wants = {"step_gae": True, "step_gae_value": False}.get(self.estimator)
        has = bool(NORMALISATIONS[self.normalisation].baseline)
        if wants is not None and wants is not has:
            fit = [name for name, one in NORMALISATIONS.items() if bool(one.baseline) is wants]
            why = "has the group for its baseline" if wants else "has the values for its baseline, and takes no second"
            msg = f"{self.estimator} {why}: normalisation {self.normalisation!r} will not do; use {' or '.join(fit)}"
            raise AgentError(msg)
        return self


def advantages(
    rewards: Sequence[Sequence[float]],
    groups: Sequence[int],
    config: CreditConfig,
    values: Sequence[Sequence[float]] | None = None,
) -> list[Turns]:
    """Return one advantage for each turn of each episode.

    Args:
        rewards: Of each episode, the reward of each turn; episodes may differ in length, and have no turn at all.
        groups: Of each episode, the number of its group, in any order.
        config: The estimator and what goes with it.
        values: Of each episode, the value of each turn's state; for `step_gae_value` and nobody else.

    Raises:
        AgentError: If the lengths do not go together, values are missing or too many, or a number is not finite.
    """
    _check(rewards, groups, config, values)
    names = np.asarray(groups)
    returns = [returns_to_go(episode, config.gamma) for episode in rewards]
    baseline, scale = NORMALISATIONS[config.normalisation]
    if config.estimator == "trajectory":
        whole = [episode[:1] for episode in returns]
        scaled = _scaled(_less(whole, _baselines(whole, names, baseline)), names, scale)
        return [np.repeat(one, len(episode)) for one, episode in zip(scaled, returns, strict=True)]
    if config.estimator == "turn_group":
        return _scaled(_less(returns, _baselines(returns, names, baseline)), names, scale)
    if values is None:
        expected = _baselines(returns, names, baseline)
    else:
        expected = [np.asarray(episode, dtype=np.float64) for episode in values]
    found = [_gae(*one, config) for one in zip(rewards, expected, strict=True)]
    return _scaled(found, names, scale)


def returns_to_go(rewards: Sequence[float], gamma: float) -> Turns:
    """Return the discounted sum of the rewards from each turn to the end."""
    return np.asarray(step_returns(rewards, gamma), dtype=np.float64)


def over_tokens(of_turns: Sequence[float] | Turns, spans: Sequence[tuple[int, int]], length: int) -> Turns:
    """Return one advantage for each token: the turn's own on the tokens of each turn, 0 everywhere else.

    Args:
        of_turns: The advantage of each turn.
        spans: Of each turn, its first token and the one after its last.
        length: How many tokens there are.

    Raises:
        AgentError: If there are not as many spans as advantages, or a span lies outside.
    """
    placed = np.zeros(length)
    if len(of_turns) != len(spans) or any(not 0 <= start <= end <= length for start, end in spans):
        msg = (
            f"{len(of_turns)} advantages for the turns {list(spans)[:8]} of {length} tokens: one inside each is needed"
        )
        raise AgentError(msg)
    for advantage, (start, end) in zip(of_turns, spans, strict=True):
        placed[start:end] = advantage
    return placed


def _known(kind: str, name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        error = UnknownNameError.of(kind, name, names)
        raise error
    return name


def _check(
    rewards: Sequence[Sequence[float]],
    groups: Sequence[int],
    config: CreditConfig,
    values: Sequence[Sequence[float]] | None,
) -> None:
    if len(groups) != len(rewards):
        msg = f"{len(groups)} groups for {len(rewards)} episodes: give one number for each"
        raise AgentError(msg)
    if (values is not None) is not (config.estimator == "step_gae_value"):
        needs = "needs the values of its turns" if values is None else "takes no values; step_gae_value does"
        msg = f"{config.estimator} {needs}"
        raise AgentError(msg)
    if values is not None and [len(one) for one in values] != [len(one) for one in rewards]:
        msg = "there has to be one value for each turn's reward"
        raise AgentError(msg)
    for kind, numbers in (("reward", rewards), ("value", values or ())):
        for episode, of_turns in enumerate(numbers):
            if not np.isfinite(np.asarray(of_turns, dtype=np.float64)).all():
                msg = f"a {kind} of episode {episode} is no finite number: {list(of_turns)}"
                raise AgentError(msg)


def _baselines(returns: list[Turns], names: NDArray[Any], kind: str) -> list[Turns]:
    """Return what each entry is compared with: the entries at the same index in the group, or in the rest of it."""
    found = [np.zeros(len(one)) for one in returns]
    if not kind:
        return found
    for name in np.unique(names):
        members = [int(row) for row in np.flatnonzero(names == name)]
        for turn in range(max(len(returns[row]) for row in members)):
            here = [row for row in members if len(returns[row]) > turn]
            reached = np.array([returns[row][turn] for row in here])
            for row, mean in zip(here, _means(reached, kind), strict=True):
                found[row][turn] = mean
    return found


def _means(entries: Turns, kind: str) -> Turns:
    """Return each entry's baseline; a lone entry is its own, and so is each of equal ones."""
    if len(entries) == 1 or _equal(entries):
        return entries
    means: Turns = np.full(len(entries), entries.mean())
    return (entries.sum() - entries) / (len(entries) - 1) if kind == "others" else means


def _less(entries: list[Turns], baselines: list[Turns]) -> list[Turns]:
    return [one - baseline for one, baseline in zip(entries, baselines, strict=True)]


def _gae(rewards: Sequence[float], values: Turns, config: CreditConfig) -> Turns:
    found = np.zeros(len(rewards))
    following = advantage = 0.0
    for turn in reversed(range(len(rewards))):
        value = float(values[turn])
        surprise = rewards[turn] + config.gamma * following - value
        advantage = surprise + config.gamma * config.lam * advantage
        found[turn], following = advantage, value
    return found


def _scaled(entries: list[Turns], names: NDArray[Any], kind: str) -> list[Turns]:
    if not kind or not entries:
        return entries
    if kind == "batch":
        together = np.concatenate(entries)
        centre, spread = (together.mean(), together.std(ddof=1)) if len(together) > 1 else (0.0, 0.0)
        if len(together) < 2 or _equal(together):
            return [np.zeros(len(one)) for one in entries]
        return [(one - centre) / (spread + EPSILON) for one in entries]
    spreads = np.zeros(len(entries))
    for name in np.unique(names):
        here = names == name
        together = np.concatenate([one for one, is_here in zip(entries, here, strict=True) if is_here])
        if len(together) > 1:
            spreads[here] = np.sqrt((together**2).sum() / (len(together) - 1))
    return [
        one / (spread + EPSILON) if spread else np.zeros(len(one)) for one, spread in zip(entries, spreads, strict=True)
    ]


def _equal(entries: Turns) -> bool:
    return bool(np.ptp(entries) <= _NO_SPREAD * np.abs(entries).max())
