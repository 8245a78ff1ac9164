"""Models: a tiny reference family made in code, and loading of any other."""

from __future__ import annotations

from tool_gym.agents.models.family import ARCHITECTURES, SIZES, Size, build_model, create
from tool_gym.agents.models.loading import load_model, load_tokenizer
from tool_gym.agents.models.template import CHAT_TEMPLATE
from tool_gym.agents.models.tokenizer import build_tokenizer

__all__ = [
    "ARCHITECTURES",
    "CHAT_TEMPLATE",
    "SIZES",
    "Size",
    "build_model",
    "build_tokenizer",
    "create",
    "load_model",
    "load_tokenizer",
]
