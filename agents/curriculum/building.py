"""Schedules from one config."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from tool_gym.agents.curriculum.base import Schedule
from tool_gym.agents.curriculum.difficulty import DifficultyConfig, DifficultySchedule
from tool_gym.agents.curriculum.failures import FailureConfig, FailureSchedule
from tool_gym.agents.curriculum.levels import LevelConfig, LevelSchedule
from tool_gym.agents.curriculum.rows import Row, read_rows
from tool_gym.agents.curriculum.uniform import UniformSchedule
from tool_gym.envs.pack import Pack
from tool_gym.errors import AgentError
from tool_gym.generators.seeding import stream


class ScheduleConfig(BaseModel):
    """Which schedules are put into each other, the outermost first; none at all draws uniformly."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    levels: LevelConfig | None = None
    """A curriculum over levels."""
    failures: FailureConfig | None = None
    """More of what is failed, by family."""
    difficulty: DifficultyConfig | None = None
    """Rather scenarios whose groups have spread."""


def make_schedule(pack: Pack, config: ScheduleConfig | None = None, *, split: str = "train", seed: int = 0) -> Schedule:
    """Return a schedule over a split of a pack.

    For a pack that has grown, make a new one and give it the old one's state: `load` takes up a state of the first
    part of the scenarios.

    Args:
        pack: The pack; only its index is read for a uniform schedule, and its scenarios' knobs for the others.
        config: Which schedules; None for uniform.
        split: The split.
        seed: Seed of all that is drawn.

    Raises:
        AgentError: If the split is empty, or its scenarios lack what the config goes by.
        UnknownNameError: If the pack has no such split.
    """
    config = config or ScheduleConfig()
    if config == ScheduleConfig():
        ids = [entry.id for entry in pack.entries(split)]
        if not ids:
            msg = f"the pack {pack.name!r} has no scenario in the split {split!r}; schedules need some"
            raise AgentError(msg)
        return UniformSchedule(ids, seed)
    return _levels(read_rows(pack, split), config, seed)


def _levels(rows: Sequence[Row], config: ScheduleConfig, seed: int) -> Schedule:
    if config.levels is None:
        return _failures(rows, config, seed)
    return LevelSchedule(rows, config.levels, lambda own, name: _failures(own, config, _derived(seed, name)))


def _failures(rows: Sequence[Row], config: ScheduleConfig, seed: int) -> Schedule:
    if config.failures is None:
        return _leaf(rows, config, seed)
    return FailureSchedule(rows, config.failures, lambda own, name: _leaf(own, config, _derived(seed, name)))


def _leaf(rows: Sequence[Row], config: ScheduleConfig, seed: int) -> Schedule:
    if config.difficulty is not None:
        return DifficultySchedule(rows, config.difficulty, seed)
    return UniformSchedule([row.id for row in rows], seed)


def _derived(seed: int, name: str) -> int:
    return stream(seed, name).getrandbits(63)
