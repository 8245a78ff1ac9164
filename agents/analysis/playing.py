"""What a model scores on a suite: episodes played greedily or sampled, and each episode's figures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tool_gym.agents.models.loading import stop_ids
from tool_gym.envs.pack import Pack
from tool_gym.errors import UnknownNameError
from tool_gym.summary import Summary, summarize

if TYPE_CHECKING:
    from tool_gym.agents.encoding import Encoder
    from tool_gym.agents.sampling import Generate

DECODINGS = {"greedy": 0.0, "sampled": 1.0}
"""Way to choose the next token → its temperature."""

FIGURES = ("solve_p", "solve_r", "solve_f1", "answer_accuracy", "mean_return")
"""Figures of `tool_gym.summary` that models are compared by."""


class Suite(NamedTuple):
    """Which episodes are played, and how."""

    pack: Pack
    scenarios: Sequence[str]
    decodings: Sequence[str] = ("greedy",)
    """Keys of `DECODINGS`."""
    seed: int = 0
    """Seed of the episodes and of sampling, the same for each model."""
    dialect: str = "hermes"
    max_turns: int = 16
    max_turn_tokens: int = 256
    max_tokens: int = 4096
    """Tokens of an episode behind its prompt, in all."""
    rows: int = 32
    """Episodes played side by side."""


Episodes = list[Summary]
"""The figures of each episode, in the suite's order."""


def check(suite: Suite) -> None:
    """Raise `UnknownNameError` if a way of decoding is not known."""
    for name in suite.decodings:
        if name not in DECODINGS:
            error = UnknownNameError.of("decoding", name, DECODINGS)
            raise error


def play(suite: Suite, model: Any, tokenizer: Any) -> dict[str, Episodes]:
    """Return each episode's figures by the reward `solve`, for each way of decoding.

    Args:
        suite: What is played.
        model: A causal language model.
        tokenizer: The tokenizer that all models of a comparison share, with its chat template.
    """
    from tool_gym.agents.encoding import Encoder
    from tool_gym.agents.rollouts import Collector, Limits

    encoder = Encoder(tokenizer, suite.dialect, stop_ids=stop_ids(model))
    limits = Limits(
        max_turns=suite.max_turns,
        max_turn_tokens=suite.max_turn_tokens,
        max_tokens=suite.max_tokens,
        max_context=getattr(model.config.get_text_config(), "max_position_embeddings", None),
    )
    rows = min(suite.rows, len(suite.scenarios))
    collector = Collector(suite.pack, encoder, limits=limits, reward="solve", rows=rows)
    return {
        name: [
            summarize(name, [rollout.trajectory])
            for rollout in collector.collect(
                suite.scenarios, _generate(suite, DECODINGS[name], model, encoder), seeds=suite.seed
            )
        ]
        for name in suite.decodings
    }


def values(episodes: Sequence[Summary], figure: str) -> list[float | None]:
    """Return one figure of each episode; None where an episode has none (a precision without a call)."""
    return [getattr(episode, figure) for episode in episodes]


def _generate(suite: Suite, temperature: float, model: Any, encoder: Encoder) -> Generate:
    import torch

    from tool_gym.agents.sampling import Sampler

    pad = encoder.tokenizer.pad_token_id
    sampler = Sampler(
        model,
        pad_id=0 if pad is None else pad,
        stop_ids=encoder.stop_ids,
        max_batch=suite.rows,
        text_end=encoder.text_end,
        reuse=model.device.type == "cpu",  # on a GPU memory is dearer than reading again
    )
    generator = torch.Generator().manual_seed(suite.seed)
    return lambda prefixes: sampler.sample(
        prefixes, max_new_tokens=suite.max_turn_tokens, temperature=temperature, generator=generator
    )
