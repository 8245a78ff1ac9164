"""G5: the answer is worth finding: not 0 or 1, no pick from a short list, no tolerance that forgives a guess.

How often one answer may occur in a whole pack is bounded by the pipeline.
"""

from __future__ import annotations

import math

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.conditions import MIN_SHARE, share_that_holds
from tool_gym.generators.decompose import Goal, RejectedError
from tool_gym.generators.expressions import Attr, If, Said
from tool_gym.scenario import AnswerGoal
from tool_gym.values import BooleanValue, EnumValue, NumberValue, SequenceValue, SetValue, Value, plain
from tool_gym.world import World

GATE = "G5"
MIN_ALTERNATIVES = 4
"""Fewest combinations of closed answers if nothing else is asked for."""

MAX_SHARE = 0.5
"""Largest share of the rows that may have a closed answer that is asked for alone."""

MAX_TOLERANCE = 0.01
"""Largest tolerance of a number, as a share of it."""


def check(candidate: Candidate) -> None:
    """Reject the candidate if its answer is degenerate or easily guessed."""
    check_goal(candidate.draft.goal, candidate.world)
    for goal in candidate.scenario.goals:
        if isinstance(goal, AnswerGoal):
            _check_answer(candidate, goal.gold)


def check_goal(goal: Goal, world: World) -> None:
    """Reject a condition that nearly all rows meet, or nearly none."""
    for rule in goal:
        if isinstance(rule, If) and isinstance(rule.test.first, Attr) and isinstance(rule.test.second, Said):
            rows = list(world.tables[rule.test.first.source.entity].rows.values())
            if not MIN_SHARE <= share_that_holds(rule.test, rows) <= 1 - MIN_SHARE:
                raise RejectedError(GATE, "a condition whose outcome can be guessed")


def _check_answer(candidate: Candidate, gold: Value) -> None:
    golds = gold.items if isinstance(gold, SequenceValue | SetValue) else (gold,)
    for item in golds:
        _check_number(item)
    open_ended = [plain(item) for item in golds if not isinstance(item, EnumValue | BooleanValue)]
    if len(set(open_ended)) < len(open_ended):
        raise RejectedError(GATE, "the same answer twice")
    if open_ended:
        return
    if all(isinstance(item, BooleanValue) for item in golds):
        raise RejectedError(GATE, "a yes-or-no answer alone")
    if math.prod(_alternatives(item) for item in golds) < MIN_ALTERNATIVES:
        raise RejectedError(GATE, "a pick from a short list")
    if len(golds) == 1 and _share(candidate, plain(golds[0])) > MAX_SHARE:
        raise RejectedError(GATE, "what most rows have")


def _check_number(gold: Value) -> None:
    if not isinstance(gold, NumberValue):
        return
    if gold.value in (0, 1):
        raise RejectedError(GATE, "a number that is 0 or 1")
    if gold.tolerance > MAX_TOLERANCE * abs(gold.value):
        raise RejectedError(GATE, "a number that its tolerance outweighs")


def _alternatives(gold: Value) -> int:
    return len(gold.allowed) if isinstance(gold, EnumValue) else 2


def _share(candidate: Candidate, answer: str) -> float:
    """Return the share of rows that have the category asked for."""
    wanted = candidate.evaluator().settled(candidate.draft.goal[0])
    if not isinstance(wanted, Attr):
        return 0.0
    cells = [row[wanted.column] for row in candidate.world.tables[wanted.source.entity].rows.values()]
    return cells.count(answer) / len(cells)
