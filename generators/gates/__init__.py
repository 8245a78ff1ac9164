"""The gates: what a candidate must pass to become a scenario. All of them, always; a failure is never kept.

Each gate is one file with its reason. Those below look at one candidate; `g13_determinism` and `g14_duplicates` look
at a whole pack and are run by the pipeline. Numbers are those of the published list; what is missing needs
operators this release does not have (G10 alternative orders, G12 scaled views beyond replay).
"""

from __future__ import annotations

from typing import Any

from tool_gym.errors import ScenarioError
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
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
    g06_leak,
    g02_oracle,
    g08_shortcut,
    g11_unsolvable,
    g09_writes,
    g01_schema,
)
"""The gates of one candidate, in the order that rejects soonest."""


def prove(candidate: Candidate) -> dict[str, Any]:
    """Run every gate and return the certificate: gate → what it found.

    Raises:
        RejectedError: By the first gate the candidate fails.
    """
    try:
        found = {gate.GATE: gate.check(candidate) for gate in GATES}
    except ScenarioError as error:  # a tool that cannot even be compiled
        raise RejectedError(g01_schema.GATE, str(error)) from None
    return {gate: found[gate] or "passed" for gate in sorted(found, key=lambda name: int(name[1:]))}
