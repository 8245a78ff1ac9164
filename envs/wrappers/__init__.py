"""Wrappers that change what a policy is shown or how it acts; none changes a score or a record."""

from __future__ import annotations

from tool_gym.envs.wrappers.discrete import DiscreteToolActions
from tool_gym.envs.wrappers.documentation import HideDocumentation
from tool_gym.envs.wrappers.history import TruncateHistory
from tool_gym.envs.wrappers.prompt import PromptObservation
from tool_gym.envs.wrappers.shuffle import ShuffleTools

__all__ = ["DiscreteToolActions", "HideDocumentation", "PromptObservation", "ShuffleTools", "TruncateHistory"]
