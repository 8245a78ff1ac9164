"""What answers look like from outside: their types and how common each is, whether they leak or can be guessed."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from tool_gym import jsonio
from tool_gym.generators.gates.mentions import Mentions, mentions_of
from tool_gym.scenario import AnswerGoal, Scenario
from tool_gym.values import BooleanValue, EnumValue, NumberValue, SequenceValue, SetValue, Value, display, plain


class Answers(NamedTuple):
    """Counts over a pack."""

    types: Counter[str]
    common: list[tuple[str, int]]
    """The answers that occur most, with how often."""
    total: int
    """Scenarios that ask for an answer."""
    leaks: list[str]
    """Ids of scenarios whose answer, or a sub-answer, stands in the request or a tool's document."""
    mentioned: int
    """Scenarios whose whole answer is made of values that the request mentions: what a guesser would try first."""


class Collector:
    """Takes scenarios one after another and counts."""

    def __init__(self) -> None:
        self._types: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()
        self._leaks: list[str] = []
        self._mentioned = 0

    def add(self, scenario: Scenario) -> None:
        """Count a scenario."""
        golds = [goal.gold for goal in scenario.goals if isinstance(goal, AnswerGoal)]
        if golds:
            self._answers["; ".join(map(display, golds))] += 1
        parts = [part for gold in golds for part in _parts(gold)]
        self._types.update(map(_type, parts))
        said = Mentions(" ".join(scenario.user_turns))
        self._mentioned += bool(parts) and all(said.has(plain(part)) for part in parts)
        if scenario.shape != "decline" and _leaks(scenario, parts, said):  # a decline has nothing to give away
            self._leaks.append(scenario.id)

    def result(self) -> Answers:
        """Return the counts."""
        common = self._answers.most_common(10)
        return Answers(self._types, common, self._answers.total(), self._leaks, self._mentioned)


def _leaks(scenario: Scenario, answers: list[Value], said: Mentions) -> bool:
    """Return whether the request says an answer, or a document any value that has to be found out.

    Yes and no, and words of closed lists, are no leak: everybody knows what they can be.
    """
    hidden = [sub_goal.gold for sub_goal in scenario.sub_goals if sub_goal.gold is not None]
    golds = [part for gold in (*answers, *hidden) for part in _parts(gold)]
    values = [plain(part) for part in golds if not isinstance(part, BooleanValue | EnumValue)]
    telling = [value for value in values if not (type(value) in (int, float) and abs(value) < 10)]
    asked = [plain(part) for part in answers if not isinstance(part, BooleanValue | EnumValue)]
    documents = [mentions_of(jsonio.dumps(tool.schema)) for tool in scenario.tools]
    return any(said.has(value) for value in asked if value in telling) or any(
        document.has(value) for document in documents for value in telling
    )


def _type(gold: Value) -> str:
    """Return the type of an answer; whole numbers are one of their own."""
    return gold.kind if not isinstance(gold, NumberValue) else "integer" if gold.value == int(gold.value) else "decimal"


def _parts(gold: Value) -> tuple[Value, ...]:
    return tuple(gold.items) if isinstance(gold, SequenceValue | SetValue) else (gold,)
