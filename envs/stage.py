"""A scenario made ready to be played, and what a step of it is told in `info`."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

from tool_gym.dialects import INSTRUCTIONS, Dialect
from tool_gym.envs.lazy import LazyDict
from tool_gym.envs.pack import Task
from tool_gym.envs.step_log import StepLog
from tool_gym.messages import Conversation
from tool_gym.runtime import InProcessRuntime


class Stage(NamedTuple):
    """A scenario made ready for a dialect; shared by all its episodes."""

    dialect: Dialect
    runtime: InProcessRuntime
    id: str
    request: str
    """What the user says first."""
    schemas: list[dict[str, Any]]
    opening: str
    """The first observation."""


Played: TypeAlias = tuple[Stage, StepLog, int, float]
"""What the info of a step is made from: scenario, steps, how many of them, score. Later steps do not change it."""


class StepInfo(LazyDict):
    """The info of a step."""

    __slots__ = ()

    def _made(self, source: Played) -> dict[str, Any]:
        return info_of(source)


def info_of(played: Played) -> dict[str, Any]:
    """Return the info of a step."""
    stage, log, count, score = played
    step = log.made(count - 1)
    return {
        "scenario_id": stage.id,
        "messages": Conversation(stage.request, log, count, INSTRUCTIONS),
        "tools": list(stage.schemas),
        "step": step,
        "score": score,
        "parts": dict(step.parts or ()),
    }


def set_up(task: Task, dialect: Dialect) -> Stage:
    """Make a scenario ready: its tools are compiled once, whatever the dialect."""
    scenario = task.scenario
    runtime = scenario.derived.get(InProcessRuntime)
    if runtime is None:
        runtime = InProcessRuntime(scenario.tools, task.world, scenario.faults)
        scenario.derived[InProcessRuntime] = runtime
    schemas, request = [tool.schema for tool in scenario.tools], scenario.user_turns[0]
    return Stage(dialect, runtime, scenario.id, request, schemas, dialect.opening(request, schemas))
