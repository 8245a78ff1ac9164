"""Gates under mutation: every known way to spoil a good candidate is caught, each by the gate meant for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.generators import mutations_form, mutations_meaning, mutations_plan
from tests.generators.building import all_built, assemble, built, parts_of, world_of
from tool_gym.errors import GenerationError
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.expressions import Attr, ById, ByName
from tool_gym.generators.gates import GATES, g06_leak, g13_determinism, g14_duplicates, prove

ENOUGH = 6
"""Mutants of one kind that are tried."""

MUTATIONS = {**mutations_form.mutations, **mutations_meaning.mutations, **mutations_plan.mutations}


@pytest.fixture(scope="module")
def good() -> list[Candidate]:
    return [*all_built(), *more_built()]


def more_built() -> Iterator[Candidate]:
    for number in range(1, 6):
        for domain in ("energy", "museum", "clinic"):
            for shape in ("parallel_multi_hop", "single_hop", "write", "parallel_single_hop"):
                yield built(domain, shape, number)


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.GATE)
def test_good_candidates_pass(gate: Any, good: list[Candidate]) -> None:
    for candidate in good:
        gate.check(candidate)


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


def test_a_state_told_by_an_error_message_is_caught() -> None:
    world = world_of("energy")
    row = next(row for row, cells in world.tables["inspection"].rows.items() if cells["status"] == "passed")
    goal = (Attr(ById("inspection", row), "status"),)
    g06_leak.check(assemble(goal, world))
    g06_leak.check(assemble(goal, world, extra=[("cancel", "plant", "status")]))
    for family in ("cancel", "transition"):
        mutant = assemble(goal, world, extra=[(family, "inspection", "status")])
        with pytest.raises(RejectedError, match="error message"):
            g06_leak.check(mutant)


class TestDeterminism:
    def test_equal_scenarios_pass(self) -> None:
        line = built("energy", "single_hop").scenario.to_json()
        g13_determinism.check("0/train", line, line)

    def test_a_builder_that_changes_its_mind_is_caught(self) -> None:
        scenario = built("energy", "single_hop").scenario
        other = scenario.model_copy(update={"user_turns": ("Something else?",)}).with_id()
        with pytest.raises(GenerationError, match=r"0/train/7 came out differently"):
            g13_determinism.check("0/train/7", scenario.to_json(), other.to_json())


class TestDuplicates:
    def test_different_scenarios_pass(self, good: list[Candidate]) -> None:
        register = g14_duplicates.Register()
        assert sum(_is_new(register, candidate) for candidate in good) > 0.95 * len(good)

    def test_the_same_goal_is_caught_in_other_words(self) -> None:
        register, candidate = g14_duplicates.Register(), built("energy", "multi_hop")
        register.check(g14_duplicates.fingerprint(candidate, candidate.scenario.user_turns[0]))
        with pytest.raises(RejectedError, match="the same goal"):
            register.check(
                g14_duplicates.fingerprint(
                    candidate, "Quite another text about nothing in particular, as far as one can see."
                )
            )

    def test_the_same_questions_in_another_order_are_caught(self) -> None:
        register, candidate = g14_duplicates.Register(), built("energy", "parallel_single_hop")
        register.check(g14_duplicates.fingerprint(candidate, candidate.scenario.user_turns[0]))
        draft = candidate.draft.__class__(candidate.draft.goal[::-1], candidate.draft.calls, candidate.draft.outputs)
        other = Candidate(candidate.scenario, candidate.world, candidate.domain, draft)
        with pytest.raises(RejectedError, match="the same goal"):
            register.check(
                g14_duplicates.fingerprint(
                    other, "Quite another text about nothing in particular, as far as one can see."
                )
            )

    def test_nearly_the_same_words_are_caught_about_another_row(self) -> None:
        register, candidate = g14_duplicates.Register(), built("energy", "multi_hop")
        text = (
            "Could you tell me the capacity of the power plant Amber Ridge Station, please, because I need it for the "
            "yearly report on 2024-03-01 with 12 pages?"
        )
        register.check(g14_duplicates.fingerprint(candidate, text))
        other = built("energy", "single_hop")
        with pytest.raises(RejectedError, match="nearly the same words"):
            register.check(
                g14_duplicates.fingerprint(
                    other, text.replace("2024-03-01", "2025-11-30").replace("12 pages", "15 pages")
                )
            )
        register.check(
            g14_duplicates.fingerprint(
                other, "Of all the inspections that were ever carried out here, which one took the longest?"
            )
        )

    def test_names_ids_and_numbers_are_masked(self) -> None:
        candidate = next(c for c in (built("energy", "multi_hop", n) for n in range(20)) if parts_of(c, ByName))
        anchor = parts_of(candidate, ByName)[0]
        name = candidate.world.tables[anchor.entity].rows[anchor.row]["name"]
        assert g14_duplicates.masked(f"{name} and INS-48211 and PL1234 at 1,200.5", [name]) == "* and # and # at #"


def _is_new(register: g14_duplicates.Register, candidate: Candidate) -> bool:
    try:
        register.check(g14_duplicates.fingerprint(candidate, candidate.scenario.user_turns[0]))
    except RejectedError:
        return False
    return True
