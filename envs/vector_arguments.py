"""Reading what a vector environment is given: actions, seeds, options, rows; each as one value for a row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from typing import Any, NamedTuple, SupportsFloat, TypeAlias

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from tool_gym.envs.env import EnvSnapshot
from tool_gym.errors import EpisodeError, ScenarioError, UnknownNameError
from tool_gym.turns import Turn

Seeds: TypeAlias = int | Sequence[int | None] | NDArray[Any] | None

_OPTIONS = ("reset_mask", "scenario", "scenarios", "split")


class RowSnapshot(NamedTuple):
    """The state of one row; it can be restored into any row, and later steps do not change it."""

    episode: EnvSnapshot
    observation: Any
    info: dict[str, Any]
    rewards: tuple[SupportsFloat, ...]
    """Those of the episode so far; empty without `episode_statistics`."""
    over: tuple[bool, bool] | None
    """Whether it terminated and whether it was truncated; None while it goes on."""


def read_mode(mode: AutoresetMode | str) -> AutoresetMode:
    """Return an autoreset mode by its value or name, such as "NextStep" or "next_step".

    Raises:
        UnknownNameError: If there is none of that name.
    """
    name = mode.value if isinstance(mode, AutoresetMode) else str(mode)
    found = {known.value.lower(): known for known in AutoresetMode}.get(name.replace("_", "").lower())
    if found is None:
        error = UnknownNameError.of("autoreset mode", mode, (known.value for known in AutoresetMode))
        raise error
    return found


def read_count(num_envs: int) -> int:
    """Return a number of rows.

    Raises:
        ScenarioError: If it is no whole number of at least 1.
    """
    if type(num_envs) is not int or num_envs < 1:
        msg = f"num_envs must be a whole number of at least 1, not {num_envs!r}"
        raise ScenarioError(msg)
    return num_envs


def read_actions(actions: Any, num_envs: int) -> list[Any]:
    """Return one action for each row, None where there is none.

    Args:
        actions: As many as rows, in any iterable but a text; or a mapping of rows to actions.
        num_envs: Number of rows.

    Raises:
        EpisodeError: If there are too few or too many, or they are for rows that do not exist.
    """
    if type(actions) in (list, tuple) and len(actions) == num_envs:
        return actions  # type: ignore[no-any-return]
    if isinstance(actions, Mapping):
        chosen: list[Any] = [None] * num_envs
        for row in read_rows(actions, num_envs):
            chosen[row] = actions[row]
        return chosen
    if isinstance(actions, str | bytes | Turn) or not isinstance(actions, Iterable):
        msg = f"step needs one action for each of {num_envs} rows, or a mapping of rows to actions, not {actions!r:.80}"
        raise EpisodeError(msg)
    chosen = actions.tolist() if isinstance(actions, np.ndarray) and actions.ndim == 1 else list(actions)
    check_length("actions", chosen, num_envs, "; None leaves a row as it is, and a mapping names those to step")
    return chosen


def read_rows(rows: Iterable[Any], num_envs: int) -> list[int]:
    """Return row numbers in ascending order, each once.

    Raises:
        EpisodeError: If one is no row.
    """
    found = list(rows)
    for row in found:
        if not isinstance(row, int | np.integer) or not 0 <= row < num_envs:
            msg = f"no row {row!r:.80}; there are {num_envs}, from 0 to {num_envs - 1}"
            raise EpisodeError(msg)
    return sorted(set(map(int, found)))


def read_seeds(seed: Seeds, num_envs: int) -> list[int | None]:
    """Return one seed for each row.

    Args:
        seed: A sequence of them; a number, of which row i gets `seed + i`; or None for none.
        num_envs: Number of rows.

    Raises:
        EpisodeError: If there are too few or too many.
    """
    if seed is None:
        return [None] * num_envs
    if isinstance(seed, int | np.integer):
        return [int(seed) + row for row in range(num_envs)]
    if not isinstance(seed, Iterable):
        msg = f"seed must be a whole number, one for each of {num_envs} rows, or None, not {seed!r:.80}"
        raise EpisodeError(msg)
    seeds = seed.tolist() if isinstance(seed, np.ndarray) else list(seed)
    check_length("seeds", seeds, num_envs)
    return seeds


def read_options(options: dict[str, Any] | None, num_envs: int) -> dict[int, dict[str, Any] | None]:
    """Return the rows to reset, each with the options of its own `reset`; what is given is not changed.

    Args:
        options: `scenario` and `split` for all rows, `scenarios` for each, `reset_mask` for some rows only.
        num_envs: Number of rows.

    Raises:
        EpisodeError: If options, mask or scenarios do not fit.
        UnknownNameError: If there is no such option.
    """
    if not isinstance(options, dict | None):
        msg = f"options must be a dict such as {{'scenario': id}}, not {type(options).__name__}"
        raise EpisodeError(msg)
    given = dict(options or {})
    unknown = given.keys() - set(_OPTIONS)
    if unknown:
        error = UnknownNameError.of("reset option", min(map(str, unknown)), _OPTIONS)
        raise error
    mask, scenarios = given.pop("reset_mask", None), given.pop("scenarios", None)
    rows = range(num_envs) if mask is None else _marked(mask, num_envs)
    if scenarios is None:
        return dict.fromkeys(rows, given or None)
    scenarios = [scenarios] if isinstance(scenarios, str) else list(scenarios)
    check_length("scenarios", scenarios, num_envs)
    return {row: (given or None) if scenarios[row] is None else {**given, "scenario": scenarios[row]} for row in rows}


def check_length(what: str, values: Sized, num_envs: int, hint: str = "") -> None:
    """Check that there is one value for each row.

    Raises:
        EpisodeError: If there is not.
    """
    if len(values) != num_envs:
        msg = f"{len(values)} {what} for {num_envs} rows: give one for each{hint}"
        raise EpisodeError(msg)


def _marked(mask: Any, num_envs: int) -> list[int]:
    marks = np.asarray(mask)
    if marks.dtype != np.bool_ or marks.shape != (num_envs,) or not marks.any():
        msg = (
            f"reset_mask must be {num_envs} booleans, one for each row, at least one of them True, "
            f"not {marks.dtype} of shape {marks.shape} with {np.count_nonzero(marks)} set"
        )
        raise EpisodeError(msg)
    return [int(row) for row in np.flatnonzero(marks)]


def read_snapshots(snapshots: Mapping[int, RowSnapshot], num_envs: int) -> list[int]:
    """Return the rows of row → snapshot, as `read_rows` does.

    Raises:
        EpisodeError: As `read_rows`, and if a value is no snapshot of a row.
    """
    rows = read_rows(snapshots, num_envs)
    for state in snapshots.values():
        if not isinstance(state, RowSnapshot):
            msg = f"restore takes snapshots of rows, as this environment's snapshot() gives them, not {state!r:.80}"
            raise EpisodeError(msg)
    return rows


def read_wrappers(wrappers: Any) -> Sequence[Callable[[Any], Any]]:
    """Return the wrappers.

    Raises:
        EpisodeError: If they are no list of callables.
    """
    if not isinstance(wrappers, Sequence) or not all(map(callable, wrappers)):
        msg = f"env_wrappers must be a list of wrappers, such as [ShuffleTools], not {wrappers!r:.80}"
        raise EpisodeError(msg)
    return wrappers
