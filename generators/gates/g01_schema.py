"""G1: the scenario, its tools and every argument of its plans fit their schemas.

A scenario that breaks its own schema cannot be loaded, or fails in the middle of a run.
"""

from __future__ import annotations

from tool_gym.errors import ScenarioError
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.scenario import Scenario
from tool_gym.validation import ArgumentValidator

GATE = "G1"


def check(candidate: Candidate) -> None:
    """Reject the candidate unless it survives a round trip and every oracle call is valid."""
    scenario = candidate.scenario
    try:
        if Scenario.from_json(scenario.to_json()) != scenario:
            raise RejectedError(GATE, "does not survive a round trip through JSON")
        for sub_goal in scenario.sub_goals:
            validator = ArgumentValidator.of(scenario.tool_by_name[sub_goal.tool].parameters)
            if not validator.is_valid(sub_goal.arguments):
                raise RejectedError(GATE, f"arguments of {sub_goal.tool} do not fit its schema")
    except ScenarioError as error:
        raise RejectedError(GATE, str(error)) from None
