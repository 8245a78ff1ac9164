"""G13: the same seed path gives the same scenario, every time and everywhere.

The pipeline builds a share of its scenarios a second time and compares; tests do it for golden seeds in processes
with different PYTHONHASHSEED.
"""

from __future__ import annotations

from collections.abc import Callable

from tool_gym.errors import GenerationError
from tool_gym.scenario import Scenario

GATE = "G13"
SHARE = 0.01
"""Share of a pack that is built twice."""


def check(scenarios: list[Scenario], rebuild: Callable[[Scenario], Scenario | None]) -> int:
    """Build every hundredth scenario again and return how many were compared.

    Raises:
        GenerationError: If one came out differently; that is a bug of the generator, so nothing is written.
    """
    sample = scenarios[:: max(1, round(1 / SHARE))]
    for scenario in sample:
        again = rebuild(scenario)
        if again is None or again.to_json() != scenario.to_json():
            msg = f"scenario {scenario.id} ({scenario.seed_path}) came out differently when built again"
            raise GenerationError(msg)
    return len(sample)
