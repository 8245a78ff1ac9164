"""Tools in another order each episode, so that no policy learns where a tool stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tool_gym.dialects.base import Tool
from tool_gym.envs.wrappers.base import ToolPresentation

if TYPE_CHECKING:
    import gymnasium


class ShuffleTools(ToolPresentation):
    """Shows the tools in an order drawn anew in each episode from the seed of `reset`.

    Opening observation and `info["tools"]` agree. Names stay: results quote them, so a tool called otherwise would be
    called by its own name in the next error message.
    """

    def __init__(self, env: gymnasium.Env[str, Any]) -> None:
        """Wrap `env`.

        Args:
            env: A `ToolUseEnv`, or wrappers around one.

        Raises:
            EpisodeError: If it is no such environment.
        """
        super().__init__(env)

    def _presented(self, tools: Sequence[Tool]) -> list[Tool]:
        return sorted(tools, key=self._draw)
