"""Episodes as a model plays them: side by side in a vector environment, kept as token ids and as trajectories."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode
from pydantic import BaseModel, ConfigDict, Field

from tool_gym.agents.encoding import Encoder
from tool_gym.agents.generating import Generate, Sampled
from tool_gym.envs.pack import Pack
from tool_gym.envs.rollout import episode_seed
from tool_gym.envs.vector import ToolUseVectorEnv
from tool_gym.errors import AgentError, UnknownNameError
from tool_gym.rewards import Reward
from tool_gym.trajectory import Step, Trajectory


class Rollout(NamedTuple):
    """One episode."""

    trajectory: Trajectory
    prompt_ids: list[int]
    completion_ids: list[int]
    """All turns, and what was shown between them."""
    mask: list[int]
    """One entry for each of `completion_ids`: 1 where the token is the model's own, 0 where the environment's."""
    turns: list[tuple[int, int]]
    """Where each turn begins and ends in `completion_ids`: [start, end)."""
    rewards: list[float]
    """One for each turn."""
    overlong: bool
    """Whether the context was full before the episode was over, or before its last turn was."""


class Limits(BaseModel):
    """The caps of an episode."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    max_turns: int = Field(default=16, ge=2)
    """Turns after which the environment truncates it."""
    max_turn_tokens: int = Field(default=256, ge=1)
    """Length at which a turn is cut."""
    max_tokens: int = Field(default=2048, ge=1)
    """Length of all turns and what is shown between them: one that reaches it is overlong."""
    max_context: int | None = Field(default=None, ge=2)
    """Length of the prompt and all that; None for no cap."""


class Timing(NamedTuple):
    """What a batch of episodes took."""

    env_seconds: float = 0.0
    model_seconds: float = 0.0
    encode_seconds: float = 0.0
    turns: int = 0
    tokens: int = 0
    """Tokens that the model wrote."""
    episodes: int = 0


class Collector:
    """Plays episodes of one pack with whatever writes the turns, so many at a time.

    A row takes up the next scenario as soon as its episode is over: finished episodes cost no decoding.
    """

    def __init__(
        self,
        pack: str | os.PathLike[str] | Pack,
        encoder: Encoder,
        *,
        limits: Limits,
        reward: str | Reward = "solve",
        rows: int,
    ) -> None:
        """Create the environments.

        Args:
            pack: A bundled pack's name, a pack folder, or a `Pack`.
            encoder: Shows conversations to the model and reads what it writes.
            limits: The caps.
            reward: Name of the reward, or a `Reward`.
            rows: Most episodes side by side; at least 1.

        Raises:
            ScenarioError: If `rows` is less than 1.
            PackError: If the pack cannot be read.
            UnknownNameError: If there is no such pack or reward.
        """
        self.encoder = encoder
        self.limits = limits
        self.timing = Timing()
        """Of the last `collect`."""
        self._env = ToolUseVectorEnv(
            rows,
            pack,
            autoreset_mode=AutoresetMode.DISABLED,
            dialect=encoder.dialect,
            reward=reward,
            max_turns=limits.max_turns,
        )
        self.pack = self._env.unwrapped_envs[0].pack
        self._known = {entry.id for entry in self.pack.entries()}
        self._clock = _Clock()
        self._prompts: dict[str, list[int]] = {}
        self._begun = False

    def collect(self, scenarios: Sequence[str], generate: Generate, *, seeds: Sequence[int] | int = 0) -> list[Rollout]:
        """Play an episode of each scenario.

        Args:
            scenarios: Ids; one that is named more than once is played as often, as in the groups of GRPO.
            generate: Writes a turn behind each prefix; what it writes beyond `limits` is cut.
            seeds: The seed of each episode; or one number, from which each scenario gets its own.

        Returns:
            The episodes, in the order of `scenarios`.

        Raises:
            AgentError: If `generate` does not give a turn of at least one token for each prefix, or a prompt fills the
                context.
            UnknownNameError: If the pack has no such scenario.
        """
        self._clock, self._prompts = _Clock(), {}
        waiting = iter(self._episodes(scenarios, seeds))
        live: dict[int, _Episode] = {}
        done: list[_Episode] = []
        free: Sequence[int] = range(self._env.num_envs)
        while True:
            fresh = dict(zip(free, waiting, strict=False))
            if fresh:
                self._begin(fresh)
                live |= fresh
            if not live:
                break
            turns = self._write(live, generate)
            free = self._play(live, turns)
            done += [live.pop(row) for row in free]
        self.timing = self._clock.timing(done)
        return [episode.rollout() for episode in sorted(done, key=lambda episode: episode.number)]

    def _episodes(self, scenarios: Sequence[str], seeds: Sequence[int] | int) -> list[_Episode]:
        for scenario in scenarios:
            if scenario not in self._known:
                self._known = {entry.id for entry in self.pack.entries()}  # a pack may have grown
            if scenario not in self._known:
                error = UnknownNameError.of("scenario", scenario, self._known)
                raise error
        each = [episode_seed(seeds, name) for name in scenarios] if isinstance(seeds, int | np.integer) else list(seeds)
        if len(each) != len(scenarios):
            msg = f"{len(each)} seeds for {len(scenarios)} scenarios: give one for each, or one number for all"
            raise AgentError(msg)
        return [_Episode(number, *one) for number, one in enumerate(zip(scenarios, each, strict=True))]

    def _begin(self, fresh: Mapping[int, _Episode]) -> None:
        """Start episodes; the first reset of the environment has to be of all rows."""
        rows = self._env.num_envs
        some = next(iter(fresh.values()))
        names, seeds = [some.scenario] * rows, [some.seed] * rows
        for row, episode in fresh.items():
            names[row], seeds[row] = episode.scenario, episode.seed
        options: dict[str, Any] = {"scenarios": names}
        if self._begun:
            options["reset_mask"] = np.array([row in fresh for row in range(rows)])
        with self._clock.running("env"):
            self._env.reset(seed=seeds, options=options)
            self._begun = True
            infos = self._env.info_list
        with self._clock.running("encode"):
            for row, episode in fresh.items():
                episode.begin(self._prompt(episode.scenario, infos[row]), infos[row]["tools"], self.limits)

    def _prompt(self, scenario: str, info: Mapping[str, Any]) -> list[int]:
        if scenario not in self._prompts:
            self._prompts[scenario] = self.encoder.prompt(list(info["messages"]), info["tools"])
        return self._prompts[scenario]

    def _write(self, live: Mapping[int, _Episode], generate: Generate) -> list[Sampled]:
        prefixes = [episode.prompt_ids + episode.completion_ids for episode in live.values()]
        with self._clock.running("model"):
            turns = list(generate(prefixes))
        if len(turns) != len(prefixes) or not all(turn.ids for turn in turns):
            msg = (
                f"generate gave {len(turns)} turns, {sum(not turn.ids for turn in turns)} of them without a token, for "
                f"{len(prefixes)} prefixes: it has to give each one, with the token that ended it"
            )
            raise AgentError(msg)
        return turns

    def _play(self, live: Mapping[int, _Episode], turns: Sequence[Sampled]) -> list[int]:
        """Take in a turn of each live episode; return the rows whose episodes are over."""
        with self._clock.running("encode"):
            actions = {
                row: self.encoder.text(episode.take(turn, self.limits))
                for (row, episode), turn in zip(live.items(), turns, strict=True)
            }
        with self._clock.running("env"):
            _, rewards, terminated, truncated, _ = self._env.step(actions)
            infos = self._env.info_list
        over = []
        for row, episode in live.items():
            episode.rewards.append(float(rewards[row]))
            if not (terminated[row] or truncated[row]):
                with self._clock.running("encode"):
                    self._show(episode, infos[row]["step"])
            if terminated[row] or truncated[row] or episode.overlong:
                episode.trajectory = self._env.unwrapped_envs[row].trajectory
                over.append(row)
        return over

    def _show(self, episode: _Episode, step: Step) -> None:
        """Show what came of a turn, if there is room for it and for another turn."""
        if not episode.overlong:
            number = len(episode.turns) - 1
            episode.show(self.encoder.after(step, number, episode.tools, stopped=episode.stopped))


class _Episode:
    """An episode under way."""

    def __init__(self, number: int, scenario: str, seed: int) -> None:
        self.number, self.scenario, self.seed = number, scenario, seed
        self.tools: Sequence[Mapping[str, Any]] = ()
        self.prompt_ids: list[int] = []
        self.completion_ids: list[int] = []
        self.mask: list[int] = []
        self.turns: list[tuple[int, int]] = []
        self.rewards: list[float] = []
        self.room = 0
        """How many tokens there is room for."""
        self.stopped = False
        """Whether the model ended its last turn."""
        self.overlong = False
        self.trajectory = Trajectory(scenario)

    def begin(self, prompt_ids: Sequence[int], tools: Sequence[Mapping[str, Any]], limits: Limits) -> None:
        self.prompt_ids, self.tools = list(prompt_ids), tools
        self.room = limits.max_tokens
        if limits.max_context is not None:
            self.room = min(self.room, limits.max_context - len(prompt_ids))
        if self.room < 1:
            msg = (
                f"the prompt of the scenario {self.scenario!r} has {len(prompt_ids)} tokens, and the context holds "
                f"{limits.max_context}: leave the scenario out, or use a model with a longer context"
            )
            raise AgentError(msg)

    def take(self, turn: Sampled, limits: Limits) -> list[int]:
        """Take in a turn; return it as far as there is room for it."""
        ids = list(turn.ids[: min(self.room, limits.max_turn_tokens)])
        self.stopped = turn.stopped and len(ids) == len(turn.ids)
        self.overlong = len(ids) == self.room and not self.stopped
        start = len(self.completion_ids)
        self.turns.append((start, start + len(ids)))
        self._add(ids, 1)
        return ids

    def show(self, ids: Sequence[int]) -> None:
        """Take in what the model is shown, if it leaves room for a turn."""
        self.overlong = len(ids) >= self.room
        if not self.overlong:
            self._add(ids, 0)

    def rollout(self) -> Rollout:
        """Return the record."""
        trajectory = self.trajectory
        if self.overlong and not trajectory.terminated:
            trajectory = trajectory._replace(truncated=True)
        return Rollout(
            trajectory, self.prompt_ids, self.completion_ids, self.mask, self.turns, self.rewards, self.overlong
        )

    def _add(self, ids: Sequence[int], own: int) -> None:
        self.completion_ids += ids
        self.mask += [own] * len(ids)
        self.room -= len(ids)


class _Clock:
    """Adds up where the time goes."""

    def __init__(self) -> None:
        self._seconds = dict.fromkeys(("env", "model", "encode"), 0.0)

    @contextmanager
    def running(self, what: Literal["env", "model", "encode"]) -> Iterator[None]:
        """Count the time of what is done inside."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._seconds[what] += time.perf_counter() - begun

    def timing(self, episodes: Sequence[_Episode]) -> Timing:
        """Return the sums, and what was done in that time."""
        return Timing(
            **{f"{what}_seconds": seconds for what, seconds in self._seconds.items()},
            turns=sum(len(episode.turns) for episode in episodes),
            tokens=sum(sum(episode.mask) for episode in episodes),
            episodes=len(episodes),
        )
