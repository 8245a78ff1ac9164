"""Agents: who learns. Policies, rollouts, training and analysis; what trains needs the extra `train`."""

from __future__ import annotations

import importlib
from typing import Any

from tool_gym.errors import AgentError

_HOMES: dict[str, str] = {
    "ChatPolicy": "tool_gym.agents.policies.chat",
    "Collector": "tool_gym.agents.rollouts",
    "CreditConfig": "tool_gym.agents.credit",
    "Encoder": "tool_gym.agents.encoding",
    "Introspection": "tool_gym.agents.introspection",
    "IntrospectiveSchedule": "tool_gym.agents.introspection",
    "Limits": "tool_gym.agents.rollouts",
    "PrefixCollector": "tool_gym.agents.prefixes",
    "Prefixes": "tool_gym.agents.prefixes",
    "Rollout": "tool_gym.agents.rollouts",
    "Sampler": "tool_gym.agents.sampling",
    "ScheduleConfig": "tool_gym.agents.curriculum",
    "StepGRPOTrainer": "tool_gym.agents.grpo",
    "TrainConfig": "tool_gym.agents.training.config",
    "TransformersPolicy": "tool_gym.agents.policies.local",
    "make_schedule": "tool_gym.agents.curriculum",
    "train": "tool_gym.agents.training.run",
}
"""Public name → the module it lives in, imported when it is asked for."""

__all__ = [
    "ChatPolicy",
    "Collector",
    "CreditConfig",
    "Encoder",
    "Introspection",
    "IntrospectiveSchedule",
    "Limits",
    "PrefixCollector",
    "Prefixes",
    "Rollout",
    "Sampler",
    "ScheduleConfig",
    "StepGRPOTrainer",
    "TrainConfig",
    "TransformersPolicy",
    "make_schedule",
    "train",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    try:
        return getattr(importlib.import_module(home), name)
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("tool_gym"):
            raise
        msg = f'tool_gym.agents.{name} needs the extra train ({error}): pip install "tool-gym[train]"'
        raise AgentError(msg) from None


def __dir__() -> list[str]:
    return sorted(__all__)
