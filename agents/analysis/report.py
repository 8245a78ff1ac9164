"""An analysis as data: what JSON, CSV and the pictures hold."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from tool_gym.agents.analysis.bootstrap import Estimate
from tool_gym.agents.analysis.causal import Row, Share
from tool_gym.agents.analysis.change import Change, Spread, change, spread, total
from tool_gym.agents.analysis.figures import heat_map, sweep_plot
from tool_gym.agents.analysis.guard import Capability
from tool_gym.agents.analysis.names import GROUPS, Place, module_order
from tool_gym.agents.analysis.pairing import Moved, cells
from tool_gym.files import write_whole

FIGURES = ("relative", "mean_absolute", "changed", "cosine")
"""Figures of a `Change`."""


class Run(NamedTuple):
    """One tuned model beside the base."""

    source: str
    moved: list[Moved]
    notes: tuple[str, ...] = ()
    """What makes its figures speak of more than training."""


class Sweep(NamedTuple):
    """What each layer or module carries of the gain, for one way of decoding."""

    over: str
    """`layers` or `modules`."""
    decoding: str
    figure: str
    runs: list[list[Share]]
    """One list for each tuned model."""


class Analysis(NamedTuple):
    """All that was found."""

    base: str
    runs: list[Run]
    rows: list[list[Row]]
    """The table of scores for each tuned model; empty if none was played."""
    sweeps: list[Sweep]
    capability: list[dict[str, Capability]]
    """Model → what it can do, for each tuned model; empty if not asked."""


def changes(runs: Sequence[Run]) -> dict[Place, list[Change]]:
    """Return each layer's and module's change in each run, in the order of a model."""
    of_run = [{place: change(sums) for place, sums in cells(run.moved).items()} for run in runs]
    return {place: [one[place] for one in of_run] for place in sorted(of_run[0], key=_order)}


def totals(runs: Sequence[Run]) -> dict[str, list[Change]]:
    """Return the change of each module over all layers, of each group, and of all weights together, in each run."""
    found: dict[str, list[Change]] = {}
    places = sorted({moved.place for moved in runs[0].moved}, key=_order)
    for module in dict.fromkeys(place.module for place in sorted(places, key=lambda place: module_order(place.module))):
        found[module] = [_over(run, {place for place in places if place.module == module}) for run in runs]
    for group in GROUPS:
        some = {place for place in places if place.group == group}
        if some:
            found[f"all {group}"] = [_over(run, some) for run in runs]
    return found | {"everything": [_over(run, set(places)) for run in runs]}


def described(analysis: Analysis) -> dict[str, Any]:
    """Return an analysis as JSON data."""
    runs = analysis.runs
    return {
        "base": analysis.base,
        "tuned": [run.source for run in runs],
        "notes": {run.source: list(run.notes) for run in runs if run.notes},
        "changes": [{**place._asdict(), **_change(of)} for place, of in changes(runs).items()],
        "totals": {name: _change(of) for name, of in totals(runs).items()},
        "scores": [
            {"tuned": run.source, **_row(row)} for run, rows in zip(runs, analysis.rows, strict=False) for row in rows
        ],
        "sweeps": [_sweep(sweep, runs) for sweep in analysis.sweeps],
        "capability": [
            {"tuned": run.source, **{model: _capability(one) for model, one in of.items()}}
            for run, of in zip(runs, analysis.capability, strict=False)
        ],
    }


def write(folder: Path, analysis: Analysis) -> list[Path]:
    """Write analysis.json, changes.csv and the pictures into a folder that exists, and return the files."""
    files = [folder / "analysis.json", folder / "changes.csv"]
    write_whole(files[0], json.dumps(described(analysis), indent=2) + "\n")
    write_whole(files[1], table_of_weights(analysis.runs))
    found = changes(analysis.runs)
    count = len(analysis.runs)
    means = {place: _spread([one.relative for one in of]) for place, of in found.items()}
    many = f", mean of {count} runs" if count > 1 else ""
    values = {place: one.mean if one else None for place, one in means.items()}
    title = f"How far weights moved{many}"
    files += heat_map(folder, "changes", values, title=title, unit="relative change ‖W' − W‖ / ‖W‖")
    if count > 1:
        deviations = {place: one.deviation if one else None for place, one in means.items()}
        title = f"How much that differs between {count} runs"
        files += heat_map(folder, "changes-spread", deviations, title=title, unit="standard deviation over runs")
    for sweep in analysis.sweeps:
        files += _plot(folder, sweep)
    return files


def table_of_weights(runs: Sequence[Run]) -> str:
    """Return every weight's change in every run, as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("tuned", "weight", "layer", "module", "group", "entries", *FIGURES))
    for run in runs:
        for moved in run.moved:
            figures = change(moved.sums)
            writer.writerow((run.source, moved.name, *moved.place, *figures))
    return text.getvalue()


def over_runs(shares: Sequence[Share]) -> Share:
    """Return the mean share over runs with the lowest and highest of them; of one run its own, with its interval."""
    if len(shares) == 1:
        return shares[0]
    return Share(
        shares[0].label, _merged([one.sufficient for one in shares]), _merged([one.necessary for one in shares])
    )


def _merged(estimates: Sequence[Estimate]) -> Estimate:
    known = [one.value for one in estimates if one.value is not None]
    return Estimate(fmean(known), min(known), max(known)) if known else Estimate(None)


def _order(place: Place) -> tuple[Any, ...]:
    outside = place.layer is None
    return (outside, GROUPS.index(place.group) if outside else place.layer, *module_order(place.module))


def _over(run: Run, places: set[Place]) -> Change:
    return change(total(moved.sums for moved in run.moved if moved.place in places))


def _change(of: Sequence[Change]) -> dict[str, Any]:
    found: dict[str, Any] = {"entries": of[0].entries}
    for name in FIGURES:
        values = [getattr(one, name) for one in of]
        spreads = _spread(values)
        found[name] = {**(spreads._asdict() if spreads else {"mean": None}), "runs": values}
    return found


def _spread(values: Sequence[float | None]) -> Spread | None:
    known = [value for value in values if value is not None]
    return spread(known) if known else None


def _row(row: Row) -> dict[str, Any]:
    figures = {
        name: {**estimate._asdict(), "gain": row.gains[name]._asdict()} for name, estimate in row.figures.items()
    }
    return {"model": row.model, "decoding": row.decoding, **figures}


def _sweep(sweep: Sweep, runs: Sequence[Run]) -> dict[str, Any]:
    return {
        "over": sweep.over,
        "decoding": sweep.decoding,
        "figure": sweep.figure,
        "runs": {
            run.source: [
                {"weights": one.label, "alone": one.sufficient._asdict(), "taken_out": one.necessary._asdict()}
                for one in shares
            ]
            for run, shares in zip(runs, sweep.runs, strict=True)
        },
    }


def _capability(of: Capability) -> dict[str, Any]:
    return {
        "perplexity": of.perplexity._asdict() if of.perplexity else None,
        "tasks": [metric._asdict() for metric in of.metrics],
    }


def _plot(folder: Path, sweep: Sweep) -> list[Path]:
    merged = [over_runs(of_one) for of_one in zip(*sweep.runs, strict=True)]
    labels = [one.label.rpartition("=")[2] for one in merged]
    dots: list[tuple[int, float | None, float | None]] = []
    if len(sweep.runs) > 1:
        dots = [(row, one.sufficient.value, one.necessary.value) for run in sweep.runs for row, one in enumerate(run)]
    many = f"mean and range of {len(sweep.runs)} runs" if dots else "95 % intervals over episodes"
    title = f"Share of the gain in {sweep.figure} ({sweep.decoding}) by {sweep.over}\n{many}"
    rows = [(label, one.sufficient, one.necessary) for label, one in zip(labels, merged, strict=True)]
    return sweep_plot(folder, f"sweep-{sweep.over}-{sweep.decoding}", rows, title=title, dots=dots)
