"""The gates: what a candidate must pass to become a scenario. All of them, always; a failure is never kept.

Each gate is one file with its reason. Those below look at one candidate; `g13_determinism` and `g14_duplicates` look
at a whole pack and are run by the pipeline. Numbers are those of the published list, and on from there.
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Goal
from tool_gym.generators.dialogue import stages
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
    g10_orders,
    g11_unsolvable,
    g12_scaled,
    g15_turns,
)
from tool_gym.world import World

GATES = (
    g15_turns,
    g04_unique,
    g05_guess,
    g03_differential,
    g07_needed,
    g08_shortcut,
    g01_schema,
    g06_leak,
    g02_oracle,
    g10_orders,
    g12_scaled,
    g11_unsolvable,
    g09_writes,
)
"""The gates of one candidate: first those that need no tool, then form, then those that try the tools out."""

WHOLE = (g01_schema, g02_oracle, g10_orders, g11_unsolvable, g12_scaled, g15_turns)
"""The gates that look at a dialogue as a whole; the others take each of its user turns for a candidate of its own."""

OF_LOOKS = (g01_schema, g02_oracle, g03_differential, g09_writes, g11_unsolvable, g12_scaled, g15_turns)
"""The gates of a request about what is not there. What it speaks of has no value that could leak or be guessed, and no
hop that could be needed: that looking shows nothing, and nothing else could, is gate G11's."""


OF_GOALS = (g04_unique, g05_guess, g07_needed)
"""The gates with a part that looks at nothing but a goal and its world; they run it again on the candidate."""


def prove(candidate: Candidate) -> dict[str, Any]:
    """Run every gate and return the certificate: gate → what it found.

    Raises:
        RejectedError: By the first gate the candidate fails.
    """
    found = {gate.GATE: check(gate, candidate) for gate in GATES}
    return {gate: found[gate] or "passed" for gate in sorted(found, key=lambda name: int(name[1:]))}


def check_goal(goal: Goal, world: World) -> None:
    """Run what of the gates needs nothing but a goal and its world: on a bare draft, before anything is made of it.

    Raises:
        RejectedError: If any candidate with this goal would fail them.
    """
    for gate in OF_GOALS:
        gate.check_goal(goal, world)


def check(gate: Any, candidate: Candidate) -> Any:
    """Run one gate, turn by turn on a dialogue unless the gate looks at it as a whole; return what it found.

    Raises:
        RejectedError: If the candidate fails it.
    """
    if candidate.draft.missing is not None and gate not in OF_LOOKS:
        return None
    if gate in WHOLE:
        return gate.check(candidate)
    found = [gate.check(stage) for stage in stages(candidate)]
    return found[0] if len(found) == 1 or not any(found) else {"turns": found}
