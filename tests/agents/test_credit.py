"""Advantages of turns: what each name promises, StepTool's released defects, and that no farmer out-earns a solver."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tool_gym.agents.credit import (
    EPSILON,
    ESTIMATORS,
    NORMALISATIONS,
    CreditConfig,
    advantages,
    over_tokens,
    returns_to_go,
)
from tool_gym.errors import AgentError, UnknownNameError

REFUSED = {
    *(("step_gae", name) for name in ("reinforce", "reinforce_pp")),
    *(("step_gae_value", name) for name in ("grpo", "dr_grpo", "rloo", "reinforce_pp_baseline")),
}
ALLOWED = [pair for pair in product(ESTIMATORS, NORMALISATIONS) if pair not in REFUSED]
CRITIC_FREE = [pair for pair in ALLOWED if pair[0] != "step_gae_value"]
IN_GROUPS = [pair for pair in CRITIC_FREE if NORMALISATIONS[pair[1]].scale != "batch"]
CENTRED = [pair for pair in IN_GROUPS if pair[0] != "step_gae" and NORMALISATIONS[pair[1]].baseline]

REWARDS = st.floats(-1, 1).map(lambda number: round(number, 3))
EPISODE = st.lists(REWARDS, max_size=6).map(tuple)
BATCH = st.lists(st.tuples(EPISODE, st.integers(0, 2)), min_size=1, max_size=9)
DISCOUNT = st.sampled_from([0.0, 0.5, 0.9, 1.0])
FEW = settings(max_examples=15)
"""For what is asked of every combination."""


def credit(estimator: str, normalisation: str, gamma: float = 1.0, lam: float = 0.95) -> CreditConfig:
    return CreditConfig(estimator=estimator, normalisation=normalisation, gamma=gamma, lam=lam)


def given_values(config: CreditConfig, rewards: Sequence[Sequence[float]]) -> list[list[float]] | None:
    if config.estimator != "step_gae_value":
        return None
    return [[0.25 * (turn % 3) for turn in range(len(episode))] for episode in rewards]


def found(config: CreditConfig, batch: Sequence[tuple[Sequence[float], int]]) -> list[list[float]]:
    rewards, groups = [one for one, _ in batch], [group for _, group in batch]
    return [list(one) for one in advantages(rewards, groups, config, given_values(config, rewards))]


def close(left: Any, right: Any) -> bool:
    return len(left) == len(right) and all(
        np.allclose(one, other, atol=1e-6) for one, other in zip(left, right, strict=True)
    )


# --- every combination


@pytest.mark.parametrize(("estimator", "normalisation"), ALLOWED)
@FEW
@given(batch=BATCH, gamma=DISCOUNT, lam=DISCOUNT)
def test_there_is_one_finite_advantage_for_each_turn(
    estimator: str, normalisation: str, batch: list[Any], gamma: float, lam: float
) -> None:
    made = found(credit(estimator, normalisation, gamma, lam), batch)
    assert [len(one) for one in made] == [len(rewards) for rewards, _ in batch]
    assert all(np.isfinite(one).all() for one in made)


@pytest.mark.parametrize(("estimator", "normalisation"), ALLOWED)
@FEW
@given(batch=BATCH, order=st.randoms(use_true_random=False))
def test_the_order_of_episodes_makes_no_difference(
    estimator: str, normalisation: str, batch: list[Any], order: Any
) -> None:
    config = credit(estimator, normalisation)
    rows = list(range(len(batch)))
    order.shuffle(rows)
    assert close(found(config, [batch[row] for row in rows]), [found(config, batch)[row] for row in rows])


@pytest.mark.parametrize(("estimator", "normalisation"), CENTRED)
@FEW
@given(batch=BATCH, gamma=DISCOUNT)
def test_advantages_of_a_group_add_up_to_nothing(
    estimator: str, normalisation: str, batch: list[Any], gamma: float
) -> None:
    """Per episode under `trajectory`, per turn index under `turn_group`."""
    made = found(credit(estimator, normalisation, gamma), batch)
    for group in {group for _, group in batch}:
        members = [one for one, (_, of) in zip(made, batch, strict=True) if of == group]
        for turn in range(1 if estimator == "trajectory" else 6):
            here = [one[turn] for one in members if len(one) > turn]
            assert abs(sum(here)) < 1e-6


@pytest.mark.parametrize(
    ("estimator", "normalisation"), [pair for pair in CRITIC_FREE if NORMALISATIONS[pair[1]].baseline]
)
@FEW
@given(batch=BATCH, more=st.floats(-3, 3), group=st.integers(0, 2))
def test_what_all_members_of_a_group_earn_more_changes_nothing(
    estimator: str, normalisation: str, batch: list[Any], more: float, group: int
) -> None:
    def paid(rewards: Sequence[float], of: int) -> tuple[float, ...]:
        return (*rewards[:-1], rewards[-1] + more) if of == group and rewards else tuple(rewards)

    config = credit(estimator, normalisation)
    assert close(found(config, [(paid(*one), one[1]) for one in batch]), found(config, batch))


@pytest.mark.parametrize(("estimator", "normalisation"), IN_GROUPS)
@FEW
@given(batch=BATCH, other=st.lists(EPISODE, max_size=3))
def test_other_groups_do_not_matter(estimator: str, normalisation: str, batch: list[Any], other: list[Any]) -> None:
    config = credit(estimator, normalisation)
    together = found(config, [*batch, *((rewards, 9) for rewards in other)])
    assert close(together[: len(batch)], found(config, batch))


@pytest.mark.parametrize(("estimator", "normalisation"), CRITIC_FREE)
@FEW
@given(episode=EPISODE.filter(bool), size=st.integers(1, 5), gamma=DISCOUNT)
def test_without_spread_there_is_no_credit(
    estimator: str, normalisation: str, episode: tuple[float, ...], size: int, gamma: float
) -> None:
    """`reinforce` has nothing to compare with; whitening compares a turn with the other turns of the batch."""
    if normalisation == "reinforce" or (estimator == "turn_group" and normalisation == "reinforce_pp"):
        episode = (0.0,) * len(episode)
    made = found(credit(estimator, normalisation, gamma, lam=1.0), [(episode, 0)] * size)
    assert made == [[0.0] * len(episode)] * size


@pytest.mark.parametrize("normalisation", [name for name in NORMALISATIONS if NORMALISATIONS[name].baseline])
@FEW
@given(rewards=st.lists(REWARDS, min_size=1, max_size=8), gamma=DISCOUNT, lam=DISCOUNT)
def test_estimators_agree_where_there_is_one_turn(
    normalisation: str, rewards: list[float], gamma: float, lam: float
) -> None:
    batch = [((reward,), number % 2) for number, reward in enumerate(rewards)]
    first, *others = (
        found(credit(name, normalisation, gamma, lam), batch) for name in ("trajectory", "turn_group", "step_gae")
    )
    assert all(close(first, other) for other in others)


@pytest.mark.parametrize("normalisation", ["dr_grpo", "rloo", "grpo"])
@FEW
@given(batch=BATCH, gamma=DISCOUNT)
def test_gae_at_lambda_one_is_the_return_less_the_baseline(normalisation: str, batch: list[Any], gamma: float) -> None:
    assert close(
        found(credit("step_gae", normalisation, gamma, 1.0), batch),
        found(credit("turn_group", normalisation, gamma), batch),
    )


@given(batch=BATCH, gamma=DISCOUNT)
def test_gae_at_lambda_zero_is_the_surprise_of_the_turn(batch: list[Any], gamma: float) -> None:
    config = credit("step_gae_value", "reinforce", gamma, 0.0)
    values = given_values(config, [one for one, _ in batch])
    assert values is not None
    for (rewards, _), of_turns, made in zip(batch, values, found(config, batch), strict=True):
        following = [*of_turns[1:], 0.0]
        assert np.allclose(made, [r + gamma * v2 - v for r, v2, v in zip(rewards, following, of_turns, strict=False)])


# --- the formulas


def test_grpo_divides_by_the_deviation_with_bessels_correction() -> None:
    made = found(credit("trajectory", "grpo"), [((1.0,), 0), ((0.0, 0.5), 0), ((0.0,), 0)])
    returns = np.array([1.0, 0.5, 0.0])
    expected = (returns - 0.5) / (returns.std(ddof=1) + EPSILON)
    assert close(made, [[expected[0]], [expected[1]] * 2, [expected[2]]])


def test_rloo_compares_with_the_others() -> None:
    assert close(found(credit("trajectory", "rloo"), [((1.0,), 0), ((0.0,), 0), ((0.5,), 0)]), [[0.75], [-0.75], [0.0]])


def test_reinforce_plus_plus_whitens_over_groups() -> None:
    batch = [((1.0,), 0), ((0.0,), 0), ((0.5,), 1), ((0.5,), 1)]
    returns = np.array([1.0, 0.0, 0.5, 0.5])
    whole = (returns - 0.5) / (returns.std(ddof=1) + EPSILON)
    assert close(found(credit("trajectory", "reinforce_pp"), batch), whole[:, None])
    centred = np.array([0.5, -0.5, 0.0, 0.0])
    in_groups = centred / (centred.std(ddof=1) + EPSILON)
    assert close(found(credit("trajectory", "reinforce_pp_baseline"), batch), in_groups[:, None])


def test_critic_free_values_are_means_over_those_who_got_there() -> None:
    """Two of three reach turn 1: V = (.4, .5), so the surprises are theirs."""
    batch = [((0.0, 1.0), 0), ((0.2, 0.0), 0), ((0.0,), 0)]
    made = found(credit("step_gae", "dr_grpo", 1.0, 0.0), batch)
    assert close(made, [[0.1, 0.5], [0.3, -0.5], [-0.4]])


# --- StepTool's released defects


@pytest.mark.parametrize("estimator", [name for name in ESTIMATORS if name != "step_gae_value"])
@FEW
@given(episode=EPISODE.filter(bool), gamma=DISCOUNT)
def test_solving_at_the_end_raises_every_earlier_return_by_its_discount(
    estimator: str, episode: tuple[float, ...], gamma: float
) -> None:
    solved = (*episode[:-1], episode[-1] + 1)
    raised = returns_to_go(solved, gamma) - returns_to_go(episode, gamma)
    assert np.allclose(raised, [gamma ** (len(episode) - 1 - turn) for turn in range(len(episode))])
    before, after = (
        found(
            credit(estimator, "reinforce" if estimator != "step_gae" else "dr_grpo", gamma, 1.0),
            [(one, 0), (episode, 0)],
        )
        for one in (episode, solved)
    )
    assert after[0][-1] > before[0][-1] or (estimator == "trajectory" and gamma < 1 and len(episode) > 1)


@pytest.mark.parametrize(("estimator", "normalisation"), ALLOWED)
def test_a_solver_of_one_turn_is_told_from_who_fails(estimator: str, normalisation: str) -> None:
    solver, failure = found(credit(estimator, normalisation), [((1.0,), 0), ((0.0,), 0)])
    assert solver[0] > failure[0]


@given(episode=EPISODE.filter(bool), gamma=DISCOUNT, cut=st.integers(0, 5))
def test_cutting_off_the_oldest_turns_moves_no_reward(episode: tuple[float, ...], gamma: float, cut: int) -> None:
    rest = episode[cut:]
    assert np.allclose(returns_to_go(rest, gamma), returns_to_go(episode, gamma)[cut:])


@given(
    of_turns=st.lists(st.floats(-5, 5), max_size=5),
    tokens=st.lists(st.integers(1, 5), min_size=5, max_size=5),
    gaps=st.lists(st.integers(0, 400), min_size=6, max_size=6),
)
def test_the_length_of_observations_changes_no_credit(
    of_turns: list[float], tokens: list[int], gaps: list[int]
) -> None:
    spans, at = [], 0
    for gap, length in zip(gaps, tokens[: len(of_turns)], strict=False):
        spans.append((at + gap, at + gap + length))
        at = spans[-1][1]
    placed = over_tokens(of_turns, spans, at + gaps[-1])
    for advantage, (start, end) in zip(of_turns, spans, strict=True):
        assert (placed[start:end] == advantage).all()
        placed[start:end] = 0
    assert not placed.any()


def test_advantages_need_as_many_spans_inside() -> None:
    for spans in ([(0, 2)], [(0, 2), (1, 9)], [(2, 1), (0, 1)]):
        with pytest.raises(AgentError, match="2 advantages"):
            over_tokens([1.0, 2.0], spans, 4)


# --- the configuration


@pytest.mark.parametrize(("estimator", "normalisation"), sorted(REFUSED))
def test_combinations_that_mean_nothing_are_refused(estimator: str, normalisation: str) -> None:
    with pytest.raises(AgentError, match=f"{estimator} has .* use (grpo|reinforce)"):
        credit(estimator, normalisation)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"estimator": "step_gea"}, "no credit estimator named 'step_gea'. Did you mean 'step_gae'"),
        ({"normalisation": "grppo"}, "Did you mean 'grpo'"),
    ],
    ids=["estimator", "normalisation"],
)
def test_unknown_names_are_told_with_the_closest(setting: dict[str, str], message: str) -> None:
    with pytest.raises(UnknownNameError, match=message):
        CreditConfig(**setting)  # type: ignore[arg-type]  # only names are set


@pytest.mark.parametrize("setting", [{"gamma": 1.1}, {"lam": -0.1}, {"lambda_": 1}, {"gamma": float("nan")}], ids=str)
def test_settings_out_of_range_are_refused(setting: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CreditConfig(**setting)


@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_an_estimator_alone_is_a_whole_configuration(estimator: str) -> None:
    config = CreditConfig(estimator=estimator)
    assert CreditConfig(**config.model_dump()) == config


FREE, VALUED = credit("step_gae", "grpo"), credit("step_gae_value", "reinforce_pp")
BATCH_OF_TWO = ([1.0], [0.0, 1.0])


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        ("1 groups for 2", (BATCH_OF_TWO, [0], FREE)),
        ("takes no values", (BATCH_OF_TWO, [0, 0], FREE, BATCH_OF_TWO)),
        ("needs the values", (BATCH_OF_TWO, [0, 0], VALUED)),
        ("one value for each", (BATCH_OF_TWO, [0, 0], VALUED, [[1.0], [1.0]])),
        ("reward of episode 1 is no finite", (([0.0], [float("nan")]), [0, 0], FREE)),
        ("value of episode 0 is no finite", (BATCH_OF_TWO, [0, 0], VALUED, [[float("inf")], [0.0, 0.0]])),
    ],
    ids=["groups", "values", "no_values", "lengths", "reward", "value"],
)
def test_bad_batches_are_refused(message: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(AgentError, match=message):
        advantages(*arguments)


def test_no_episodes_have_no_advantages() -> None:
    assert all(found(credit(*pair), []) == [] for pair in ALLOWED)
