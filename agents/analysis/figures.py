"""Pictures: heat maps of how far layers and modules moved, and of what each carries of a gain."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from tool_gym.agents.analysis.bootstrap import Estimate
from tool_gym.agents.analysis.names import Place, module_order
from tool_gym.agents.analysis.weights import needed

Dot: TypeAlias = tuple[int, float | None, float | None]

FORMATS = ("png", "svg")

_INK = "#222222"
_EMPTY = "#eeeeee"
_SUFFICIENT = "#1f6f8b"
_NECESSARY = "#c8553d"
_METADATA: dict[str, dict[str, Any]] = {"png": {"Software": None}, "svg": {"Date": None}}
"""Without times and versions: equal figures give equal files."""


def heat_map(folder: Path, name: str, values: Mapping[Place, float | None], *, title: str, unit: str) -> list[Path]:
    """Draw layers × modules as PNG and SVG; what is in no layer stands in a strip of its own below.

    Args:
        folder: Where to.
        name: Name of the files, without ending.
        values: A figure for each layer and module, none below 0; None where there is none.
        title: What stands above.
        unit: What stands beside the colour bar.

    Returns:
        The files.
    """
    matplotlib = needed("matplotlib")
    inside = {place: value for place, value in values.items() if place.layer is not None}
    outside = [(place, value) for place, value in values.items() if place.layer is None]
    layers = sorted({place.layer for place in inside if place.layer is not None})
    modules = sorted({place.module for place in inside}, key=module_order)
    rows = [[inside.get(_find(inside, layer, module)) for module in modules] for layer in layers]
    strip = [value for _, value in outside]
    top = max((value for value in (*inside.values(), *strip) if value is not None), default=0.0) or 1.0
    figure, axes = _panels(len(layers), len(modules), len(outside))
    colours = matplotlib.colormaps["Blues"].with_extremes(bad=_EMPTY)
    image = _cells(axes[0], rows, top, colours)
    axes[0].set_yticks(range(len(layers)), [str(layer) for layer in layers])
    _thin(axes[0].yaxis, len(layers))
    axes[0].set_xticks(range(len(modules)), modules, rotation=45, ha="right", rotation_mode="anchor")
    axes[0].set_ylabel("layer")
    axes[0].set_title(title, fontsize=10, color=_INK, loc="left")
    if outside:
        _cells(axes[1], [strip], top, colours)
        labels = [place.module for place, _ in outside]
        axes[1].set_xticks(range(len(labels)), labels, rotation=30, ha="right", rotation_mode="anchor")
        axes[1].set_yticks([0], ["in no layer"])
        axes[1].set_xlim(-0.5, max(len(labels), len(modules)) - 0.5)  # cells as wide as those above
    figure.colorbar(image, ax=axes, label=unit, shrink=0.9, aspect=35)
    return _save(figure, folder, name)


def sweep_plot(
    folder: Path, name: str, rows: Sequence[tuple[str, Estimate, Estimate]], *, title: str, dots: Sequence[Dot] = ()
) -> list[Path]:
    """Draw what each layer or module carries of a gain, alone (transplant) and as part of all (revert).

    Args:
        folder: Where to.
        name: Name of the files, without ending.
        rows: (label, share by transplant, share by revert).
        title: What stands above.
        dots: Single runs' (number of the row, share by transplant, share by revert).

    Returns:
        The files.
    """
    figure = needed("matplotlib.figure").Figure(figsize=(max(7.0, 1.6 + 0.62 * len(rows)), 4.4), layout="constrained")
    axis = figure.subplots()
    for side, (colour, label) in enumerate(
        ((_SUFFICIENT, "alone in the base (sufficiency)"), (_NECESSARY, "taken out of the tuned (necessity)"))
    ):
        _bars(axis, [row[1] if side == 0 else row[2] for row in rows], (side - 0.5) * 0.38, colour, label)
        known = [(row + (side - 0.5) * 0.38, shares[side]) for row, *shares in dots if shares[side] is not None]
        axis.scatter([x for x, _ in known], [share for _, share in known], s=14, color=_INK, zorder=3)
    axis.axhline(0, color=_INK, linewidth=0.8)
    axis.axhline(1, color=_INK, linewidth=0.8, linestyle=":")
    labels = [label for label, *_ in rows]
    turned = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if max(map(len, labels), default=0) > 3 else {}
    axis.set_xticks(range(len(rows)), labels, **turned)
    axis.set_axisbelow(True)
    axis.grid(axis="y", color=_EMPTY)
    axis.set_ylabel("share of the gain")
    axis.set_title(title, fontsize=10, color=_INK, loc="left")
    axis.spines[["top", "right"]].set_visible(False)
    figure.legend(loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    return _save(figure, folder, name)


def _bars(axis: Any, estimates: Sequence[Estimate], shift: float, colour: str, label: str) -> None:
    known = [(number, one.value, one) for number, one in enumerate(estimates) if one.value is not None]
    below = [max(0.0, value - (value if one.low is None else one.low)) for _, value, one in known]
    above = [max(0.0, (value if one.high is None else one.high) - value) for _, value, one in known]
    axis.bar(
        [number + shift for number, *_ in known],
        [value for _, value, _ in known],
        0.36,
        color=colour,
        label=label,
        yerr=[below, above],
        error_kw={"ecolor": _INK, "elinewidth": 1, "capsize": 2},
    )


def _panels(layers: int, modules: int, outside: int) -> tuple[Any, list[Any]]:
    height = 1.6 + 0.3 * min(max(layers, 3), 48)
    width = 3.2 + 0.62 * max(modules, outside, 5)
    if not outside:
        figure = needed("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")
        return figure, [figure.subplots()]
    figure = needed("matplotlib.figure").Figure(figsize=(width, height + 1.5), layout="constrained")
    heights = [max(layers, 3), 1]
    return figure, list(figure.subplots(2, 1, gridspec_kw={"height_ratios": heights}))


def _cells(axis: Any, rows: Sequence[Sequence[float | None]], top: float, colours: Any) -> Any:
    shown = [[math.nan if value is None else value for value in row] for row in rows] or [[math.nan]]
    image = axis.imshow(shown, vmin=0, vmax=top, cmap=colours, aspect="auto", interpolation="nearest")
    axis.tick_params(length=0, labelsize=9)
    axis.spines[:].set_visible(False)
    axis.set_xticks([x - 0.5 for x in range(1, len(shown[0]))], minor=True)
    axis.set_yticks([y - 0.5 for y in range(1, len(shown))], minor=True)
    axis.grid(which="minor", color="white", linewidth=1)
    axis.tick_params(which="minor", length=0)
    if len(shown) <= 40:
        _write_values(axis, shown, top)
    return image


def _write_values(axis: Any, rows: Sequence[Sequence[float]], top: float) -> None:
    for y, row in enumerate(rows):
        for x, value in enumerate(row):
            if not math.isnan(value):
                colour = "white" if value > 0.55 * top else _INK
                axis.text(x, y, _short(value), ha="center", va="center", fontsize=7, color=colour)


def _short(value: float) -> str:
    """Return a number of two significant digits that fits a cell.

    >>> [_short(value) for value in (0.0, 0.1234, 0.00001234, 12.3)]
    ['0', '.12', '1e-5', '12']
    """
    if value == 0:
        return "0"
    if value < 0.0095:
        return f"{value:.0e}".replace("e-0", "e-")
    return f"{value:.2g}".removeprefix("0") if value < 1 else f"{value:.3g}" if value < 10 else f"{value:.0f}"


def _find(places: Mapping[Place, Any], layer: int, module: str) -> Place:
    return next((one for one in places if one.layer == layer and one.module == module), Place(layer, module, ""))


def _thin(axis: Any, count: int) -> None:
    """Leave out labels where there are too many to read."""
    step = math.ceil(count / 48)
    for number, label in enumerate(axis.get_ticklabels()):
        label.set_visible(number % step == 0)


def _save(figure: Any, folder: Path, name: str) -> list[Path]:
    matplotlib = needed("matplotlib")
    files = []
    with matplotlib.rc_context({"svg.hashsalt": "tool-gym", "svg.fonttype": "none"}):
        for kind in FORMATS:
            path = folder / f"{name}.{kind}"
            figure.savefig(path, format=kind, dpi=150, facecolor="white", metadata=_METADATA[kind])
            files.append(path)
    return files
