"""Dialogues: proved turn by turn, played by every policy, and no way to spoil one goes unnoticed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from itertools import pairwise

import pytest

from tests import invariants
from tests.generators import mutations_asks, mutations_turns
from tests.generators.building import built
from tool_gym.asking import KINDS, Questions, Verdict
from tool_gym.generators.build import DEPTHS, SeedPath, Wish, build
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.dialogue import SHAPES, is_dialogue, lines, stages
from tool_gym.generators.dialogue_gap import Gap
from tool_gym.generators.domain import load_domain
from tool_gym.generators.expressions import Act, ById, Convert, Said, Transition, Update, walk
from tool_gym.generators.gates import GATES, check, prove
from tool_gym.rewards import get_reward
from tool_gym.scenario import AskGoal, Scenario, StateGoal

DOMAINS = ("energy", "museum", "clinic", "library", "school", "travel")
NUMBERS = range(12)
MUTATIONS = {**mutations_asks.mutations, **mutations_turns.mutations}
ENOUGH = 5
"""Mutants of one kind that are tried."""


@cache
def made(domain: str, shape: str, number: int = 0) -> Candidate:
    """A dialogue that the pipeline has proved; the number gives its depth, too."""
    wish = Wish(shape, DEPTHS[shape][number % len(DEPTHS[shape])])
    for attempt in range(400):
        try:
            return build(SeedPath(number, load_domain(domain).split, domain, 0, 0, attempt), wish)
        except RejectedError:
            continue
    msg = f"no {shape} in {domain}"
    raise AssertionError(msg)


def good(shape: str) -> Iterator[Candidate]:
    for number in NUMBERS:
        for domain in DOMAINS:
            yield made(domain, shape, number)


@pytest.fixture(scope="module")
def dialogues() -> list[Candidate]:
    return [candidate for shape in SHAPES for candidate in good(shape)]


@pytest.mark.parametrize("gate", GATES, ids=lambda gate: gate.GATE)
def test_good_dialogues_pass(gate: object, dialogues: list[Candidate]) -> None:
    for candidate in dialogues:
        check(gate, candidate)


@pytest.mark.parametrize("name", MUTATIONS)
def test_spoilt_dialogues_are_caught(name: str, dialogues: list[Candidate]) -> None:
    gate, make, least = MUTATIONS[name]
    caught = 0
    for candidate in dialogues:
        mutant = make(candidate)
        if mutant is None or caught == ENOUGH:
            continue
        with pytest.raises(RejectedError) as rejection:
            check(gate, mutant)
        assert rejection.value.gate in (gate.GATE, "dialogue"), rejection.value
        with pytest.raises(RejectedError):
            prove(mutant)
        caught += 1
    assert caught >= least


@pytest.mark.parametrize("reward", ["solve", "step_grained"])
@pytest.mark.parametrize("shape", SHAPES)
def test_rewards_keep_their_promises(shape: str, reward: str) -> None:
    for domain in DOMAINS:
        candidate = made(domain, shape, 1)
        scenario = candidate.scenario.model_copy(update={"faults": ()})
        for promise in invariants.CHECKS:
            promise(scenario, candidate.world, get_reward(reward))


class TestAsks:
    @pytest.fixture(params=range(12))
    def asked(self, request: pytest.FixtureRequest) -> Candidate:
        return made(DOMAINS[request.param % len(DOMAINS)], "ask", request.param // len(DOMAINS))

    def test_one_thing_is_missing_and_the_reply_gives_it(self, asked: Candidate) -> None:
        ask = asked.scenario.goals[0]
        assert isinstance(ask, AskGoal)
        assert asked.draft.gap is not None
        assert lines(asked.scenario, 0) == [asked.scenario.user_turns[0], ask.reply]
        assert asked.scenario.certificate["G11"]["as_good"]

    def test_the_oracles_question_and_plain_ones_are_understood(self, asked: Candidate) -> None:
        ask = asked.scenario.goals[0]
        assert isinstance(ask, AskGoal)
        for question in ("{}?", "Which {} do you mean?", "What {}, please?", "Could you tell me the {}?"):
            assert ask.is_asked_by(question.format(ask.keywords[0]))

    def test_nothing_that_takes_the_reply_counts_before_it(self, asked: Candidate) -> None:
        play = asked.play()
        play.steps([turn for turn in asked.plan_turns() if turn.calls])
        parents = [{parent.id for parent in sub_goal.parents} for sub_goal in asked.scenario.sub_goals]
        assert play.goals == 0
        assert any("ask1" in names for names in parents)


class TestTurns:
    @pytest.fixture(params=range(12))
    def dialogue(self, request: pytest.FixtureRequest) -> Candidate:
        return made(DOMAINS[request.param % len(DOMAINS)], "multi_turn", request.param // len(DOMAINS))

    def test_every_turn_has_a_goal_and_calls_of_its_own(self, dialogue: Candidate) -> None:
        scenario = dialogue.scenario
        turns = range(len(scenario.user_turns))
        assert 2 <= len(turns) <= 4
        assert [goal.user_turn for goal in scenario.goals] == list(turns)
        assert {sub_goal.user_turn for sub_goal in scenario.sub_goals} == set(turns)

    def test_a_turn_knows_what_those_before_found_out(self, dialogue: Candidate) -> None:
        for number, stage in enumerate(stages(dialogue)[1:], 1):
            for part in (part for goal in stage.draft.goal for part in walk(goal)):
                if isinstance(part, Said) or (isinstance(part, ById) and part not in walk(dialogue.draft.goal[number])):
                    assert (part.value if isinstance(part, Said) else part.row) in stage.told

    def test_a_turn_sees_the_changes_before_it(self, dialogue: Candidate) -> None:
        found = stages(dialogue)
        for before, after in pairwise(found):
            acted = any(isinstance(expression, Act) for expression in before.draft.goal)
            assert acted == (before.world.id != after.world.id)
            assert acted == isinstance(before.scenario.goals[0], StateGoal)

    def test_no_line_speaks_of_the_answer_before_it(self, dialogue: Candidate) -> None:
        """The next line comes whether or not the last act was right."""
        for line in dialogue.scenario.user_turns[1:]:
            assert not re.search(r"\b(you said|as you|your answer|right|correct|good to know)\b", line, re.IGNORECASE)


def test_a_request_of_one_turn_is_its_only_stage() -> None:
    candidate = built("energy", "multi_hop")
    assert stages(candidate) == [candidate]
    assert not is_dialogue(candidate.scenario)


def test_dialogues_survive_a_round_trip(dialogues: list[Candidate]) -> None:
    for candidate in dialogues:
        assert Scenario.from_json(candidate.scenario.to_json()) == candidate.scenario


class TestHonestQuestions:
    """What a person would ask is understood, and what a guesser asks is not."""

    @pytest.fixture(params=range(36))
    def asked(self, request: pytest.FixtureRequest) -> Candidate:
        return made(DOMAINS[request.param % len(DOMAINS)], "ask", request.param // len(DOMAINS))

    def questions(self, candidate: Candidate) -> list[str]:
        gap, domain = candidate.draft.gap, candidate.domain
        assert gap is not None
        if gap.row is not None:
            noun = domain.entities[gap.row.entity].noun
            return [f"Which {noun} do you mean?", f"Sure, but which {noun}? Please give me its name or id."]
        if isinstance(gap.part, Convert):
            return ["Which unit would you like it in?", "To what unit should I convert it?"]
        noun = domain.entities[entity_of(gap)].columns[gap.column].noun
        return [
            f"What should the {noun} be?",
            f"Happy to help. Which {noun} should I use?",
            f"I can do that, but you have not told me the {noun} yet. What is it?",
        ]

    def test_a_person_is_answered(self, asked: Candidate) -> None:
        for text in self.questions(asked):
            assert Questions.of(asked.scenario).judge(text, 0).verdict is Verdict.DUE, text

    def test_a_guesser_is_not(self, asked: Candidate) -> None:
        spray = f"{', '.join(word for kind in KINDS for word in kind[:2])}?"
        assert Questions.of(asked.scenario).judge(spray, 0).verdict is Verdict.TOO_MUCH


def entity_of(gap: Gap) -> str:
    part = gap.part
    return part.target.entity if isinstance(part, Update | Transition) else part.entity  # type: ignore[union-attr]  # units have none
