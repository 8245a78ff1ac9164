"""A model and a tokenizer small enough to be made in a test."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.agents.interop.made import pack
from tool_gym.agents.models import Size, build_model, build_tokenizer
from tool_gym.agents.models.corpus import corpus


@cache
def tokenizer() -> Any:
    """Return a tokenizer trained on a few oracles' conversations."""
    names = [entry.id for entry in pack().entries("train")[:20]]
    return build_tokenizer(corpus(pack(), names), vocab_size=600)


def model() -> Any:
    """Return a model with random weights."""
    return build_model(tokenizer(), Size(layers=1, hidden=16, intermediate=32, heads=2, kv_heads=1))
