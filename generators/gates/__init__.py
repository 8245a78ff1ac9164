"""The gates: what a candidate must pass to become a scenario. All of them, always; a failure is never kept.

Each gate is one file with its reason. Those below look at one candidate; `g13_determinism` and `g14_duplicates` look
at a whole pack and are run by the pipeline. Numbers are those of the published list; what is missing needs
operators this release does not have (G10 alternative orders, G12 scaled views beyond replay).
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.gates import (
    g01_schema,
    g02_oracle,
    g03_differential,
    g04_unique,
    g05_guess,
    g06_leak,
    g07_needed,
    g08_shortcut,
    g09_writes,
    g11_unsolvable,
)

GATES = (
    g04_unique,
    g05_guess,
    g03_differential,
    g07_needed,
    g01_schema,
    g08_shortcut,
    g06_leak,
    g02_oracle,
    g11_unsolvable,
    g09_writes,
)
"""The gates of one candidate: first those that need no tool, then form, then those that try the tools out."""


def prove(candidate: Candidate) -> dict[str, Any]:
    """Run every gate and return the certificate: gate → what it found.

    Raises:
        RejectedError: By the first gate the candidate fails.
    """
    found = {gate.GATE: gate.check(candidate) for gate in GATES}
    return {gate: found[gate] or "passed" for gate in sorted(found, key=lambda name: int(name[1:]))}
