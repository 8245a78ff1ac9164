"""A run of a few steps of a tiny model, for tests of training."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

TINY = """
stages = ["sft", "grpo"]

[env.generate]
train = 24
test = 6
domains = ["hotels"]
shapes = ["single_hop"]
complexity = 0

[env.limits]
max_turns = 3
max_turn_tokens = 10
max_tokens = 160

[model]
corpus = 12
vocab_size = 600

[sft]
steps = 3
batch = 4
micro_batch = 2
learning_rate = 3e-3
logging_steps = 1

[dpo]
steps = 2
batch = 2
micro_batch = 1
scenarios = 6
samples = 2
chosen = -1.0
margin = 1e-9
logging_steps = 1

[grpo]
steps = 3
groups = 2
group_size = 2
micro_batch = 2
iterations = 2
learning_rate = 1e-3
logging_steps = 1

# A model that has learnt nothing yet earns nothing: the entropy is what moves the weights here.
[grpo.trl]
entropy_coef = 0.1

[evaluation]
episodes = 3
every = 2

[run]
device = "cpu"
workers = 1
save_steps = 1
"""


def words(folder: Path, out: str, *settings: str) -> list[str]:
    """Return the arguments of a run."""
    file = folder / "tiny.toml"
    file.write_text(TINY, encoding="utf-8")
    given = [word for setting in settings for word in ("--set", setting)]
    return ["train", "--config", str(file), "--out", str(folder / out), *given]


def command(arguments: list[str]) -> list[str]:
    """Return how a run is started as a program."""
    return [sys.executable, "-m", "tool_gym.cli", *arguments]


def weights(folder: Path) -> dict[str, Any]:
    """Return the weights of a model folder."""
    from safetensors.torch import load_file

    found: dict[str, Any] = load_file(folder / "model.safetensors")
    return found


def same(one: Path, other: Path) -> bool:
    """Return whether two model folders hold the same weights, bit for bit."""
    import torch

    first, second = weights(one), weights(other)
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)
