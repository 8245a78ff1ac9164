"""Plots as plain HTML, in the colours of the page they stand in and as wide as there is room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

STYLE = """\
.tool-gym .bars { display: grid; grid-template-columns: max-content 1fr max-content; gap: .2rem .5rem;
  margin-top: .4rem; align-items: center; font-size: .8125rem; }
.tool-gym .bars > span:nth-child(3n + 1) { text-align: right; }
.tool-gym .track { position: relative; height: .9rem; }
.tool-gym .track i { position: absolute; inset: 0 auto 0 0; background: #4f7fd9; }
.tool-gym .track i.own { background: #c4432b; }
.tool-gym .track u { position: absolute; top: -.1rem; bottom: -.1rem; width: 3px; background: var(--ink); }
.tool-gym .grid td { min-width: 3rem; padding: .3rem .5rem; text-align: center;
  background: color-mix(in srgb, #4f7fd9 calc(var(--share) * 100%), var(--paper)); }
.tool-gym .grid td.strong { color: #fff; }
.tool-gym .grid th { padding: .3rem .75rem .3rem 0; white-space: nowrap; }
.tool-gym .grid tr:first-child th { padding: .3rem .5rem; text-align: center; }
"""


def bars(
    rows: Sequence[tuple[str, float]],
    *,
    form: str = "{:,.0f}",
    marks: Mapping[str, float] | None = None,
    own: str = "",
) -> str:
    """Return horizontal bars.

    Args:
        rows: Label and length of each bar.
        form: How a length is written.
        marks: Label → where a second value is marked on its bar.
        own: The label that stands out.
    """
    marks = marks or {}
    most = max([value for _, value in rows] + list(marks.values()), default=0) or 1
    parts = []
    for label, value in rows:
        kind = ' class="own"' if label == own else ""
        mark = f'<u style="left: {100 * marks[label] / most:.1f}%"></u>' if label in marks else ""
        bar = f'<i{kind} style="width: {100 * value / most:.1f}%"></i>{mark}'
        parts.append(f'<span>{escape(label)}</span><span class="track">{bar}</span><span>{form.format(value)}</span>')
    return f'<div class="bars">{"".join(parts)}</div>'


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
