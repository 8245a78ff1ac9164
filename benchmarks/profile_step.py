"""Where a step's time goes: the ADD4 episode under cProfile.

    python -m benchmarks.profile_step

Prints microseconds a step without the profiler, then the functions that take most time themselves. The profiler
makes calls dearer than they are; read the shares, not the sums.
"""

from __future__ import annotations

import cProfile
import pstats
import re
import time
from collections.abc import Callable

from benchmarks.add4 import EPISODES, STEPS, add4_pack, turns_of
from tool_gym.envs.env import ToolUseEnv

ROUNDS = 30
SHOWN = 14


def main() -> None:
    """Play and print."""
    pack = add4_pack()
    env = ToolUseEnv(pack)
    script = [(entry.id, turns_of(number)) for number, entry in enumerate(pack.entries())]

    def play() -> None:
        for scenario, turns in script:
            env.reset(options={"scenario": scenario})
            for turn in turns:
                env.step(turn)

    play()
    best = min(_seconds(play) for _ in range(ROUNDS))
    print(f"{best / (EPISODES * STEPS) * 1e6:.2f} us a step, reset included (best of {ROUNDS} rounds)\n")
    profile = cProfile.Profile()
    for _ in range(ROUNDS):
        profile.runcall(play)
    rows = sorted(pstats.Stats(profile).stats.items(), key=lambda item: -item[1][2])  # type: ignore[attr-defined]  # not in the stubs
    total = sum(row[1][2] for row in rows)
    for (file, _, name), (_, calls, own, _, _) in rows[:SHOWN]:
        where = re.sub(r".*/| at 0x\w+", "", f"{file}:{name}")
        print(f"{own / total:6.1%}  {calls / ROUNDS / (EPISODES * STEPS):5.2f} calls a step  {where}")


def _seconds(play: Callable[[], None]) -> float:
    began = time.perf_counter()
    play()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
