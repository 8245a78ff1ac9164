"""A question asks for what it names, of what is missing; one that names everything asks for nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.handmade import SCENARIOS
from tests.playing import oracle_turns, play
from tool_gym.asking import KINDS, MOST_NAMED, Questions, Verdict
from tool_gym.scenario import AskGoal, Scenario
from tool_gym.turns import Turn

ASK = SCENARIOS["ask"]
"""Book berth BE3 for ship SH5, 15 tonnes: the day is missing."""

WORDS = [word for kind in KINDS for word in kind]


def verdict(text: str, asked: tuple[str, ...] = ()) -> Verdict:
    return Questions.of(ASK).judge(text, 0, asked).verdict


@pytest.mark.parametrize(
    "text",
    [
        "For which day?",
        "Sure! Could you tell me the date on which the berth should be booked?",
        "When should I book berth BE3 for ship SH5 with its 15 tonnes?",
        "Which day, and at what time?",
        "I can book the berth for that ship, but I need to know the day first: which date did you have in mind?",
        "What date? And is it really 15 tonnes?",
    ],
)
def test_honest_questions_are_answered(text: str) -> None:
    assert verdict(text) is Verdict.DUE


@pytest.mark.parametrize("text", ["", "?", "Are you sure?", "How many tonnes?", "Which ship and which berth?"])
def test_questions_for_what_is_not_missing_are_not(text: str) -> None:
    assert verdict(text) is Verdict.NOT_DUE


@pytest.mark.parametrize(
    "text",
    [
        "Day, price, name?",
        "Which one, how much, when, where, in what unit and why?",
        "What is the draft, home port, crew or day?",
        "status? unit? dates?",
    ],
)
def test_questions_for_everything_are_too_much(text: str) -> None:
    assert verdict(text) is Verdict.TOO_MUCH


def test_what_was_asked_before_is_not_missing_any_more() -> None:
    (goal,) = (goal for goal in ASK.goals if isinstance(goal, AskGoal))
    assert Questions.of(ASK).judge("Which day?", 0).goal is goal
    assert verdict("Which day?", (goal.id,)) is Verdict.NOT_DUE


def test_what_the_user_speaks_of_may_be_named() -> None:
    wordy = ASK.model_copy(update={"user_turns": ("Book it: the price, the name and the unit are as always.",)})
    assert Questions(wordy).judge("Which day? Price, name and unit are clear.", 0).verdict is Verdict.DUE


def test_lines_that_come_later_have_not_been_said() -> None:
    lines = ("Book it.", "The price, the name and the unit are as always.")
    later = SCENARIOS["multi_turn"].model_copy(update={"user_turns": lines})
    assert Questions(later).is_too_much("Price, name and unit?", 0)
    assert not Questions(later).is_too_much("Price, name and unit?", 1)


@given(st.lists(st.sampled_from(WORDS), max_size=8))
def test_a_question_may_name_two_things(words: list[str]) -> None:
    kinds = {number for number, kind in enumerate(KINDS) for word in words if word in kind}
    assert (verdict(f"{', '.join(words)}?") is Verdict.TOO_MUCH) == (len(kinds) > MOST_NAMED)


@given(st.text(max_size=60))
def test_any_text_is_judged(text: str) -> None:
    judged = Questions.of(ASK).judge(text, 0)
    assert (judged.goal is not None) == (judged.verdict is Verdict.DUE)


@pytest.mark.parametrize("name", [name for name, item in SCENARIOS.items() if item.plans])
def test_a_question_that_is_too_much_is_a_junk_call(name: str) -> None:
    item: Scenario = SCENARIOS[name]
    junk = Turn("Ask: name, day, price, status, unit or reason?")
    if not Questions.of(item).is_too_much("name, day, price, status, unit or reason?", 0):
        pytest.skip("what the user speaks of")
    turns = oracle_turns(item)
    asked, idle = (play(item, [question, *turns]) for question in (junk, Turn("Ask: zzz?")))
    assert asked.steps[0].reply == idle.steps[0].reply
    assert asked.episode_return == pytest.approx(idle.episode_return)
    assert asked.episode_return < 1
