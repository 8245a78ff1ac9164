"""An analysis as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tool_gym.cli.output import table, text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tool_gym.agents.analysis.bootstrap import Estimate
    from tool_gym.agents.analysis.causal import Row
    from tool_gym.agents.analysis.change import Change
    from tool_gym.agents.analysis.guard import Capability
    from tool_gym.agents.analysis.report import Analysis, Sweep

_HEADINGS = {
    "solve_p": "Solve-P",
    "solve_r": "Solve-R",
    "solve_f1": "Solve-F1",
    "answer_accuracy": "answer accuracy",
    "mean_return": "return",
}

_WAYS = ("base + ", "tuned − ")
"""What the names of hybrids begin with; those of a sweep have a table of their own."""


def view(analysis: Analysis) -> Iterator[RenderableType]:
    """Yield what is printed."""
    runs = analysis.runs
    many = f" (mean ± standard deviation of {len(runs)} runs)" if len(runs) > 1 else ""
    yield text(f"relative change in %, layer by layer{many}", "bold")
    yield _layers(analysis)
    yield text("")
    yield text(f"by module, over all layers{many}", "bold")
    yield _modules(analysis)
    for run in runs:
        yield from (text(f"note on {run.source}: {note}") for note in run.notes)
    swept = {way + share.label for sweep in analysis.sweeps for share in sweep.runs[0] for way in _WAYS}
    for number, rows in enumerate(analysis.rows):
        yield text("")
        yield text(f"{_named(analysis, number)}: mean (gain over the base, its 95 % interval)", "bold")
        yield _scores([row for row in rows if row.model not in swept])
    for sweep in analysis.sweeps:
        yield text("")
        yield from _sweep(sweep)
    for number, capability in enumerate(analysis.capability):
        yield text("")
        yield text(f"{_named(analysis, number)}: general capability", "bold")
        yield _capability(capability)


def _named(analysis: Analysis, number: int) -> str:
    return f"{analysis.runs[number].source} beside {analysis.base}"


def _layers(analysis: Analysis) -> RenderableType:
    from tool_gym.agents.analysis.names import module_order
    from tool_gym.agents.analysis.report import changes

    found = {place: of for place, of in changes(analysis.runs).items() if place.layer is not None}
    modules = sorted({place.module for place in found}, key=module_order)
    layers = sorted({place.layer for place in found if place.layer is not None})
    cell = {(place.layer, place.module): _percent(of) for place, of in found.items()}
    rows = [(layer, *(cell.get((layer, module)) for module in modules)) for layer in layers]
    return table(("layer", *modules), rows, numbers=len(modules))


def _modules(analysis: Analysis) -> RenderableType:
    from tool_gym.agents.analysis.report import totals

    rows = [
        (
            name,
            f"{of[0].entries:,}",
            _percent(of),
            _several([one.mean_absolute for one in of], "{:.2e}"),
            _several([100 * one.changed for one in of], "{:.2f}"),
            _several([one.cosine for one in of], "{:.6f}"),
        )
        for name, of in totals(analysis.runs).items()
    ]
    return table(("module", "entries", "relative, %", "mean |w'−w|", "changed, %", "cosine"), rows, numbers=5)


def _scores(rows: list[Row]) -> RenderableType:
    cells = [
        (row.model, row.decoding, *(_gained(row.figures[name], row.gains[name], row.model) for name in _HEADINGS))
        for row in rows
    ]
    return table(("model", "decoding", *_HEADINGS.values()), cells, numbers=len(_HEADINGS))


def _gained(figure: Estimate, gain: Estimate, model: str) -> str | None:
    if figure.value is None:
        return None
    if model == "base" or gain.value is None or gain.low is None or gain.high is None:
        return f"{figure.value:.3f}"
    return f"{figure.value:.3f} ({gain.value:+.3f}, {gain.low:+.3f} to {gain.high:+.3f})"


def _sweep(sweep: Sweep) -> Iterator[RenderableType]:
    from tool_gym.agents.analysis.report import over_runs

    of = "range over runs" if len(sweep.runs) > 1 else "95 % interval"
    heading = _HEADINGS[sweep.figure]
    yield text(f"share of the gain in {heading} ({sweep.decoding}), by {sweep.over}, with {of}", "bold")
    merged = list(map(over_runs, zip(*sweep.runs, strict=True)))
    rows = [(share.label, _share(share.sufficient), _share(share.necessary)) for share in merged]
    yield table(("weights", "alone in the base", "taken out of the tuned"), rows, numbers=2)
    if all(share.sufficient.value is None and share.necessary.value is None for share in merged):
        yield text(f"there are no shares: the gain in {heading} is not clear of zero on these episodes")


def _share(of: Estimate) -> str | None:
    if of.value is None or of.low is None or of.high is None:
        return None
    return f"{of.value:.2f} ({of.low:.2f} to {of.high:.2f})"


def _capability(of: dict[str, Capability]) -> RenderableType:
    before, after = of["base"], of["tuned"]
    rows: list[tuple[object, ...]] = []
    if before.perplexity is not None and after.perplexity is not None:
        for name, label in (("perplexity", "perplexity of the text"), ("bits_per_byte", "bits per byte of the text")):
            one, other = getattr(before.perplexity, name), getattr(after.perplexity, name)
            rows.append((label, f"{one:.4g}", f"{other:.4g}", f"{other - one:+.4g}", None))
        rows.append(("tokens of the text", before.perplexity.tokens, after.perplexity.tokens, None, None))
        rows.append(("of them unknown", before.perplexity.unknown, after.perplexity.unknown, None, None))
    for one, other in zip(before.metrics, after.metrics, strict=True):
        error = None if other.error is None else f"{other.error:.4f}"
        label = f"{one.task}, {one.metric}"
        rows.append((label, f"{one.value:.4f}", f"{other.value:.4f}", f"{other.value - one.value:+.4f}", error))
    return table(("", "base", "tuned", "change", "standard error"), rows, numbers=4)


def _percent(of: list[Change]) -> str | None:
    return _several([None if one.relative is None else 100 * one.relative for one in of], "{:.3g}")


def _several(values: list[float | None], form: str) -> str | None:
    from tool_gym.agents.analysis.change import spread

    known = [value for value in values if value is not None]
    if not known:
        return None
    found = spread(known)
    shown = [found.mean] if found.deviation is None else [found.mean, found.deviation]
    return " ± ".join(form.format(value) for value in shown)
