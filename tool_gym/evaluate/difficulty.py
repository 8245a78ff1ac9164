"""Whether scenarios that are labelled harder are harder: failures of scripted policies by level of complexity.

    python -m tool_gym.evaluate.difficulty PACK [PACK ...]

prints, for the scenarios of all packs together, how often each policy fails in each band of levels, and Spearman's
rank correlation of the two.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from statistics import fmean
from typing import NamedTuple

from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import Pack, open_pack
from tool_gym.envs.policies import GreedyLexicalPolicy, Policy, RandomValidPolicy
from tool_gym.envs.policies.noisy import NoisyOraclePolicy
from tool_gym.envs.rollout import episode_seed, rollout
from tool_gym.errors import GenerationError

REFERENCES: dict[str, Callable[[], Policy]] = {
    "random": RandomValidPolicy,
    "greedy": GreedyLexicalPolicy,
    "noisy": NoisyOraclePolicy,
}
"""The policies whose failures are counted, by name."""

BANDS = 5
"""Bands of equally many scenarios that those of a pack are sorted into by their level."""


class Band(NamedTuple):
    """Scenarios of about one level, and how often they were failed."""

    level: float
    """The mean of their levels."""
    scenarios: int
    failures: dict[str, float]
    """Policy → share of the scenarios of which it did not meet all goals."""
    lost: dict[str, float]
    """Policy → mean of 1 - return, in [0, 1]."""

    @property
    def failure(self) -> float:
        """The mean over all policies of the share failed."""
        return fmean(self.failures.values())


def failures_by_level(packs: Iterable[Pack], *, seed: int = 0, bands: int = BANDS) -> list[Band]:
    """Play the scenarios of packs with every reference policy, in bands by level; equal levels share a band.

    Args:
        packs: The packs; scenarios without a level in their `difficulty`, or without a plan, are left out.
        seed: Seed of the policies.
        bands: Most bands.

    Raises:
        GenerationError: If no scenario is left.
    """
    played: list[tuple[float, dict[str, tuple[float, float]]]] = []
    for pack in packs:
        env = ToolUseEnv(pack, dialect="structured")
        for entry in pack.entries():
            scenario = pack.task(entry.id).scenario
            level = scenario.difficulty.get("level")
            if isinstance(level, int | float) and scenario.plans:
                found = {name: _played(env, make(), entry.id, seed) for name, make in REFERENCES.items()}
                played.append((float(level), found))
    if not played:
        msg = "no scenario has a level in its difficulty: packs made by `tool-gym generate` do"
        raise GenerationError(msg)
    levels = sorted(level for level, _ in played)
    first = {level: levels.index(level) * bands // len(levels) for level in levels}
    sorted_in: dict[int, list[tuple[float, dict[str, tuple[float, float]]]]] = {}
    for level, found in played:
        sorted_in.setdefault(first[level], []).append((level, found))
    return [_band(sorted_in[band]) for band in sorted(sorted_in)]


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Return Spearman's rank correlation of two series; 0 where one of them is constant.

    >>> spearman([1, 2, 3], [10, 20, 20]), spearman([1, 2, 3], [3, 2, 1])
    (0.8660254037844387, -1.0)
    """
    one, other = _ranks(first), _ranks(second)
    middle = fmean(one) if one else 0.0
    shared = sum((a - middle) * (b - middle) for a, b in zip(one, other, strict=True))
    spread = sum((a - middle) ** 2 for a in one) * sum((b - middle) ** 2 for b in other)
    return float(shared / spread**0.5) if spread else 0.0


def monotony(bands: Sequence[Band]) -> float:
    """Return Spearman's correlation of the bands' levels with how often they are failed."""
    return spearman([band.level for band in bands], [band.failure for band in bands])


def _played(env: ToolUseEnv, policy: Policy, scenario_id: str, seed: int) -> tuple[float, float]:
    """Return whether a policy failed a scenario, as 0 or 1, and what it lost."""
    trajectory = rollout(env, policy, seed=episode_seed(seed, scenario_id), options={"scenario": scenario_id})
    parts = trajectory.steps[-1].parts or {}
    return float(parts.get("goals", 0.0) < 1.0), 1.0 - trajectory.episode_return


def _band(found: list[tuple[float, dict[str, tuple[float, float]]]]) -> Band:
    return Band(
        level=round(fmean(level for level, _ in found), 2),
        scenarios=len(found),
        failures={name: fmean(played[name][0] for _, played in found) for name in REFERENCES},
        lost={name: fmean(played[name][1] for _, played in found) for name in REFERENCES},
    )


def _ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value from 1, ties sharing the mean of theirs."""
    order = sorted(values)
    return [order.index(value) + (order.count(value) + 1) / 2 for value in values]


def main(folders: Sequence[str]) -> None:
    """Print the table for some packs."""
    bands = failures_by_level(open_pack(folder) for folder in folders)
    print("level  scenarios  " + "  ".join(f"{name:>14}" for name in REFERENCES) + "     all")  # noqa: T201 - a report
    for band in bands:
        cells = "  ".join(f"{band.failures[name]:6.3f} ({band.lost[name]:.3f})" for name in REFERENCES)
        print(f"{band.level:5.2f}  {band.scenarios:9d}  {cells}   {band.failure:.3f}")  # noqa: T201 - as above
    print("failed share (mean of 1 - return); Spearman(level, failed share):", f"{monotony(bands):.3f}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
