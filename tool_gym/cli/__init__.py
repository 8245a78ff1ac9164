"""The `tool-gym` program.

    tool-gym list                            what there is
    tool-gym show SCENARIO                   one scenario
    tool-gym rollout --policy all            what scripted policies score
    tool-gym play                            play an episode yourself
    tool-gym score FILE                      score stored trajectories again
    tool-gym check PACK                      is a pack sound
    tool-gym audit PACK                      what is in it, and how good it is
    tool-gym generate --out FOLDER           build a pack
    tool-gym domain list                     what generated worlds are about; domain check FILE for a new one
    tool-gym llm domain --endpoint …         have a model write domains; also llm paraphrase, llm documents
    tool-gym pack FILES --name N --out DIR   pack hand-written scenarios
    tool-gym export FORMAT PACK --out FILE   write scenarios as Python, FTRL records, OpenAI JSON or SQLite
    tool-gym export-trajectories FORMAT FILE --out FILE   write trajectories as data sets for training
    tool-gym serve SCENARIO                  serve a scenario's tools over MCP
    tool-gym train --preset NAME             train a policy
    tool-gym analyze BASE TUNED              what training changed, and which change carries the gain

A command's results go to standard output, all else to standard error. Exit codes: 0 done, 1 a check failed,
2 a mistake of the caller, told in one line, 130 interrupted.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer
from typer.exceptions import Exit, TyperException

from tool_gym import __version__
from tool_gym.cli import (
    analyze,
    audit,
    check,
    domains,
    export,
    exporting,
    generate,
    listing,
    llm,
    packing,
    play,
    rollout,
    schema,
    score,
    show,
    train,
)
from tool_gym.cli.output import tell
from tool_gym.errors import ToolGymError

BROKEN_PIPE = 141
"""Exit code when nobody reads the output any more, as for other programs."""

INTERRUPTED = 130
MISTAKE = 2

app = typer.Typer(name="tool-gym", add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    *,
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False,
) -> None:
    """Tool-use environments for language models: look at them, play them, score, check and generate them."""
    if version:
        typer.echo(f"tool-gym {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _add(name: str, command: Callable[..., None], examples: Sequence[str]) -> None:
    app.command(name, epilog="\n\n".join(("Examples:", *examples)))(command)


_add("list", listing.list_packs, listing.EXAMPLES)
_add("show", show.show, show.EXAMPLES)
_add("rollout", rollout.rollout, rollout.EXAMPLES)
_add("play", play.play, play.EXAMPLES)
_add("score", score.score, score.EXAMPLES)
_add("check", check.check, check.EXAMPLES)
_add("audit", audit.audit, audit.EXAMPLES)
_add("generate", generate.generate, generate.EXAMPLES)
app.add_typer(domains.app, name="domain")
app.add_typer(llm.app, name="llm")
_add("pack", packing.pack, packing.EXAMPLES)
_add("export", export.export, export.EXPORT_EXAMPLES)
_add("export-trajectories", exporting.export_trajectories, exporting.EXAMPLES)
_add("serve", export.serve, export.SERVE_EXAMPLES)
_add("schema", schema.schema, schema.EXAMPLES)
_add("train", train.train, train.EXAMPLES)
_add("analyze", analyze.analyze, analyze.EXAMPLES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program.

    Args:
        arguments: What stands behind the program's name; None for the process's own.

    Returns:
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        status = _run(sys.argv[1:] if arguments is None else arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_output()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except TyperException as error:
        return _fail(f"error: {error.format_message()}{_hint(error)}", error.exit_code)
    except ToolGymError as error:
        return _fail(f"error: {error}", MISTAKE)
    except OSError as error:
        return _fail(f"error: {error.filename or 'input or output'}: {error.strerror or error}", MISTAKE)
    return status


def _run(arguments: Sequence[str]) -> int:
    command = typer.main.get_command(app)
    try:
        with command.make_context("tool-gym", list(arguments)) as context:
            command.invoke(context)
    except Exit as finished:
        return finished.exit_code
    return 0


def _fail(message: str, status: int) -> int:
    _drop_output()
    tell(message)
    return status


def _hint(error: TyperException) -> str:
    context = getattr(error, "ctx", None)
    return f" (see {context.command_path} --help)" if context is not None else ""


def _drop_output() -> None:
    """Send output that cannot be written nowhere, so that the interpreter's last flush says nothing."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
