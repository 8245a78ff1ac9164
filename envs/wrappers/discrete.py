"""DiscreteToolActions: an episode as a choice among numbered turns, for reinforcement learning without language."""

from __future__ import annotations

from operator import index
from typing import TYPE_CHECKING, Any, NamedTuple, SupportsFloat

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete
from gymnasium.utils import RecordConstructorArgs

from tool_gym.envs.env import EnvSnapshot, ToolUseEnv
from tool_gym.envs.policies.lexical import first_request
from tool_gym.envs.wrappers.discrete_entries import FEATURES, Entry
from tool_gym.envs.wrappers.discrete_features import HEAD, Vector, observe
from tool_gym.envs.wrappers.discrete_menu import menu, size
from tool_gym.envs.wrappers.discrete_reading import Reading
from tool_gym.errors import EpisodeError, ScenarioError
from tool_gym.turns import BrokenCall, Turn

if TYPE_CHECKING:
    from numpy.typing import NDArray

EMPTY = Turn(calls=(BrokenCall("empty_entry", "this number of the menu stands for nothing now", "{}"),))
"""What choosing a number without an entry amounts to: a broken call."""


class DiscreteSnapshot(NamedTuple):
    """The state of an episode, with what its policy has read."""

    env: EnvSnapshot
    reading: Reading


class DiscreteToolActions(
    gymnasium.Wrapper[Vector, np.int64, Any, Any],
    RecordConstructorArgs,
):
    """Offers a menu of calls and acts, and observes an episode as numbers.

    An action is a number of the menu (see `tool_gym.envs.wrappers.discrete_menu`), an observation a vector (see
    `tool_gym.envs.wrappers.discrete_features`). The menu is built from what a model may see, and from nothing else:
    the tools' schemas, the user's words, the results so far. A number that stands for nothing now is 0 in
    `info["action_mask"]` and in `action_masks()`; choosing it is a broken call, which costs as much as any junk call.

    Rewards, episode ends and the rest of `info` are the environment's own.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], *, calls: int = 48, answers: int = 6) -> None:
        """Wrap an environment.

        Args:
            env: A `ToolUseEnv` of any dialect, or wrappers around one.
            calls: Entries of the menu that are calls; at least 1.
            answers: Entries for answers with one value, with two, three and four values each; at least 1.

        Raises:
            EpisodeError: If `env` is no such environment.
            ScenarioError: If a number is out of its range.
        """
        RecordConstructorArgs.__init__(self, calls=calls, answers=answers)
        super().__init__(env)
        base = env.unwrapped
        if not isinstance(base, ToolUseEnv):
            msg = f"DiscreteToolActions goes around a ToolUseEnv, not {type(base).__name__}"
            raise EpisodeError(msg)
        for name, value in (("calls", calls), ("answers", answers)):
            if type(value) is not int or value < 1:
                msg = f"{name} must be a whole number of at least 1, not {value!r}"
                raise ScenarioError(msg)
        self._base = base
        self._calls, self._answers = calls, answers
        count = size(answers, calls)
        self.entry_shape = (count, len(FEATURES))
        """Rows and columns of the entries' part of an observation: its last numbers."""
        self.first_call = count - calls
        """The number of the first call."""
        self.action_space = Discrete(count)
        self.observation_space = Box(-1.0, 1.0, (HEAD + count * len(FEATURES),), np.float32)
        self._reading: Reading | None = None
        self._entries: list[Entry | None] = []

    @property
    def menu(self) -> list[Turn | None]:
        """The turn each action stands for now, None where it stands for nothing."""
        return [None if entry is None else entry.turn for entry in self._entries]

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Vector, dict[str, Any]]:
        """Start an episode; see `ToolUseEnv.reset`."""
        _, info = self.env.reset(seed=seed, options=options)
        self._reading = Reading(first_request(info), info["tools"])
        return self._shown(info)

    def step(self, action: Any) -> tuple[Vector, SupportsFloat, bool, bool, dict[str, Any]]:
        """Play the turn that an action stands for; see `ToolUseEnv.step`.

        Raises:
            EpisodeError: If called before `reset` or after the episode's end, or if there is no such action.
        """
        reading, last = self._begun(), len(self._entries) - 1
        try:
            number = index(action)
        except TypeError:
            number = -1
        if not 0 <= number <= last:
            msg = f"an action is a whole number from 0 to {last}, not {action!r:.80}"
            raise EpisodeError(msg)
        entry = self._entries[number]
        turn = EMPTY if entry is None else entry.turn
        _, reward, terminated, truncated, info = self.env.step(self._base.dialect.write(turn))
        if "step" in info:
            reading.take(info["step"])
        else:  # a wrapper inside has begun the next episode by itself
            self._reading = Reading(first_request(info), info["tools"])
        observation, info = self._shown(info)
        return observation, reward, terminated, truncated, info

    def action_masks(self) -> NDArray[np.int8]:
        """Return 1 for each action that stands for something now, else 0; of shape (n,)."""
        return np.array([entry is not None for entry in self._entries], np.int8)

    def snapshot(self) -> DiscreteSnapshot:
        """Return the episode's state, for `restore`; wrappers inside this one keep no part of it."""
        return DiscreteSnapshot(self._base.snapshot(), self._begun().copy())

    def restore(self, snapshot: DiscreteSnapshot) -> Vector:
        """Return to a snapshot of this or another such environment.

        Returns:
            The observation of that moment.

        Raises:
            EpisodeError: If the snapshot was scored by another reward.
        """
        self._base.restore(snapshot.env)
        self._reading = snapshot.reading.copy()
        return self._shown({})[0]

    def _begun(self) -> Reading:
        if self._reading is None:
            msg = "no episode has begun; call reset()"
            raise EpisodeError(msg)
        return self._reading

    def _shown(self, info: dict[str, Any]) -> tuple[Vector, dict[str, Any]]:
        """Write the menu anew; return the observation, and info with the mask."""
        reading = self._begun()
        self._entries = menu(reading, self._answers, self._calls)
        left = 1 - reading.steps / self._base.max_turns
        return observe(reading, self._entries, left), {**info, "action_mask": self.action_masks()}
