"""An oracle that slips: what knowing the way, and minding every argument, is worth."""

from __future__ import annotations

import random
from typing import Any

from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies.reference import OraclePolicy
from tool_gym.turns import ToolCall, Turn

SLIP = 0.05
"""Probability that an argument is forgotten, each time it is written."""


class NoisyOraclePolicy:
    """Follows the plan, but forgets each argument of each call with a small probability, and never makes up for it.

    So it fails the oftener, the more there is to be written: a measure of difficulty that needs no model.
    """

    name = "noisy"

    def __init__(self, slip: float = SLIP) -> None:
        """Choose the probability of a slip, in [0, 1]."""
        self._slip = slip
        self._oracle = OraclePolicy()

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        """Prepare for the episode.

        Raises:
            NoOracleError: If the scenario carries no plan.
        """
        self._random = random.Random(seed)
        self._oracle.reset(env, seed)

    def act(self, observation: str, info: dict[str, Any]) -> Turn:
        """Return the plan's next turn, perhaps with something forgotten."""
        turn = self._oracle.act(observation, info)
        calls = tuple(self._written(call) if isinstance(call, ToolCall) else call for call in turn.calls)
        return turn._replace(calls=calls) if calls else turn

    def _written(self, call: ToolCall) -> ToolCall:
        kept = {name: value for name, value in call.arguments.items() if self._random.random() >= self._slip}
        return call._replace(arguments=kept)
