"""Results: a row of figures for the base and each stage, their intervals, and what each stage added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeAlias

from tool_gym.agents.training.config import TrainConfig
from tool_gym.agents.training.evaluation import BASE
from tool_gym.agents.training.statistics import Interval, paired_bootstrap, t_interval

Results: TypeAlias = dict[str, Any]

FIGURES = {
    "solve_p": "Solve-P",
    "solve_r": "Solve-R",
    "solve_f1": "Solve-F1",
    "answer_accuracy": "answer accuracy",
    "sampled_return": "sampled return",
    "greedy_return": "greedy return",
}
"""Key → column; all but the greedy return are of sampled episodes."""

_SAMPLED = {
    "solve_p": "solve_p",
    "solve_r": "solve_r",
    "solve_f1": "solve_f1",
    "answer_accuracy": "answer_accuracy",
    "sampled_return": "mean_return",
}


def seed_results(evaluations: Sequence[Mapping[str, Any]], stages: Sequence[str], config: TrainConfig) -> Results:
    """Return the results of one seed.

    Args:
        evaluations: All of it, in order.
        stages: Names of the stages, in order.
        config: What was run.
    """
    last = {one["stage"]: one for one in evaluations if one["name"] == one["stage"]}
    names = [name for name in (BASE, *stages) if name in last]
    rows = [{"policy": name, **_figures(last[name])} for name in names]
    gains = []
    for before, after in pairwise(names):
        for kind in ("sampled", "greedy"):
            if kind in last[after] and kind in last[before]:
                found = paired_bootstrap(_returns(last[before][kind]), _returns(last[after][kind]))
                gains.append({"of": after, "over": before, "return": kind, **_described(found)})
    return {"seeds": list(config.run.seeds), **_facts(config), "rows": rows, "gains": gains}


def over_seeds(of_seed: Mapping[int, Results], stages: Sequence[str], config: TrainConfig) -> Results:
    """Return the results over seeds: means with Student's intervals; with one seed, that seed's.

    Args:
        of_seed: The results of each.
        stages: Names of the stages, in order.
        config: What was run.
    """
    if len(of_seed) == 1:
        return dict(next(iter(of_seed.values())))
    found: list[dict[str, Any]] = []
    for name in (BASE, *stages):
        rows = [row for result in of_seed.values() for row in result["rows"] if row["policy"] == name]
        intervals = {key: _over(rows, key) for key in FIGURES}
        found.append({"policy": name, **{key: one for key, one in intervals.items() if one is not None}})
    gains = [_gain_over(of_seed, gain) for gain in next(iter(of_seed.values()))["gains"]]
    return {"seeds": sorted(of_seed), **_facts(config), "rows": found, "gains": gains}


def table_of(results: Results) -> str:
    """Return results as a page of Markdown: the table, and what each stage added."""
    columns = [key for key in FIGURES if any(key in row for row in results["rows"])]
    lines = [
        heading(results),
        "",
        f"| policy | {' | '.join(FIGURES[key] for key in columns)} |",
        f"|---|{'---:|' * len(columns)}",
    ]
    lines += [f"| {row['policy']} | {' | '.join(shown(row.get(key)) for key in columns)} |" for row in results["rows"]]
    lines += ["", *(gain_line(gain) for gain in results["gains"])]
    return "\n".join(lines) + "\n"


def heading(results: Results) -> str:
    """Return in a sentence what the figures are of."""
    seeds = results["seeds"]
    said = f"mean over the seeds {', '.join(map(str, seeds))} ± 95 % (t)" if len(seeds) > 1 else f"seed {seeds[0]}"
    return (
        f"{results['episodes']} held-out scenarios (split {results['split']}), reward {results['reward']}, {said}. "
        f"Solve-P, Solve-R, Solve-F1 and answer accuracy are of sampled episodes (temperature "
        f"{results['temperature']:g})."
    )


def gain_line(gain: Mapping[str, Any]) -> str:
    """Return in words what a stage added."""
    how = "bootstrap over scenarios" if "seeds" not in gain else f"t over {gain['seeds']} seeds"
    bounds = "no interval" if gain["low"] is None else f"95 % interval {gain['low']:+.3f} to {gain['high']:+.3f}, {how}"
    return f"- {gain['of']} − {gain['over']}, {gain['return']} return: {gain['mean']:+.3f} ({bounds})"


def shown(value: Any) -> str:
    """Return a figure, or a mean with its interval's half width, for a table."""
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        half = "" if value["low"] is None else f" ± {(value['high'] - value['low']) / 2:.3f}"
        return f"{value['mean']:.3f}{half}"
    return f"{value:.3f}"


def _facts(config: TrainConfig) -> dict[str, Any]:
    return {
        "reward": config.env.reward,
        "split": config.evaluation.split,
        "episodes": config.evaluation.episodes,
        "temperature": config.evaluation.temperature,
    }


def _figures(evaluation: Mapping[str, Any]) -> dict[str, float | None]:
    found = {key: evaluation["sampled"][name] for key, name in _SAMPLED.items()}
    if "greedy" in evaluation:
        found["greedy_return"] = evaluation["greedy"]["mean_return"]
    return found


def _returns(figures: Mapping[str, Any]) -> dict[tuple[Any, int], float]:
    """Return the episodes' returns by scenario and repetition."""
    found: dict[tuple[Any, int], float] = {}
    for scenario, value in figures["returns"]:
        repetition = 0
        while (scenario, repetition) in found:
            repetition += 1
        found[scenario, repetition] = value
    return found


def _over(rows: Sequence[Mapping[str, Any]], key: str) -> dict[str, Any] | None:
    values = [row[key] for row in rows if row.get(key) is not None]
    return _described(t_interval(values)) if values else None


def _gain_over(of_seed: Mapping[int, Results], gain: Mapping[str, Any]) -> dict[str, Any]:
    same = ("of", "over", "return")
    found = [
        one["mean"]
        for result in of_seed.values()
        for one in result["gains"]
        if all(one[key] == gain[key] for key in same)
    ]
    return {**{key: gain[key] for key in same}, **_described(t_interval(found)), "seeds": len(found)}


def _described(interval: Interval) -> dict[str, float | None]:
    return dict(interval._asdict())
