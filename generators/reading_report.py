"""How much of a pack's requests can be read back, and whether what is read is what is meant."""

from __future__ import annotations

from collections import Counter

from tool_gym.envs.pack import FolderPack
from tool_gym.generators.build import SeedPath, build
from tool_gym.generators.pinned import plan_of
from tool_gym.generators.plan import wish
from tool_gym.generators.readback import read_back
from tool_gym.generators.seeding import stream

SAMPLE = 500
"""Most scenarios that are read."""


def reading_report(pack: FolderPack, *, most: int = SAMPLE) -> dict[str, dict[str, int]]:
    """Return shape → "same", "different" or "unread" → in how many scenarios of a pack reading back shows it.

    Each scenario is built again, for its goal is not in the pack; its words are those of the pack.

    Args:
        pack: A pack that the pipeline made.
        most: How many of its scenarios to read; of more, a sample, the same every time.

    Raises:
        GenerationError: If it was not made by the pipeline, or by another version.
        RejectedError: If one of its scenarios is not what its plan makes.
    """
    plan = plan_of(pack.card)
    names = [entry.id for entry in pack.entries()]
    if len(names) > most:
        names = stream("reading", pack.card.id).sample(names, most)
    found: dict[str, Counter[str]] = {}
    for name in names:
        scenario = pack.task(name).scenario
        asked = wish(plan, scenario.shape, int(str(scenario.knobs["depth"])))
        candidate = build(SeedPath.parse(scenario.seed_path), asked)
        found.setdefault(scenario.shape, Counter())[read_back(candidate, scenario.user_turns).kind] += 1
    return {shape: dict(counts) for shape, counts in sorted(found.items())}
