"""The whole prompt as observation, for policies that remember nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tool_gym.envs.env import MAX_OBSERVATION_CHARS
from tool_gym.envs.wrappers.base import Presentation
from tool_gym.errors import ScenarioError
from tool_gym.spaces import UnicodeText

if TYPE_CHECKING:
    import gymnasium

LEFT_OUT = "\n[…]\n"
"""What stands in the middle of a prompt that was cut."""

_LEAST = 1000


class PromptObservation(Presentation):
    """Observes the whole conversation with the tools, as the dialect writes a prompt, up to the assistant's cue.

    For a policy that maps text to text. What the wrappers inside and around it show is what the prompt holds.
    """

    def __init__(self, env: gymnasium.Env[str, Any], max_chars: int = MAX_OBSERVATION_CHARS) -> None:
        """Wrap `env`.

        Args:
            env: A `ToolUseEnv`, or wrappers around one.
            max_chars: Longest observation, in characters; at least 1,000. A longer prompt is cut in its middle, which
                no model is used to: keep prompts shorter with `TruncateHistory`.

        Raises:
            ScenarioError: If `max_chars` is too small.
            EpisodeError: If `env` is no environment of that kind.
        """
        if type(max_chars) is not int or max_chars < _LEAST:
            msg = f"max_chars must be a whole number of at least {_LEAST}, not {max_chars!r}"
            raise ScenarioError(msg)
        super().__init__(env, max_chars=max_chars)
        self.observation_space = UnicodeText(max_chars)
        self._max_chars = max_chars

    def observation(self, info: dict[str, Any]) -> str:
        """Return the prompt."""
        prompt = self._base.dialect.render(list(info["messages"]), info["tools"])
        if len(prompt) <= self._max_chars:
            return prompt
        half = (self._max_chars - len(LEFT_OUT)) // 2
        return prompt[:half] + LEFT_OUT + prompt[-half:]
