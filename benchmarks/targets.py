"""The project's targets for stepping, vector environments, snapshots, memory and import, measured in one run.

    python -m benchmarks.targets

Contenders play ADD4 in turn, A B A B …, so that a noisy machine slows all alike. A ratio is of CPU time: the median
over the repetitions, each taken within one of them. The fastest peer takes part if `python -m benchmarks.peers` has
installed it.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import operator
import statistics
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import gymnasium as gym

from benchmarks import live_episodes, starting
from benchmarks.add4 import ENV_ID, BareEnv, register
from benchmarks.measuring import Contender, Measured, local, measure, measure_calls
from benchmarks.peers import session
from benchmarks.peers.catalogue import PEERS
from benchmarks.peers.table import markdown
from benchmarks.peers.venvs import CACHE, installed
from benchmarks.players import bare, by_scenario, named, ours, vector
from benchmarks.worlds import depot_pack, write_call
from tool_gym.envs.env import ToolUseEnv

PEER = next(peer for peer in PEERS if peer.name == "GEM")
PEER_PATH = "ToolEnvWrapper"
"""The fastest path of any peer; see the table of `benchmarks.peers`."""

BARE = "bare env"
SINGLE = "gym.make"
NATIVE = "ToolUseVectorEnv, n=64"
"""Named scenarios, as `gym.make` plays them; the next three draw theirs and look up in infos which they are."""

NO_GC = ", collector off"
"""Added to the names of contenders that play without Python's garbage collector."""

READ = ", infos read"
"""Added to the name of the contender that looks at every info."""

DRAWING = "ToolUseVectorEnv, n=64, drawing"
SYNC = "SyncVectorEnv, n=64, drawing"
ASYNC = "AsyncVectorEnv, n=8, drawing"
BEST_PEER = f"{PEER.name} {PEER_PATH}"
WRITES = 20


class Finding(NamedTuple):
    """A figure beside its target."""

    what: str
    value: float
    unit: str
    target: float
    at_least: bool = False
    """Whether the target is a floor; else it is a ceiling."""

    @property
    def verdict(self) -> str:
        """Whether the target is met, and by how much it is missed."""
        good = operator.ge if self.at_least else operator.le
        if good(self.value, self.target):
            return "met"
        factor = self.target / self.value if self.at_least else self.value / self.target
        return f"missed by a factor of {factor:.2f}"

    def cells(self) -> tuple[str, ...]:
        """Return the line of the table."""
        sign = "≥" if self.at_least else "≤"
        return self.what, f"{self.value:,.2f} {self.unit}", f"{sign} {self.target:g} {self.unit}", self.verdict


def main() -> None:
    """Measure everything and print two tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.targets", description=__doc__.partition("\n")[0])
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the peers' environments (%(default)s)")
    parser.add_argument("--repetitions", type=int, default=7, help="times each contender plays (%(default)s)")
    options = parser.parse_args()
    played = steps(options.cache, options.repetitions)
    rows = [
        (name, f"{item.best:.2f}", f"{item.median:.2f}", f"{item.per_second:,.0f}") for name, item in played.items()
    ]
    print(markdown(("ADD4", "µs/step, least", "median", "steps/s"), rows), "\n")
    findings = [*of_steps(played), *of_episodes(), *of_memory(), *of_starting()]
    print(markdown(("what", "measured", "target", "verdict"), [finding.cells() for finding in findings]))
    if BEST_PEER not in played:
        print(f"\n{PEER.name} was not measured: run `python -m benchmarks.peers --only {PEER.name}` first.")


def steps(cache: Path, repetitions: int) -> dict[str, Measured]:
    """Play ADD4 on all contenders in turn."""
    register()
    with ExitStack() as stack:
        single, native = ours(gym.make(ENV_ID)), named(_many(stack, 64, "vector_entry_point"))
        contenders: dict[str, Contender] = {
            BARE: local(bare(BareEnv())),
            SINGLE: local(single),
            SINGLE + NO_GC: _uncollected(local(single)),
            SINGLE + READ: local(ours(gym.make(ENV_ID), look=True)),
            NATIVE: local(native),
            NATIVE + NO_GC: _uncollected(local(native)),
            DRAWING: local(vector(_many(stack, 64, "vector_entry_point"), by_scenario)),
            SYNC: local(vector(_many(stack, 64, "sync"), by_scenario)),
            ASYNC: local(vector(_many(stack, 8, "async"), by_scenario)),
        }
        python = installed(PEER, cache)
        if python is not None:
            theirs = stack.enter_context(session.theirs(PEER, python))
            theirs.paths()
            contenders[BEST_PEER] = theirs.contender(PEER_PATH)
        return measure(contenders, repetitions=repetitions)


def of_steps(played: Mapping[str, Measured]) -> Iterator[Finding]:
    """Yield what ADD4 says of stepping and of vector environments."""
    single, native, drawing = played[SINGLE], played[NATIVE], played[DRAWING]
    if BEST_PEER in played:
        ratio = played[BEST_PEER].ratio_to(single)
        yield Finding(f"{SINGLE}: speed, {BEST_PEER} = 1", ratio, "×", 1.2, at_least=True)
    yield Finding(f"{SINGLE}: speed, {BARE} = 1", played[BARE].ratio_to(single), "×", 0.5, at_least=True)
    yield Finding(f"{NATIVE}: time, {SINGLE} = 1", native.ratio_to(single), "×", 1.0)
    yield Finding(f"{DRAWING}: speed, {SYNC} = 1", played[SYNC].ratio_to(drawing), "×", 2.0, at_least=True)
    yield Finding(f"{DRAWING}: speed, {ASYNC} = 1", played[ASYNC].ratio_to(drawing), "×", 10.0, at_least=True)


def of_episodes() -> Iterator[Finding]:
    """Yield what an episode in a world of a megabyte costs."""
    pack = depot_pack()
    env = ToolUseEnv(pack)
    options = itertools.cycle([{"scenario": entry.id} for entry in pack.entries()])
    for _ in pack.entries():
        env.reset(options=next(options))  # loads the world and compiles the tools
    yield Finding("reset, 1 MB world", measure_calls(lambda: env.reset(options=next(options))).median, "µs", 10)
    for number in range(1, WRITES + 1):
        env.step(write_call(f"PC{number}", 900 + number))
    yield Finding(f"snapshot, 1 MB world, {WRITES} writes", measure_calls(env.snapshot).median, "µs", 2)


def of_memory() -> Iterator[Finding]:
    """Yield what 10,000 live episodes take."""
    for pack in ("add4", "everyday"):
        yield Finding(f"10,000 live episodes of {pack}", live_episodes.apart(pack).episodes, "MiB", 1024)


def of_starting() -> Iterator[Finding]:
    """Yield what import and `gym.make` cost."""
    seconds = starting.measure()
    yield Finding("import tool_gym, beyond Gymnasium's", statistics.median(seconds.tool_gym), "s", 0.3)
    yield Finding("gym.make, warm", statistics.median(seconds.second_make) * 1e3, "ms", 5)


def _uncollected(contender: Contender) -> Contender:
    """Return a contender that plays with the garbage collector off."""

    def play(episodes: int) -> Mapping[str, float]:
        gc.disable()
        try:
            return contender(episodes)
        finally:
            gc.enable()

    return play


def _many(stack: ExitStack, count: int, mode: str) -> gym.vector.VectorEnv[object, object, object]:
    kwargs = {"shared_memory": False} if mode == "async" else None  # texts have no fixed size
    envs = gym.make_vec(ENV_ID, num_envs=count, vectorization_mode=mode, vector_kwargs=kwargs)
    stack.callback(envs.close)
    return envs


if __name__ == "__main__":
    main()
