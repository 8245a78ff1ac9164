"""Learning curves as a picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tool_gym.agents.training.evaluation import BASE

PANELS = (
    ("return on held-out scenarios", (("sampled", "mean_return"), ("greedy", "mean_return"))),
    ("Solve-F1 and answer accuracy, sampled", (("sampled", "solve_f1"), ("sampled", "answer_accuracy"))),
)
"""Each picture: its title, and what it shows as (kind of episodes, figure)."""

_LABELS = {
    ("sampled", "mean_return"): "sampled",
    ("greedy", "mean_return"): "greedy",
    ("sampled", "solve_f1"): "Solve-F1",
    ("sampled", "answer_accuracy"): "answer accuracy",
}
_COLOURS = ("#0b6e99", "#c2410c")


def draw(runs: Sequence[Sequence[Mapping[str, Any]]], stages: Sequence[str], path: Path) -> None:
    """Draw the evaluations of one or more seeds over the optimiser steps of all stages, as PNG and SVG.

    A thin line is a seed, the thick one their mean; dotted lines divide the stages.

    Args:
        runs: The evaluations of each seed, in order.
        stages: Names of the stages, in order.
        path: The file, without its ending.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    ends = _ends(runs, stages)
    with mpl.rc_context({"font.size": 11, "svg.hashsalt": "tool-gym", "svg.fonttype": "path"}):
        figure = Figure(figsize=(11, 4.2), layout="constrained", facecolor="white")
        for axes, (title, shown) in zip(figure.subplots(1, len(PANELS)), PANELS, strict=True):
            for colour, what in zip(_COLOURS, shown, strict=True):
                _lines(axes, [_points(run, what, ends) for run in runs], colour, _LABELS[what])
            _finish(axes, title, ends)
        figure.savefig(path.with_suffix(".png"), dpi=130, metadata={"Software": None})
        figure.savefig(path.with_suffix(".svg"), metadata={"Date": None, "Creator": None})


def _ends(runs: Sequence[Sequence[Mapping[str, Any]]], stages: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return where each stage begins and ends on the axis of all steps."""
    found, at = {BASE: (0, 0)}, 0
    for stage in stages:
        steps = max((one["step"] for run in runs for one in run if one["stage"] == stage), default=0)
        found[stage] = (at, at + steps)
        at += steps
    return found


def _points(
    run: Sequence[Mapping[str, Any]], what: tuple[str, str], ends: Mapping[str, tuple[int, int]]
) -> list[tuple[int, float]]:
    kind, figure = what
    return [(ends[one["stage"]][0] + one["step"], one[kind][figure]) for one in run if kind in one]


def _lines(axes: Any, runs: Sequence[Sequence[tuple[int, float]]], colour: str, label: str) -> None:
    together: defaultdict[int, list[float]] = defaultdict(list)
    for run in runs:
        for step, value in run:
            together[step].append(value)
        if len(runs) > 1 and run:
            axes.plot(*zip(*run, strict=True), color=colour, linewidth=0.8, alpha=0.4)
    if together:
        steps = sorted(together)
        means = [float(np.mean(together[step])) for step in steps]
        axes.plot(steps, means, color=colour, linewidth=2.2, marker="o", markersize=4, label=label)


def _finish(axes: Any, title: str, ends: Mapping[str, tuple[int, int]]) -> None:
    for stage, (begin, end) in ends.items():
        if end > begin:
            axes.axvline(end, color="#999999", linestyle=":", linewidth=1)
            axes.text((begin + end) / 2, 1.02, stage, ha="center", va="bottom", color="#555555")
    axes.set_title(title, fontsize=12, pad=20)
    axes.set_xlabel("optimiser steps")
    low, high = axes.get_ylim()
    axes.set_ylim(min(low, -0.02), max(high, 1.02))
    axes.grid(color="#e5e5e5", linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="best", frameon=True, framealpha=0.9)
