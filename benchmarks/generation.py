"""Making scenarios to be timed: whole shards of the default mix, proved by every gate and compared for duplicates."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

from tool_gym.generators import build, collecting, gates, shards
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.gates.g14_duplicates import Register
from tool_gym.generators.integrate import Interface
from tool_gym.generators.plan import BLOCK, PackPlan
from tool_gym.generators.shards import Report, make_shard
from tool_gym.scenario import Scenario

DOMAINS = ("energy", "library", "logistics", "telecom")
"""Domains of the train split, so that a run comes back to each of them."""

STAGES: Mapping[str, tuple[Any, str]] = {
    "worlds": (build, "sample_world"),
    "drawing drafts": (shards, "drawn"),
    "goals, by G4, G5, G7": (build, "check_goal"),
    "documents": (Interface, "integrate"),
    "running its plan": (build, "deploy"),
    "proving merges": (build, "prove_merge"),
    "unneeded tools": (build, "extend_toolset"),
    "scaling": (build, "scale_view"),
    "words": (build, "lines_of"),
    "ids": (Scenario, "with_id"),
    "JSON": (Scenario, "to_json"),
} | {gate.GATE: (gate, "check") for gate in gates.GATES}
"""What is timed apart: name → where its function stands."""


class Made(NamedTuple):
    """What making some scenarios took."""

    scenarios: int
    attempts: int
    seconds: float
    """CPU time."""

    @property
    def rate(self) -> float:
        """Scenarios a CPU second."""
        return self.scenarios / self.seconds


def make(blocks: int, seed: int, complexity: int | None) -> Made:
    """Make so many blocks of scenarios, each over a world of its own, and return what it took.

    Args:
        blocks: Worlds, of 16 scenarios each.
        seed: Other seeds make other worlds.
        complexity: Level of all operators, or None for the full mix.
    """
    plan = PackPlan("timed", {"train": blocks * BLOCK}, {"train": DOMAINS}, seed, complexity)
    register, report, kept = Register(), Report(), 0
    with collecting.seldom():
        began = time.process_time()
        for shard in plan.shards():
            for made in make_shard(plan, shard, report):
                try:
                    register.check(made.fingerprint)
                except RejectedError:
                    continue
                kept += 1
        return Made(kept, report.attempts, time.process_time() - began)


@contextmanager
def stopwatches() -> Iterator[dict[str, float]]:
    """Time the stages and gates apart: what each takes itself, in CPU seconds, its inner ones left out."""
    taken, inner = dict.fromkeys(STAGES, 0.0), [0.0]

    def timed(name: str, function: Callable[..., Any], *args: Any, **named: Any) -> Any:
        inner.append(0.0)
        began = time.process_time()
        try:
            return function(*args, **named)
        finally:
            whole = time.process_time() - began
            taken[name] += whole - inner.pop()
            inner[-1] += whole

    def method(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **named: timed(name, function, *args, **named)

    originals = {name: getattr(place, function) for name, (place, function) in STAGES.items()}
    for name, (place, function) in STAGES.items():
        wrapped = method if isinstance(place, type) else partial(partial, timed)
        setattr(place, function, wrapped(name, originals[name]))
    try:
        yield taken
    finally:
        for name, (place, function) in STAGES.items():
            setattr(place, function, originals[name])
