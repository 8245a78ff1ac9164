"""`tool-gym pack`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tool_gym.cli.options import AsJson

EXAMPLES = (
    "tool-gym pack train.jsonl test.jsonl --worlds worlds.jsonl --name mine --out mine",
    "tool-gym pack tasks.jsonl --split test --name mine --out mine --overwrite",
)


def pack(  # noqa: PLR0913 - a command has the options it has
    files: Annotated[list[Path], typer.Argument(help="Scenarios, one JSON object a line. train.jsonl goes to train.")],
    *,
    name: Annotated[str, typer.Option(help="The pack's id: lower-case letters, digits, - and _.")],
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    worlds: Annotated[Path | None, typer.Option(help="The worlds they refer to, one JSON object a line.")] = None,
    split: Annotated[str, typer.Option(help="Where scenarios of files with other names go.")] = "test",
    licence: Annotated[str, typer.Option(help="Licence of the pack.")] = "Apache-2.0",
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a pack that is there already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a pack of hand-written scenarios; ids follow from their content."""
    from tool_gym.cli.find import check_new_folder
    from tool_gym.cli.output import print_all, print_json, text
    from tool_gym.envs.pack import SPLITS
    from tool_gym.envs.pack_writer import pack_files, read_worlds
    from tool_gym.errors import UnknownNameError

    if split not in SPLITS:
        error = UnknownNameError.of("split", split, SPLITS)
        raise error
    folder = check_new_folder(out, overwrite=overwrite)
    given = read_worlds(worlds) if worlds is not None else []
    card = pack_files(folder, files, given, split=split, overwrite=overwrite, id=name, version="1.0.0", licence=licence)
    if as_json:
        print_json({"folder": str(folder), **card.model_dump()})
    else:
        counts = ", ".join(f"{key} {count}" for key, count in card.splits.items())
        print_all(text(f"{name}: {counts}"), text(f"Now check it: tool-gym check {out}"))
