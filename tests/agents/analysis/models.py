"""Tiny models with random weights, saved to folders, for the tests of the analysis."""

from __future__ import annotations

from pathlib import Path
from typing import Any

VOCABULARY = 40


def llama(**changes: Any) -> Any:
    """Return a Llama of two layers."""
    from transformers import LlamaConfig, LlamaForCausalLM

    sizes = {"hidden_size": 16, "intermediate_size": 24, "num_attention_heads": 4, "num_key_value_heads": 2}
    settings: dict[str, Any] = {"vocab_size": VOCABULARY, "num_hidden_layers": 2, "tie_word_embeddings": False}
    return LlamaForCausalLM(LlamaConfig(**sizes | settings | {"max_position_embeddings": 64} | changes))


def qwen3() -> Any:
    """Return a Qwen 3 of two layers, with a tied head."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=4,
        tie_word_embeddings=True,
    )
    return Qwen3ForCausalLM(config)


def gpt2() -> Any:
    """Return a GPT-2 of two layers: fused projections, transposed weights, a tied head."""
    from transformers import GPT2Config, GPT2LMHeadModel

    return GPT2LMHeadModel(GPT2Config(vocab_size=VOCABULARY, n_embd=16, n_layer=2, n_head=4, n_positions=64))


def phi3() -> Any:
    """Return a Phi 3 of two layers: fused projections of unequal parts."""
    from transformers import Phi3Config, Phi3ForCausalLM

    config = Phi3Config(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        pad_token_id=0,
        bos_token_id=None,
        eos_token_id=1,
    )
    return Phi3ForCausalLM(config)


def gemma() -> Any:
    """Return a Gemma 2 of two layers: norms around everything, a tied head."""
    from transformers import Gemma2Config, Gemma2ForCausalLM

    config = Gemma2Config(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=4,
    )
    return Gemma2ForCausalLM(config)


FAMILIES = {"llama": llama, "qwen3": qwen3, "gpt2": gpt2, "phi3": phi3, "gemma": gemma}


def saved(model: Any, folder: Path, **options: Any) -> str:
    """Save a model and return its folder."""
    model.save_pretrained(folder, **options)
    return str(folder)


def stirred(model: Any, seed: int = 1, size: float = 0.05) -> Any:
    """Add noise to every weight of a model, and return it."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn(weight.shape, generator=generator) * size)
    return model


def adapted(model: Any, folder: Path, **settings: Any) -> tuple[str, Any]:
    """Save a random adapter of a model; return its folder and the merged model."""
    import torch
    from peft import LoraConfig, get_peft_model

    model = get_peft_model(model, LoraConfig(**{"r": 4, "lora_alpha": 6} | settings))
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.requires_grad or "lora_" in name:
                weight.add_(torch.randn(weight.shape, generator=generator) * 0.1)
    model.save_pretrained(folder)
    return str(folder), model.merge_and_unload()


def tokenizer() -> Any:
    """Return a tokenizer of one token for each of some characters, with a beginning and an unknown token."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = {"<s>": 0, "<u>": 1} | {letter: number for number, letter in enumerate("abcdefgh ", 2)}
    inner = Tokenizer(models.WordLevel(letters, unk_token="<u>"))
    inner.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", unk_token="<u>", eos_token="<s>")
