"""Players of ADD4 (see `benchmarks.peers.workload`) on Gymnasium environments, single and vector."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from benchmarks.add4 import TURNS
from benchmarks.peers.workload import Player

if TYPE_CHECKING:
    import gymnasium as gym

Scripted: TypeAlias = Callable[[dict[str, Any]], Sequence[list[str]]]
"""Reset infos of a vector environment → the turns of each of its environments."""


def ours(env: gym.Env[Any, Any], *, look: bool = False) -> Player:
    """Return a player of our environment that names the scenario at each reset.

    Args:
        env: The environment.
        look: Whether it takes the reward out of each step's info instead.
    """
    script = itertools.cycle([({"scenario": name}, turns) for name, turns in TURNS.items()])

    def play(episodes: int) -> float:
        total = 0.0
        step, reset = env.step, env.reset
        for option, turns in itertools.islice(script, episodes):
            reset(options=option)
            for turn in turns:
                seen = step(turn)
                total += seen[4]["step"].reward if look else seen[1]  # type: ignore[operator]  # gymnasium types a reward as SupportsFloat
        return total

    return play


def bare(env: gym.Env[Any, Any]) -> Player:
    """Return a player of the bare environment, which goes through the script by itself."""
    script = itertools.cycle(TURNS.values())

    def play(episodes: int) -> float:
        total = 0.0
        step, reset = env.step, env.reset
        for turns in itertools.islice(script, episodes):
            reset()
            for turn in turns:
                total += step(turn)[1]  # type: ignore[operator]  # as above
        return total

    return play


def vector(envs: gym.vector.VectorEnv[Any, Any, Any], scripted: Scripted) -> Player:
    """Return a player of a vector environment that resets itself at the next step.

    Args:
        envs: The environments.
        scripted: Reset infos → the turns of each environment.
    """
    count = envs.num_envs
    begun = False

    def play(episodes: int) -> float:
        nonlocal begun
        total = 0.0
        for _ in range(episodes // count):
            # The step after an episode's end ignores its actions and resets. A second `reset` would do so too, but
            # after it Gymnasium 1.4's AsyncVectorEnv without shared memory resets once more at the next step.
            infos = envs.step(("",) * count)[-1] if begun else envs.reset()[1]
            begun = True
            for actions in zip(*scripted(infos), strict=True):
                total += float(envs.step(actions)[1].sum())
        return total

    return play


def named(envs: gym.vector.VectorEnv[Any, Any, Any]) -> Player:
    """Return a player of our vector environment that names the scenarios at each reset, as `ours` does."""
    script = itertools.cycle([*TURNS])
    count = envs.num_envs

    def play(episodes: int) -> float:
        total = 0.0
        for _ in range(episodes // count):
            names = list(itertools.islice(script, count))
            envs.reset(options={"scenarios": names})
            for actions in zip(*map(TURNS.__getitem__, names), strict=True):
                total += float(envs.step(actions)[1].sum())
        return total

    return play


def by_scenario(infos: dict[str, Any]) -> list[list[str]]:
    """Return the turns for the scenarios that our environments drew."""
    return [TURNS[name] for name in infos["scenario_id"]]


def all_alike(count: int) -> Scripted:
    """Return the turns for bare environments, which go through the script side by side."""
    script = itertools.cycle(TURNS.values())
    return lambda _: [next(script)] * count
