"""The record of an episode: enough to read it, learn from it, and score it again by any reward.

A trajectory is written as one line of JSON. It holds what the model wrote, how it was read, what each call
returned and changed, what the user said, and the reward of each step; with its scenario it needs no world.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from tool_gym import jsonio
from tool_gym.errors import TrajectoryError
from tool_gym.turns import BrokenCall, Effect, Outcome, ToolCall, ToolResult, Turn

T = TypeVar("T")

TRAJECTORY_VERSION = 1
"""Version of the record; files of another version are refused."""

_FIELD_TYPES: dict[str, type[Any]] = {
    "scenario_id": str,
    "terminated": bool,
    "truncated": bool,
    "pack": str,
    "policy": str,
    "reward": str,
}


class Step(NamedTuple):
    """One `env.step`: an assistant turn and what came of it."""

    turn: Turn
    results: tuple[ToolResult, ...] = ()
    """One result for each of the turn's calls, in order."""
    user_turn: int = 0
    """The user turn this step belongs to, from 0."""
    reply: str = ""
    """What the user said next; empty if nothing."""
    reward: float = 0.0
    """Change of the score."""
    parts: dict[str, float] | None = None
    """The score's parts after this step, as the reward names them."""


class Trajectory(NamedTuple):
    """One episode."""

    scenario_id: str
    steps: tuple[Step, ...] = ()
    terminated: bool = False
    """Whether the last user turn ended."""
    truncated: bool = False
    """Whether a cap cut the episode."""
    pack: str = ""
    policy: str = ""
    reward: str = ""
    """Name of the reward that scored the steps."""
    seed: int | None = None
    """The seed given to `reset`."""

    @property
    def episode_return(self) -> float:
        """Sum of the step rewards."""
        return sum(step.reward for step in self.steps)

    def to_json(self) -> str:
        """Return the trajectory as one line of JSON."""
        return jsonio.dumps(
            {
                "version": TRAJECTORY_VERSION,
                **{name: getattr(self, name) for name in self._fields if name != "steps"},
                "return": self.episode_return,
                "steps": [_step_to_dict(step) for step in self.steps],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> Trajectory:
        """Parse one line.

        Raises:
            TrajectoryError: If it is no trajectory of this version.
        """
        try:
            data = jsonio.loads(text)
            version = data["version"]
            if version == TRAJECTORY_VERSION:
                fields = {name: _of_type(kind, data[name]) for name, kind in _FIELD_TYPES.items()}
                fields["seed"] = None if data["seed"] is None else _of_type(int, data["seed"])
                return cls(**fields, steps=tuple(_step_from_dict(step) for step in data["steps"]))
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
            why = f"there is no {error}" if isinstance(error, KeyError) else str(error)
            msg = f"not a trajectory, which `tool-gym rollout --out` writes one a line: {why[:160]}"
            raise TrajectoryError(msg) from None
        msg = f"the trajectory has version {str(version)[:40]!r}; this release reads version {TRAJECTORY_VERSION}"
        raise TrajectoryError(msg)


def write_trajectories(path: str | os.PathLike[str], trajectories: Iterable[Trajectory]) -> int:
    """Write trajectories as JSONL and return how many; the file appears whole or not at all.

    Raises:
        TrajectoryError: If `path` is a folder or a device, or in no folder.
    """
    target = Path(path)
    if not target.parent.is_dir():
        msg = f"there is no folder {target.parent} to write {target.name} into"
        raise TrajectoryError(msg)
    if target.exists() and not target.is_file():
        msg = f"{target} is no ordinary file; trajectories are not written to it"
        raise TrajectoryError(msg)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    count = 0
    try:
        with temporary.open("w", encoding="utf-8") as file:
            for trajectory in trajectories:
                file.write(trajectory.to_json() + "\n")
                count += 1
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def read_trajectories(path: str | os.PathLike[str]) -> Iterator[Trajectory]:
    """Yield the trajectories of a JSONL file.

    Raises:
        TrajectoryError: Naming the file and line that cannot be read.
    """
    try:
        with Path(path).open(encoding="utf-8", errors="replace") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    try:
                        yield Trajectory.from_json(line)
                    except TrajectoryError as error:
                        msg = f"{path}, line {number}: {error}"
                        raise TrajectoryError(msg) from None
    except OSError as error:
        msg = f"cannot read trajectories from {path}: {error.strerror}"
        raise TrajectoryError(msg) from None


def _step_to_dict(step: Step) -> dict[str, Any]:
    turn = step.turn
    return {
        "turn": {
            "raw": jsonio.clean_text(turn.raw),
            "text": jsonio.clean_text(turn.text),
            "reasoning": jsonio.clean_text(turn.reasoning),
            "calls": [_call_to_dict(call) for call in turn.calls],
        },
        "results": [
            {
                "outcome": result.outcome.label,
                "value": result.value,
                "message": result.message,
                "effects": [effect._asdict() for effect in result.effects],
            }
            for result in step.results
        ],
        "user_turn": step.user_turn,
        "reply": step.reply,
        "reward": step.reward,
        "parts": step.parts,
    }


def _call_to_dict(call: ToolCall | BrokenCall) -> dict[str, Any]:
    if isinstance(call, ToolCall):
        return call._asdict()
    return {"problem": call.problem, "message": call.message, "raw": jsonio.clean_text(call.raw)}


def _step_from_dict(data: dict[str, Any]) -> Step:
    turn = data["turn"]
    calls = tuple(BrokenCall(**call) if "problem" in call else ToolCall(**call) for call in turn["calls"])
    results = tuple(
        ToolResult(
            Outcome.of(result["outcome"]),
            result["value"],
            _of_type(str, result["message"]),
            tuple(map(_effect_from_dict, result["effects"])),
        )
        for result in data["results"]
    )
    if len(results) != len(calls):
        msg = f"{len(calls)} calls but {len(results)} results"
        raise ValueError(msg)
    for call in calls:
        if isinstance(call, ToolCall):
            _of_type(dict, call.arguments)
        for text in (call.name, call.id) if isinstance(call, ToolCall) else call:
            _of_type(str, text)
    parsed = Turn(_of_type(str, turn["text"]), calls, _of_type(str, turn["reasoning"]), _of_type(str, turn["raw"]))
    parts = data["parts"]
    if parts is not None:
        parts = {name: float(value) for name, value in _of_type(dict, parts).items()}
    return Step(parsed, results, int(data["user_turn"]), _of_type(str, data["reply"]), float(data["reward"]), parts)


def _effect_from_dict(data: dict[str, Any]) -> Effect:
    effect = Effect(**data)
    for text in (effect.table, effect.row, effect.field):
        _of_type(str, text)
    return effect


def _of_type(kind: type[T], value: Any) -> T:
    if not isinstance(value, kind):
        msg = f"expected {kind.__name__}, found {type(value).__name__}"
        raise TypeError(msg)
    return value
