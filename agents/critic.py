"""A value head of our own: what the rest of an episode is worth, read from the policy's last hidden state.

It sees, for each turn, the hidden state at the last token before the turn (what the policy writes its first token
from). The features are detached: the critic trains itself, never the policy. Targets are returns-to-go, so its values
estimate what `step_gae_value` takes off.
"""

from __future__ import annotations

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from tool_gym.errors import AgentError
from tool_gym.model import Model


class CriticConfig(Model):
    """How the value head is built and trained."""

    hidden: int = Field(default=64, ge=1)
    """Width of its one hidden layer."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Of its own AdamW."""
    epochs: int = Field(default=4, ge=1)
    """Passes over each batch."""
    minibatch: int = Field(default=256, ge=1)
    """Turns in one step."""
    weight_decay: float = Field(default=0.01, ge=0)


class Critic(nn.Module):
    """A small network with its optimiser and its own random numbers; equal seeds and batches give equal weights."""

    def __init__(self, features: int, config: CriticConfig | None = None, *, seed: int = 0) -> None:
        """Build the head; before its first `fit` every value is 0.

        Args:
            features: Width of the policy's hidden state.
            config: Its sizes; the defaults if None.
            seed: Seed of its weights and of the order it sees turns in.
        """
        super().__init__()
        self.config = config or CriticConfig()
        self._order = torch.Generator().manual_seed(seed)
        first, last = nn.Linear(features, self.config.hidden), nn.Linear(self.config.hidden, 1)
        with torch.no_grad():
            first.weight.normal_(std=features**-0.5, generator=self._order)
            for zero in (first.bias, last.weight, last.bias):
                zero.zero_()
        self.head = nn.Sequential(nn.LayerNorm(features), first, nn.Tanh(), last)
        self._optimizer = torch.optim.AdamW(
            self.parameters(), lr=self.config.learning_rate, weight_decay=self.config.weight_decay
        )

    def forward(self, features: Tensor) -> Tensor:
        """Return the values of states, shape (N,), for features of shape (N, width)."""
        return self.head(features.detach().to(torch.float32)).squeeze(-1)

    def values(self, features: Tensor) -> list[float]:
        """Return the values of states as numbers."""
        with torch.no_grad():
            return [float(value) for value in self(features)]

    def fit(self, features: Tensor, returns: Tensor) -> float:
        """Move the values towards returns and return the mean squared error there was before.

        Args:
            features: Hidden states, shape (N, width); no gradient goes into them.
            returns: Returns-to-go, shape (N,).

        Raises:
            AgentError: If there is not one return for each state.
        """
        if len(features) != len(returns):
            msg = f"{len(features)} states for {len(returns)} returns: the critic needs one return for each"
            raise AgentError(msg)
        if not len(features):
            return 0.0
        with torch.no_grad():
            before = float((self(features) - returns).square().mean())
        with torch.enable_grad():
            for _ in range(self.config.epochs):
                order = torch.randperm(len(features), generator=self._order).to(features.device)
                for rows in order.split(self.config.minibatch):
                    self._optimizer.zero_grad()
                    nn.functional.mse_loss(self(features[rows]), returns[rows]).backward()
                    self._optimizer.step()
        return before

    def full_state(self) -> dict[str, Any]:
        """Return everything `load_full_state` needs to go on exactly from here."""
        return {
            "head": self.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "order": self._order.get_state(),
        }

    def load_full_state(self, state: dict[str, Any]) -> None:
        """Go on from a state of a critic of the same sizes.

        Raises:
            AgentError: If it is of other sizes or no critic's.
        """
        try:
            self.load_state_dict(state["head"])
            self._optimizer.load_state_dict(state["optimizer"])
            self._order.set_state(state["order"])
        except (KeyError, RuntimeError, ValueError, TypeError) as error:
            why = str(error).splitlines()[0]
            msg = f"the saved critic does not fit this one ({why}): resume with the sizes it was trained with"
            raise AgentError(msg) from None
