"""Writing exports to disk: a file for each scenario, or a line for each; whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from tool_gym import jsonio
from tool_gym.envs.pack import Task
from tool_gym.errors import ExportError
from tool_gym.files import replacing, write_whole
from tool_gym.generators.export.ftrl import ftrl_record
from tool_gym.generators.export.openai_json import openai_request
from tool_gym.generators.export.python_module import python_module
from tool_gym.generators.export.sqlite_file import write_sqlite
from tool_gym.version import __version__

FORMATS = ("python", "ftrl", "openai", "sqlite")
"""What can be written; an MCP server is served instead (`tool_gym.generators.export.server`)."""

SUFFIXES = {"python": ".py", "sqlite": ".db"}
"""Format → suffix of its files, one a scenario; the others are JSONL."""

INDEX = "export.json"
"""The file that makes a folder an export: its format, and which file is which scenario."""

Chosen: TypeAlias = Iterable[tuple[Task, str]]
"""Scenarios, each with its split."""


class Report(NamedTuple):
    """What was written."""

    written: int
    left_out: dict[str, int]
    """Why a scenario could not be said in the format → how many."""


def write_lines(form: str, chosen: Chosen, out: Path, done: Callable[[int], None] = lambda _: None) -> Report:
    """Write scenarios as JSONL, one a line; those the format has no place for are left out.

    Args:
        form: ftrl or openai.
        chosen: The scenarios.
        out: The file; what was there is replaced.
        done: Told how many scenarios were looked at.

    Raises:
        ExportError: If the format has a place for none.
    """
    left_out: Counter[str] = Counter()
    written = 0
    with replacing(out) as temporary, temporary.open("wb") as file:
        for number, (task, split) in enumerate(chosen, 1):
            try:
                record = (
                    ftrl_record(task, split) if form == "ftrl" else openai_request(task.scenario) | {"split": split}
                )
            except ExportError as error:
                left_out[str(error).replace(f"scenario {task.scenario.id}", "a scenario")] += 1
            else:
                file.write(jsonio.dump_bytes(record) + b"\n")
                written += 1
            done(number)
        if not written:
            reasons = "; ".join(f"{count} because {reason}" for reason, count in left_out.items())
            msg = f"no scenario was written: {reasons or 'none was given'}"
            raise ExportError(msg)
    return Report(written, dict(left_out))


def write_one(form: str, task: Task, out: Path, *, with_answers: bool = False) -> None:
    """Write a scenario into a file of its own; what was there is replaced.

    Args:
        form: python or sqlite.
        task: The scenario.
        out: The file.
        with_answers: Whether an SQLite file gets the golds too.
    """
    if form == "python":
        write_whole(out, python_module(task))
        return
    with replacing(out) as temporary:
        write_sqlite(task, temporary, with_answers=with_answers)


def write_folder(
    form: str,
    chosen: Chosen,
    out: Path,
    *,
    with_answers: bool = False,
    done: Callable[[int], None] = lambda _: None,
) -> Report:
    """Write each scenario into a file of its own, in a folder with an index; an earlier export there is replaced.

    Args:
        form: python or sqlite.
        chosen: The scenarios.
        out: The folder.
        with_answers: Whether SQLite files get the golds too.
        done: Told how many scenarios were written.

    Raises:
        ExportError: If there is something already that is no export, or no scenario was given.
    """
    check_new(out, overwrite=True)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    temporary.mkdir(parents=True)
    try:
        files: dict[str, str] = {}
        for number, (task, _) in enumerate(chosen, 1):
            name = f"scenario_{task.scenario.id}{SUFFIXES[form]}"
            write_one(form, task, temporary / name, with_answers=with_answers)
            files[task.scenario.id] = name
            done(number)
        if not files:
            msg = "no scenario was given"
            raise ExportError(msg)
        index: dict[str, Any] = {"exported_by": f"tool-gym {__version__}", "format": form, "scenarios": files}
        write_whole(temporary / INDEX, jsonio.dumps(index) + "\n")
        if out.exists():
            aside = out.with_name(f".{out.name}.{os.getpid()}.old")
            out.replace(aside)
            temporary.replace(out)
            shutil.rmtree(aside)
        else:
            temporary.replace(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Report(len(files), {})


def check_new(out: Path, *, overwrite: bool) -> None:
    """Check that a file or folder may be written.

    Raises:
        ExportError: If there is something, and it is not to be replaced or no export.
    """
    if out.is_dir() and not (out / INDEX).is_file():
        msg = f"{out} is a folder and no earlier export, so it is left alone"
        raise ExportError(msg)
    if out.exists() and not overwrite:
        msg = f"{out} already exists; pass --overwrite to replace it"
        raise ExportError(msg)
