"""What the commands share to write with: tables on standard output, notes and progress on standard error.

A terminal gets colours and boxes; a file or pipe gets plain text that is never wrapped or cut.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

ENDLESS = 100_000
"""Width of what is not a terminal, in characters."""


def tell(message: str) -> None:
    """Write one line to standard error, after what was written so far."""
    sys.stdout.flush()
    sys.stderr.write(" ".join(plain(message).split()) + "\n")


def print_json(value: Any) -> None:
    """Write a value to standard output as JSON."""
    ascii_only = not (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=ascii_only) + "\n")


def print_all(*parts: RenderableType) -> None:
    """Write tables, trees and texts to standard output."""
    console = _console(sys.stdout)
    with console.capture() as capture:
        for part in parts:
            console.print(part)
    # Not by the console itself: it would end the process on a broken pipe.
    sys.stdout.write("".join(line.rstrip() + "\n" for line in capture.get().splitlines()))


def plain(text: str) -> str:
    r"""Replace what would move a terminal's cursor or change its colours.

    >>> plain("red: \x1b[31m")
    'red: ?[31m'
    """
    return "".join(letter if letter.isprintable() or letter in "\n\t" else "?" for letter in text)


def text(value: object, style: str = "") -> Text:
    """Return a value as text that is shown as it is."""
    from rich.text import Text

    return Text(plain(str(value)), style)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], *, numbers: int = 0) -> Table:
    """Build a table.

    Args:
        columns: Headings.
        rows: Cells; floats are shown with three decimals and None as a dash.
        numbers: How many of the last columns are aligned to the right.
    """
    from rich import box
    from rich.table import Table

    terminal = _console(sys.stdout).is_terminal
    made = Table(box=box.ROUNDED if terminal else None, pad_edge=terminal)
    for index, column in enumerate(columns):
        made.add_column(text(column), justify="right" if index >= len(columns) - numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*(text(_cell(value)) for value in row))
    return made


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _console(stream: Any) -> Console:
    from rich.console import Console

    console = Console(file=stream, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = ENDLESS
    return console
