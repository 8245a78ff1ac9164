"""The figures of a policy, worked out by hand."""

from __future__ import annotations

import pytest

from tool_gym.errors import TrajectoryError
from tool_gym.evaluate import summarize
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import Outcome, ToolCall, ToolResult, Turn

CALL = ToolCall("get_ship", {})
OK = ToolResult(Outcome.OK, 1)


def episode(solved: int, charged: int, needed: int, *, goals: float = 0.0, earned: float = 0.0) -> Trajectory:
    """Return an episode of `charged` calls in one turn, and an answer."""
    parts = {
        "solved": float(solved),
        "charged": float(charged),
        "needed": float(needed),
        "completeness": solved / needed if needed else 0.0,
        "goals": goals,
    }
    calls = Step(Turn(calls=(CALL,) * charged), (OK,) * charged, reward=earned, parts=dict.fromkeys(parts, 0.0))
    return Trajectory("s", (calls, Step(Turn("Answer: 1"), parts=parts)), terminated=True, reward="solve")


def test_means_are_taken_over_episodes() -> None:
    summary = summarize("some", [episode(2, 2, 2, goals=1.0, earned=1.0), episode(1, 4, 2, goals=0.5, earned=0.2)])
    assert (summary.policy, summary.episodes) == ("some", 2)
    assert summary.solve_p == pytest.approx((1 + 1 / 4) / 2)
    assert summary.solve_r == pytest.approx((1 + 1 / 2) / 2)
    assert summary.solve_f1 == pytest.approx((1 + 2 / 6) / 2)
    assert summary.answer_accuracy == 0.5
    assert summary.mean_return == pytest.approx(0.6)
    assert summary.calls == 3


def test_an_episode_without_calls_has_no_precision() -> None:
    silent, half = episode(0, 0, 2), episode(1, 2, 2)
    assert summarize("some", [silent, half]).solve_p == 0.5
    assert summarize("silent", [silent]).solve_p is None
    assert summarize("silent", [silent]).solve_f1 == 0


def test_nothing_to_do_is_nothing_solved() -> None:
    assert summarize("some", [episode(0, 0, 0)]).solve_f1 == 0


def test_only_the_last_step_s_parts_count() -> None:
    assert summarize("some", [episode(1, 1, 1, goals=1.0)]).solve_r == 1


def test_a_trajectory_without_a_step_counts_in_no_figure() -> None:
    played = episode(1, 1, 1, goals=1.0, earned=1.0)
    assert summarize("some", [Trajectory("s"), played]) == summarize("some", [played])


def test_trajectories_without_solve_s_parts_are_refused() -> None:
    unscored = Trajectory("s", (Step(Turn("Answer: 1")),))
    foreign = Trajectory("s", (Step(Turn("Answer: 1"), parts={"solved": 1.0}),))
    for given in ([], [unscored], [foreign], [episode(1, 1, 1), unscored]):
        with pytest.raises(TrajectoryError, match="scored by the reward 'solve'"):
            summarize("some", given)
