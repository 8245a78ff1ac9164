"""Where a step's time goes: ADD4 under cProfile, on one environment and on the native vector environment.

    python -m benchmarks.profile_step

Prints CPU microseconds a step without the profiler, then the functions that take most time themselves. The profiler
makes calls dearer than they are; read the shares, not the sums.
"""

from __future__ import annotations

import cProfile
import pstats
import re
import time

import gymnasium as gym

from benchmarks.add4 import ENV_ID, PACK, register
from benchmarks.peers.workload import EPISODES, STEPS, Player
from benchmarks.players import by_scenario, ours, vector
from tool_gym.envs.env import ToolUseEnv

ROUNDS = 30
SHOWN = 14


def main() -> None:
    """Play and print."""
    register()
    show("ToolUseEnv", ours(ToolUseEnv(PACK)))
    envs = gym.make_vec(ENV_ID, num_envs=64, vectorization_mode="vector_entry_point")
    show("ToolUseVectorEnv, 64 episodes", vector(envs, by_scenario))


def show(name: str, play: Player, rounds: int = ROUNDS) -> None:
    """Print what a step costs, and where."""
    play(EPISODES)
    best = min(_seconds(play) for _ in range(rounds))
    print(f"{name}: {best / (EPISODES * STEPS) * 1e6:.2f} us a step, reset included (best of {rounds} rounds)\n")
    profile = cProfile.Profile(time.process_time)  # what else runs on the machine is not counted
    profile.runcall(play, rounds * EPISODES)
    rows = sorted(pstats.Stats(profile).stats.items(), key=lambda item: -item[1][2])  # type: ignore[attr-defined]  # not in the stubs
    total = sum(row[1][2] for row in rows)
    for (file, _, function), (_, calls, own, _, _) in rows[:SHOWN]:
        where = re.sub(r".*/| at 0x\w+", "", f"{file}:{function}")
        print(f"{own / total:6.1%}  {calls / (rounds * EPISODES * STEPS):5.2f} calls a step  {where}")
    print()


def _seconds(play: Player) -> float:
    began = time.process_time()
    play(EPISODES)
    return time.process_time() - began


if __name__ == "__main__":
    main()
