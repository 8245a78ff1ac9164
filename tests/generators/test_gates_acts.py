"""The gates under mutations of the newer shapes: changes to a value found out, conditions, further plans, orders."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.generators import mutations_acts, mutations_orders
from tests.generators.building import made
from tests.generators.test_gates import ENOUGH
from tool_gym.generators.build import DEPTHS
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.gates import prove

DOMAINS = ("energy", "library", "clinic", "travel", "finance", "museum")
MUTATIONS = {**mutations_acts.mutations, **mutations_orders.mutations}


@pytest.fixture(scope="module")
def good() -> list[Candidate]:
    more = (mutations_acts.converted(), mutations_acts.told_either_way())
    return [*some_built(), *more, *mutations_orders.ordered()]


def some_built() -> Iterator[Candidate]:
    for domain in DOMAINS:
        for shape in ("read_then_write", "conditional"):
            for depth in DEPTHS[shape]:
                yield made(domain, shape, depth)


def test_good_candidates_pass(good: list[Candidate]) -> None:
    for candidate in good:
        prove(candidate)


@pytest.mark.parametrize("name", MUTATIONS)
def test_mutants_are_caught(name: str, good: list[Candidate]) -> None:
    gate, make, least = MUTATIONS[name]
    caught = 0
    for candidate in good:
        mutant = make(candidate)
        if mutant is None or caught == ENOUGH:
            continue
        with pytest.raises(RejectedError) as rejection:
            gate.check(mutant)
        assert rejection.value.gate == gate.GATE, rejection.value
        with pytest.raises(RejectedError):
            prove(mutant)
        caught += 1
    assert caught >= least
