"""StepTool's published rewards are reproduced from its published judgements, and returns count from the right end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.errors import ScenarioError, UnknownNameError
from tool_gym.rewards.judging import Judgement, judged_rewards, step_returns

SURE = "Solved Solved Solved"
PUBLISHED: dict[str, tuple[list[list[int]], list[list[int]], str, list[float]]] = {
    "70195": ([[1, 1]] * 3, [[5, 5], [5, 5], [5, 1]], SURE, [1, 0.8667, 1]),
    "34459": ([[1, 1]] * 3, [[5, 5]] * 3, SURE, [1, 1, 1]),
    "44426": ([[1]] * 3, [[5]] * 3, "Unsure Solved Solved", [1, 0.8333]),
    "56543": ([[0, 0], [0, 1], [0, 0]], [[1, 2], [1, 3], [2, 3]], "Unsure Unsolved Unsure", [0.1333, 0.4333, 0.3333]),
    "32980": ([[1] * 4] * 3, [[5, 5, 5, 5], [5, 5, 5, 5], [5, 5, 3, 1]], SURE, [1, 1, 0.9333, 0.8667, 1]),
}
"""Trajectory → for each pass the successes and the contributions, the statuses, and the stored rewards to 4 digits."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_rewards_follow_from_the_published_judgements(name: str) -> None:
    succeeded, contributions, statuses, stored = PUBLISHED[name]
    passes = [Judgement(*one) for one in zip(succeeded, contributions, statuses.split(), strict=True)]
    assert judged_rewards(passes) == pytest.approx(stored, abs=5e-5)


def test_a_step_is_paid_half_for_success_and_half_for_contribution() -> None:
    assert judged_rewards([Judgement([1, 1], [5, 4], "Solved")]) == (1.0, 0.9, 1.0)
    passes = [Judgement([1], [5], "Solved"), Judgement([0], [0], "Unsure"), Judgement([1], [0], "Solved")]
    assert judged_rewards(passes) == pytest.approx((0.5, 2.5 / 3))


def test_an_answer_at_once_has_one_reward() -> None:
    assert judged_rewards([Judgement([], [], "Unsolved"), Judgement([], [], "Solved")]) == (0.5,)


def test_judgements_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ScenarioError, match="lengths"):
        judged_rewards([Judgement([1], [5], "Solved"), Judgement([1, 1], [5, 5], "Solved")])
    with pytest.raises(ScenarioError, match="one judgement or more"):
        judged_rewards([])
    with pytest.raises(UnknownNameError, match="Known: Solved, Unsolved, Unsure"):
        judged_rewards([Judgement([], [], "AnswerStatus.Solved")])


rewards = st.lists(st.floats(-3, 3), max_size=12)


@given(rewards.filter(bool), st.floats(0, 1))
def test_a_return_is_the_reward_and_the_discounted_return_of_the_next_step(earned: list[float], gamma: float) -> None:
    returns = step_returns(earned, gamma)
    assert len(returns) == len(earned)
    for reward, now, later in zip(earned, returns, (*returns[1:], 0.0), strict=True):
        assert now == pytest.approx(reward + gamma * later)


@given(rewards.filter(bool), st.floats(0, 1), st.data())
def test_forgetting_the_oldest_steps_changes_no_other_return(
    earned: list[float], gamma: float, data: st.DataObject
) -> None:
    kept = data.draw(st.integers(1, len(earned)))
    assert step_returns(earned[-kept:], gamma) == step_returns(earned, gamma)[-kept:]


def test_a_discount_out_of_its_range_is_refused() -> None:
    for gamma in (-0.1, 1.1, float("nan")):
        with pytest.raises(ScenarioError, match=r"lies in \[0, 1\]"):
            step_returns([1.0], gamma)
