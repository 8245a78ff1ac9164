"""Plots as inline SVG or plain HTML, in the colours of the page they stand in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

WIDTH = 640
"""Width of a plot, in the units of its view box."""

_LABEL = 190
_ROW = 24


def bars(rows: Sequence[tuple[str, float]], *, form: str = "{:,.0f}", marks: Mapping[str, float] | None = None) -> str:
    """Return horizontal bars.

    Args:
        rows: Label and length of each bar.
        form: How a length is written.
        marks: Label → where a second value is marked on its bar.
    """
    marks = marks or {}
    most = max([value for _, value in rows] + list(marks.values()), default=0) or 1
    room = WIDTH - _LABEL - 70
    parts = []
    for number, (label, value) in enumerate(rows):
        y = number * _ROW
        parts += [
            f'<text x="{_LABEL - 8}" y="{y + 16}" text-anchor="end">{escape(label)}</text>',
            f'<rect class="bar" x="{_LABEL}" y="{y + 4}" width="{room * value / most:.1f}" height="{_ROW - 8}"/>',
            f'<text x="{_LABEL + room * value / most + 6:.1f}" y="{y + 16}">{form.format(value)}</text>',
        ]
        if label in marks:
            x = _LABEL + room * marks[label] / most
            parts.append(f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{y + 1}" y2="{y + _ROW - 1}"/>')
    return _svg(parts, len(rows) * _ROW)


def grid(cells: Mapping[tuple[str, int], int], rows: Sequence[str], columns: Sequence[int]) -> str:
    """Return a table whose cells are the darker the more they count."""
    most = max(cells.values(), default=1)
    head = "".join(f"<th>{column}</th>" for column in columns)
    body = []
    for row in rows:
        shades = []
        for column in columns:
            count = cells.get((row, column), 0)
            strong = ' class="strong"' if count > most / 2 else ""
            shades.append(f'<td style="--share: {count / most:.3f}"{strong}>{count or ""}</td>')
        body.append(f"<tr><th>{escape(row)}</th>{''.join(shades)}</tr>")
    return f'<table class="grid"><tr><th></th>{head}</tr>{"".join(body)}</table>'


def points(rows: Sequence[tuple[str, float, float]], across: str, up: str, own: str) -> str:
    """Return labelled points in a square of two figures; the one named `own` stands out.

    Args:
        rows: Label, figure across, figure up.
        across: Name of the figure across.
        up: Name of the figure up.
        own: The label that stands out.
    """
    height, left, bottom = 300, 50, 40
    wide, high = max(x for _, x, _ in rows) * 1.15, max(y for _, _, y in rows) * 1.12
    parts = [
        f'<line class="axis" x1="{left}" y1="{height - bottom}" x2="{WIDTH}" y2="{height - bottom}"/>',
        f'<line class="axis" x1="{left}" y1="0" x2="{left}" y2="{height - bottom}"/>',
        f'<text x="{WIDTH}" y="{height - 8}" text-anchor="end">{escape(across)}</text>',
        f'<text x="{left + 8}" y="14">{escape(up)}</text>',
    ]
    for label, x, y in rows:
        px, py = left + (WIDTH - left) * x / wide, (height - bottom) * (1 - y / high)
        kind, radius = ("own", 6) if label == own else ("other", 4)
        side = f'x="{px - 9:.1f}" text-anchor="end"' if px > WIDTH * 0.75 else f'x="{px + 9:.1f}"'
        parts += [
            f'<circle class="{kind}" cx="{px:.1f}" cy="{py:.1f}" r="{radius}"/>',
            f'<text class="{kind}" {side} y="{py + 4:.1f}">{escape(label)}</text>',
        ]
    return _svg(parts, height)


def _svg(parts: Sequence[str], height: int) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(parts)}</svg>'
