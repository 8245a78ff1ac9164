"""What a policy is: something that writes the next assistant turn."""

from __future__ import annotations

from typing import Any, Protocol

from tool_gym.envs.env import ToolUseEnv


class Policy(Protocol):
    """Plays episodes, one at a time."""

    @property
    def name(self) -> str:
        """The name shown in tables and written into trajectories."""
        ...

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        """Prepare for the episode `env` has just begun.

        Args:
            env: The environment; scripted references may look at its scenario, models must not.
            seed: Seed of whatever the policy draws at random.
        """
        ...

    def act(self, observation: str, info: dict[str, Any]) -> Any:
        """Return the next turn: a `tool_gym.turns.Turn`, or an action of the environment's dialect.

        Args:
            observation: What the environment showed last.
            info: The info that came with it; `info["messages"]` and `info["tools"]` are all a chat model needs.
        """
        ...
