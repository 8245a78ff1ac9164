"""G13: the same seed path gives the same scenario, every time and everywhere.

The pipeline builds a share of its scenarios a second time and compares; tests do it for golden seeds in processes
with different PYTHONHASHSEED.
"""

from __future__ import annotations

from tool_gym.errors import GenerationError

GATE = "G13"
SHARE = 0.01
"""Share of a pack that is built twice."""


def check(seed_path: str, line: str, again: str) -> None:
    """Compare a scenario with itself, built again.

    Args:
        seed_path: Where it comes from.
        line: The scenario as JSON.
        again: The same, built a second time.

    Raises:
        GenerationError: If they differ; that is a bug of the generator, so nothing is written.
    """
    if line != again:
        msg = f"the scenario {seed_path} came out differently when built again"
        raise GenerationError(msg)
