"""The table of all paths, fastest first, each beside ours in the same minutes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from benchmarks.measuring import Measured
from benchmarks.peers.catalogue import ToolPath

HEAD = ("environment path", "steps/s", "steps/CPU s", "µs/step", "CPU time, ours = 1", "what it checks and keeps")


class Row(NamedTuple):
    """A path that was measured."""

    owner: str
    """The project, or tool-gym."""
    path: ToolPath
    measured: Measured
    ratio: float
    """How many times our CPU time a step takes; above 1 is slower than ours."""


def table(rows: Iterable[Row], failures: Mapping[str, str], left_out: Mapping[str, str]) -> str:
    """Return the table as Markdown, then who is missing from it and why.

    Args:
        rows: What was measured, in any order.
        failures: Peer, or peer and path → what went wrong.
        left_out: Project → why it is not measured at all.
    """
    ordered = sorted(rows, key=lambda row: row.ratio)
    parts = [markdown(HEAD, [_cells(row) for row in ordered])]
    for title, reasons in (("Failed", failures), ("Not measured", left_out)):
        if reasons:
            parts.append("\n".join([f"{title}:", *(f"- {name}: {reason}" for name, reason in reasons.items())]))
    return "\n\n".join(parts)


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns line up, those of numbers on the right."""
    columns = list(zip(head, *rows, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [bool(rows) and all(cell[:1].isdigit() for cell in column[1:]) for column in columns]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(cells, widths, right, strict=True)
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * (width - 1) + ":" if to_right else "-" * width for width, to_right in zip(widths, right, strict=True)]
    return "\n".join([line(head), line(rule), *map(line, rows)])


def _cells(row: Row) -> tuple[str, ...]:
    measured = row.measured
    return (
        f"{row.owner}: {row.path.name}",
        f"{_rounded(measured.per_second):,}",
        f"{_rounded(1e6 / measured.median):,}",
        f"{measured.median:,.1f}" if measured.median < 100 else f"{measured.median:,.0f}",
        f"{row.ratio:,.2f}" if row.ratio < 10 else f"{row.ratio:,.0f}",
        row.path.checks,
    )


def _rounded(number: float) -> int:
    """Return a rate to three digits: a run says no more."""
    return int(float(f"{number:.3g}"))
