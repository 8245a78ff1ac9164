"""What the cells of the ablations amount to: compared by `solve` on the same episodes, farming counted."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple, TypeAlias

from benchmarks.ablation_cells import Cell
from tool_gym.agents.exploits import Exploits, exploits_of, mean_exploits
from tool_gym.agents.training.folder import read_json
from tool_gym.agents.training.statistics import Interval, paired_bootstrap, t_interval
from tool_gym.envs.pack import Pack
from tool_gym.rewards import get_reward
from tool_gym.summary import rescored, summarize
from tool_gym.trajectory import Trajectory, read_trajectories

KINDS = ("sampled", "greedy")
STAGE = "grpo"
START = "base"
"""Name of the evaluation before a stage."""

_REPEATS = 1_000_000
"""More than any scenario's episodes in one evaluation."""

_COLUMNS = ("cell", "what differs", "sampled", "greedy", "Δ sampled", "Δ greedy", "Δ start, sampled", "turns")

Returns: TypeAlias = dict[tuple[str, int], float]
"""(scenario, repetition) → return under `solve`."""


class Run(NamedTuple):
    """One cell with one seed."""

    cell: Cell
    seed: int
    folder: Path
    command: str

    @property
    def is_finished(self) -> bool:
        """Whether all is there that is compared."""
        return (self.folder / "results.json").is_file()


class Evaluation(NamedTuple):
    """The episodes of one policy, of one kind."""

    returns: Returns
    own: float
    """Mean return under the reward it was trained with."""
    figures: dict[str, Any]
    """Those of `tool_gym.summary.Summary`."""
    exploits: Exploits


class Evaluated(NamedTuple):
    """A run's evaluations: kind → before and after reinforcement."""

    run: Run
    start: dict[str, Evaluation]
    end: dict[str, Evaluation]
    turns: float
    """Turns the policy wrote in training."""


def results_of(runs: Sequence[Run], pack: Pack, known: dict[Path, Evaluated] | None = None) -> dict[str, Any]:
    """Return the results of finished runs as plain data.

    Args:
        runs: All of them, cell by cell.
        pack: What they played.
        known: What was read of runs before, by folder; what is read now is added.
    """
    known = {} if known is None else known
    for run in runs:
        if run.folder not in known:
            known[run.folder] = evaluated(run, pack)
    found = [known[run.folder] for run in runs]
    by_cell: dict[str, list[Evaluated]] = {}
    for one in found:
        by_cell.setdefault(one.run.cell.name, []).append(one)
    return {
        "seeds": sorted({one.run.seed for one in found}),
        "episodes": len({key[0] for one in found[:1] for key in one.end["sampled"].returns}),
        "cells": [_cell(of_cell, by_cell.get(of_cell[0].run.cell.against, [])) for of_cell in by_cell.values()],
    }


def evaluated(run: Run, pack: Pack) -> Evaluated:
    """Return the evaluations of a finished run."""
    folder = run.folder / "evaluations"
    start, end = (
        {
            kind: _evaluation(list(read_trajectories(file)), pack)
            for kind in KINDS
            if (file := folder / f"{name}.{kind}.jsonl").is_file()
        }
        for name in (START, STAGE)
    )
    return Evaluated(run, start, end, _turns(run.folder))


def table_of(results: Mapping[str, Any]) -> str:
    """Return the results as Markdown: how good the cells are, and how they get it."""
    cells = results["cells"]
    if not cells:
        return "nothing is finished\n"
    seeds = results["seeds"]
    many = len(seeds) > 1
    spread = "Student's t over seeds" if many else "paired bootstrap over scenarios"
    about = (
        f"{results['episodes']} held-out scenarios, seeds {', '.join(map(str, seeds))}. Returns are those of `solve`, "
        "whatever was trained on; Δ: less that of the reference (the base, or as said), Δ start: less that of the "
        f"policy before reinforcement. ± and […]: 95 %, {spread}. Turns: what the policy wrote in training, in "
        "thousands."
    )
    lines = [about, "", f"| {' | '.join(_COLUMNS)} |", f"|---|---|{'---:|' * (len(_COLUMNS) - 2)}"]
    key = "over_seeds" if many else "over_episodes"
    lines += [f"| {' | '.join(_row(cell, key))} |" for cell in cells]
    names = [name for name in Exploits._fields if name != "turns"]
    about = (
        "Signs of farming, per sampled episode; own: the return under the reward the cell was trained with. *start* is "
        "the policy before reinforcement, under the first cell's reward."
    )
    shown = " | ".join(name.replace("_", " ") for name in names)
    lines += ["", about, "", f"| cell | own, before | own, after | turns | {shown} |"]
    lines.append(f"|---|{'---:|' * (len(names) + 3)}")
    lines += [f"| {' | '.join(row)} |" for row in _exploit_rows(cells, names)]
    lines += [f"\nfailed: {name}: {why}" for name, why in results.get("failed", {}).items()]
    return "\n".join(lines) + "\n"


def _turns(folder: Path) -> float:
    """Return how many turns were written in training, by the log."""
    grpo = tomllib.loads((folder / "config.toml").read_text(encoding="utf-8"))["grpo"]
    log = [entry["turns"] for entry in read_json(folder / STAGE / "log.json") if "turns" in entry]
    episodes = grpo["groups"] * grpo["group_size"] * math.ceil(grpo["steps"] / grpo["iterations"])
    return fmean(log) * episodes if log else 0.0


def _evaluation(played: Sequence[Trajectory], pack: Pack) -> Evaluation:
    solve = get_reward("solve")
    scored = [rescored(one, pack.task(one.scenario_id).scenario, solve) for one in played]
    returns: Returns = {}
    repeats: dict[str, int] = {}
    for one in scored:
        number = repeats[one.scenario_id] = repeats.get(one.scenario_id, -1) + 1
        returns[one.scenario_id, number] = one.episode_return
    figures = summarize("", scored)._asdict()
    counted = mean_exploits(exploits_of(one, pack.task(one.scenario_id).scenario) for one in scored)
    return Evaluation(returns, fmean(one.episode_return for one in played), figures, counted)


def _cell(runs: Sequence[Evaluated], reference: Sequence[Evaluated]) -> dict[str, Any]:
    cell = runs[0].run.cell
    others = {one.run.seed: one for one in reference}
    found: dict[str, Any] = {
        "name": cell.name,
        "settings": list(cell.settings),
        "against": cell.against,
        "seeds": [one.run.seed for one in runs],
        "commands": [one.run.command for one in runs],
        "turns_in_training": fmean(one.turns for one in runs),
    }
    for kind in KINDS:
        if not all(kind in one.end and kind in one.start for one in runs):
            continue
        pairs = [(others[one.run.seed].end[kind], one.end[kind]) for one in runs if one.run.seed in others]
        found[kind] = {
            "return": _compared([(_nothing(one.end[kind]), one.end[kind]) for one in runs]),
            "over_start": _compared([(one.start[kind], one.end[kind]) for one in runs]),
            "over_reference": None if cell.name == cell.against or not pairs else _compared(pairs),
            "start": _means([one.start[kind] for one in runs]),
            "end": _means([one.end[kind] for one in runs]),
        }
    return found


def _compared(pairs: Sequence[tuple[Evaluation, Evaluation]]) -> dict[str, Any]:
    """Return the mean difference of pairs, one for each seed, with its intervals over episodes and over seeds."""
    before, after = (
        {
            (name, seed * _REPEATS + number): value
            for seed, returns in enumerate(side)
            for (name, number), value in returns.items()
        }
        for side in ([one.returns for one, _ in pairs], [one.returns for _, one in pairs])
    )
    of_seeds = [_difference(one.returns, other.returns) for one, other in pairs]
    return {
        "over_episodes": dict(paired_bootstrap(before, after)._asdict()),
        "over_seeds": dict(t_interval(of_seeds)._asdict()),
        "of_seeds": of_seeds,
    }


def _difference(before: Returns, after: Returns) -> float:
    return fmean(after[key] - before[key] for key in sorted(before.keys() & after.keys(), key=str))


def _nothing(evaluation: Evaluation) -> Evaluation:
    """Return what makes a difference a mean: the same episodes, each worth nothing."""
    return evaluation._replace(returns=dict.fromkeys(evaluation.returns, 0.0))


def _means(evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    figures = {
        key: [one.figures[key] for one in evaluations if isinstance(one.figures[key], int | float)]
        for key in evaluations[0].figures
        if key not in ("policy", "mean_return")
    }
    return {
        "own_return": fmean(one.own for one in evaluations),
        "figures": {key: fmean(values) if values else None for key, values in figures.items()},
        "exploits": mean_exploits(one.exploits for one in evaluations)._asdict(),
    }


def _row(cell: Mapping[str, Any], key: str) -> list[str]:
    against = "" if cell["against"] == "base" else f" (against {cell['against']})"
    differs = ", ".join(f"`{setting}`" for setting in cell["settings"]) + against

    def of(kind: str, what: str, show: Callable[[Mapping[str, Any]], str]) -> str:
        found = (cell.get(kind) or {}).get(what)
        return "–" if found is None else show(found[key])

    return [
        cell["name"],
        differs or "–",
        of("sampled", "return", _mean),
        of("greedy", "return", _mean),
        of("sampled", "over_reference", _gain),
        of("greedy", "over_reference", _gain),
        of("sampled", "over_start", _gain),
        f"{cell['turns_in_training'] / 1000:.1f}",
    ]


def _exploit_rows(cells: Sequence[Mapping[str, Any]], names: Sequence[str]) -> list[list[str]]:
    def row(name: str, before: float, after: float, counts: Mapping[str, float]) -> list[str]:
        shown = [f"{counts[key]:.3f}" for key in ("turns", *names)]
        return [name, f"{before:.3f}", f"{after:.3f}", *shown]

    first = cells[0]["sampled"]["start"]
    rows = [row("*start*", first["own_return"], first["own_return"], first["exploits"])]
    for cell in cells:
        start, end = cell["sampled"]["start"], cell["sampled"]["end"]
        rows.append(row(cell["name"], start["own_return"], end["own_return"], end["exploits"]))
    return rows


def _mean(found: Mapping[str, Any]) -> str:
    interval = Interval(**found)
    if interval.low is None or interval.high is None:
        return f"{interval.mean:.3f}"
    return f"{interval.mean:.3f} ± {(interval.high - interval.low) / 2:.3f}"


def _gain(found: Mapping[str, Any]) -> str:
    interval = Interval(**found)
    if interval.low is None or interval.high is None:
        return f"{interval.mean:+.3f}"
    return f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"
