"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else there.")]
Seed = Annotated[int, typer.Option(min=0, help="Root seed; equal seeds give equal results everywhere.")]
