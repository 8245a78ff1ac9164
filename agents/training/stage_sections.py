"""Sections of the configuration that say how is learnt: sft, grpo, dpo."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from tool_gym.agents.credit import CreditConfig
from tool_gym.agents.curriculum import ScheduleConfig
from tool_gym.agents.introspection import IntrospectionConfig
from tool_gym.agents.training.sections import Count, Section, Share, Whole

Scheduler = Literal["linear", "cosine", "constant", "constant_with_warmup", "polynomial", "inverse_sqrt"]
DpoLoss = Literal[
    "sigmoid", "sigmoid_norm", "hinge", "ipo", "exo_pair", "nca_pair", "robust", "bco_pair", "sppo_hard", "aot",
    "aot_unpaired", "apo_zero", "apo_down", "discopop",
]  # fmt: skip


class Optimisation(Section):
    """What all stages have: steps, learning rate, and a table of further settings of TRL's own configuration."""

    steps: Count = 100
    """Optimiser steps."""
    learning_rate: Annotated[float, Field(gt=0)] = 1e-5
    """Peak learning rate."""
    scheduler: Scheduler = "linear"
    """How the learning rate changes."""
    warmup_steps: Whole = 0
    """Steps over which the learning rate rises to its peak."""
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    """Decoupled weight decay."""
    max_grad_norm: Annotated[float, Field(gt=0)] = 1.0
    """Norm that gradients are cut to."""
    adam_beta2: Annotated[float, Field(gt=0, lt=1)] = 0.999
    """Decay of the second moment."""
    micro_batch: Count = 8
    """Sequences in one forward and backward pass of one process: smaller costs less memory, and time."""
    gradient_checkpointing: bool = False
    """Whether activations are computed twice to save memory."""
    logging_steps: Count = 10
    """Steps between log entries."""
    evaluate_every: Whole | None = None
    """Steps between evaluations within the stage, 0 for none; unset for `evaluation.every`."""
    trl: dict[str, Any] = Field(default_factory=dict)
    """Any further field of TRL's configuration of this stage, by TRL's name."""

    @property
    @abstractmethod
    def whole_batch(self) -> int:
        """Sequences (or pairs) of one optimiser step, over all processes."""


class SftSection(Optimisation):
    """Supervised: demonstrations of the oracle, then the policy's own best episodes (rejection sampling)."""

    learning_rate: Annotated[float, Field(gt=0)] = 2e-5
    """Peak learning rate."""
    sources: Annotated[tuple[Literal["oracle", "policy"], ...], Field(min_length=1)] = ("oracle",)
    """oracle: what the scenarios' plans do. policy: what the policy sampled and the environment paid."""
    batch: Count = 16
    """Sequences of one optimiser step, over all processes."""
    demonstrations: Count | None = None
    """Most scenarios the oracle demonstrates, spread over the split; unset for all."""
    max_length: Count | None = None
    """Demonstrations of more tokens than this are left out; unset for none."""
    rounds: Count = 1
    """Rounds of rejection sampling, each with the policy the round before left; only with the source policy."""
    round_steps: Count = 50
    """Optimiser steps of a round."""
    round_scenarios: Count = 256
    """Scenarios of a round, drawn without replacement."""
    samples: Count = 4
    """Episodes sampled of each scenario."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Temperature they are sampled at."""
    threshold: float = 1.0
    """Least return of an episode that is learnt from."""
    keep: Count = 1
    """Most episodes kept of one scenario: the best, and of equals the shortest."""

    @property
    def whole_batch(self) -> int:
        """Sequences of one optimiser step, over all processes."""
        return self.batch

    @model_validator(mode="after")
    def _divides(self) -> SftSection:
        _check_divides("batch", self.batch, self.micro_batch)
        return self


class PrefixSection(Section):
    """Stored episodes, for GRPO on single turns behind their beginnings."""

    source: Literal["policy", "oracle"] = "policy"
    """Who plays them, when the stage begins: the policy it begins with, or what the scenarios' plans do."""
    scenarios: Count | None = None
    """Scenarios that are played, drawn without replacement; unset for as many as the stage has groups."""
    samples: Count = 1
    """Episodes of each that the policy plays."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Temperature they are sampled at."""


class GrpoSection(Optimisation):
    """Reinforcement learning with groups of episodes of one scenario."""

    learning_rate: Annotated[float, Field(gt=0)] = 1e-6
    """Peak learning rate; about 3e-4 for models of a million parameters."""
    groups: Count = 8
    """Scenarios of one optimiser step, over all processes."""
    group_size: Annotated[int, Field(ge=2)] = 8
    """Episodes of each."""
    iterations: Count = 1
    """Optimiser steps on each batch of episodes."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Temperature of sampling."""
    top_p: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Nucleus of sampling; 1 for everything."""
    top_k: Whole = 0
    """Most likely tokens sampled from; 0 for all."""
    beta: Annotated[float, Field(ge=0)] = 0.0
    """Weight of the divergence from the model the stage began with; above 0 costs a second model in memory."""
    epsilon: Annotated[float, Field(gt=0)] = 0.2
    """Clip of the probability ratio."""
    epsilon_high: Annotated[float, Field(gt=0)] | None = None
    """Upper clip; unset for `epsilon`."""
    loss: Literal["grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "vespo", "luspo"] = "dapo"
    """TRL's `loss_type`."""
    mask_overlong: bool = False
    """Whether episodes cut because the context was full are left out of the loss."""
    rollout: Literal["episode", "stored_prefix"] = "episode"
    """episode: whole episodes. stored_prefix: single turns behind the beginnings of stored episodes."""
    prefixes: PrefixSection = PrefixSection()
    """The stored episodes."""
    credit: CreditConfig = CreditConfig()
    """How rewards become advantages."""
    critic: dict[str, Any] = Field(default_factory=dict)
    """Settings of the value head, for the estimator step_gae_value; see `tool_gym.agents.critic.CriticConfig`."""
    schedule: ScheduleConfig = ScheduleConfig()
    """Which scenarios are played when: uniformly, or by levels, failures and difficulty put into each other."""
    introspection: IntrospectionConfig | None = None
    """Rounds of new scenarios like those that are failed; unset for none."""

    @property
    def whole_batch(self) -> int:
        """Episodes of one optimiser step, over all processes."""
        return self.groups * self.group_size

    @model_validator(mode="after")
    def _divides(self) -> GrpoSection:
        _check_divides("groups × group_size", self.whole_batch, self.micro_batch)
        if self.critic and self.credit.estimator != "step_gae_value":
            msg = f"a critic goes with credit.estimator step_gae_value, not {self.credit.estimator}"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _rolls_out(self) -> GrpoSection:
        if self.rollout == "episode":
            if self.prefixes != PrefixSection():
                msg = 'prefixes go with rollout = "stored_prefix", not "episode"'
                raise ValueError(msg)
            return self
        wants = {
            "introspection": self.introspection,
            "schedule.levels": self.schedule.levels,
            "schedule.failures": self.schedule.failures,
        }
        present = [key for key, value in wants.items() if value is not None]
        if present:
            msg = (
                f'{" and ".join(present)} go by how whole episodes end: with rollout = "stored_prefix" leave them unset'
            )
            raise ValueError(msg)
        return self


class DpoSection(Optimisation):
    """Preferences: a success and a failure of the current policy on one scenario."""

    batch: Count = 8
    """Pairs of one optimiser step, over all processes."""
    scenarios: Count = 256
    """Scenarios that are sampled for pairs, drawn without replacement."""
    samples: Count = 8
    """Episodes sampled of each."""
    temperature: Annotated[float, Field(gt=0)] = 1.0
    """Temperature they are sampled at."""
    margin: Annotated[float, Field(gt=0)] = 0.25
    """Least difference of return between the two of a pair."""
    chosen: float = 0.75
    """Least return of the better one."""
    pairs: Count = 1
    """Most pairs of a scenario: best with worst first."""
    beta: Annotated[float, Field(gt=0)] = 0.1
    """How strongly the policy is held to the model the stage began with."""
    loss: DpoLoss = "sigmoid"
    """TRL's `loss_type`."""
    nll: Share = 0.0
    """Weight of the likelihood of the better one, beside the preference (TRL's loss "sft")."""

    @property
    def whole_batch(self) -> int:
        """Pairs of one optimiser step, over all processes."""
        return self.batch

    @model_validator(mode="after")
    def _divides(self) -> DpoSection:
        _check_divides("batch", self.batch, self.micro_batch)
        return self


def _check_divides(what: str, whole: int, micro_batch: int) -> None:
    if whole % micro_batch:
        near = max(part for part in range(1, micro_batch + 1) if whole % part == 0)
        msg = (
            f"{what} ({whole}) must be a multiple of micro_batch ({micro_batch}); micro_batch = {near} would divide it"
        )
        raise ValueError(msg)
