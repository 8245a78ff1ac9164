"""What a policy is: something that writes the next assistant turn, of one episode or of many at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

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


@runtime_checkable
class BatchPolicy(Protocol):
    """Plays many episodes side by side: what a language model does that writes a batch of turns in one go.

    It keeps nothing of an episode: which ones are in the batch, and at which place, changes from call to call.
    """

    @property
    def name(self) -> str:
        """The name shown in tables and written into trajectories."""
        ...

    def act_many(self, observations: list[str], infos: list[dict[str, Any]]) -> Sequence[Any]:
        """Return the next turn of every episode that waits for one, in the order given.

        Args:
            observations: What each environment showed last.
            infos: The info that came with each; `info["messages"]` and `info["tools"]` are all a chat model needs.
        """
        ...
