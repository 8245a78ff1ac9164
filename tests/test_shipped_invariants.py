"""The promises of every online reward, over the scenarios that ship."""

from __future__ import annotations

import pytest

from tests import invariants
from tool_gym.envs.pack import Entry, open_pack
from tool_gym.rewards import get_reward

PACK = open_pack("everyday")
ONLINE = ("solve", "solve:beta=2:weight=0.3", "step_grained", "step_grained:penalty=2:weight=0.3")


def few() -> list[Entry]:
    """Return the first test scenario of each shape and domain."""
    return list({(entry.shape, entry.domain): entry for entry in reversed(PACK.entries("test"))}.values())


def check(entry: Entry) -> None:
    task = PACK.task(entry.id)
    for name in ONLINE:
        for promise in invariants.CHECKS:
            promise(task.scenario, task.world, get_reward(name))


@pytest.mark.parametrize("entry", few(), ids=lambda entry: f"{entry.shape}-{entry.domain}")
def test_the_promises_hold_for_each_shape_and_domain(entry: Entry) -> None:
    check(entry)


@pytest.mark.slow
@pytest.mark.parametrize("split", ["test", "validation"])
def test_the_promises_hold_for_every_scenario(split: str) -> None:
    for entry in PACK.entries(split):
        check(entry)
