"""What many live episodes take in memory: environments side by side, each in the middle of an episode.

    python -m benchmarks.live_episodes
    python -m benchmarks.live_episodes --pack everyday --split train

Each environment has played two turns of the oracle's, or all but the last where the oracle needs fewer. What episodes
share is there before the count begins: the pack, and an episode played on each of its scenarios, so that worlds are
loaded and tools compiled. Linux only. Every episode is then played to its end, and must earn 1.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import tool_gym
from benchmarks.add4 import PACK
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import Pack, open_pack

TURNS = 2
MIB = 2**20


class Memory(NamedTuple):
    """What was measured, in MiB of resident memory."""

    shared: float
    """The process before the episodes."""
    episodes: float
    """What the episodes added."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live_episodes", description=__doc__.partition("\n")[0])
    parser.add_argument("--pack", default="add4", help="add4, a bundled pack or a pack folder (%(default)s)")
    parser.add_argument("--split", help="take scenarios of this split only")
    parser.add_argument("--episodes", type=int, default=10_000, help="how many at a time (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print the two figures as JSON")
    options = parser.parse_args()
    pack = PACK if options.pack == "add4" else open_pack(options.pack)
    memory = measure(pack, options.split, options.episodes)
    if options.json:
        print(json.dumps(memory))
        return
    each = memory.episodes * 1024 / options.episodes
    print(
        f"{options.episodes:,} live episodes of {pack.name}, {TURNS} turns in: {memory.episodes:.0f} MiB, "
        f"{each:.1f} KiB each, over the {memory.shared:.0f} MiB they share"
    )


def measure(pack: Pack, split: str | None, episodes: int) -> Memory:
    """Hold so many episodes and return what they take.

    Raises:
        RuntimeError: If one of them did not earn 1 in the end.
    """
    scripts = [(entry.id, _script(pack, entry.id)) for entry in pack.entries(split)]
    script = list(islice(cycle(scripts), episodes))
    shared = _resident()
    live = [_begun(pack, name, turns[:-1][:TURNS]) for name, turns in script]
    memory = Memory(shared, _resident() - shared)
    for env, (_, turns) in zip(live, script, strict=True):
        for turn in turns[len(env.trajectory.steps) :]:
            env.step(turn)
        if abs(env.trajectory.episode_return - 1) > 1e-6:
            msg = f"an episode of {env.scenario.id} earned {env.trajectory.episode_return}, not 1"
            raise RuntimeError(msg)
    return memory


def apart(pack: str, *options: str) -> Memory:
    """Measure in a process of its own, whose memory is its own.

    Args:
        pack: As for the program.
        *options: Further options of the program.
    """
    command = [sys.executable, "-m", "benchmarks.live_episodes", "--json", "--pack", pack, *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=900)  # noqa: S603 - this program
    return Memory(*json.loads(done.stdout))


def _script(pack: Pack, scenario: str) -> list[str]:
    """Return the oracle's turns as text."""
    played = tool_gym.rollout(ToolUseEnv(pack), tool_gym.get_policy("oracle"), options={"scenario": scenario})
    return [step.turn.raw for step in played.steps]


def _begun(pack: Pack, scenario: str, turns: list[str]) -> ToolUseEnv:
    env = ToolUseEnv(pack)
    env.reset(options={"scenario": scenario})
    for turn in turns:
        env.step(turn)
    return env


def _resident() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / MIB


if __name__ == "__main__":
    main()
