"""What is learnt from: which episodes are kept, which are paired, and which tokens carry a loss."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from tool_gym.agents.training.rows import (
    IGNORED,
    Row,
    preferences,
    read_pairs,
    read_rows,
    row_of,
    successes,
    write_rows,
)
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import Turn


class Played(NamedTuple):
    """What is read of a `Rollout`, without the training stack that makes one."""

    trajectory: Trajectory
    prompt_ids: list[int]
    completion_ids: list[int]
    mask: list[int]
    overlong: bool = False


def played(earned: float, completion: list[int], *, overlong: bool = False) -> Any:
    trajectory = Trajectory("s", (Step(Turn("t"), reward=earned),))
    return Played(trajectory, [1, 2], completion, [1] * len(completion), overlong)


EPISODES = st.lists(
    st.builds(played, st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.lists(st.integers(3, 6), min_size=1, max_size=4)),
    max_size=8,
)


@given(EPISODES, st.sampled_from([0.25, 1.0]), st.integers(1, 3))
def test_successes_are_distinct_and_good_and_no_better_is_left_out(group: list[Any], least: float, keep: int) -> None:
    rows = successes([group], threshold=least, keep=keep)
    earned = {tuple(one.completion_ids): [] for one in group}  # type: dict[tuple[int, ...], list[float]]
    for one in group:
        earned[tuple(one.completion_ids)].append(one.trajectory.episode_return)
    good = {ids: max(values) for ids, values in earned.items() if max(values) >= least}
    kept = [tuple(row.completion_ids) for row in rows]
    assert len(kept) == len(set(kept)) == min(keep, len(good))
    assert set(kept) <= set(good)
    worst = min((good[ids] for ids in kept), default=0)
    assert all(value <= worst for ids, value in good.items() if ids not in kept)


def test_of_equal_successes_the_shortest_is_kept() -> None:
    assert successes([[played(1, [3, 3, 3]), played(1, [4])]], threshold=1, keep=1)[0].completion_ids == [4]


def test_what_was_cut_is_no_example() -> None:
    assert successes([[played(1, [3], overlong=True)]], threshold=1, keep=1) == []
    assert preferences([[played(1, [3], overlong=True), played(0, [4])]], chosen=0.5, margin=0.1, pairs=1) == []


def test_rounding_does_not_make_a_success_a_failure() -> None:
    assert successes([[played(0.1 + 0.2 + 0.7 - 1e-12, [3])]], threshold=1.0, keep=1)


@given(EPISODES, st.integers(1, 4))
def test_pairs_are_apart_and_use_no_episode_twice(group: list[Any], most: int) -> None:
    distinct = [one._replace(completion_ids=[number], mask=[1]) for number, one in enumerate(group)]
    earned = {one.completion_ids[0]: one.trajectory.episode_return for one in distinct}
    pairs = preferences([distinct], chosen=0.5, margin=0.5, pairs=most)
    used = [side.completion_ids[0] for pair in pairs for side in pair]
    assert len(used) == len(set(used))
    assert len(pairs) <= most
    for pair in pairs:
        better, worse = (earned[side.completion_ids[0]] for side in pair)
        assert better >= 0.5
        assert better - worse >= 0.5
    if earned and max(earned.values()) >= 0.5 and max(earned.values()) - min(earned.values()) >= 0.5:
        assert earned[pairs[0].chosen.completion_ids[0]] == max(earned.values())
        assert earned[pairs[0].rejected.completion_ids[0]] == min(earned.values())


@given(st.lists(st.integers(0, 9)), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 1))))
def test_labels_are_the_model_s_own_tokens_and_nothing_else(prompt: list[int], written: list[tuple[int, int]]) -> None:
    row = Row(prompt, [token for token, _ in written], [own for _, own in written])
    assert len(row.labels) == len(row.ids)
    assert row.labels[: len(prompt)] == [IGNORED] * len(prompt)
    assert row.labels[len(prompt) :] == [token if own else IGNORED for token, own in written]


def test_rows_and_pairs_are_read_back(tmp_path: Path) -> None:
    rows = [row_of(played(1, [3, 4])), Row([], [5], [0])]
    write_rows(tmp_path / "rows", rows)
    assert read_rows(tmp_path / "rows") == rows
    pairs = preferences([[played(1, [3]), played(0, [4, 4])]], chosen=1, margin=1, pairs=1)
    write_rows(tmp_path / "pairs", pairs)
    assert read_pairs(tmp_path / "pairs") == pairs
    assert len(pairs) == 1
