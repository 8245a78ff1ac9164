"""The model between stages: loaded from a folder or by id, wrapped for LoRA, written whole."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tool_gym.agents.models import create, load_model
from tool_gym.agents.models.corpus import corpus
from tool_gym.agents.models.loading import stop_ids
from tool_gym.agents.training.config import TrainConfig
from tool_gym.agents.training.processes import Processes
from tool_gym.agents.training.sections import PeftSection
from tool_gym.agents.training.suite import Suite


def ensure_base(config: TrainConfig, seed: int, suite: Suite, folder: Path) -> None:
    """Make the tiny model that training begins with, unless it is there or another is named.

    Raises:
        UnknownNameError: If there is no such size.
    """
    section = config.model
    if section.path or folder.is_dir():
        return
    count = min(section.corpus, len(suite.train))
    texts = corpus(suite.pack, [suite.train[number * len(suite.train) // count] for number in range(count)])
    making = folder.with_name(f".{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    create(
        making,
        texts,
        size=section.size,
        architecture=section.architecture,
        vocab_size=section.vocab_size,
        seed=seed if section.seed is None else section.seed,
    )
    making.replace(folder)


def load_policy(name: str | Path, config: TrainConfig, processes: Processes) -> tuple[Any, Any]:
    """Return (model, tokenizer), the model on the processor: the trainer moves it where it belongs.

    Raises:
        AgentError: If there is no such model, or it has no tokenizer.
    """
    dtype = config.model.dtype
    if dtype == "auto":
        dtype = "bfloat16" if config.peft.r and processes.on_gpu else "float32"
    return load_model(name, device="cpu", dtype=dtype, trust_remote_code=config.model.trust_remote_code)


def trainable(model: Any, section: PeftSection) -> Any:
    """Return the model as it is, or with a new adapter around it."""
    if not section.r:
        return model
    from peft import LoraConfig, get_peft_model

    targets: Any = section.targets[0] if section.targets == ("all-linear",) else list(section.targets)
    config = LoraConfig(
        r=section.r,
        lora_alpha=section.alpha,
        lora_dropout=section.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)


def save_policy(model: Any, tokenizer: Any, folder: Path) -> None:
    """Write a model and its tokenizer, an adapter merged into it; the folder appears whole or not at all."""
    making = folder.with_name(f".{folder.name}.making")
    shutil.rmtree(making, ignore_errors=True)
    merged = model.merge_and_unload() if hasattr(model, "merge_and_unload") else model
    merged.save_pretrained(making)
    tokenizer.save_pretrained(making)
    shutil.rmtree(folder, ignore_errors=True)
    making.replace(folder)


def stop_tokens(name: str | Path) -> tuple[int, ...]:
    """Return the tokens that end a sequence, as the model's generation settings say; none where it has no such."""
    from transformers import GenerationConfig

    try:
        return stop_ids(SimpleNamespace(generation_config=GenerationConfig.from_pretrained(str(name))))
    except OSError:
        return ()
