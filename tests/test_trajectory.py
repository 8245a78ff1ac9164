"""Trajectories: round trip, versions, hostile files, safe writing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.handmade import SCENARIOS
from tool_gym.errors import TrajectoryError
from tool_gym.rewards import get_reward, score
from tool_gym.trajectory import Step, Trajectory, read_trajectories, write_trajectories
from tool_gym.turns import BrokenCall, Effect, Outcome, ToolCall, ToolResult, Turn

TRAJECTORY = Trajectory(
    "abc",
    (
        Step(
            Turn(
                "text", (ToolCall("f", {"a": [1, None, 2.5]}, "id1"), BrokenCall("bad_json", "why", "{")), "hm", "raw"
            ),
            (
                ToolResult(Outcome.OK, {"x": 1}, "", (Effect("t", "r", "f", None, 3, created=True),)),
                ToolResult(Outcome.MALFORMED_CALL, None, "why"),
            ),
            0,
            "go on",
            0.25,
            {"precision": 0.5},
        ),
        Step(Turn("Answer: 3"), (), 1, "", -0.1, {"precision": 0.5}),
    ),
    terminated=True,
    pack="p",
    policy="me",
    reward="solve",
    seed=4,
)


def changed(*path: Any, value: Any) -> str:
    data = json.loads(TRAJECTORY.to_json())
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return json.dumps(data)


def test_a_trajectory_comes_back_as_it_was() -> None:
    assert Trajectory.from_json(TRAJECTORY.to_json()) == TRAJECTORY
    assert TRAJECTORY.episode_return == pytest.approx(0.15)


def test_files_hold_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    assert write_trajectories(path, [TRAJECTORY, TRAJECTORY._replace(seed=5)]) == 2
    assert [item.seed for item in read_trajectories(path)] == [4, 5]
    assert [file.name for file in tmp_path.iterdir()] == ["t.jsonl"]


def test_nothing_is_half_written(tmp_path: Path) -> None:
    def broken() -> Any:
        yield TRAJECTORY
        raise RuntimeError

    path = tmp_path / "t.jsonl"
    write_trajectories(path, [TRAJECTORY])
    before = path.read_text()
    with pytest.raises(RuntimeError):
        write_trajectories(path, broken())
    assert path.read_text() == before
    assert [file.name for file in tmp_path.iterdir()] == ["t.jsonl"]


def test_a_folder_or_device_is_not_written_to(tmp_path: Path) -> None:
    for place in (tmp_path, Path("/dev/null")):
        with pytest.raises(TrajectoryError, match="no ordinary file"):
            write_trajectories(place, [TRAJECTORY])


def test_lone_surrogates_are_stored_as_question_marks() -> None:
    odd = Trajectory("x", (Step(Turn("\ud800", (), "\udfff", "\ud800")),))
    assert Trajectory.from_json(odd.to_json()).steps[0].turn.raw == "?"


BROKEN = {
    "not JSON": "{",
    "not an object": "[1]",
    "no version": "{}",
    "another version": changed("version", value=99),
    "unknown outcome": changed("steps", 0, "results", 0, "outcome", value="great"),
    "results missing": changed("steps", 0, "results", value=[]),
    "arguments no object": changed("steps", 0, "turn", "calls", 0, "arguments", value=[1]),
    "text no text": changed("steps", 0, "turn", "text", value=3),
    "reward no number": changed("steps", 0, "reward", value="much"),
    "reward beyond floats": changed("steps", 0, "reward", value=10**400),
    "user turn without end": changed("steps", 0, "user_turn", value=float("inf")),
    "parts no numbers": changed("steps", 0, "parts", value={"solved": None}),
    "parts no object": changed("steps", 0, "parts", value=[1]),
    "scenario no text": changed("scenario_id", value=[1]),
    "seed no number": changed("seed", value="4"),
    "effects odd": changed("steps", 0, "results", 0, "effects", value=[{"table": 3}]),
    "effect's row a list": changed(
        "steps",
        0,
        "results",
        0,
        "effects",
        value=[{"table": "t", "row": [], "field": "f", "before": 1, "after": 2, "created": False}],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_line_is_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(TRAJECTORY.to_json() + "\n" + BROKEN[name] + "\n")
    with pytest.raises(TrajectoryError, match=r"t\.jsonl, line 2: "):
        list(read_trajectories(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrajectoryError, match="cannot read trajectories"):
        list(read_trajectories(tmp_path / "gone.jsonl"))


@settings(max_examples=200)
@given(
    st.sampled_from([("steps", 0, "results", 0, "value"), ("steps", 0, "turn", "calls", 0, "arguments", "a")]),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5),
)
def test_whatever_a_stored_result_holds_it_can_be_scored(path: tuple[Any, ...], value: Any) -> None:
    trajectory = Trajectory.from_json(changed(*path, value=value))
    for scenario in SCENARIOS.values():
        assert 0 <= score(get_reward("solve"), scenario, trajectory).value <= 1
