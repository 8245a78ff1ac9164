"""`tool-gym export` and `tool-gym serve`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tool_gym.cli.options import AsJson

if TYPE_CHECKING:
    from tool_gym.envs.pack import Task
    from tool_gym.generators.export.writing import Report

EXPORT_EXAMPLES = (
    "tool-gym export python everyday --scenario 3f2a --out energy.py",
    "tool-gym export ftrl everyday --split train --out ftrl_train.jsonl",
    "tool-gym export openai my_pack --split test --limit 50 --out requests.jsonl",
    "tool-gym export sqlite everyday --limit 10 --out worlds",
)
SERVE_EXAMPLES = (
    "tool-gym serve 3f2a",
    "tool-gym serve 3f2a --pack my_pack",
)


def export(  # noqa: PLR0913 - a command has the options it has
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="python, ftrl, openai or sqlite.")],
    pack: Annotated[str, typer.Argument(help="A pack's name or folder; or a JSON file of one scenario.")],
    *,
    out: Annotated[Path, typer.Option(help="The file to write; for many scenarios as python or sqlite, the folder.")],
    split: Annotated[str, typer.Option(help="Split of the pack, or all.")] = "test",
    scenario: Annotated[
        list[str] | None, typer.Option(help="Only this scenario: its id, or as much of its beginning as is unique.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="At most so many, spread over the split.")] = None,
    with_answers: Annotated[
        bool, typer.Option("--with-answers", help="sqlite: put sub-goals, goals and plans into the file too.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there already.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write scenarios in a form that other programs read.

    python: a stand-alone module of plain functions. ftrl: JSONL of FTRL records. openai: JSONL of messages and tools.
    sqlite: a database of the world. A file with the suffix .py or .db takes one scenario.
    """
    from tool_gym.cli.find import check_writable
    from tool_gym.cli.output import print_all, print_json, text
    from tool_gym.errors import ExportError, UnknownNameError
    from tool_gym.generators.export import writing

    if form not in writing.FORMATS:
        error = UnknownNameError.of("format", form, writing.FORMATS)
        raise error
    if with_answers and form != "sqlite":
        msg = f"--with-answers is for sqlite; {form} has no place for answers, or has them always"
        raise ExportError(msg)
    target = out.resolve()
    writing.check_new(target, overwrite=overwrite)
    check_writable(target.parent)
    count, chosen = _chosen(pack, split, scenario or [], limit)
    report = _write(form, count, chosen, target, with_answers=with_answers)
    if as_json:
        print_json({"format": form, "out": str(target), **report._asdict()})
    else:
        lines = [f"{report.written} scenarios are in {out}"]
        lines += [f"{number} left out: {reason}" for reason, number in report.left_out.items()]
        print_all(*map(text, lines))


def serve(
    scenario: Annotated[str, typer.Argument(help="An id, or as much of its beginning as is unique; or a JSON file.")],
    *,
    pack: Annotated[str, typer.Option(help="The pack's name or folder.")] = "everyday",
) -> None:
    """Serve a scenario's tools over MCP, on standard input and output (needs the extra mcp)."""
    from tool_gym.cli.find import task_named
    from tool_gym.generators.export.server import serve as run

    run(task_named(scenario, pack)[0])


def _chosen(name: str, split: str, scenarios: list[str], limit: int | None) -> tuple[int, Iterator[tuple[Task, str]]]:
    """Return how many scenarios are named, and them, each with its split."""
    from tool_gym.cli.find import entries_of, entry_of, is_file_name, names_of, read_scenario, task_of
    from tool_gym.envs.pack import open_pack
    from tool_gym.envs.rollout import spread

    if name.endswith(".json") and is_file_name(name):
        return 1, iter([(task_of(read_scenario(Path(name))), "test")])
    pack = open_pack(name)
    named = [entry_of(pack, prefix) for prefix in names_of(scenarios)]
    entries = spread(named or entries_of(pack, split), limit)
    return len(entries), ((pack.task(entry.id), entry.split) for entry in entries)


def _write(form: str, count: int, chosen: Iterator[tuple[Task, str]], out: Path, *, with_answers: bool) -> Report:
    from tool_gym.errors import ExportError
    from tool_gym.generators.export import writing
    from tool_gym.progress import progress

    with progress("exporting", count) as done:
        suffix = writing.SUFFIXES.get(form)
        if suffix is None:
            return writing.write_lines(form, chosen, out, done)
        if out.suffix != suffix:
            return writing.write_folder(form, chosen, out, with_answers=with_answers, done=done)
        if count != 1:
            msg = f"{out.name} takes one scenario and {count} are named; choose one with --scenario, or name a folder"
            raise ExportError(msg)
        writing.write_one(form, next(chosen)[0], out, with_answers=with_answers)
        return writing.Report(1, {})
