"""Group-relative policy optimisation with one advantage per turn, on TRL's trainer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tool_gym.agents.grpo.trainer import StepGRPOTrainer

__all__ = ["StepGRPOTrainer"]


def __getattr__(name: str) -> Any:
    if name == "StepGRPOTrainer":  # imported when asked for: the rest of this package does without torch
        from tool_gym.agents.grpo.trainer import StepGRPOTrainer

        return StepGRPOTrainer
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
