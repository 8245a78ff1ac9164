"""Requests about what is not there: looking shows it, nothing else could be meant, and only data is missing."""

from __future__ import annotations

from functools import cache

import pytest

from tests import invariants
from tests.generators import mutations_missing
from tool_gym.generators.build import SeedPath, Wish, build
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.domain import domain_names, load_domain
from tool_gym.generators.expressions import Best, ByName, Top
from tool_gym.generators.gates import check, g11_unsolvable, prove
from tool_gym.generators.missing import LOOKS, is_like
from tool_gym.rewards import get_reward
from tool_gym.turns import Turn
from tool_gym.world import fold

ENOUGH = 5
"""Mutants of one kind that are tried."""


@cache
def requests() -> list[Candidate]:
    """Requests about what is not there, of several domains."""
    found = []
    for number, domain in enumerate(sorted(domain_names())[:12] * 3):
        for attempt in range(60):
            path = SeedPath(number, load_domain(domain).split, domain, 0, 0, attempt)
            try:
                candidate = build(path, Wish("decline", 1 + number % LOOKS))
            except RejectedError:
                continue
            if candidate.draft.missing is not None:
                found.append(candidate)
                break
    return found


def test_names_groups_and_categories_are_missing() -> None:
    kinds = {type(candidate.draft.missing.row) for candidate in requests() if candidate.draft.missing is not None}
    assert kinds == {ByName, Top, Best}


@pytest.mark.parametrize("name", mutations_missing.mutations)
def test_spoilt_requests_are_caught(name: str) -> None:
    gate, make, least = mutations_missing.mutations[name]
    caught = 0
    for candidate in requests():
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


@pytest.mark.parametrize("reward", ["solve", "step_grained"])
def test_rewards_keep_their_promises(reward: str) -> None:
    for candidate in requests()[:12]:
        scenario = candidate.scenario.model_copy(update={"faults": ()})
        for promise in invariants.CHECKS:
            promise(scenario, candidate.world, get_reward(reward))


def test_declining_unseen_earns_nothing() -> None:
    for candidate in requests():
        play = candidate.play()
        play.step(Turn("Decline: there is none."))
        assert play.score == 0


def test_no_name_that_is_missing_could_be_a_row_misspelt() -> None:
    for candidate in requests():
        missing = candidate.draft.missing
        if missing is not None and isinstance(missing.row, ByName):
            name = missing.shadow.tables[missing.row.entity].rows[missing.phantom]["name"]
            for table in candidate.world.tables.values():
                assert all(fold(row["name"]) != fold(name) for row in table.rows.values())
                assert not any(is_like(name, row["name"]) for row in table.rows.values())


@pytest.mark.parametrize(
    ("name", "other", "alike"),
    [
        ("Amber Ridge Depot", "amber  ridge depot", True),
        ("Amber Ridge Depot", "Amber Rigde Depot", True),
        ("Amber Ridge Depot", "Ambers Ridge Depot", True),
        ("Amber Ridge Depot", "Amber Hollow Depot", False),
        ("Amber Ridge Depot", "AmberRidge Depot", True),
        ("Anders Kaszuba", "Anders Hirvonen", False),
        ("Anders Kaszuba", "Andres Kaszuba", True),
    ],
    ids=str,
)
def test_likeness_goes_by_words(name: str, other: str, *, alike: bool) -> None:
    assert is_like(name, other) is alike


def test_the_look_is_proved() -> None:
    for candidate in requests():
        assert g11_unsolvable.check(candidate) == candidate.scenario.certificate["G11"]
        assert candidate.scenario.depth == len(candidate.scenario.sub_goals) <= LOOKS
