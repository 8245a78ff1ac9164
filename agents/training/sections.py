"""Sections of the configuration that say what is trained, on what, where: model, env, evaluation, peft, run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from tool_gym.model import Model

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]


class Section(Model):
    """A section: no keys but its own, nothing changed once it is read, no number that is none."""

    model_config = ConfigDict(allow_inf_nan=False)


class ModelSection(Section):
    """The model training begins with: one by path or id, or a tiny one made in code."""

    path: str = ""
    """A folder that `save_pretrained` wrote, or a Hugging Face id; empty makes a tiny model of the settings below."""
    size: str = "nano"
    """Size of the tiny model: a key of `tool_gym.agents.models.SIZES`."""
    architecture: Literal["qwen3", "llama"] = "qwen3"
    """Architecture of the tiny model."""
    vocab_size: Annotated[int, Field(ge=300)] = 2048
    """Most tokens of the tiny model's tokenizer, which is trained on the training split."""
    corpus: Count = 1000
    """Most training scenarios whose texts the tiny model's tokenizer is trained on."""
    seed: Whole | None = None
    """Seed of the tiny model's weights; unset for the run's seed."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Type of the weights; auto: bfloat16 where LoRA is trained on a GPU, float32 elsewhere."""
    trust_remote_code: bool = False
    """Whether Python code that comes with the model may be run."""


class GenerateSection(Section):
    """The pack that is generated into the output folder where no suite is named."""

    train: Whole = 200
    """Training scenarios."""
    validation: Whole = 0
    """Validation scenarios."""
    test: Whole = 50
    """Test scenarios, over worlds of their own."""
    domains: tuple[str, ...] = ()
    """Domains of every split; none: each split's own."""
    domain_files: tuple[str, ...] = ()
    """Files of domains of your own; where `domains` is empty, nothing else is drawn on."""
    shapes: tuple[str, ...] = ()
    """Shapes; none for all."""
    depths: tuple[Count, ...] = ()
    """Depths (calls of the longest chain); none for all that a shape has."""
    registers: tuple[str, ...] = ()
    """Registers of the tools' documentation: terse, prose, openapi, legacy; none for all."""
    complexity: str | Annotated[int, Field(ge=0, le=4)] | None = None
    """How far tools are scaled: a level 0 to 4, operators as "toolset=2,types=1", or unset, drawn for each scenario."""
    seed: Whole = 0
    """Root seed of the pack; the run's seed does not change the pack."""


class LimitsSection(Section):
    """Caps of an episode in training and evaluation."""

    max_turns: Annotated[int, Field(ge=2)] = 8
    """Turns of the model after which an episode is cut."""
    max_turn_tokens: Count = 64
    """Tokens the model may write in a turn."""
    max_tokens: Count = 512
    """Tokens of an episode behind its prompt: the model's own and what it is shown."""
    max_context: Annotated[int, Field(ge=2)] | None = None
    """Tokens of prompt and episode together; unset for no cap."""


class EnvSection(Section):
    """What the policy plays."""

    suite: str = ""
    """A pack's name or folder; empty generates one as `[env.generate]` says."""
    generate: GenerateSection = GenerateSection()
    """The generated pack."""
    train_split: str = "train"
    """Split to train on."""
    shapes: tuple[str, ...] = ()
    """Only scenarios of these shapes, in training and evaluation; none for all."""
    max_depth: Count | None = None
    """Only scenarios of at most this depth (longest chain of dependent calls); unset for all."""
    max_prompt_tokens: Count | None = None
    """Only scenarios whose prompt has at most so many tokens; unset for all."""
    dialect: str = "hermes"
    """Format of turns and results."""
    prompt: Literal["auto", "template", "dialect"] = "auto"
    """Who writes the prompt: the tokenizer's chat template or the dialect; auto: the template where there is one."""
    reward: str = "solve"
    """Reward of training, with parameters if need be: "solve:beta=2"."""
    limits: LimitsSection = LimitsSection()
    """Caps of an episode."""


class EvaluationSection(Section):
    """Evaluation on held-out scenarios: before the first stage, during stages, after each."""

    split: str = "test"
    """Split it is made on; never the one trained on."""
    episodes: Count = 64
    """Scenarios, spread evenly over the split; all if it has fewer."""
    repeats: Count = 1
    """Sampled episodes of each scenario; greedy ones differ in nothing and are played once."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Temperature of the sampled episodes."""
    every: Whole = 0
    """Optimiser steps between evaluations during a stage; 0: only before and after stages."""
    greedy: bool = True
    """Whether greedy episodes are played too."""
    rows: Count = 64
    """Episodes side by side."""
    seed: Whole = 12345
    """Seed of sampling: the same for every evaluation and every run, so that differences are the policy's."""


class PeftSection(Section):
    """LoRA instead of full fine-tuning; each stage's adapter is merged into its final model."""

    r: Whole = 0
    """Rank; 0 is full fine-tuning."""
    alpha: Annotated[float, Field(gt=0)] = 32
    """Scale of the adapter, divided by the rank."""
    dropout: Share = 0.0
    """Dropout in the adapter."""
    targets: tuple[str, ...] = ("all-linear",)
    """Names of the modules it is put on; "all-linear" for every linear layer but the output."""


class RunSection(Section):
    """Where and how the run is made; nothing here says what is learnt but `seeds`, `device` and `bf16`."""

    out: str = "runs/train"
    """Output folder; a folder seed-N in it for each seed."""
    seeds: Annotated[tuple[Whole, ...], Field(min_length=1)] = (0,)
    """Seeds, each a run of its own: weights, order of data, sampling."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device; auto takes a GPU where there is one."""
    bf16: Literal["auto", "on", "off"] = "auto"
    """Mixed precision in bfloat16; auto: on a GPU that can."""
    threads: Whole = 0
    """Processor threads of torch; 0 leaves it to torch (and OMP_NUM_THREADS)."""
    workers: Whole = 0
    """Processes that generate the pack; 0: one per processor."""
    report_to: tuple[str, ...] = ()
    """Trackers of transformers, such as "tensorboard", "wandb"."""
    save_steps: Count = 50
    """Optimiser steps between checkpoints."""
    keep_checkpoints: Annotated[int, Field(ge=2)] = 2
    """Checkpoints kept of a stage while it runs; two, so that one broken by a kill costs little."""
    sample_rows: Count = 64
    """Most episodes decoded side by side."""
    vllm: bool = False
    """Whether GRPO's turns are decoded by vLLM, which has to be installed."""
    progress: bool = True
    """Whether a progress bar is shown."""

    @model_validator(mode="after")
    def _distinct(self) -> RunSection:
        if len(set(self.seeds)) != len(self.seeds):
            msg = f"seeds must be distinct, not {list(self.seeds)}"
            raise ValueError(msg)
        return self
