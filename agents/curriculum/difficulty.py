"""Scenarios whose groups are likely to differ in outcome: only these carry a gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from tool_gym.agents.curriculum.base import (
    GroupResult,
    check_groups,
    check_known,
    has_grown,
    reading,
    stamp,
)
from tool_gym.agents.curriculum.rows import FAMILY, Row
from tool_gym.errors import AgentError
from tool_gym.generators.seeding import stream

if TYPE_CHECKING:
    from numpy.typing import NDArray

_KIND = "difficulty"
_FORGOTTEN = 1e-3
"""Evidence below this, in episodes, is dropped."""


class DifficultyConfig(BaseModel):
    """How outcomes are foreseen and what follows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    estimate: Literal["success", "spread"] = "success"
    """success: weight by p(1 - p) of the share p of episodes that solve the scenario. spread: by how often the returns
    of its groups differ, which also counts scenarios that are never solved but failed in better and worse ways."""
    explore: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the groups that is drawn evenly, so that nothing is given up for good."""
    family_weight: Annotated[float, Field(gt=0)] = 8.0
    """How much the family's record counts against a scenario's own, in episodes (of spread: in groups)."""
    half_life: Annotated[float, Field(gt=0)] = 50.0
    """Batches after which what was seen counts half: the policy changes."""
    keys: tuple[str, ...] = FAMILY
    """What makes a family."""


class DifficultySchedule:
    """Draws scenarios by how likely a group of theirs is to have spread.

    Each scenario has an estimate Beta(a, b) of its success: a = k p_f + s and b = k (1 - p_f) + n - s, where n episodes
    were seen and s of them solved it, p_f = (S_f + 1) / (N_f + 2) is its family's record, k is `family_weight`, and all
    counts are halved every `half_life` batches. Its weight is the mean of p(1 - p) under the estimate,

        w = ab / ((a + b)(a + b + 1)),

    or for `spread`, with groups counted for episodes and "returns differ" for "solved", the mean of p, a / (a + b). A
    batch is drawn without replacement with probabilities (1 - e) w / Σw + e / count, e being `explore`.

    p(1 - p) as the worth of a task is the learnability of Rutherford et al. (arXiv 2408.15099); that groups without
    spread are to be left out, DAPO's dynamic sampling (arXiv 2503.14476), which draws them and throws them away.

    Args:
        rows: The scenarios.
        config: How outcomes are foreseen.
        seed: Seed of the draws.

    Raises:
        AgentError: If there is no scenario, or one lacks what makes its family.
    """

    def __init__(self, rows: Sequence[Row], config: DifficultyConfig, seed: int = 0) -> None:
        if not rows:
            msg = "a schedule needs at least one scenario"
            raise AgentError(msg)
        self.config = config
        self._seed = seed
        self._ids = [row.id for row in rows]
        self._numbers = {scenario: number for number, scenario in enumerate(self._ids)}
        families: dict[Any, int] = {}
        self._family = np.array([families.setdefault(row.family(config.keys), len(families)) for row in rows])
        self._good = np.zeros(len(rows))
        self._seen = np.zeros(len(rows))
        self._draws = 0

    def weights(self) -> NDArray[np.float64]:
        """Return each scenario's probability of being drawn first; together 1."""
        good = np.bincount(self._family, self._good)
        seen = np.bincount(self._family, self._seen)
        record = ((good + 1) / (seen + 2))[self._family]
        own, trust = self._good, self.config.family_weight
        a, b = trust * record + own, trust * (1 - record) + self._seen - own
        worth = a / (a + b) if self.config.estimate == "spread" else a * b / ((a + b) * (a + b + 1))
        mixed = (1 - self.config.explore) * worth / worth.sum() + self.config.explore / len(self._ids)
        found: NDArray[np.float64] = mixed / mixed.sum()
        return found

    def draw(self, groups: int) -> list[str]:
        """Return scenarios, each at most once as long as there are enough."""
        check_groups(groups)
        rng = np.random.default_rng(stream(self._seed, _KIND, self._draws).getrandbits(128))
        self._draws += 1
        drawn: list[str] = []
        while len(drawn) < groups:
            count = min(groups - len(drawn), len(self._ids))
            chosen = rng.choice(len(self._ids), count, replace=False, p=self.weights())
            drawn += [self._ids[number] for number in chosen]
        return drawn

    def observe(self, results: Sequence[GroupResult]) -> None:
        """Take in the results of a batch, and let what was seen before count a little less."""
        check_known((result.scenario_id for result in results), self._numbers)
        kept = 0.5 ** (1 / self.config.half_life)
        self._good *= kept
        self._seen *= kept
        for result in results:
            good, seen = self._counted(result)
            self._good[self._numbers[result.scenario_id]] += good
            self._seen[self._numbers[result.scenario_id]] += seen
        forgotten = self._seen < _FORGOTTEN
        self._good[forgotten] = self._seen[forgotten] = 0.0

    def state(self) -> dict[str, Any]:
        """Return what was seen of each scenario."""
        return {
            "kind": _KIND,
            "estimate": self.config.estimate,
            "scenarios": stamp(self._ids),
            "draws": self._draws,
            "seen": {
                self._ids[number]: [float(self._good[number]), float(self._seen[number])]
                for number in np.flatnonzero(self._seen).tolist()
            },
        }

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state; scenarios that were added since begin with their family's record.

        Raises:
            AgentError: If it is the state of something else.
        """
        with reading(state, _KIND) as found:
            if found["estimate"] != self.config.estimate:
                msg = (
                    f"the state has estimates of {found['estimate']}, and this schedule goes by {self.config.estimate}"
                )
                raise AgentError(msg)
            has_grown(self._ids, found["scenarios"])
            self._draws = found["draws"]
            self._good[:] = self._seen[:] = 0.0
            for scenario, (good, seen) in found["seen"].items():
                self._good[self._numbers[scenario]], self._seen[self._numbers[scenario]] = good, seen

    def _counted(self, result: GroupResult) -> tuple[float, float]:
        if self.config.estimate == "spread":
            return float(result.has_spread), float(bool(result.returns))
        return float(sum(result.solved)), float(len(result.solved))
