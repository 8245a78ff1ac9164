"""Tokens and money: what was spent on what, and caps that stop a run before they are passed."""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

from tool_gym.errors import BudgetError
from tool_gym.llm.journal import Lines

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


class Tally:
    """Counts by stage: requests, retries, tokens by kind, wasted tokens by reason; no thread-safety of its own."""

    def __init__(self, stages: dict[str, dict[str, int]] | None = None) -> None:
        self.stages: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for name, counts in (stages or {}).items():
            self.stages[name].update(counts)

    @property
    def tokens(self) -> int:
        """All tokens, prompt and completion."""
        return sum(stage["prompt_tokens"] + stage["completion_tokens"] for stage in self.stages.values())

    def spend(self, stage: str, usage: dict[str, int], *, retries: int = 0) -> None:
        """Note one answered request; see `Ledger.spend`."""
        self.stages[stage].update({"requests": 1, "retries": retries, **usage})

    def note(self, stage: str, what: str, count: int = 1) -> None:
        """Count something else that happened."""
        self.stages[stage][what] += count

    def add(self, other: Tally) -> None:
        """Add what another one counts."""
        for name, counts in other.stages.items():
            self.stages[name].update(counts)

    def money(self, price: Price | None) -> float | None:
        """Return what the tokens cost; None without a price."""
        if price is None:
            return None
        return sum(
            price.of(stage["prompt_tokens"], stage["completion_tokens"], stage["cached_tokens"])
            for stage in self.stages.values()
        )

    def plain(self) -> dict[str, dict[str, int]]:
        """Return the counts as plain data, zeros left out."""
        return {
            name: {what: count for what, count in sorted(stage.items()) if count}
            for name, stage in sorted(self.stages.items())
        }

    def described(self, price: Price | None = None, accepted: int | None = None) -> dict[str, Any]:
        """Return the counts as plain data; with what each of `accepted` results came to."""
        money = self.money(price)
        told: dict[str, Any] = {"stages": self.plain(), "tokens": self.tokens, "money": _rounded(money)}
        if accepted:
            told["tokens_per_accepted"] = round(self.tokens / accepted, 1)
            told["money_per_accepted"] = _rounded(None if money is None else money / accepted)
        return told


@dataclass
class Ledger:
    """What a run pays for, with caps; safe to share between threads.

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
    paid: Tally = field(default_factory=Tally)
    """What was paid for, answers from a cache not among it."""
    log: Lines | None = None
    """Where every payment is noted, so that caps hold over interrupted runs too; what it has counts as paid."""

    def __post_init__(self) -> None:
        """Check the caps."""
        self._lock = threading.Lock()
        self._held = 0
        self._held_money = 0.0
        for line in self.log.found if self.log is not None else ():
            self.paid.add(Tally(line))
        if self.max_money is not None and self.price is None:
            msg = "a cap in money needs a price per million tokens to go by; give one, or a cap in tokens"
            raise BudgetError(msg)

    @property
    def tokens(self) -> int:
        """All tokens paid for so far."""
        return self.paid.tokens

    @property
    def money(self) -> float | None:
        """What they cost; None without a price."""
        return self.paid.money(self.price)

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
            entry = Tally()
            entry.spend(stage, usage, retries=retries)
            self.paid.add(entry)
            if self.log is not None:
                self.log.append(entry.plain())

    def note(self, stage: str, what: str, count: int = 1) -> None:
        """Count something else that happened."""
        with self._lock:
            self.paid.note(stage, what, count)


def _rounded(money: float | None) -> float | None:
    return None if money is None else round(money, 6)
