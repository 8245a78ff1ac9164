"""docs/cli.md shows what its commands print.

After a change to the output or the default suite, write the page again: `PYTHONPATH=. python tests/test_cli_doc.py`.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import sys
import tempfile
from pathlib import Path
from unittest import mock

from tool_gym.cli import main
from tool_gym.cli.play_hint import planned_steps
from tool_gym.cli.play_view import turn as typed
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import open_pack

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOW = re.compile(r"^tool-gym show \w+$")


def shown_scenario() -> str:
    """Return the id of a small example: the first of two hops and few tools in the default suite's test split."""
    pack = open_pack("everyday")
    for entry in pack.entries("test"):
        scenario = pack.task(entry.id).scenario
        if entry.shape == "multi_hop" and scenario.depth == 2 and len(scenario.tools) <= 5:
            return entry.id
    return pack.entries("test")[0].id


def printed(command: str, typed_in: str = "") -> str:
    """Return what a command prints on standard output when some lines are typed in."""
    with (
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as err,
        mock.patch.object(sys, "stdin", io.StringIO(typed_in)),
    ):
        status = main(shlex.split(command)[1:])
    assert status == 0, f"$ {command}\n{out.getvalue()}{err.getvalue()}"
    return out.getvalue()


def played() -> str:
    """Return the example's plan, typed in, and what is printed."""
    env = ToolUseEnv(scenario=shown_scenario(), dialect="structured")
    env.reset(seed=0)
    lines = "".join(f"{typed(step.turn)}\n" for step in planned_steps(env))
    command = f"tool-gym play {shown_scenario()[:8]}"
    return f"```console\n$ {command} <<END\n{lines}END\n{printed(command, lines)}```"


def refreshed(page: str) -> str:
    """Return the page with the output its commands give now."""

    def rerun(block: re.Match[str]) -> str:
        if block.group(1).startswith("$ tool-gym play "):
            return played()
        commands = [line.removeprefix("$ ") for line in block.group(1).splitlines() if line.startswith("$ ")]
        commands = [SHOW.sub(f"tool-gym show {shown_scenario()[:8]}", command) for command in commands]
        return "```console\n" + "".join(f"$ {command}\n{printed(command)}" for command in commands) + "```"

    return BLOCK.sub(rerun, page)


def test_the_page_shows_what_the_commands_print(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert len(BLOCK.findall(page)) == page.count("```console")
    with contextlib.chdir(tmp_path):
        assert refreshed(page) == page, "the page is out of date: see the docstring of this file"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        PAGE.write_text(refreshed(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
