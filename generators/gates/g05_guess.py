"""G5: the answer is worth finding: not 0, 1 or empty, and no pick from a short list.

How often one answer may occur in a whole pack is bounded by the pipeline.
"""

from __future__ import annotations

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.scenario import AnswerGoal
from tool_gym.values import BooleanValue, EnumValue, NumberValue, SequenceValue, SetValue, Value

GATE = "G5"
MIN_ALTERNATIVES = 4
"""Fewest values a closed list must have to be asked for alone."""

SMALLEST = 0.1
"""Smallest absolute value of a number worth asking for: below, rounding and units decide."""


def check(candidate: Candidate) -> None:
    """Reject the candidate if its answer is degenerate or easily guessed."""
    for goal in candidate.scenario.goals:
        if isinstance(goal, AnswerGoal):
            several = isinstance(goal.gold, SequenceValue | SetValue)
            golds = goal.gold.items if isinstance(goal.gold, SequenceValue | SetValue) else (goal.gold,)
            if len({repr(gold) for gold in golds}) < len(golds):
                raise RejectedError(GATE, "the same answer twice")
            for gold in golds:
                _check_value(gold, alone=not several)


def _check_value(gold: Value, *, alone: bool) -> None:
    if isinstance(gold, NumberValue) and gold.value in (0, 1):
        raise RejectedError(GATE, "a number that is 0 or 1")
    if isinstance(gold, NumberValue) and abs(gold.value) < SMALLEST:
        raise RejectedError(GATE, "a number that rounds away")
    if isinstance(gold, BooleanValue) and alone:
        raise RejectedError(GATE, "a yes-or-no answer alone")
    if isinstance(gold, EnumValue) and alone and len(gold.allowed) < MIN_ALTERNATIVES:
        raise RejectedError(GATE, "a pick from a short list")
