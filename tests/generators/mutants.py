"""Every kind of fault and the gate that must catch it; `python -m tests.generators.mutants` prints the docs' table."""

from __future__ import annotations

import sys

from tests.generators import (
    mutations_acts,
    mutations_asks,
    mutations_form,
    mutations_meaning,
    mutations_missing,
    mutations_orders,
    mutations_pack,
    mutations_plan,
    mutations_scaled,
    mutations_shortcuts,
    mutations_tampered,
    mutations_turns,
)
from tests.generators.mutation import Mutation
from tool_gym.generators.merge_proof import STAGE

_MODULES = (
    mutations_form,
    mutations_meaning,
    mutations_plan,
    mutations_acts,
    mutations_orders,
    mutations_shortcuts,
    mutations_tampered,
    mutations_asks,
    mutations_turns,
    mutations_missing,
    mutations_scaled,
)

MUTATIONS: dict[str, Mutation] = {name: one for module in _MODULES for name, one in module.mutations.items()}
"""Name → a way to spoil a candidate."""


def by_gate() -> dict[str, list[str]]:
    """Return gate → the names of the faults it must catch, the gate of the merges first."""
    found: dict[str, list[str]] = {STAGE: []}
    for name, mutation in sorted(MUTATIONS.items(), key=lambda item: int(item[1].gate.GATE[1:])):
        found.setdefault(mutation.gate.GATE, []).append(name)
    for name, make in mutations_pack.faults.items():
        found.setdefault(make().gate, []).append(name)
    return dict(sorted(found.items(), key=lambda item: int(item[0][1:]) if item[0] != STAGE else 0))


def table() -> str:
    """Return the table of docs/synthesis.md."""
    lines = ["| gate | faults it must catch |", "|---|---|"]
    for gate, names in by_gate().items():
        lines.append(f"| {gate} ({len(names)}) | {'; '.join(name.replace('_', ' ') for name in names)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(table() + "\n")
