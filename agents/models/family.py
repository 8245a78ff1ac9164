"""A family of tiny language models built from nothing, from under a million to about a hundred million parameters.

They exist so that all of tool-gym's training runs offline on a processor. Three settings make such models learn to copy
arguments out of their context within a few hundred steps: weights drawn wider than usual, about 0.7/√width, a small
rotary base, and few but wide heads.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tool_gym.agents.models.tokenizer import build_tokenizer
from tool_gym.errors import AgentError, UnknownNameError

ROTARY_BASE = 1000.0
CONTEXT = 4096
"""Longest conversation, in tokens."""

ARCHITECTURES = ("qwen3", "llama")
"""Names of the architectures: Qwen 3 normalises queries and keys, Llama does not."""


class Size(NamedTuple):
    """Measures of a model."""

    layers: int
    hidden: int
    intermediate: int
    heads: int
    kv_heads: int
    head: int = 64
    """Width of a head, whatever the width of the model: narrow heads copy badly."""


SIZES = {
    "nano": Size(2, 192, 256, 4, 2),
    "micro": Size(3, 160, 480, 4, 2),
    "mini": Size(4, 384, 1152, 6, 2),
    "small": Size(6, 512, 1536, 8, 4),
    "medium": Size(8, 512, 1536, 8, 4),
    "large": Size(14, 768, 2304, 12, 4),
}
"""Size → measures; with a vocabulary of 2,066 about 0.99, 1.4, 7.7, 20, 26 and 98 million parameters."""


def build_model(tokenizer: Any, size: str | Size = "nano", *, architecture: str = "qwen3", seed: int = 0) -> Any:
    """Return a model with random weights for a tokenizer.

    Args:
        tokenizer: Its vocabulary, end and padding tokens are taken over.
        size: A key of `SIZES`, or measures.
        architecture: One of `ARCHITECTURES`.
        seed: Seed of the weights; torch's own state is left as it was.

    Raises:
        UnknownNameError: If there is no such size or architecture.
        AgentError: If the measures do not fit each other.
    """
    import torch
    import transformers

    if isinstance(size, str) and size not in SIZES:
        error = UnknownNameError.of("model size", size, SIZES)
        raise error
    if architecture not in ARCHITECTURES:
        error = UnknownNameError.of("architecture", architecture, ARCHITECTURES)
        raise error
    measures = size if isinstance(size, Size) else SIZES[size]
    if measures.head % 2 or measures.heads % measures.kv_heads:
        msg = f"heads must be a multiple of kv_heads, and the width of a head even, not {measures}"
        raise AgentError(msg)
    config_class, model_class = {
        "qwen3": (transformers.Qwen3Config, transformers.Qwen3ForCausalLM),
        "llama": (transformers.LlamaConfig, transformers.LlamaForCausalLM),
    }[architecture]
    config = config_class(
        vocab_size=len(tokenizer),
        hidden_size=measures.hidden,
        intermediate_size=measures.intermediate,
        num_hidden_layers=measures.layers,
        num_attention_heads=measures.heads,
        num_key_value_heads=measures.kv_heads,
        head_dim=measures.head,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": ROTARY_BASE},
        initializer_range=round(0.7 / measures.hidden**0.5, 3),
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return model_class(config)


def create(  # noqa: PLR0913 - what a model is made of
    out: str | os.PathLike[str],
    texts: Iterable[str],
    *,
    size: str | Size = "nano",
    architecture: str = "qwen3",
    vocab_size: int = 2048,
    seed: int = 0,
) -> Path:
    """Make a model and its tokenizer and write them as `transformers` reads them.

    Args:
        out: The folder.
        texts: What the tokenizer is trained on; see `tool_gym.agents.models.corpus`.
        size: As for `build_model`.
        architecture: As for `build_model`.
        vocab_size: As for `build_tokenizer`.
        seed: As for `build_model`.

    Raises:
        UnknownNameError, AgentError: As `build_model`.
    """
    folder = Path(out)
    tokenizer = build_tokenizer(texts, vocab_size)
    model = build_model(tokenizer, size, architecture=architecture, seed=seed)
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)
    return folder
