"""All faults together: each gate has some, the docs list them, and none slips through whatever the shape or scaling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.generators import mutations_orders, mutations_pack, mutations_shortcuts, mutations_tampered
from tests.generators.building import SHAPES
from tests.generators.mutants import MUTATIONS, by_gate, table
from tool_gym.errors import GenerationError
from tool_gym.generators.build import DEPTHS, SeedPath, Wish, build
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.domain import load_domain
from tool_gym.generators.gates import GATES, OF_LOOKS, check, g13_determinism, g14_duplicates, prove
from tool_gym.generators.merge_proof import STAGE

PAGE = Path(__file__).parents[2] / "docs" / "synthesis.md"
LEAST = 3
"""Fewest faults of a gate."""

NEW = {**mutations_tampered.mutations, **mutations_shortcuts.mutations}
ENOUGH = 6
"""Mutants of one kind that are tried."""


def candidates(domains: tuple[str, ...], level: int | None = None, depths: int = 3) -> list[Candidate]:
    """Proved candidates of every shape."""
    wishes = [Wish(shape, depth, level) for shape in SHAPES for depth in DEPTHS[shape][:depths]]
    return [_first(domain, wish) for domain in domains for wish in wishes]


def _first(domain: str, wish: Wish) -> Candidate:
    for attempt in range(300):
        try:
            return build(SeedPath(7, load_domain(domain).split, domain, 0, 0, attempt), wish)
        except RejectedError:
            continue
    msg = f"no {wish} in {domain}"
    raise AssertionError(msg)


@pytest.fixture(scope="module")
def good() -> list[Candidate]:
    return candidates(("energy", "library", "clinic"))


def test_every_gate_has_faults_to_catch() -> None:
    found = by_gate()
    assert set(found) == {STAGE, g13_determinism.GATE, g14_duplicates.GATE, *(gate.GATE for gate in GATES)}
    assert all(len(names) >= LEAST for names in found.values())


def test_the_docs_list_them_all() -> None:
    assert table() in PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NEW)
def test_mutants_are_caught(name: str, good: list[Candidate]) -> None:
    gate, make, least = NEW[name]
    caught = 0
    for candidate in good:
        mutant = make(candidate)
        if mutant is None or caught == ENOUGH:
            continue
        with pytest.raises(RejectedError) as rejection:
            check(gate, mutant)
        assert rejection.value.gate == gate.GATE, rejection.value
        with pytest.raises(RejectedError):
            prove(mutant)
        caught += 1
    assert caught >= least


@pytest.mark.parametrize("name", mutations_pack.faults)
def test_faults_of_packs_are_caught(name: str) -> None:
    fault = mutations_pack.faults[name]()
    fault.good()
    with pytest.raises((RejectedError, GenerationError)):
        fault.bad()


@pytest.mark.slow
@pytest.mark.parametrize("level", range(5))
def test_no_fault_slips_through_in_any_shape_at_any_level(level: int) -> None:
    tried: dict[str, set[str]] = {}
    slipped: list[str] = []
    for candidate in [*candidates(("travel", "finance"), level, 2), *(mutations_orders.ordered() if not level else ())]:
        prove(candidate)
        for name, (gate, make, _) in MUTATIONS.items():
            mutant = make(candidate)
            if mutant is not None and is_fault(gate, candidate, mutant):
                tried.setdefault(candidate.scenario.shape, set()).add(name)
                slipped += [f"{name}: {candidate.scenario.shape} {candidate.scenario.seed_path}"] * is_passed(mutant)
    assert not slipped
    assert set(tried) == set(SHAPES)
    assert all(len(names) > LEAST for names in tried.values())


def is_fault(gate: Any, candidate: Candidate, mutant: Candidate) -> bool:
    """Whether anything is wrong with a mutant: it is another one, and its gate has to do with its shape."""
    same = (mutant.scenario, mutant.draft, mutant.told) == (candidate.scenario, candidate.draft, candidate.told)
    return not same and (candidate.draft.missing is None or gate in OF_LOOKS)


def is_passed(candidate: Candidate) -> bool:
    try:
        prove(candidate)
    except RejectedError:
        return False
    return True
