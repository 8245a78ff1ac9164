"""The infos of many rows in Gymnasium's vector form: key → array over the rows, `_key` → mask of the rows that have it.

The arrays are made when the infos are first looked at: making them costs a good part of a step, and most loops look
at few of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from tool_gym.envs.lazy import BLANK, LazyDict
from tool_gym.envs.stage import Played, info_of

Info: TypeAlias = dict[str, Any] | Played
"""A row's info, or what it is made from."""

METRICS = "parts"
"""The key under which whole numbers are floats too: a reward may give 0 in one step and 0.5 in the next."""

_FINAL_OBS = "final_obs"


class VectorInfos(LazyDict):
    """A dict of arrays that is filled when it is first looked at.

    >>> infos = VectorInfos.of(2, [1], [{"score": 0.5}])
    >>> infos["score"].tolist(), infos["_score"].tolist()
    ([0.0, 0.5], [False, True])
    """

    __slots__ = ()

    @classmethod
    def of(
        cls,
        num_envs: int,
        rows: Sequence[int],
        infos: Sequence[Info],
        not_stepped: Sequence[int] | None = None,
    ) -> VectorInfos:
        """Return infos that are batched when they are looked at.

        Args:
            num_envs: Length of the arrays.
            rows: The rows that have an info, in ascending order.
            infos: Their infos, in the same order.
            not_stepped: The rows that played no turn, for the key `stepped`; None leaves that key out.
        """
        made = cls(BLANK)
        made.source = (num_envs, rows, infos, not_stepped)
        return made

    def _made(self, source: Any) -> dict[str, Any]:
        num_envs, rows, infos, not_stepped = source
        batch = batch_infos(num_envs, rows, list(map(made_info, infos)))
        if not_stepped is not None:
            batch |= {"stepped": np.ones(num_envs, np.bool_), "_stepped": np.ones(num_envs, np.bool_)}
            batch["stepped"][not_stepped] = False
        return batch


def made_info(info: Info) -> dict[str, Any]:
    """Return an info, made if need be."""
    return info if isinstance(info, dict) else info_of(info)


def batch_infos(num_envs: int, rows: Sequence[int], infos: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the infos of some rows as one dict of arrays.

    Args:
        num_envs: Length of the arrays.
        rows: The rows that have an info, in ascending order.
        infos: Their infos, in the same order.

    Returns:
        For each key the rows' values and, under `_key`, the mask of the rows that have it. Booleans, whole numbers
        (int64, if they fit), numbers (float64 if any is no whole number, and always under `parts`) and arrays of one
        shape and type stand in one numeric array, zero where a row has no value; dicts become dicts of arrays; all
        else stands in an object array, None where a row has no value.
    """
    return _batch(num_envs, rows, infos, metrics=False)


def _batch(num_envs: int, rows: Sequence[int], infos: Sequence[dict[str, Any]], *, metrics: bool) -> dict[str, Any]:
    batch: dict[str, Any] = {}
    for key, (where, values) in _columns(rows, infos).items():
        kinds = set(map(type, values))
        if key == _FINAL_OBS:
            batch[key] = _objects(num_envs, where, values)
        elif all(issubclass(kind, dict) for kind in kinds):
            batch[key] = _batch(num_envs, where, values, metrics=metrics or key == METRICS)
        else:
            batch[key] = _array(num_envs, where, values, _dtype(kinds, values, metrics=metrics))
        mask = batch[f"_{key}"] = np.zeros(num_envs, np.bool_)
        mask[slice(None) if len(where) == num_envs else where] = True
    return batch


def _columns(rows: Sequence[int], infos: Sequence[dict[str, Any]]) -> dict[str, tuple[Sequence[int], list[Any]]]:
    """Return key → (rows that have it, their values)."""
    if len(set(map(len, infos))) == 1:
        try:
            return {key: (rows, [info[key] for info in infos]) for key in infos[0]}
        except KeyError:
            pass  # equally many keys, but not the same
    columns: dict[str, list[tuple[int, Any]]] = {}
    for row, info in zip(rows, infos, strict=True):
        for key, value in info.items():
            columns.setdefault(key, []).append((row, value))
    return {key: ([row for row, _ in column], [value for _, value in column]) for key, column in columns.items()}


def _dtype(kinds: set[type], values: list[Any], *, metrics: bool) -> np.dtype[Any] | None:
    """Return the type of the array that holds values of these kinds; None for objects."""
    if kinds == {np.ndarray}:
        first = values[0]
        alike = all(value.shape == first.shape and value.dtype == first.dtype for value in values)
        return first.dtype if alike else None
    if kinds <= {bool, np.bool_}:
        return np.dtype(np.float64 if metrics else np.bool_)
    if not all(kind in (int, float) or issubclass(kind, np.integer | np.floating) for kind in kinds):
        return None
    whole = not metrics and all(kind is int or issubclass(kind, np.integer) for kind in kinds)
    return np.dtype(np.int64 if whole else np.float64)


def _array(num_envs: int, where: Sequence[int], values: list[Any], dtype: np.dtype[Any] | None) -> Any:
    if dtype is None:
        return _objects(num_envs, where, values)
    try:
        filled = np.array(values, dtype)
    except OverflowError:  # a whole number of more than 64 bits
        return _objects(num_envs, where, values)
    if len(where) == num_envs:
        return filled
    array = np.zeros((num_envs, *filled.shape[1:]), dtype)
    array[where] = filled
    return array


def _objects(num_envs: int, where: Sequence[int], values: list[Any]) -> Any:
    """Return an object array; set one by one, for NumPy would take lists and tuples apart."""
    array = np.full(num_envs, None, dtype=object)
    for row, value in zip(where, values, strict=True):
        array[row] = value
    return array
