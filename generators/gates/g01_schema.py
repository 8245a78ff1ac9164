"""G1: the scenario, its tools and every argument of its plans fit their schemas.

A scenario that breaks its own schema cannot be loaded, or fails in the middle of a run.
"""

from __future__ import annotations

from typing import Any

from tool_gym.errors import ScenarioError
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.scenario import ToolSpec
from tool_gym.validation import ArgumentValidator

GATE = "G1"


def check(candidate: Candidate) -> dict[str, Any]:
    """Reject the candidate unless it survives a round trip and every oracle call is valid; return how many are."""
    scenario = candidate.scenario
    if scenario.world_ref != candidate.world.id:
        raise RejectedError(GATE, "another world than the one it names")
    try:
        if scenario.read_back() != scenario:
            raise RejectedError(GATE, "does not survive a round trip through JSON")
        candidate.runtime.start()  # checks every tool
    except ScenarioError as error:
        raise RejectedError(GATE, str(error)) from None
    for sub_goal in scenario.sub_goals:
        if not scenario.tool_by_name[sub_goal.tool].kept(_validator).is_valid(sub_goal.arguments):
            raise RejectedError(GATE, f"arguments of {sub_goal.tool} do not fit its schema")
    return {"arguments": len(scenario.sub_goals)}


def _validator(tool: ToolSpec) -> ArgumentValidator:
    return ArgumentValidator.of(tool.parameters)
