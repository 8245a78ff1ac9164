"""Conversions people would ask for."""

import pytest

from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.domain import domain_names, load_domain
from tool_gym.generators.expressions import Convert, Evaluator, walk
from tool_gym.generators.sampling import LEAST, MOST, Sampler
from tool_gym.generators.seeding import stream
from tool_gym.generators.worlds import sample_world
from tool_gym.world import WorldView

DRAWS = 60


@pytest.mark.parametrize("name", domain_names())
def test_a_converted_number_is_neither_tiny_nor_huge(name: str) -> None:
    domain, world = load_domain(name), sample_world(load_domain(name), stream("conversions", name))
    evaluate, seen = Evaluator(WorldView(world.base)), 0
    for number in range(DRAWS):
        try:
            (goal,) = Sampler(domain, world, stream("conversions", name, number)).goal("multi_hop", 3 + number % 4)
        except RejectedError:
            continue
        for part in walk(goal):
            if isinstance(part, Convert):
                assert LEAST <= abs(evaluate.value(part)) <= MOST
                seen += 1
    measured = [column for entity in domain.entities.values() for column in entity.columns.values() if column.unit]
    assert seen or not measured
