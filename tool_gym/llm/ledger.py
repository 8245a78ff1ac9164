"""Tokens and money: what was spent on what, and caps that stop a run before they are passed."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tool_gym.errors import BudgetError

PER_MILLION = 1_000_000


@dataclass(frozen=True)
class Price:
    """Money for a million tokens, in whatever currency the caps are in."""

    prompt: float
    completion: float
    cached_prompt: float | None = None
    """For prompt tokens that the endpoint had cached; None for the price of others."""

    def of(self, prompt: int, completion: int, cached: int = 0) -> float:
        """Return what so many tokens cost; `cached` of the prompt's were cached."""
        cheap = self.prompt if self.cached_prompt is None else self.cached_prompt
        return ((prompt - cached) * self.prompt + cached * cheap + completion * self.completion) / PER_MILLION


@dataclass
class Ledger:
    """What a run spent, by stage.

    Args:
        price: The model's price; None counts tokens only.
        max_tokens: Cap over all stages, prompt and completion together; None for none.
        max_money: Cap in money; needs a price.

    Raises:
        BudgetError: If a cap in money has no price to go by.
    """

    price: Price | None = None
    max_tokens: int | None = None
    max_money: float | None = None
    stages: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Stage → requests, answers from the cache, retries, tokens by kind, wasted tokens by reason."""

    def __post_init__(self) -> None:
        """Check the caps."""
        self._lock = threading.Lock()
        self._held = 0
        self._held_money = 0.0
        if self.max_money is not None and self.price is None:
            msg = "a cap in money needs a price per million tokens to go by; give one, or a cap in tokens"
            raise BudgetError(msg)

    @property
    def tokens(self) -> int:
        """All tokens paid for so far."""
        return sum(stage["prompt_tokens"] + stage["completion_tokens"] for stage in self.stages.values())

    @property
    def money(self) -> float | None:
        """What they cost; None without a price."""
        return None if self.price is None else sum(self._cost(self.price, stage) for stage in self.stages.values())

    def reserve(self, prompt: int, completion: int) -> tuple[int, float]:
        """Set aside what a request may take at most, or refuse it.

        Args:
            prompt: Estimated tokens of the prompt.
            completion: Most tokens of the answer.

        Returns:
            What to give back to `release`.

        Raises:
            BudgetError: If that could pass a cap.
        """
        with self._lock:
            wanted, cost = prompt + completion, self.price.of(prompt, completion) if self.price else 0.0
            if self.max_tokens is not None and self.tokens + self._held + wanted > self.max_tokens:
                msg = f"the next request could take {wanted} tokens; {self.tokens} of {self.max_tokens} are spent"
                raise BudgetError(msg)
            if self.max_money is not None and (self.money or 0.0) + self._held_money + cost > self.max_money:
                msg = f"the next request could cost {cost:.4f}; {self.money:.4f} of {self.max_money} are spent"
                raise BudgetError(msg)
            self._held += wanted
            self._held_money += cost
            return wanted, cost

    def release(self, reserved: tuple[int, float]) -> None:
        """Give back what was set aside; what was really spent is told to `spend`."""
        with self._lock:
            self._held -= reserved[0]
            self._held_money -= reserved[1]

    def spend(self, stage: str, usage: dict[str, int], *, retries: int = 0) -> None:
        """Note one answered request.

        Args:
            stage: What it was for.
            usage: `prompt_tokens`, `completion_tokens`, `cached_tokens` as the endpoint counted them.
            retries: How often it had to be tried again.
        """
        with self._lock:
            self.stages[stage].update({"requests": 1, "retries": retries, **usage})

    def note(self, stage: str, what: str, count: int = 1) -> None:
        """Count something else that happened."""
        with self._lock:
            self.stages[stage][what] += count

    def waste(self, stage: str, reason: str, tokens: int) -> None:
        """Note that tokens already paid for came to nothing."""
        self.note(stage, f"wasted: {reason}", tokens)

    def described(self, accepted: int | None = None) -> dict[str, Any]:
        """Return the ledger as plain data; with what each of `accepted` results came to."""
        told: dict[str, Any] = {
            "stages": {name: dict(sorted(stage.items())) for name, stage in sorted(self.stages.items())},
            "tokens": self.tokens,
            "money": self.money,
        }
        if accepted:
            told["tokens_per_accepted"] = round(self.tokens / accepted, 1)
            told["money_per_accepted"] = None if self.money is None else round(self.money / accepted, 6)
        return told

    @staticmethod
    def _cost(price: Price, stage: Counter[str]) -> float:
        return price.of(stage["prompt_tokens"], stage["completion_tokens"], stage["cached_tokens"])
