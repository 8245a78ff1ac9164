"""TRL's own configurations of the stages, from ours."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tool_gym.agents.training.config import Stage, TrainConfig
from tool_gym.agents.training.processes import Processes
from tool_gym.agents.training.stage_sections import DpoSection, GrpoSection, Optimisation
from tool_gym.errors import AgentError, UnknownNameError

_KEPT = frozenset(
    {
        "num_train_epochs",
        "steps_per_generation",
        "generation_batch_size",
        "eval_strategy",
        "push_to_hub",
        "save_only_model",
        "resume_from_checkpoint",
        "fp16",
        "activation_checkpointing",
        "dataset_kwargs",
        "assistant_only_loss",
        "completion_only_loss",
        "padding_free",
        "truncation_mode",
        "scale_rewards",
        "mask_truncated_completions",
        "max_tool_calling_iterations",
    }
)
"""TRL's fields that must stay as they are, or have no effect here, beside those that follow from our settings."""


@dataclass(frozen=True)
class Call:
    """What one training call adds to the stage's section."""

    folder: Path
    steps: int
    seed: int


def check_trl(config: TrainConfig, processes: Processes) -> None:
    """Check what only the installed packages can tell: TRL's field names, trackers, vLLM.

    Raises:
        UnknownNameError: If TRL has no such field, or transformers no such tracker.
        AgentError: If a field is ours to set, or a package is missing.
    """
    for stage in dict.fromkeys(config.stages):
        _check_fields(stage, config, processes)
    if "grpo" in config.stages:
        _check_critic(config.grpo.critic)
    _check_trackers(config.run.report_to)
    if config.run.vllm and importlib.util.find_spec("vllm") is None:
        msg = "run.vllm is on, and vllm is not installed: pip install vllm, or set run.vllm=false"
        raise AgentError(msg)


def trl_config(config: TrainConfig, stage: Stage, call: Call, processes: Processes) -> Any:
    """Return TRL's configuration of a stage.

    Raises:
        AgentError: If the batch cannot be shared out over the processes, or TRL refuses a value.
    """
    settings = _settings(config, stage, call, processes)
    try:
        return config_class(stage)(**(settings | config.of_stage(stage).trl))
    except (ValueError, TypeError, NotImplementedError) as error:
        msg = f"TRL does not take these settings of {stage}: {error}"
        raise AgentError(msg) from error


def accumulation(batch: int, micro_batch: int, processes: int) -> int:
    """Return how many passes each process makes for one optimiser step.

    Raises:
        AgentError: If the batch does not divide.
    """
    if batch % (micro_batch * processes):
        msg = (
            f"a batch of {batch} cannot be shared out over {processes} processes of micro_batch {micro_batch}: "
            f"it must be a multiple of {micro_batch * processes}"
        )
        raise AgentError(msg)
    return batch // (micro_batch * processes)


def config_class(stage: Stage) -> Any:
    """Return TRL's class of configuration for a stage."""
    import trl

    return {"sft": trl.SFTConfig, "grpo": trl.GRPOConfig, "dpo": trl.DPOConfig}[stage]


def is_mixed(config: TrainConfig, processes: Processes) -> bool:
    """Return whether the model computes in bfloat16.

    Raises:
        AgentError: If that is asked of a GPU that cannot.
    """
    if config.run.bf16 == "off" or (config.run.bf16 == "auto" and not processes.on_gpu):
        return False
    import torch

    can = not processes.on_gpu or torch.cuda.is_bf16_supported()
    if config.run.bf16 == "on" and not can:
        msg = "run.bf16 is on, and this GPU has no bfloat16; use auto or off"
        raise AgentError(msg)
    return can


def _settings(config: TrainConfig, stage: Stage, call: Call, processes: Processes) -> dict[str, Any]:
    section = config.of_stage(stage)
    settings = _shared(config, section, call, processes)
    if isinstance(section, GrpoSection):
        settings |= _grpo(section, config)
    elif isinstance(section, DpoSection):
        settings |= _dpo(section)
    else:
        settings |= {"max_length": None, "packing": False, "shuffle_dataset": False}
    steps = accumulation(section.whole_batch, section.micro_batch, processes.count)
    return settings | {"gradient_accumulation_steps": steps}


def _shared(config: TrainConfig, section: Optimisation, call: Call, processes: Processes) -> dict[str, Any]:
    run = config.run
    return {
        "output_dir": str(call.folder),
        "max_steps": call.steps,
        "learning_rate": section.learning_rate,
        "lr_scheduler_type": section.scheduler,
        "warmup_steps": section.warmup_steps,
        "weight_decay": section.weight_decay,
        "max_grad_norm": section.max_grad_norm,
        "adam_beta2": section.adam_beta2,
        "per_device_train_batch_size": section.micro_batch,
        "gradient_checkpointing": section.gradient_checkpointing,
        "logging_steps": section.logging_steps,
        "save_strategy": "steps",
        "save_steps": run.save_steps,
        "save_total_limit": run.keep_checkpoints,
        "seed": call.seed,
        "data_seed": call.seed,
        "use_cpu": not processes.on_gpu,
        "bf16": is_mixed(config, processes),
        "report_to": list(run.report_to) or "none",
        "disable_tqdm": True,
    }


def _grpo(section: GrpoSection, config: TrainConfig) -> dict[str, Any]:
    return {
        "num_generations": section.group_size,
        "max_completion_length": config.env.limits.max_tokens,
        "num_iterations": section.iterations,
        "temperature": section.temperature,
        "top_p": section.top_p,
        "top_k": section.top_k,
        "beta": section.beta,
        "epsilon": section.epsilon,
        "epsilon_high": section.epsilon_high,
        "loss_type": section.loss,
        "use_vllm": config.run.vllm,
    }


def _dpo(section: DpoSection) -> dict[str, Any]:
    losses = [section.loss, "sft"] if section.nll else [section.loss]
    weights = [1.0, section.nll] if section.nll else None
    return {
        "beta": section.beta,
        "loss_type": losses,
        "loss_weights": weights,
        "max_length": None,
        "remove_unused_columns": False,
    }


def _check_fields(stage: Stage, config: TrainConfig, processes: Processes) -> None:
    known = {field.name for field in fields(config_class(stage)) if field.init}
    ours = _settings(config, stage, Call(Path(), 1, 0), processes).keys() | _KEPT
    for key in config.of_stage(stage).trl:
        if key not in known:
            error = UnknownNameError.of(f"field of TRL's {config_class(stage).__name__}", key, known)
            raise error
        if key in ours:
            msg = f"{stage}.trl.{key} follows from settings of this configuration; set those (see docs/training.md)"
            raise AgentError(msg)


def _check_critic(given: Mapping[str, Any]) -> None:
    from tool_gym.agents.critic import CriticConfig

    for key in given:
        if key not in CriticConfig.model_fields:
            error = UnknownNameError.of("setting of [grpo.critic]", key, CriticConfig.model_fields)
            raise error
    try:
        CriticConfig(**given)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        msg = f"grpo.critic.{problem['loc'][0]}: {problem['msg']}, not {problem['input']!r:.80}"
        raise AgentError(msg) from None


def _check_trackers(names: tuple[str, ...]) -> None:
    from transformers.integrations import integration_utils

    known = set(integration_utils.INTEGRATION_TO_CALLBACK)
    available = integration_utils.get_available_reporting_integrations()
    for name in names:
        if name not in known:
            error = UnknownNameError.of("tracker", name, known)
            raise error
        if name not in available:
            msg = f"run.report_to names {name}, whose package is not installed: pip install {name.replace('_', '-')}"
            raise AgentError(msg)
