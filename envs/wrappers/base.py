"""What the wrappers share that change how an episode is shown, and nothing else about it."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium.utils import RecordConstructorArgs

from tool_gym.dialects.base import Tool
from tool_gym.envs.env import ToolUseEnv
from tool_gym.errors import EpisodeError
from tool_gym.spaces import UnicodeText


class Presentation(gymnasium.Wrapper[str, Any, str, Any], RecordConstructorArgs):
    """Changes the observation, `info["messages"]` or `info["tools"]`; scores and records stay as they are.

    Wrappers of this kind go around a `ToolUseEnv` in any order, and any order shows the same. The observation is
    written anew from what `info` then holds, so a wrapper of another kind that rewrites it belongs outside of them.
    """

    def __init__(self, env: gymnasium.Env[str, Any], **arguments: Any) -> None:
        """Wrap `env`.

        Args:
            env: A `ToolUseEnv` whose observations are texts, or wrappers around one.
            arguments: What the wrapper was made with, for the environment's spec.

        Raises:
            EpisodeError: If `env` is no such environment.
        """
        RecordConstructorArgs.__init__(self, **arguments)
        super().__init__(env)
        base = env.unwrapped
        if not isinstance(base, ToolUseEnv) or not isinstance(env.observation_space, UnicodeText):
            seen = f"{type(base).__name__} with observations of {env.observation_space}"
            msg = f"{type(self).__name__} goes around a ToolUseEnv that is observed as text, not {seen}; wrap it first"
            raise EpisodeError(msg)
        self._base = base
        self._inside = _inside(env)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Start an episode; see `ToolUseEnv.reset`."""
        _, info = self.env.reset(seed=seed, options=options)
        self._begin(seed)
        self._show(info)
        return self.observation(info), info

    def step(self, action: Any) -> tuple[str, SupportsFloat, bool, bool, dict[str, Any]]:
        """Play one assistant turn; see `ToolUseEnv.step`."""
        _, reward, terminated, truncated, info = self.env.step(action)
        if "step" not in info:  # a wrapper inside has begun the next episode by itself
            self._begin(None)
        self._show(info)
        return self.observation(info), reward, terminated, truncated, info

    def observation(self, info: dict[str, Any]) -> str:
        """Return the observation that goes with `info`, as the wrappers from here inwards have it."""
        if self._inside is not None:
            return self._inside.observation(info)
        dialect, step = self._base.dialect, info.get("step")
        if step is None:
            return dialect.opening(self._base.scenario.user_turns[0], info["tools"])
        return dialect.observe(step.turn.calls, step.results, step.reply)

    def _begin(self, seed: int | None) -> None:
        """Draw what is drawn once an episode; `seed` is what `reset` was given."""

    def _show(self, info: dict[str, Any]) -> None:
        """Change the messages and tools of `info`."""


class ToolPresentation(Presentation, ABC):
    """Changes `info["tools"]`, anew in each episode.

    What is drawn for a tool depends on the seed, on how many episodes came before, and on the tool's name: neither on
    the order of the tools nor on the other wrappers, and never on how scenarios are drawn.
    """

    def __init__(self, env: gymnasium.Env[str, Any], **arguments: Any) -> None:
        """Wrap `env`; see `Presentation`."""
        super().__init__(env, **arguments)
        self._random: np.random.Generator | None = None
        self._episode = b""
        self._shown: tuple[str, list[Tool]] = ("", [])
        """A scenario's id and its tools as they are shown in this episode."""

    def _begin(self, seed: int | None) -> None:
        if seed is not None or self._random is None:
            entropy = max(0, self._base.np_random_seed or 0)  # -1 if the generator was set by hand
            key = int.from_bytes(hashlib.blake2b(type(self).__name__.encode(), digest_size=4).digest(), "big")
            self._random = np.random.default_rng(np.random.SeedSequence(entropy, spawn_key=(key,)))
        self._episode = self._random.bytes(16)
        self._shown = ("", [])

    def _show(self, info: dict[str, Any]) -> None:
        if self._shown[0] != info["scenario_id"]:
            self._shown = (info["scenario_id"], self._presented(info["tools"]))
        info["tools"] = list(self._shown[1])

    @abstractmethod
    def _presented(self, tools: Sequence[Tool]) -> list[Tool]:
        """Return the tools as they are to be shown; those given are not changed."""

    def _draw(self, tool: Tool) -> float:
        """Return a number in [0, 1), drawn for a tool in this episode."""
        drawn = hashlib.blake2b(tool["function"]["name"].encode(), key=self._episode, digest_size=6).digest()
        return int.from_bytes(drawn, "big") / 2**48


def _inside(env: gymnasium.Env[Any, Any]) -> Presentation | None:
    """Return the outermost wrapper of this kind in `env`."""
    while isinstance(env, gymnasium.Wrapper):
        if isinstance(env, Presentation):
            return env
        env = env.env
    return None
