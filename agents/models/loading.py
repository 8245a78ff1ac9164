"""Loading a model and its tokenizer by path or Hugging Face id."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tool_gym.errors import AgentError


def load_model(
    name: str | os.PathLike[str],
    *,
    device: str = "auto",
    dtype: str = "auto",
    trust_remote_code: bool = False,
) -> tuple[Any, Any]:
    """Load a causal language model and its tokenizer.

    A folder with a LoRA adapter is loaded on top of the model it was trained on, and merged.

    Args:
        name: A folder that `save_pretrained` wrote, or the id of a model on the Hugging Face hub.
        device: "cpu", "cuda", "cuda:1" …; "auto" takes a GPU where there is one.
        dtype: "float32", "bfloat16", "float16"; "auto" takes bfloat16 on a GPU and float32 elsewhere.
        trust_remote_code: Whether Python code that comes with the model may be run.

    Returns:
        (model in evaluation mode, tokenizer).

    Raises:
        AgentError: If there is no such model, tokenizer, device or dtype.
    """
    import torch
    from transformers import AutoModelForCausalLM

    place = _device(device)
    if dtype not in ("auto", "float32", "bfloat16", "float16"):
        msg = f"dtype must be auto, float32, bfloat16 or float16, not {dtype!r}"
        raise AgentError(msg)
    kind = getattr(torch, dtype) if dtype != "auto" else torch.float32 if place == "cpu" else torch.bfloat16
    tokenizer = load_tokenizer(name, trust_remote_code=trust_remote_code)
    adapter = Path(name) / "adapter_config.json"
    try:
        if adapter.is_file():
            from peft import AutoPeftModelForCausalLM

            model = AutoPeftModelForCausalLM.from_pretrained(str(name), dtype=kind).merge_and_unload()
        else:
            model = AutoModelForCausalLM.from_pretrained(str(name), dtype=kind, trust_remote_code=trust_remote_code)
    except (OSError, ValueError) as error:
        failed = _unloadable("model", name, error)
        raise failed from error
    return model.to(place).eval(), tokenizer


def load_tokenizer(name: str | os.PathLike[str], *, trust_remote_code: bool = False) -> Any:
    """Load a tokenizer; one without a padding token pads with its end token.

    Raises:
        AgentError: If there is none.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(str(name), trust_remote_code=trust_remote_code)
    except (OSError, ValueError) as error:
        failed = _unloadable("tokenizer", name, error)
        raise failed from error
    if not tokenizer.encode("a"):  # transformers makes an empty one where a folder has a configuration and no more
        msg = f"cannot load a tokenizer from {os.fspath(name)!r}: it has none of a tokenizer's files"
        raise AgentError(msg)
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "left"
    return tokenizer


def stop_ids(model: Any) -> tuple[int, ...]:
    """Return the tokens that end a sequence, as the model's generation settings say."""
    found = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    if found is None:
        return ()
    return tuple(found) if isinstance(found, list) else (found,)


def _device(name: str) -> str:
    import torch

    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.device(name)
    except RuntimeError:
        msg = f"there is no device {name!r}; known are auto, cpu, cuda, cuda:0, mps"
        raise AgentError(msg) from None
    if name.startswith("cuda") and not torch.cuda.is_available():
        msg = f"the device {name!r} was asked for, and torch sees no GPU here; use cpu or auto"
        raise AgentError(msg)
    return name


def _unloadable(what: str, name: str | os.PathLike[str], error: Exception) -> AgentError:
    first = str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
    hint = "" if Path(name).exists() else " (there is no such folder, so it was taken as a name on the hub)"
    return AgentError(f"cannot load a {what} from {os.fspath(name)!r}{hint}: {first}")
