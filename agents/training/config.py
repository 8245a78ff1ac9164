"""The configuration of `tool-gym train`: typed, closed, and the same on paper (TOML) as in memory."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, model_validator

from tool_gym.agents.introspection import SPLIT as INTROSPECTED
from tool_gym.agents.training.sections import (
    EnvSection,
    EvaluationSection,
    ModelSection,
    PeftSection,
    RunSection,
    Section,
)
from tool_gym.agents.training.stage_sections import DpoSection, GrpoSection, Optimisation, SftSection
from tool_gym.dialects import get_dialect
from tool_gym.rewards import online_reward

Stage: TypeAlias = Literal["sft", "grpo", "dpo"]


class TrainConfig(Section):
    """Everything a run follows from."""

    stages: Annotated[tuple[Stage, ...], Field(min_length=1)] = ("sft", "grpo")
    """Stages, in the order they are gone through; one may come again."""
    model: ModelSection = ModelSection()
    env: EnvSection = EnvSection()
    sft: SftSection = SftSection()
    grpo: GrpoSection = GrpoSection()
    dpo: DpoSection = DpoSection()
    evaluation: EvaluationSection = EvaluationSection()
    peft: PeftSection = PeftSection()
    run: RunSection = RunSection()

    def of_stage(self, stage: Stage) -> Optimisation:
        """Return the section of a stage."""
        section: Optimisation = getattr(self, stage)
        return section

    @property
    def stage_names(self) -> tuple[tuple[str, Stage], ...]:
        """The stages, each with the name of its folder: "sft", and "sft-2" if it comes a second time."""
        named: list[tuple[str, Stage]] = []
        for stage in self.stages:
            before = sum(one == stage for _, one in named)
            named.append((f"{stage}-{before + 1}" if before else stage, stage))
        return tuple(named)

    @model_validator(mode="after")
    def _agrees(self) -> TrainConfig:
        get_dialect(self.env.dialect)
        online_reward(self.env.reward)
        if self.evaluation.split == self.env.train_split:
            msg = (
                f"evaluation.split and env.train_split are both {self.env.train_split!r}: "
                "what is trained on is not held out"
            )
            raise ValueError(msg)
        if not self.env.suite:
            self._check_generated()
        if not self.model.path and not (self.stages[0] == "sft" and "oracle" in self.sft.sources):
            msg = (
                f"the stage {self.stages[0]} needs a policy that can act already, and a tiny model made anew cannot: "
                'begin with the stage sft and the source "oracle", or name a model with model.path'
            )
            raise ValueError(msg)
        if self.grpo.introspection is not None and self.env.train_split != INTROSPECTED:
            msg = f"grpo.introspection makes scenarios of the split {INTROSPECTED!r}: env.train_split must be that"
            raise ValueError(msg)
        if self.env.limits.max_turn_tokens > self.env.limits.max_tokens:
            msg = "env.limits: max_turn_tokens must not be above max_tokens, which bounds the whole episode"
            raise ValueError(msg)
        return self

    def _check_generated(self) -> None:
        generate = self.env.generate
        for key, split in (("env.train_split", self.env.train_split), ("evaluation.split", self.evaluation.split)):
            if not getattr(generate, split, 0):
                msg = f"{key} is {split!r}, and env.generate makes no scenario of that split"
                raise ValueError(msg)
