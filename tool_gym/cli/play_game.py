"""One episode played by a person, line by line."""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tool_gym.cli import play_view
from tool_gym.cli.output import plain, print_all, text
from tool_gym.cli.play_hint import next_turn, planned_steps
from tool_gym.cli.play_input import Command, Draft, is_open, read_draft, read_line, tool_called
from tool_gym.dialects import get_dialect
from tool_gym.errors import NoOracleError

if TYPE_CHECKING:
    from tool_gym.envs.env import EnvSnapshot, ToolUseEnv
    from tool_gym.trajectory import Step, Trajectory
    from tool_gym.turns import Turn

POLICY = "human"
"""The policy's name in the record; `+hint` and `+undo` are added to it when they were used."""


class Lines:
    """Standard input, line by line: with a prompt at a terminal, else echoed, so that the output reads as a whole."""

    def __init__(self) -> None:
        """Look at what standard input is."""
        self.is_terminal = sys.stdin is not None and sys.stdin.isatty()
        if isinstance(sys.stdin, io.TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")
        if self.is_terminal:
            with contextlib.suppress(ImportError):  # without it lines cannot be edited, and all else works
                import readline  # noqa: F401 - being there is what it does

    def read(self, prompt: str) -> str | None:
        """Return the next line without its end, or None if there is no more."""
        if self.is_terminal:
            try:
                return input(prompt)
            except (EOFError, KeyboardInterrupt) as end:
                print_all(text(""))  # what comes next begins a line
                if isinstance(end, KeyboardInterrupt):
                    raise
                return None
        sys.stdout.flush()  # whoever writes the lines may wait for what came of the last one
        line = sys.stdin.readline() if sys.stdin is not None else ""
        if not line:
            return None
        line = line.rstrip("\r\n")
        sys.stdout.write(f"{prompt}{plain(line)}\n")
        return line


class Game:
    """An episode, the lines that play it, and what was undone or looked up."""

    def __init__(self, env: ToolUseEnv, lines: Lines) -> None:
        """Begin.

        Args:
            env: An environment of structured turns whose episode has just begun.
            lines: What the person types.
        """
        self._env = env
        self._lines = lines
        self._start = env.reward.start(env.scenario).parts()
        self._before: list[EnvSnapshot] = []
        self._helped: set[str] = set()
        self._plan: tuple[Step, ...] | None = None
        self._left = False

    @property
    def trajectory(self) -> Trajectory:
        """The record so far."""
        return self._env.trajectory._replace(policy="+".join([POLICY, *sorted(self._helped)]))

    def play(self) -> None:
        """Take lines until the episode is over, or they are."""
        while not (self._left or self._env.terminated or self._env.truncated):
            line = self._read()
            if line is None:
                break
            if line.strip():
                self._take(line)
        print_all(text(""), text(self._ending()), *self._standing())

    def _read(self) -> str | None:
        line = self._lines.read(f"[{len(self._steps) + 1}] ")
        while line is not None and is_open(line):
            more = self._lines.read("... ")
            if not more:
                break
            line = f"{line}\n{more}"
        return line

    def _take(self, line: str) -> None:
        meant = read_line(line, self._env.scenario.tools)
        if isinstance(meant, Draft):
            if not meant.doubt or self._is_sure(meant):
                self._send(meant.turn)
        elif meant.name == "quit":
            self._left = True
        elif meant.name == "send" and meant.argument:
            self._send(read_draft(meant.argument, self._env.scenario.tools).turn)
        else:
            self._serve(meant)

    def _serve(self, command: Command) -> None:
        """Do what costs nothing."""
        if command.name == "help":
            print_all(*play_view.instructions())
        elif command.name == "tools":
            self._show_tools(command.argument)
        elif command.name == "score":
            print_all(*self._standing())
        elif command.name == "prompt":
            schemas = [tool.schema for tool in self._env.scenario.tools]
            print_all(text(get_dialect("hermes").render(list(self._env.messages), schemas)))
        elif command.name == "undo":
            self._undo()
        elif command.name == "hint":
            self._hint()
        else:
            print_all(text(f"{command.name} what?"))

    def _is_sure(self, draft: Draft) -> bool:
        """Ask whether a turn is to be sent; in a pipe nobody is there to be asked."""
        print_all(text(draft.doubt, "red"))
        if not self._lines.is_terminal:
            print_all(text("not sent; to send it all the same, put send before it"))
            return False
        answer = self._lines.read("Send it all the same? [y/N] " if draft.turn.calls else "Send it as answer? [y/N] ")
        return (answer or "").strip().lower() in ("y", "yes")

    def _send(self, turn: Turn) -> None:
        before = self._parts
        self._before.append(self._env.snapshot())
        *_, info = self._env.step(turn)
        print_all(*play_view.outcome(info["step"], info["score"], before))

    def _undo(self) -> None:
        if not self._before:
            print_all(text("there is nothing to undo"))
            return
        self._env.restore(self._before.pop())
        self._helped.add("undo")
        print_all(text("the last turn is undone"), *self._standing())

    def _hint(self) -> None:
        try:
            self._plan = self._plan or planned_steps(self._env)
        except NoOracleError:
            print_all(text("this scenario has no plan, so there is no hint"))
            return
        self._helped.add("hint")
        planned = next_turn(self._plan, self._steps)
        shown = "the plan has nothing more" if planned is None else play_view.turn(planned)
        print_all(text("hint (this is cheating, and the record will say so):", "magenta"), text(f"  {shown}"))

    def _show_tools(self, name: str) -> None:
        specs = self._env.scenario.tools
        found = tool_called(name, specs)
        if not name:
            print_all(*play_view.tools(specs))
        elif found is None:
            print_all(text(f"there is no tool {name!r}"))
        else:
            print_all(*play_view.tool(specs.index(found) + 1, found))

    def _ending(self) -> str:
        count = len(self._steps)
        turns = f"{count} turn{'' if count == 1 else 's'}"
        if self._env.terminated:
            return f"The episode is over after {turns}."
        return f"The episode was cut off after {turns}." if self._env.truncated else f"You left after {turns}."

    def _standing(self) -> list[play_view.Part]:
        return list(play_view.standing(self._env.trajectory.episode_return, self._parts))

    @property
    def _steps(self) -> tuple[Step, ...]:
        return self._env.trajectory.steps

    @property
    def _parts(self) -> Mapping[str, float]:
        """The parts of the score as they stand."""
        last = self._steps[-1].parts if self._steps else None
        return last if last is not None else self._start
