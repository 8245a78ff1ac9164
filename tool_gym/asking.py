"""What a question to the user asks for, and when it asks for too much.

A question asks for a slot if it has one of the slot's key words. It may name two things at most that the user has not
spoken of: whoever names everything that could be missing has found out nothing, and is told nothing. What can be named
are the slots that are due, the parameters and columns of the tools, and the kinds of things people leave out.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from enum import Enum
from functools import cached_property
from typing import Any, NamedTuple

from tool_gym.scenario import AskGoal, Scenario, TemplateImpl, ToolSpec

MOST_NAMED = 2
"""Most things a question may name that the user has not spoken of."""

KINDS = (
    ("date", "day", "when", "time", "hour", "week", "month", "year"),
    (
        "value",
        "amount",
        "number",
        "figure",
        "quantity",
        "how much",
        "how many",
        "how large",
        "how long",
        "price",
        "cost",
    ),
    ("which one", "which of", "name", "id", "identifier", "code", "title", "who", "whom"),
    ("where", "place", "address", "location", "port", "city", "town"),
    ("unit", "measure", "currency"),
    ("status", "state", "stage", "category", "categories", "kind", "type"),
    ("why", "reason", "purpose"),
)
"""Words for what people leave out; those of one kind name one thing."""

_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_IDS = re.compile(r" (?:id|ids|identifier|key|ref|reference)$")
_SELECTORS = frozenset({"field", "order_by", "sort_by"})
"""Parameters, in the families' names, whose closed lists are columns."""


class Verdict(Enum):
    """What came of a question."""

    DUE = "due"
    """It asks for something that is missing: the user replies."""
    NOT_DUE = "not_due"
    """It names nothing that is missing, or only what was asked for before."""
    TOO_MUCH = "too_much"
    """It names more than `MOST_NAMED` things that the user has not spoken of."""


class Judged(NamedTuple):
    """A question and what came of it."""

    verdict: Verdict
    goal: AskGoal | None = None
    """What it asks for, if that is due."""


class Questions:
    """Judges the questions of one scenario."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario

    @staticmethod
    def of(scenario: Scenario) -> Questions:
        """Return the scenario's judge, made once."""
        known = scenario.derived.get(Questions)
        if known is None:
            known = scenario.derived[Questions] = Questions(scenario)
        return known

    def judge(self, text: str, user_turn: int, asked: Collection[str] = ()) -> Judged:
        """Judge a question.

        Args:
            text: What is asked.
            user_turn: In which user turn.
            asked: Ids of the goals that were asked for before.
        """
        if self.is_too_much(text, user_turn):
            return Judged(Verdict.TOO_MUCH)
        for goal in self._scenario.goals_of(user_turn):
            if goal.kind == "ask" and goal.id not in asked and goal.is_asked_by(text):
                return Judged(Verdict.DUE, goal)
        return Judged(Verdict.NOT_DUE)

    def is_too_much(self, text: str, user_turn: int) -> bool:
        """Return whether a question names more things than it may."""
        said = " ".join(self._scenario.user_turns[: user_turn + 1]).casefold()
        found = {slot for phrase, slot in self._named(text.casefold()) if not _has(said, phrase)}
        return len(found) > MOST_NAMED

    def _named(self, text: str) -> list[tuple[str, int]]:
        """Return the phrases of a text that name something, each with the number of what it names."""
        slots = self._slots
        return [(match[1], slots[match[1]]) for match in self._pattern.finditer(text)]

    @cached_property
    def _slots(self) -> dict[str, int]:
        """Word or phrase → the number of what it names: a slot that is due before a kind, a kind before a parameter."""
        asks = [goal.keywords for goal in self._scenario.goals if goal.kind == "ask"]
        parameters = dict.fromkeys(name for tool in self._scenario.tools for name in _parameters(tool))
        slots: dict[str, int] = {}
        for number, words in enumerate((*asks, *KINDS, *((name,) for name in parameters))):
            for word in words:
                slots.setdefault(word.casefold(), number)
        return slots

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        words = "|".join(re.escape(word) for word in sorted(self._slots, key=len, reverse=True))
        return re.compile(rf"(?<!\w)({words})(?:e?s)?(?!\w)")


def _parameters(tool: ToolSpec) -> list[str]:
    """Return what a tool's parameters and the columns it lets choose from are called, in plain words."""
    properties: dict[str, Any] = tool.parameters.get("properties", {})
    renames = tool.impl.renames if isinstance(tool.impl, TemplateImpl) else {}
    names = list(properties)
    for name, schema in properties.items():
        if renames.get(name, name) in _SELECTORS and isinstance(schema, dict):
            names += [value for value in schema.get("enum", ()) if isinstance(value, str)]
    plain = (_IDS.sub("", _CAPITAL.sub(" ", name).replace("_", " ").casefold()).strip() for name in names)
    return [name for name in plain if name]


def _has(said: str, phrase: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(phrase)}(?:e?s)?(?!\w)", said) is not None
