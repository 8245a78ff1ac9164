"""What importing tool-gym and making an environment cost, each time in a new process.

    python -m benchmarks.starting

The first line is Gymnasium's own import, the second what tool-gym adds to it; then the first `gym.make`, which opens
the pack, and the second.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import NamedTuple

PROGRAM = """
import json, time
clock = time.process_time
began = clock()
import gymnasium
own = clock()
import tool_gym
ours = clock()
gymnasium.make("ToolUse-v0")
first = clock()
gymnasium.make("ToolUse-v0")
print(json.dumps([own - began, ours - own, first - ours, clock() - first]))
"""
REPETITIONS = 7


class Starting(NamedTuple):
    """CPU seconds, one figure for each process."""

    gymnasium: tuple[float, ...]
    tool_gym: tuple[float, ...]
    first_make: tuple[float, ...]
    second_make: tuple[float, ...]


def main() -> None:
    """Measure and print."""
    for name, seconds in measure()._asdict().items():
        least, middle = (figure * 1e3 for figure in (min(seconds), statistics.median(seconds)))
        print(f"{name.replace('_', ' '):12} {least:8.1f} ms at least, {middle:8.1f} ms in the median")


def measure(repetitions: int = REPETITIONS) -> Starting:
    """Start so many processes, one after the other."""
    return Starting(*zip(*(_started() for _ in range(repetitions)), strict=True))


def _started() -> list[float]:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, check=True, capture_output=True, timeout=60)  # noqa: S603 - the program above
    seconds: list[float] = json.loads(done.stdout)
    return seconds


if __name__ == "__main__":
    main()
