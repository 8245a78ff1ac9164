"""The value head: it learns, leaves the policy alone, and goes on exactly from where it was saved."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tool_gym.errors import AgentError

torch = pytest.importorskip("torch")

from tool_gym.agents.critic import Critic, CriticConfig  # noqa: E402 - after the check for the extra

pytestmark = pytest.mark.train

WIDTH = 12


def problem(rows: int, seed: int = 0) -> tuple[Any, Any]:
    """Return states and what they are worth: something linear and something that is not."""
    states = torch.randn(rows, WIDTH, generator=torch.Generator().manual_seed(seed))
    states = torch.nn.functional.layer_norm(states, (WIDTH,))  # as a model's last hidden states are
    return states, 0.5 * states[:, 0] + 0.3 * torch.sin(2 * states[:, 1])


def test_it_learns_what_states_are_worth() -> None:
    critic = Critic(WIDTH, CriticConfig(learning_rate=1e-2))
    errors = [critic.fit(*problem(256, seed)) for seed in range(60)]
    states, worth = problem(256, 1000)
    assert errors[0] > 0.2
    assert float((torch.tensor(critic.values(states)) - worth).square().mean()) < 0.02


def test_before_its_first_batch_every_state_is_worth_nothing() -> None:
    assert Critic(WIDTH).values(problem(4)[0]) == [0.0] * 4


def test_no_gradient_reaches_the_policy() -> None:
    states, worth = problem(8)
    states.requires_grad_()
    critic = Critic(WIDTH)
    critic.fit(states, worth)
    critic(states).sum().backward()
    assert states.grad is None


def test_a_saved_critic_goes_on_exactly() -> None:
    critic = Critic(WIDTH, CriticConfig(minibatch=16), seed=5)
    for seed in range(3):
        critic.fit(*problem(64, seed))
    saved = io.BytesIO()
    torch.save(critic.full_state(), saved)
    saved.seek(0)
    again = Critic(WIDTH, CriticConfig(minibatch=16), seed=6)
    again.load_full_state(torch.load(saved, weights_only=True))
    for one in (critic, again):
        one.fit(*problem(64, 9))
    states = problem(8)[0]
    assert critic.values(states) == again.values(states)


def test_equal_seeds_give_equal_values() -> None:
    values = []
    for seed in (1, 1, 2):
        critic = Critic(WIDTH, seed=seed)
        critic.fit(*problem(64))
        values.append(critic.values(problem(8)[0]))
    assert values[0] == values[1] != values[2]


def test_a_critic_of_other_sizes_is_refused() -> None:
    for state in (Critic(WIDTH + 1).full_state(), {}):
        with pytest.raises(AgentError, match="does not fit"):
            Critic(WIDTH).load_full_state(state)


def test_there_has_to_be_a_return_for_each_state() -> None:
    with pytest.raises(AgentError, match="4 states for 3 returns"):
        Critic(WIDTH).fit(torch.zeros(4, WIDTH), torch.zeros(3))
    assert Critic(WIDTH).fit(torch.zeros(0, WIDTH), torch.zeros(0)) == 0
