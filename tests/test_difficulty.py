"""Difficulty by level: counted as played, correlated as Spearman did."""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.handmade import SCENARIOS, WORLD
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack
from tool_gym.envs.policies.noisy import NoisyOraclePolicy
from tool_gym.envs.rollout import rollout
from tool_gym.errors import GenerationError
from tool_gym.evaluate.difficulty import REFERENCES, Band, failures_by_level, monotony, spearman
from tool_gym.scenario import Scenario


def levelled(name: str, level: float) -> Scenario:
    return SCENARIOS[name].model_copy(update={"difficulty": {"level": level}})


def band(level: float, failed: float) -> Band:
    return Band(level, 1, dict.fromkeys(REFERENCES, failed), dict.fromkeys(REFERENCES, failed))


class TestSpearman:
    @given(st.lists(st.integers(-9, 9), min_size=2, max_size=9, unique=True))
    def test_only_the_order_counts(self, values: list[int]) -> None:
        assert spearman(values, [value**3 for value in values]) == pytest.approx(1)
        assert spearman(values, [-value for value in values]) == pytest.approx(-1)

    def test_is_the_textbook_formula_without_ties(self) -> None:
        first = (1, 2, 3, 4, 5)
        for second in permutations(first):
            squares = sum((a - b) ** 2 for a, b in zip(first, second, strict=True))
            assert spearman(first, second) == pytest.approx(1 - 6 * squares / (5 * 24))

    def test_a_constant_correlates_with_nothing(self) -> None:
        assert spearman([1, 2, 3], [4, 4, 4]) == 0

    def test_bands_are_compared_by_what_was_failed(self) -> None:
        assert monotony([band(0, 0.1), band(2, 0.4), band(4, 0.9)]) == pytest.approx(1)


class TestFailures:
    def test_scenarios_are_sorted_into_bands(self) -> None:
        names = {"single_hop": 0.0, "multi_hop": 0.5, "write": 3.9}
        pack = MemoryPack([levelled(name, level) for name, level in names.items()], [WORLD])
        bands = failures_by_level([pack])
        assert [(found.level, found.scenarios) for found in bands] == [(0.0, 1), (0.5, 1), (3.9, 1)]
        assert [found.scenarios for found in failures_by_level([pack], bands=2)] == [2, 1]
        same = MemoryPack([levelled(name, 1.0) for name in names], [WORLD])
        assert [found.scenarios for found in failures_by_level([same])] == [3]
        for found in bands:
            assert found.failures.keys() == found.lost.keys() == REFERENCES.keys()
            assert all(0 <= share <= 1 for share in (*found.failures.values(), *found.lost.values()))
        assert failures_by_level([pack]) == bands

    def test_without_levels_there_is_nothing_to_say(self) -> None:
        with pytest.raises(GenerationError, match="no scenario has a level"):
            failures_by_level([MemoryPack([SCENARIOS["single_hop"]], [WORLD])])


class TestNoisyOracle:
    def returns(self, slip: float) -> list[float]:
        env = ToolUseEnv(MemoryPack([SCENARIOS["multi_hop"]], [WORLD]), dialect="structured")
        return [rollout(env, NoisyOraclePolicy(slip), seed=seed).episode_return for seed in range(20)]

    def test_without_slips_it_is_the_oracle(self) -> None:
        assert self.returns(0.0) == [1.0] * 20

    def test_the_more_it_slips_the_less_it_earns(self) -> None:
        earned = [sum(self.returns(slip)) for slip in (0.0, 0.2, 0.6, 1.0)]
        assert earned == sorted(earned, reverse=True)
        assert earned[-1] == 0
