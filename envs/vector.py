"""ToolUseVectorEnv: many episodes side by side in one process, stepped together or each when it is ready."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cached_property, reduce
from itertools import repeat
from operator import is_
from typing import Any, TypeAlias

import gymnasium
import numpy as np
from gymnasium import Space
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array
from numpy.typing import NDArray

from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import Pack
from tool_gym.envs.vector_arguments import (
    RowSnapshot,
    Seeds,
    check_length,
    read_actions,
    read_count,
    read_mode,
    read_options,
    read_rows,
    read_seeds,
    read_snapshots,
    read_wrappers,
)
from tool_gym.envs.vector_infos import Info, VectorInfos, made_info
from tool_gym.errors import EpisodeError
from tool_gym.spaces import UnicodeText
from tool_gym.trajectory import Trajectory

Row: TypeAlias = gymnasium.Env[Any, Any]
Batch: TypeAlias = tuple[Any, dict[str, Any]]
"""Observations and infos of all rows."""

_NOT_BEGUN = "no episode has begun; reset (or restore) all rows first"


class ToolUseVectorEnv(VectorEnv[Any, Any, NDArray[Any]]):
    """Rows of `ToolUseEnv` that share pack, compiled tools and worlds: `gym.make_vec("ToolUse-v0", num_envs=8)`.

    `step` takes one action for each row, or `{row: action}`; an action of None leaves its row as it is. What a row
    does once its episode is over is up to `autoreset_mode`, as in Gymnasium:

    - NEXT_STEP: its next action is ignored and starts its next episode;
    - SAME_STEP: its next episode starts in the same step; `infos["final_obs"]` and `infos["final_info"]` hold what
      the last turn of the old one gave;
    - DISABLED: it stays as it is, whatever its action, until `reset` with a mask takes it up again.

    A row that is left as it is shows its last observation and its flags again, has a reward of 0, and is masked out of
    `infos`. A row whose action is spent on starting anew has a reward of 0 too.

    Observations are a tuple of texts. `infos` has the keys of `ToolUseEnv`, each with an array over the rows, `_key`
    being the mask of the rows that have it; after `step` also `stepped` (the rows that played a turn) and, with
    `episode_statistics`, where an episode ended, `episode`, a dict of its return `r` and its length `l`. `info_list` is
    the same row by row.
    """

    envs: tuple[Row, ...] = ()
    """The rows; none yet while it is made, for it may be closed if that fails."""
    unwrapped_envs: tuple[ToolUseEnv, ...]
    """The rows without `env_wrappers`."""

    def __init__(  # noqa: PLR0913 - what vector environments take, and what ours does
        self,
        num_envs: int = 1,
        pack: str | os.PathLike[str] | Pack = "everyday",
        *,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        env_wrappers: Sequence[Callable[[Any], Row]] = (),
        episode_statistics: bool = False,
        max_episode_steps: int | None = None,
        **kwargs: Any,
    ) -> None:
        """Create the rows.

        Args:
            num_envs: How many; at least 1.
            pack: A bundled pack's name, a pack folder, or a `Pack`.
            autoreset_mode: A mode, or its name such as "NextStep".
            env_wrappers: Put around each row, the first innermost.
            episode_statistics: Whether infos have the key `episode`. Gymnasium's vector `RecordEpisodeStatistics`
                writes the same key and refuses to find it there, so it is off unless asked for.
            max_episode_steps: A bound on `max_turns`, under the name that `gym.make_vec` gives it.
            **kwargs: Further arguments of `ToolUseEnv`.

        Raises:
            ScenarioError: If a number is out of its range.
            UnknownNameError: If there is no such mode, pack, split, scenario, dialect, reward or render mode.
            PackError: If the pack cannot be read.
        """
        self.num_envs = read_count(num_envs)
        self.autoreset_mode = read_mode(autoreset_mode)
        first = ToolUseEnv(pack, **kwargs)
        if max_episode_steps is not None:
            kwargs["max_turns"] = min(first.max_turns, max_episode_steps)
        self.unwrapped_envs = tuple(ToolUseEnv(first.pack, **kwargs) for _ in range(num_envs))
        self.envs = tuple(_wrapped(env, read_wrappers(env_wrappers)) for env in self.unwrapped_envs)
        self.single_observation_space = self.envs[0].observation_space
        self.single_action_space = self.envs[0].action_space
        self.metadata = {**self.envs[0].metadata, "autoreset_mode": self.autoreset_mode}
        self.render_mode = first.render_mode
        self._texts = isinstance(self.single_observation_space, UnicodeText)
        self._statistics = episode_statistics
        self._steps: tuple[Callable[[Any], tuple[Any, ...]], ...] = tuple(
            env.play if isinstance(env, ToolUseEnv) else env.step for env in self.envs
        )
        self._rows = range(num_envs)
        self._begun = False
        self._over: dict[int, tuple[bool, bool]] = {}
        """Row whose episode is over → whether it terminated, whether it was truncated."""
        self._observations: list[Any] = [None] * num_envs
        self._infos: list[Info] = [{}] * num_envs
        self._earned: list[list[Any]] = [[] for _ in range(num_envs)]
        """Each row's rewards in this episode, if there are to be statistics."""

    @cached_property
    def observation_space(self) -> Space[Any]:  # type: ignore[override]  # made when asked for: for many rows it is large
        """The batched observation space."""
        return batch_space(self.single_observation_space, self.num_envs)

    @cached_property
    def action_space(self) -> Space[Any]:  # type: ignore[override]  # as above
        """The batched action space. None is no member, but `step` takes it."""
        return batch_space(self.single_action_space, self.num_envs)

    @property  # type: ignore[misc]  # without a setter, as in SyncVectorEnv
    def np_random(self) -> tuple[np.random.Generator, ...]:  # type: ignore[override]  # as in SyncVectorEnv
        """Each row's random generator."""
        return tuple(env.np_random for env in self.unwrapped_envs)

    @property
    def np_random_seed(self) -> tuple[int | None, ...]:  # type: ignore[override]  # as in SyncVectorEnv
        """Each row's seed."""
        return tuple(env.np_random_seed for env in self.unwrapped_envs)

    @property
    def info_list(self) -> list[dict[str, Any]]:
        """Each row's latest info; a new list of the dicts themselves."""
        return [self._info(row) for row in self._rows]

    @property
    def trajectories(self) -> tuple[Trajectory, ...]:
        """The record of each row's episode so far.

        Raises:
            EpisodeError: If no episode has begun.
        """
        return tuple(env.trajectory for env in self.unwrapped_envs)

    def reset(self, *, seed: Seeds = None, options: dict[str, Any] | None = None) -> Batch:
        """Start an episode in every row, or in some.

        Args:
            seed: A list of seeds, each giving its row what it gives `ToolUseEnv`; or one number, row i taking
                `seed + i` as in Gymnasium's vector environments; None continues each row's own sequence.
            options: `{"scenario": id}` or `{"split": name}` for all rows; `{"scenarios": [id or None, …]}` for each;
                `{"reset_mask": array of bool}` resets only the rows marked.

        Returns:
            Observations and infos; a row that was not reset shows its last observation and is masked out of infos.

        Raises:
            EpisodeError: If seeds, mask or scenarios do not fit the rows, or the first reset leaves rows out.
            UnknownNameError: If there is no such option, scenario or split.
        """
        seeds, options_of = read_seeds(seed, self.num_envs), read_options(options, self.num_envs)
        self._check_begun(options_of)
        if options is not None and "scenarios" in options:
            self._check_scenarios(options_of.values())
        for row, own in options_of.items():
            self._reset(row, seeds[row], own)
        self._begun = True
        return self._batch(list(options_of))

    def step(self, actions: Any) -> tuple[Any, NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """Play one turn in every row that gets an action.

        Args:
            actions: One for each row, None leaving the row as it is; or `{row: action}`.

        Returns:
            Observations, rewards (float64), terminations and truncations (bool), each of `num_envs`, and infos.

        Raises:
            EpisodeError: If the actions do not fit the rows, or no episode has begun.
        """
        chosen = read_actions(actions, self.num_envs)
        self._check_begun(())
        if self._over or any(map(is_, chosen, repeat(None))):
            rewards, ended, idle, restarted = self._play_some(chosen)
        else:
            rewards, ended, idle, restarted = *self._play_all(chosen), [], []
        terminations, truncations = self._flags()
        if ended:
            self._take_leave(ended)
        gone = set(idle)
        shown = [row for row in self._rows if row not in gone] if gone else self._rows
        batch = self._batch(shown, idle + restarted)
        return batch[0], np.array(rewards, np.float64), terminations, truncations, batch[1]

    def snapshot(self, rows: Iterable[int] | None = None) -> dict[int, RowSnapshot]:
        """Return the state of some rows, or of all; cheap, for no world is copied.

        Args:
            rows: Which; None for all.

        Returns:
            Row → its state. What `env_wrappers` remember is not in it, nor what later episodes are drawn from.

        Raises:
            EpisodeError: If there is no such row, or no episode has begun.
        """
        return {
            row: self._snapshot(row)
            for row in (range(self.num_envs) if rows is None else read_rows(rows, self.num_envs))
        }

    def restore(self, snapshots: Mapping[int, RowSnapshot]) -> Batch:
        """Bring rows into states of these or other rows; caps, dialect and mode stay what they are here.

        Args:
            snapshots: Row → the state it takes. One state may go into many rows, which then go on from one prefix.

        Returns:
            Observations and infos, as from a `reset` of these rows.

        Raises:
            EpisodeError: If there is no such row, a state was scored by another reward, or a row would be left that
                has never begun.
        """
        self._check_begun(rows := read_snapshots(snapshots, self.num_envs))
        for row in rows:
            state = snapshots[row]
            self.unwrapped_envs[row].restore(state.episode)
            self._observations[row], self._infos[row] = state.observation, dict(state.info)
            self._earned[row] = list(state.rewards)
            if state.over is None:
                self._over.pop(row, None)
            else:
                self._over[row] = state.over
        self._begun = True
        return self._batch(rows)

    def call(self, name: str, *args: Any, **kwargs: Any) -> tuple[Any, ...]:
        """Return each row's attribute of that name or, if it can be called, what it returns."""
        found = (env.get_wrapper_attr(name) for env in self.envs)
        return tuple(value(*args, **kwargs) if callable(value) else value for value in found)

    def get_attr(self, name: str) -> tuple[Any, ...]:
        """Return each row's attribute of that name."""
        return self.call(name)

    def set_attr(self, name: str, values: Any) -> None:
        """Set an attribute of the rows: one value for all, or a list or tuple of one for each.

        Raises:
            EpisodeError: If there are not as many values as rows.
        """
        each = values if isinstance(values, list | tuple) else [values] * self.num_envs
        check_length("values", each, self.num_envs)
        for env, value in zip(self.envs, each, strict=True):
            env.set_wrapper_attr(name, value)

    def render(self) -> tuple[Any, ...]:
        """Return what each row renders."""
        return tuple(env.render() for env in self.envs)

    def close_extras(self, **kwargs: Any) -> None:
        """Release the rows' tools."""
        del kwargs
        for env in self.envs:
            env.close()

    def _reset(self, row: int, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        self._observations[row], self._infos[row] = self.envs[row].reset(seed=seed, options=options)
        self._earned[row] = []
        self._over.pop(row, None)

    def _play_all(self, chosen: Sequence[Any]) -> tuple[Sequence[Any], list[int]]:
        """Play a turn in every row; return the rewards, and the rows whose episodes are over."""
        played: list[tuple[Any, ...]] = []
        try:
            for play, action in zip(self._steps, chosen, strict=True):
                played.append(play(action))
        except BaseException:
            for row, turn in enumerate(played):
                self._keep(row, turn)
            raise
        self._observations[:], rewards, terminated, truncated, self._infos[:] = zip(*played, strict=True)
        if self._statistics:
            for earned, reward in zip(self._earned, rewards, strict=True):
                earned.append(reward)
        if not any(terminated) and not any(truncated):
            return rewards, []
        self._over = {row: flags for row, flags in enumerate(zip(terminated, truncated, strict=True)) if any(flags)}
        return rewards, list(self._over)

    def _play_some(self, chosen: Sequence[Any]) -> tuple[Sequence[Any], list[int], list[int], list[int]]:
        """Play a turn in the rows that can; return as `_play_all`, and the rows that did not and that began anew."""
        rewards: list[Any] = [0.0] * self.num_envs
        ended: list[int] = []
        idle: list[int] = []
        restarted: list[int] = []
        for row, action in enumerate(chosen):
            if action is None or row in self._over:
                (restarted if action is not None and self._restart(row) else idle).append(row)
                continue
            played = self._steps[row](action)
            rewards[row] = played[1]
            if self._keep(row, played):
                ended.append(row)
        return rewards, ended, idle, restarted

    def _keep(self, row: int, played: tuple[Any, ...]) -> bool:
        """Remember what a row's turn gave; return whether its episode is over."""
        self._observations[row], reward, terminated, truncated, self._infos[row] = played
        if self._statistics:
            self._earned[row].append(reward)
        if terminated or truncated:
            self._over[row] = terminated, truncated
        return bool(terminated or truncated)

    def _flags(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return terminations and truncations as they stand."""
        if not self._over:
            return np.zeros(self.num_envs, np.bool_), np.zeros(self.num_envs, np.bool_)
        terminated, truncated = [False] * self.num_envs, [False] * self.num_envs
        for row, flags in self._over.items():
            terminated[row], truncated[row] = flags
        return np.array(terminated), np.array(truncated)

    def _take_leave(self, rows: Sequence[int]) -> None:
        """Add what infos say at an episode's end and, if the mode is to restart at once, do."""
        for row in rows:
            last = self._info(row)
            if self._statistics:
                last.setdefault("episode", {"r": float(sum(self._earned[row])), "l": len(self._earned[row])})
            if self.autoreset_mode is AutoresetMode.SAME_STEP:
                final = {"final_obs": self._observations[row], "final_info": last}
                if self._statistics:
                    final["episode"] = last["episode"]
                self._reset(row)
                self._infos[row] = self._info(row) | final

    def _restart(self, row: int) -> bool:
        """Start a finished row's next episode, unless the mode is to wait for `reset`; return whether it was."""
        if self.autoreset_mode is AutoresetMode.DISABLED:
            return False
        self._reset(row)
        return True

    def _info(self, row: int) -> dict[str, Any]:
        """Return a row's info, made now if nobody has looked at it before."""
        made = self._infos[row] = made_info(self._infos[row])
        return made

    def _batch(self, rows: Sequence[int], not_stepped: Sequence[int] | None = None) -> Batch:
        """Return all observations, and the infos of some rows."""
        infos = self._infos.copy() if len(rows) == self.num_envs else [self._infos[row] for row in rows]
        return self._show(), VectorInfos.of(self.num_envs, rows, infos, not_stepped)

    def _show(self) -> Any:
        if self._texts:
            return tuple(self._observations)
        space = self.single_observation_space
        empty: Any = create_empty_array(space, self.num_envs)
        return concatenate(space, self._observations, empty)

    def _snapshot(self, row: int) -> RowSnapshot:
        return RowSnapshot(
            self.unwrapped_envs[row].snapshot(),
            self._observations[row],
            dict(self._info(row)),
            tuple(self._earned[row]),
            self._over.get(row),
        )

    def _check_scenarios(self, options: Iterable[dict[str, Any] | None]) -> None:
        """Load what was named, so that a name nothing has is told before a row is reset."""
        task = self.unwrapped_envs[0].pack.task
        for own in options:
            if own and own.get("scenario") is not None:
                task(str(own["scenario"]))

    def _check_begun(self, rows: Collection[int]) -> None:
        """Check that all rows but `rows` have begun."""
        if not self._begun and len(rows) < self.num_envs:
            raise EpisodeError(_NOT_BEGUN)


def _wrapped(env: ToolUseEnv, wrappers: Sequence[Callable[[Any], Row]]) -> Row:
    return reduce(lambda inner, wrapper: wrapper(inner), wrappers, env)
