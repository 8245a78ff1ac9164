"""Policies that are language models: behind an endpoint, or in this process.

    chat          `ChatPolicy`: an OpenAI-compatible endpoint
    local         `TransformersPolicy`: any causal language model of transformers

Both play one episode (`rollout`) or many side by side (`rollout_many`), and keep nothing of an episode. What a model
writes is handed to the environment as it is: what is cut, empty or broken is the model's, and counts as the dialect
reads it. What keeps a model from writing is nobody's turn, and raised.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tool_gym.agents.policies.chat import ChatPolicy
    from tool_gym.agents.policies.local import TransformersPolicy

_HOMES = {
    "ChatPolicy": "tool_gym.agents.policies.chat",
    "TransformersPolicy": "tool_gym.agents.policies.local",
}

__all__ = ["ChatPolicy", "TransformersPolicy"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    return getattr(importlib.import_module(home), name)
