"""Credit on real scenarios: the oracle is told from every farmer, and an agent learns a chain of calls from it."""

from __future__ import annotations

from functools import cache
from itertools import chain as joined
from itertools import product
from typing import Any

import numpy as np
import pytest

from tests import chain
from tool_gym.agents.credit import ESTIMATORS, NORMALISATIONS, CreditConfig, advantages
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies import OraclePolicy, RandomValidPolicy, RepeatPolicy
from tool_gym.envs.policies.base import Policy
from tool_gym.envs.rollout import rollout
from tool_gym.errors import AgentError
from tool_gym.rewards import get_reward
from tool_gym.turns import Turn

REWARDS = ("solve", "step_grained")
SCENARIOS = 12
"""Scenarios of pack everyday, spread over it."""


class EndlessPolicy:
    """Makes valid calls at random and never acts, unless there is nothing to call."""

    name = "endless"

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        self._random, self._env, self._seed = RandomValidPolicy(), env, seed
        self._random.reset(env, seed)

    def act(self, observation: str, info: dict[str, Any]) -> Turn:
        turn = self._random.act(observation, info)
        if not turn.calls:
            self._seed += 1
            self._random.reset(self._env, self._seed)
            turn = self._random.act(observation, info)
        return turn


class FinishPolicy:
    """Answers at once."""

    name = "finish"

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        """Prepare nothing."""

    def act(self, observation: str, info: dict[str, Any]) -> Turn:
        del observation, info
        return Turn("Answer: done")


def combinations() -> list[tuple[str, str]]:
    found = []
    for estimator, normalisation in product(ESTIMATORS, NORMALISATIONS):
        try:
            CreditConfig(estimator=estimator, normalisation=normalisation)
        except AgentError:
            continue
        found.append((estimator, normalisation))
    return found


@cache
def group(reward: str) -> list[list[list[float]]]:
    """Return the turns' rewards of the oracle and the farmers, for each scenario."""
    env = ToolUseEnv("everyday", reward=reward)
    entries = env.pack.entries()
    players: list[Policy] = [OraclePolicy(), RepeatPolicy(), RepeatPolicy(100), EndlessPolicy(), FinishPolicy()]
    return [
        [
            [step.reward for step in rollout(env, policy, seed=0, options={"scenario": entry.id}).steps]
            for policy in players
        ]
        for entry in entries[:: len(entries) // SCENARIOS]
    ]


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize(("estimator", "normalisation"), combinations())
def test_the_oracle_out_earns_every_farmer_of_its_group(reward: str, estimator: str, normalisation: str) -> None:
    for gamma, lam in product((0.9, 1.0), (0.0, 0.5, 1.0)):
        config = CreditConfig(estimator=estimator, normalisation=normalisation, gamma=gamma, lam=lam)
        for members in group(reward):
            values = [[0.3] * len(one) for one in members] if estimator == "step_gae_value" else None
            oracle, *farmers = (one.mean() for one in advantages(members, [0] * len(members), config, values))
            assert oracle > max(farmers), (gamma, lam)


@pytest.mark.parametrize("reward", REWARDS)
def test_farmers_play_to_the_horizon(reward: str) -> None:
    """So that the test above is about farming."""
    assert all(len(members[2]) > len(members[0]) < len(members[3]) for members in group(reward))


@pytest.mark.parametrize("reward", REWARDS)
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_harmless_calls_are_worth_less_than_the_chain(reward: str, estimator: str) -> None:
    hops = range(chain.KNOWN)
    solver = chain.play_actions(get_reward(reward).start(chain.CHAIN), iter([*hops, chain.FINISH]))
    farmers = [
        chain.play_actions(get_reward(reward).start(chain.CHAIN), iter(actions))
        for actions in ([chain.KNOWN + 1] * chain.HORIZON, [0] * chain.HORIZON, [*hops, *[chain.KNOWN] * 6])
    ]
    rewards = [episode.rewards for episode in (solver, *farmers)]
    values = [[0.0] * len(one) for one in rewards] if estimator == "step_gae_value" else None
    made = advantages(rewards, [0] * len(rewards), CreditConfig(estimator=estimator), values)
    assert made[0].mean() > max(one.mean() for one in made[1:])


def learn(config: CreditConfig, reward: str, seed: int) -> float:
    """Return the share of 200 episodes that are solved by a tabular agent after 60 iterations of 32 episodes."""
    rng = np.random.default_rng(seed)
    preferences = np.zeros((chain.KNOWN + 1, chain.FINISH + 1))
    for _ in range(chain.ITERATIONS):
        policy = chain._softmax(preferences)
        episodes = [chain._sampled(get_reward(reward).start(chain.CHAIN), policy, rng) for _ in range(chain.EPISODES)]
        made = advantages([episode.rewards for episode in episodes], [0] * len(episodes), config)
        places = list(joined.from_iterable(episode.places for episode in episodes))
        actions = list(joined.from_iterable(episode.actions for episode in episodes))
        gradient = np.zeros_like(preferences)
        np.add.at(gradient, (places, actions), np.concatenate(made))
        np.add.at(gradient, places, -np.concatenate(made)[:, None] * policy[places])
        preferences += chain.LEARNING_RATE * gradient / chain.EPISODES
    policy = chain._softmax(preferences)
    scorer = get_reward(reward)
    return float(np.mean([chain._sampled(scorer.start(chain.CHAIN), policy, rng).solved for _ in range(200)]))


@pytest.mark.parametrize("estimator", ["trajectory", "turn_group", "step_gae"])
def test_a_tabular_agent_learns_the_chain(estimator: str) -> None:
    config = CreditConfig(estimator=estimator)
    assert min(learn(config, "step_grained", seed) for seed in chain.SEEDS) >= 0.95


def test_a_tabular_agent_learns_nothing_from_the_end_alone() -> None:
    """So that the test above is about credit on the way."""
    assert max(learn(CreditConfig(), "step_grained:mode=final_only", seed) for seed in chain.SEEDS) < 0.5
