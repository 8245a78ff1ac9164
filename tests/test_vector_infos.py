"""Infos in vector form: one type for a key in all rows and steps, and a dict that fills itself like any other dict."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.envs.vector_infos import VectorInfos, batch_infos

INFOS: list[dict[str, Any]] = [{"score": 0, "parts": {"f": 0}}, {"score": 0.5, "parts": {"f": 0.25}, "more": [1]}]


def column(values: Sequence[Any]) -> Any:
    return batch_infos(len(values), range(len(values)), [{"x": value} for value in values])["x"]


def keywords(**given: Any) -> dict[str, Any]:
    return given


def test_a_number_is_never_cut_to_the_type_of_the_first_row() -> None:
    assert column([1, 0.5]).tolist() == [1.0, 0.5]
    assert column([1, 2]).dtype == np.int64
    assert column([1, 2**70]).tolist() == [1, 2**70]
    assert column([True, False]).dtype == np.bool_
    assert column([0.5, np.float32(1)]).dtype == column([1, 0.5]).dtype == np.float64


def test_parts_are_floats_whatever_numbers_a_reward_gave() -> None:
    for first, second in ((0, 1), (0, 0.5), (False, True), (np.int64(3), 2)):
        assert batch_infos(2, [0, 1], [{"parts": {"f": first}}, {"parts": {"f": second}}])["parts"]["f"].dtype == float


@pytest.mark.parametrize(
    "values", [(1, None), ("a", 2), ([1, 2], [3, 4]), ((1,), (2, 3)), (True, 1), (np.zeros(2), np.zeros(3)), ({}, 1)]
)
def test_all_else_stands_in_an_object_array_as_it_is(values: tuple[Any, ...]) -> None:
    found = column(values)
    assert (found.dtype, found.shape) == (object, (2,))
    assert all(one is other for one, other in zip(found, values, strict=True))


def test_arrays_of_one_shape_are_stacked() -> None:
    infos = [{"mask": np.array([1, 0], np.int8)}, {"mask": np.array([0, 1], np.int8)}]
    assert batch_infos(3, [0, 2], infos)["mask"].tolist() == [[1, 0], [0, 0], [0, 1]]
    assert batch_infos(2, [0, 1], infos)["mask"].dtype == np.int8


def test_masks_say_which_rows_have_a_key_at_every_depth() -> None:
    found = batch_infos(3, [0, 2], INFOS)
    assert (found["score"].tolist(), found["_score"].tolist()) == ([0.0, 0.0, 0.5], [True, False, True])
    assert (found["parts"]["f"].tolist(), found["parts"]["_f"].tolist()) == ([0.0, 0.0, 0.25], [True, False, True])
    assert (found["more"].tolist(), found["_more"].tolist()) == ([None, None, [1]], [False, False, True])
    assert batch_infos(3, [], []) == {}


def test_rows_with_equally_many_but_other_keys_are_told_apart() -> None:
    found = batch_infos(2, [0, 1], [{"a": 1}, {"b": 2}])
    assert (found["_a"].tolist(), found["_b"].tolist()) == ([True, False], [False, True])


def filled() -> VectorInfos:
    return VectorInfos.of(3, [0, 2], INFOS, [1])


def changed(change: Callable[[dict[str, Any]], None]) -> Callable[[dict[str, Any]], Any]:
    def tried(infos: dict[str, Any]) -> str:
        change(infos)
        return repr(infos)

    return tried


USES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "[]": lambda infos: infos["score"].tolist(),
    "get": lambda infos: infos.get("score").tolist(),  # type: ignore[union-attr]  # it is there
    "in": lambda infos: ("score" in infos, "_stepped" in infos, "none" in infos),
    "len": len,
    "bool": bool,
    "list": list,
    "reversed": lambda infos: list(reversed(infos)),
    "keys": lambda infos: list(infos.keys()),
    "items": lambda infos: repr(list(infos.items())),
    "values": lambda infos: repr(list(infos.values())),
    "repr": repr,
    "dict": lambda infos: repr(dict(infos)),
    "**": lambda infos: repr({**infos}),
    "call": lambda infos: repr(keywords(**infos)),
    "|": lambda infos: repr(infos | {"a": 1}),
    "r|": lambda infos: repr({"a": 1} | infos),
    "update": lambda infos: repr(dict(a=1, **infos)),
    "copy": lambda infos: repr(infos.copy()),
    "copy.copy": lambda infos: repr(copy.copy(infos)),
    "deepcopy": lambda infos: repr(copy.deepcopy(infos)),
    "pickle": lambda infos: repr(pickle.loads(pickle.dumps(infos))),  # noqa: S301 - written a moment ago
    "pop": lambda infos: (infos.pop("score").tolist(), len(infos)),
    "del": changed(lambda infos: infos.__delitem__("score")),
    "set": changed(lambda infos: infos.__setitem__("score", 7)),
    "setdefault": lambda infos: (infos.setdefault("_more", 7).tolist(), len(infos)),
    "clear": changed(lambda infos: infos.clear()),
    "|=": lambda infos: repr(infos.__ior__({"score": 1})),
}


@pytest.mark.parametrize("name", USES)
def test_a_dict_that_fills_itself_is_read_and_changed_like_any_other(name: str) -> None:
    plain = dict(filled().items())
    assert USES[name](filled()) == USES[name](plain)


def test_two_that_are_not_filled_yet_are_compared_by_what_they_hold() -> None:
    def scores(value: Any) -> VectorInfos:
        return VectorInfos.of(1, [0], [{"x": value}])

    assert scores("a") == scores("a") == dict(scores("a"))
    assert scores("a") != scores("b")


def test_rows_that_took_no_step_are_told() -> None:
    infos = filled()
    assert (infos["stepped"].tolist(), infos["_stepped"].tolist()) == ([True, False, True], [True] * 3)
    assert "stepped" not in VectorInfos.of(3, [0, 2], INFOS)


leaves = st.none() | st.booleans() | st.integers(-99, 99) | st.floats(allow_nan=False) | st.text(max_size=3)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("abc"), inner, max_size=2),
    max_leaves=6,
)
many_infos = st.lists(st.none() | st.dictionaries(st.sampled_from("xyz"), values, max_size=3), min_size=1, max_size=4)


def unbatched(batch: dict[str, Any], row: int) -> dict[str, Any]:
    return {
        key: unbatched(value, row) if isinstance(value, dict) else value[row]
        for key, value in batch.items()
        if not key.startswith("_") and batch[f"_{key}"][row]
    }


@given(many_infos)
def test_nothing_is_lost_in_vector_form(infos: list[dict[str, Any] | None]) -> None:
    rows = [row for row, info in enumerate(infos) if info is not None]
    batch = batch_infos(len(infos), rows, [info for info in infos if info is not None])
    for row, info in enumerate(infos):
        assert unbatched(batch, row) == (info or {})
