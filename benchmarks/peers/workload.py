"""ADD4, the common episode, and the loop that plays it on demand; needs nothing but Python.

An episode is `reset`, four calls of `add`, and the answer, which is the sum of the four results: five steps and one
terminal reward, 1.0 if the answer is right. There is no model: what it would say is written down beforehand, in the
form each environment takes.

An adapter plays ADD4 on one environment. It runs in a process of its own, under an interpreter that may know nothing
of tool-gym, and calls `serve` with what makes a player of each of its paths. `serve` reads a request a line, plays, and
writes a line on what it took, in seconds, or on what went wrong:

    {"path": "step", "episodes": 640}
    {"reward": 640.0, "wall": 0.51, "cpu": 0.50}
    {"error": "KeyError: 'add'"}
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TextIO

EPISODES = 64
"""Different episodes, played round and round."""

CALLS = 4
STEPS = CALLS + 1
"""Steps of an episode."""

REQUEST = "Add the pairs and report the grand total."
"""What an environment without a text of its own says at `reset`."""

Player = Callable[[int], float]
"""Plays so many episodes and returns the sum of their rewards."""


class Episode(NamedTuple):
    """One episode as plain data."""

    pairs: tuple[tuple[int, int], ...]
    answer: str

    @property
    def hermes(self) -> list[str]:
        """The five turns as Hermes text."""
        calls = [
            f'<tool_call>\n{{"name": "add", "arguments": {{"a": {a}, "b": {b}}}}}\n</tool_call>' for a, b in self.pairs
        ]
        return [*calls, self.answer]


def episode(number: int) -> Episode:
    """Return one of the episodes, which differ in their numbers."""
    pairs = tuple(((number * 7 + k) % 1000, (number * 13 + 3 * k) % 1000) for k in range(CALLS))
    return Episode(pairs, str(sum(a + b for a, b in pairs)))


SCRIPT = tuple(episode(number) for number in range(EPISODES))
"""The episodes in the order they are played."""


def add(a: int, b: int) -> int:
    """Add two integers.

    Args:
        a: The first integer.
        b: The second integer.
    """
    return a + b


def serve(paths: Mapping[str, Callable[[], Player]]) -> None:
    """Play what is asked for on standard input until it ends.

    Args:
        paths: What makes the player of each path, when it is first asked for.
    """
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever the environment prints goes to the log
    players: dict[str, Player] = {}
    _say(answers, {"paths": list(paths)})
    for line in sys.stdin:
        request = json.loads(line)
        name = request["path"]
        try:
            if name not in players:
                players[name] = paths[name]()
            _say(answers, timed(players[name], request["episodes"]))
        except Exception as error:  # noqa: BLE001 - the other paths may still be played
            _say(answers, {"error": f"{type(error).__name__}: {error}"})


def timed(play: Player, episodes: int) -> dict[str, float]:
    """Play, and return the reward with the seconds it took: by the clock, and of CPU in the whole process tree."""
    gc.collect()
    children, own, began = _children_seconds(), time.process_time(), time.perf_counter()
    reward = play(episodes)
    wall, own = time.perf_counter() - began, time.process_time() - own
    return {"reward": reward, "wall": wall, "cpu": own + _children_seconds() - children}


def _children_seconds() -> float:
    """Return the CPU seconds of ended children, and on Linux of living ones, in steps of 10 ms."""
    ended = os.times()
    return ended.children_user + ended.children_system + sum(_living())


def _living() -> Iterator[float]:
    parents: dict[int, int] = {}
    seconds: dict[int, float] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text(encoding="latin-1").rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        parents[int(folder.name)] = int(fields[1])
        seconds[int(folder.name)] = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
    for process, parent in parents.items():
        ancestor = parent
        while ancestor not in {os.getpid(), 0}:
            ancestor = parents.get(ancestor, 0)
        if ancestor:
            yield seconds[process]


def _say(file: TextIO, what: Mapping[str, object]) -> None:
    file.write(json.dumps(what) + "\n")
    file.flush()
