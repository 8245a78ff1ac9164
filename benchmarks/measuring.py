"""Several ways to play ADD4, measured turn by turn in one run, so that a noisy machine slows all of them alike.

A *contender* plays so many episodes and says what they took. `measure` lets the contenders play in turn, A B A B …, and
checks every time that each episode earned 1.0: a path that skips the tool cannot look fast.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeAlias

from benchmarks.peers.workload import EPISODES, STEPS, Player, timed

Contender: TypeAlias = Callable[[int], Mapping[str, float]]
"""Plays so many episodes; returns their summed `reward` and the seconds they took, `wall` and `cpu`."""


class Measured(NamedTuple):
    """What a step or call took, in microseconds, one figure for each repetition."""

    cpu: tuple[float, ...]
    """CPU time of the whole process tree."""
    wall: tuple[float, ...]

    @property
    def median(self) -> float:
        """Median CPU time."""
        return statistics.median(self.cpu)

    @property
    def best(self) -> float:
        """Least CPU time, in microseconds."""
        return min(self.cpu)

    @property
    def per_second(self) -> float:
        """How many a second by the clock, at best."""
        return 1e6 / min(self.wall)

    def ratio_to(self, other: Measured) -> float:
        """Return how many times the CPU time of `other` this took: the median over the repetitions, pair by pair."""
        return statistics.median(mine / theirs for mine, theirs in zip(self.cpu, other.cpu, strict=True))


def local(play: Player) -> Contender:
    """Return the contender that plays in this process."""
    return lambda episodes: timed(play, episodes)


def measure(contenders: Mapping[str, Contender], *, repetitions: int = 5, seconds: float = 0.4) -> dict[str, Measured]:
    """Let contenders play in turn.

    Args:
        contenders: Who plays, by name.
        repetitions: How many times each plays; at least 1.
        seconds: How long each plays at a time, more or less.

    Raises:
        RuntimeError: If an episode did not earn 1.0.
    """
    episodes = {name: _enough(name, play, seconds) for name, play in contenders.items()}
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(repetitions):
        for name, play in contenders.items():
            seen, steps = _played(name, play, episodes[name]), episodes[name] * STEPS
            taken[name].append((seen["cpu"] / steps * 1e6, seen["wall"] / steps * 1e6))
    return {name: Measured(*zip(*figures, strict=True)) for name, figures in taken.items()}


def measure_calls(call: Callable[[], object], *, repetitions: int = 7, calls: int = 20_000) -> Measured:
    """Call something over and over; the loop around it, about 0.05 microseconds a call, is counted too."""
    taken = []
    for _ in range(repetitions):
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(calls):
            call()
        taken.append(((time.process_time() - cpu) / calls * 1e6, (time.perf_counter() - wall) / calls * 1e6))
    return Measured(*zip(*taken, strict=True))


def _enough(name: str, play: Contender, seconds: float) -> int:
    """Return how many episodes take so many seconds: whole rounds of all the episodes, at least one."""
    rounds, wall = 1, _played(name, play, EPISODES)["wall"]
    while wall < min(seconds, 0.05):
        rounds *= 4
        wall = _played(name, play, rounds * EPISODES)["wall"]
    return EPISODES * max(1, round(rounds * seconds / wall))


def _played(name: str, play: Contender, episodes: int) -> Mapping[str, float]:
    seen = play(episodes)
    if abs(seen["reward"] - episodes) > 1e-6 * episodes:
        msg = f"{name}: {episodes} episodes earned {seen['reward']:g} in all, and each should earn 1"
        raise RuntimeError(msg)
    return seen
