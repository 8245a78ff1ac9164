"""How many scenarios a CPU second, all gates passed, and which stage and gate takes how much of it.

    python -m benchmarks.profile_generation

For complexity 0 and for the full mix: the rate, then what the stages take, then each gate in the order in which they
run, with the rate there would be if the gates ended there. Scenarios of 16 share a world; the first blocks, in which
most documents are written, are not counted.
"""

from __future__ import annotations

import argparse
import itertools

from benchmarks.generation import Made, make, stopwatches
from benchmarks.peers.table import markdown
from tool_gym.generators import gates

HEAD = ("stage or gate", "µs a scenario", "share", "rate so far")

WARM = 16
"""Blocks before those that count."""

BLOCKS = 16


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=BLOCKS, help="worlds that count, of 16 scenarios each")
    parser.add_argument("--warm", type=int, default=WARM, help="worlds before them")
    asked = parser.parse_args()
    seeds = itertools.count()  # no world is made twice
    for title, complexity in (("complexity 0", 0), ("the full mix", None)):
        if asked.warm:
            make(asked.warm, next(seeds), complexity)
        plain = make(asked.blocks, next(seeds), complexity)
        with stopwatches() as taken:
            timed = make(asked.blocks, next(seeds), complexity)
        attempts = plain.attempts / plain.scenarios
        print(f"{title}: {plain.rate:.0f} scenarios a CPU second, {attempts:.2f} attempts each\n")
        print(markdown(HEAD, rows(timed, taken)), end="\n\n")


def rows(made: Made, taken: dict[str, float]) -> list[tuple[str, ...]]:
    """Return the lines of the table: a stage or gate, what it takes of each scenario, and the rate so far."""
    lines: list[tuple[str, ...]] = []
    names = [gate.GATE for gate in gates.GATES]
    so_far = made.seconds - sum(taken[name] for name in names)
    rest = so_far - sum(seconds for name, seconds in taken.items() if name not in names)
    for name, seconds in {**{n: s for n, s in taken.items() if n not in names}, "all else": rest}.items():
        lines.append((name, *_cells(seconds, made), ""))
    lines.append(("before the gates", *_cells(so_far, made), f"{made.scenarios / so_far:.0f}"))
    for name in names:
        so_far += taken[name]
        lines.append((name, *_cells(taken[name], made), f"{made.scenarios / so_far:.0f}"))
    return lines


def _cells(seconds: float, made: Made) -> tuple[str, str]:
    return f"{seconds / made.scenarios * 1e6:.0f}", f"{seconds / made.seconds:.1%}"


if __name__ == "__main__":
    main()
