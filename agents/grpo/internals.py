"""Everything of TRL that is not public and that we rely on, in one place.

TRL has no hook for advantages, for what a checkpoint holds, or for sampling with one's own decoder. This module is the
only one that overrides or calls its private methods; `SIGNATURES` lists them, and a test holds them against the
installed release. A new minor release of TRL is taken on purpose: pyproject.toml bounds the version.
"""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import trl
from packaging.version import Version
from trl import GRPOTrainer
from trl.models.utils import unwrap_model_for_generation

from tool_gym.agents.grpo.generation import Written
from tool_gym.errors import AgentError

OLDEST, BELOW = Version("1.16"), Version("1.17")
"""TRL's releases this was written for: from the first, below the second."""

SIGNATURES = {
    "_generate_and_score_completions": ("self", "inputs"),
    "_generate_single_turn": (
        "self",
        "prompt_ids",
        "images",
        "multimodal_fields",
        "num_generations",
        "has_tool_images",
    ),
    "_prepare_inputs": ("self", "generation_batch"),
    "_compute_loss": ("self", "model", "inputs"),
    "_save_checkpoint": ("self", "model", "trial"),
    "_load_optimizer_and_scheduler": ("self", "checkpoint"),
}
"""Private method → its parameters."""


def check_trl() -> None:
    """Check that the installed TRL is one this module knows.

    Raises:
        AgentError: If it is another release, or a method is gone or takes something else.
    """
    installed = Version(trl.__version__)
    if not OLDEST <= installed < BELOW:
        msg = f"trl {installed} is installed; training by turns is written for trl>={OLDEST},<{BELOW}: install that"
        raise AgentError(msg)
    for name, parameters in SIGNATURES.items():
        method = getattr(GRPOTrainer, name, None)
        found = () if method is None else tuple(inspect.signature(inspect.unwrap(method)).parameters)
        if found != parameters:
            msg = (
                f"GRPOTrainer.{name} of trl {installed} takes {found}, not {parameters}: install trl>={OLDEST},<{BELOW}"
            )
            raise AgentError(msg)


class HookedGRPOTrainer(GRPOTrainer, ABC):
    """TRL's trainer with hooks where it has none: rollouts, advantages and state of one's own."""

    @abstractmethod
    def rollout_batch(self, rows: int) -> dict[str, Any]:
        """Return what TRL calls the output of a `rollout_func`, for this process's rows of a generation batch."""

    @abstractmethod
    def token_advantages(self, shape: tuple[int, int]) -> torch.Tensor:
        """Return the advantage of each token of the batch just rolled out, on the CPU."""

    @abstractmethod
    def save_own(self, folder: Path) -> None:
        """Write what is ours into a checkpoint; called in every process, before TRL writes the rest."""

    @abstractmethod
    def load_own(self, folder: Path) -> None:
        """Read it back."""

    def record(self, figures: dict[str, float]) -> None:
        """Add to what is averaged until the next log."""
        metrics = self._metrics["train" if self.model.training else "eval"]
        for name, value in figures.items():
            metrics[name].append(value)

    @property
    def generates_together(self) -> bool:
        """Whether generation is TRL's, and one process cannot generate without the others."""
        return bool(
            self.use_vllm
            or self.use_transformers_continuous_batching
            or self._dist.is_fsdp
            or (self._dist.is_zero3 and not self.args.ds3_gather_for_generation)
        )

    def trl_generate(self, prefixes: list[list[int]]) -> Written:
        """Return what TRL generates after prefixes, and the log-probabilities if its backend gives any."""
        training = self.model.training
        ids, log_probs = self._generate_single_turn(prefixes, None, {}, num_generations=1)
        self.model.train(training)  # TRL's continuous batching leaves the model in training mode
        return [list(one) for one in ids], log_probs

    @contextmanager
    def sampling_model(self) -> Iterator[Any]:
        """Give the bare model to sample from: whole weights, no dropout, no gradient checkpointing."""
        with (
            unwrap_model_for_generation(
                self.model_wrapped,
                self.accelerator,
                gather_deepspeed3_params=self.args.ds3_gather_for_generation,
                gradient_checkpointing_kwargs=self.args.gradient_checkpointing_kwargs,
            ) as model,
            torch.no_grad(),
        ):
            training = model.training
            model.eval()
            try:
                yield model
            finally:
                model.train(training)

    @contextmanager
    def trl_temperature(self, temperature: float) -> Iterator[None]:
        """Generate at another temperature by TRL's own generation; 0 is greedy."""
        if self.use_vllm:
            before, self.vllm_generation.temperature = self.vllm_generation.temperature, temperature
            try:
                yield
            finally:
                self.vllm_generation.temperature = before
            return
        settings = self.generation_config
        usual = {"do_sample": settings.do_sample, "temperature": settings.temperature}
        settings.update(do_sample=temperature > 0, temperature=temperature or 1.0)
        try:
            yield
        finally:
            settings.update(**usual)

    def last_hidden_states(self, rows: Sequence[Sequence[int]], width: int, pad_id: int) -> torch.Tensor:
        """Return the last layer's hidden states of rows of tokens, shape (rows, width, hidden), without a gradient."""
        ids = torch.full((len(rows), width), pad_id, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for number, row in enumerate(rows):
            ids[number, : len(row)] = torch.tensor(row)
            mask[number, : len(row)] = 1
        kept: list[torch.Tensor] = []
        policy = self.accelerator.unwrap_model(self.model)
        backbone = (policy.get_base_model() if hasattr(policy, "get_base_model") else policy).base_model
        # A hook, for `output_hidden_states` would keep every layer's.
        handle = backbone.register_forward_hook(lambda *call: kept.append(call[-1].last_hidden_state))
        device = self.accelerator.device
        try:
            with torch.no_grad(), self.accelerator.autocast():
                self.model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False, logits_to_keep=1)
        finally:
            handle.remove()
        return kept[0]

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        self._pending = self.rollout_batch(len(inputs))
        prompts = self._pending.pop("prompts")
        out: dict[str, Any] = super()._generate_and_score_completions([{"prompt": prompt} for prompt in prompts])
        mask = out["completion_mask"] * out["tool_mask"]
        out["advantages"] = self.token_advantages(tuple(mask.shape)).to(mask.device) * mask
        return out

    def pending_rollouts(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        """Be TRL's `rollout_func`: hand over the batch that was rolled out before TRL asked for it."""
        del prompts, trainer
        return self._pending

    def progress(self) -> dict[str, Any]:
        """Return where TRL stands between two batches; with several updates on a batch, the batch too."""
        through = self._step % (self.args.steps_per_generation * self.num_iterations) == 0
        return {"step": self._step, "buffered": None if through else self._buffered_inputs}

    def restore_progress(self, progress: dict[str, Any]) -> None:
        """Go on from where `progress` was."""
        self._step, self._buffered_inputs = progress["step"], progress["buffered"]

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(self._get_output_dir(trial=trial)) / f"checkpoint-{self.state.global_step}"
        if not self.args.save_only_model:
            folder.mkdir(parents=True, exist_ok=True)
            self.save_own(folder)
        super()._save_checkpoint(model, trial)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        super()._load_optimizer_and_scheduler(checkpoint)
        if checkpoint is not None:
            self.load_own(Path(checkpoint))


def episode_return(returns: list[float], **_: Any) -> list[float]:
    """Be TRL's reward function: the return of each episode, for its logs."""
    return returns
