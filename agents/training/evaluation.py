"""Evaluation on held-out scenarios: played, summed up and written down."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tool_gym.agents.training.folder import read_json, write_json
from tool_gym.agents.training.playing import Player
from tool_gym.agents.training.sections import EvaluationSection
from tool_gym.agents.training.suite import Suite
from tool_gym.envs.rollout import episode_seed
from tool_gym.errors import AgentError, TrajectoryError
from tool_gym.scenario import Scenario
from tool_gym.summary import summary_of
from tool_gym.trajectory import Trajectory, write_trajectories

if TYPE_CHECKING:
    from tool_gym.agents.rollouts import Rollout
    from tool_gym.agents.training.processes import Processes

BASE = "base"
"""Name of the evaluation before the first stage."""


class Evaluator:
    """Plays the held-out scenarios and writes what came of it.

    Args:
        player: Plays them.
        suite: The scenarios.
        section: How often and how.
        folder: Where evaluations are written.
        processes: They share the episodes; the first writes.
    """

    def __init__(
        self, player: Player, suite: Suite, section: EvaluationSection, folder: Path, processes: Processes
    ) -> None:
        self._player = player
        self._suite = suite
        self._section = section
        self._folder = folder
        self._processes = processes

    def has(self, name: str) -> bool:
        """Return whether an evaluation is there from before."""
        return (self._folder / f"{name}.json").is_file()

    def evaluate(self, model: Any, name: str, *, stage: str, step: int, keep: bool = False) -> dict[str, float]:
        """Evaluate a model and write the result as `name`.json.

        Args:
            model: The model.
            name: What the files are called.
            stage: Name of the stage's folder; `BASE` before the first.
            step: Optimiser steps of the stage so far.
            keep: Whether the trajectories are written too.

        Returns:
            The few figures a log wants.
        """
        began = time.perf_counter()
        kinds = {"sampled": self._play(model, greedy=False)}
        if self._section.greedy:
            kinds["greedy"] = self._play(model, greedy=True)
        found: dict[str, Any] = {"name": name, "stage": stage, "step": step}
        found |= {kind: self._figures(rollouts) for kind, rollouts in kinds.items()}
        found["seconds"] = round(time.perf_counter() - began, 2)
        if self._processes.is_main:
            if keep:
                for kind, rollouts in kinds.items():
                    played = [one.trajectory._replace(policy=name) for one in rollouts]
                    write_trajectories(self._folder / f"{name}.{kind}.jsonl", played)
            write_json(self._folder / f"{name}.json", found)
        self._processes.wait()
        return {f"{kind}_{key}": found[kind][key] for kind in kinds for key in ("mean_return", "solve_f1")}

    def _play(self, model: Any, *, greedy: bool) -> list[Rollout]:
        repeats = 1 if greedy else self._section.repeats
        pairs = [(name, repetition) for name in self._suite.held_out for repetition in range(repeats)]
        seeds = [episode_seed(self._section.seed, name, repetition) for name, repetition in pairs]
        temperature = 0.0 if greedy else self._section.temperature
        scenarios = [name for name, _ in pairs]
        return self._player.play(
            model, scenarios, seeds, temperature=temperature, seed=self._section.seed, what="evaluating"
        )

    def _figures(self, rollouts: Sequence[Rollout]) -> dict[str, Any]:
        """Return the figures, and the return of each episode in the order they were played."""
        trajectories = [rollout.trajectory for rollout in rollouts]
        figures = figures_of(trajectories, self._scenario)
        return {
            **figures,
            "overlong": sum(rollout.overlong for rollout in rollouts) / len(rollouts),
            "returns": [[one.scenario_id, one.episode_return] for one in trajectories],
        }

    def _scenario(self, name: str) -> Scenario:
        return self._suite.pack.task(name).scenario


def figures_of(trajectories: Sequence[Trajectory], scenario_of: Any) -> dict[str, Any]:
    """Return the figures of trajectories as a plain table: those of `tool_gym.summary.Summary`.

    Raises:
        AgentError: If no episode has a turn.
    """
    try:
        summary = summary_of("", trajectories, scenario_of)
    except TrajectoryError as error:
        msg = f"nothing to evaluate: {error}. Are the caps in [env.limits] too small for a single turn?"
        raise AgentError(msg) from None
    return {key: value for key, value in summary._asdict().items() if key != "policy"}


def read_evaluations(folder: Path, stages: Sequence[str]) -> list[dict[str, Any]]:
    """Return the evaluations in a folder in the order they were made: the base, then stage by stage, by step.

    Args:
        folder: Where they were written.
        stages: The names of the stages, in order; of others nothing is returned.
    """
    order = {BASE: 0} | {name: number for number, name in enumerate(stages, 1)}
    found = [read_json(path) for path in folder.glob("*.json")]
    known = [one for one in found if one["stage"] in order]
    return sorted(known, key=lambda one: (order[one["stage"]], one["step"], one["name"]))
