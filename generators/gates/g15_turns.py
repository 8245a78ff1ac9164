"""G15: a user turn needs the turns before it, and what it takes up can be one thing only.

A dialogue whose turns have nothing to do with each other is several tasks in one. Each turn but the first speaks of a
row it does not name, repeats or continues a question it does not ask in full, makes something of two answers, or asks
for a figure that the change before it is part of. "That supplier" is the only supplier spoken of by then, and a row
taken up by a turn is one that turns before were about. The answer of a turn is no answer of another one, and its calls
rest on those calls of earlier turns from which they take something.
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.candidate import Candidate, answer_of
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.dialogue import stages
from tool_gym.generators.expressions import (
    Act,
    Agg,
    Attr,
    Best,
    ById,
    ByName,
    Calc,
    Days,
    Ent,
    Expression,
    Follow,
    Higher,
    Top,
    UndefinedError,
    walk,
)
from tool_gym.generators.gates.mentions import Mentions
from tool_gym.scenario import AnswerGoal
from tool_gym.values import display

GATE = "G15"

_ROWS = (ByName, ById, Follow, Top, Best, Higher)


def check(candidate: Candidate) -> dict[str, Any] | None:
    """Reject the candidate if a turn stands alone or could mean several things; return how each turn is linked."""
    scenario, draft = candidate.scenario, candidate.draft
    if (scenario.shape == "multi_turn") != (len(scenario.user_turns) > 1):
        raise RejectedError(GATE, "a number of turns that does not fit the shape")
    if len(scenario.user_turns) == 1:
        return None
    if draft.user_turns != tuple(range(len(scenario.user_turns))) or len(draft.links) != len(draft.goal):
        raise RejectedError(GATE, "turns that are not what was drawn")
    answers = [display(goal.gold) for goal in scenario.goals if isinstance(goal, AnswerGoal)]
    if len(set(answers)) < len(answers):
        raise RejectedError(GATE, "the same answer twice")
    _check_parents(candidate)
    for number in range(1, len(draft.goal)):
        _check_antecedent(candidate, number)
        if not _needs(candidate, number):
            raise RejectedError(GATE, "a turn that stands alone")
    return {"links": [link.kind for link in draft.links]}


def _check_parents(candidate: Candidate) -> None:
    """Reject a dialogue in which a call rests on others than those it takes something from, in whatever turn."""
    draft = candidate.draft
    for sub_goal in (one for one in candidate.scenario.sub_goals if one.id in draft.sub_goals):
        call = draft.calls[draft.sub_goals.index(sub_goal.id)]
        if {draft.sub_goals[n] for n, _ in call.references.values()} != {parent.id for parent in sub_goal.parents}:
            raise RejectedError(GATE, "a call that rests on something else than it takes up")


def _check_antecedent(candidate: Candidate, number: int) -> None:
    """Reject a turn that takes up a row which nobody spoke of, or which is one of several of its kind."""
    kind, row = candidate.draft.links[number].kind, candidate.draft.links[number].row
    if kind == "other":
        _check_other(candidate, number)
    if row is None or kind == "other":
        return
    spoken = [part for goal in candidate.draft.goal[:number] for part in walk(goal) if isinstance(part, _ROWS)]
    if row not in spoken:
        raise RejectedError(GATE, "a row that nobody spoke of")
    alike = {_id(candidate, part) for part in spoken if part.entity == row.entity}
    if len(alike) > 1:
        raise RejectedError(GATE, "a row that could be one of several")


def _check_other(candidate: Candidate, number: int) -> None:
    """Reject a turn about "the other one" unless the answer before it was one of two, and this is the second."""
    before, row = candidate.draft.goal[number - 1], candidate.draft.links[number].row
    pair = before.source if isinstance(before, Attr) else None
    if not isinstance(pair, Higher) or row not in (pair.first, pair.second):
        raise RejectedError(GATE, "another one of what nobody chose from")
    if _id(candidate, row) == _id(candidate, pair):
        raise RejectedError(GATE, "another one that is the very same")


def _id(candidate: Candidate, row: Ent) -> Any:
    try:
        return candidate.evaluator().row(row)["id"]
    except UndefinedError as error:
        raise RejectedError(GATE, str(error)) from None


def _needs(candidate: Candidate, number: int) -> bool:
    """Return whether a turn could not be met without those before."""
    draft, text = candidate.draft, candidate.scenario.user_turns[number]
    link, wanted, before = draft.links[number], draft.goal[number], draft.goal[number - 1]
    if link.kind == "both":
        operands = (getattr(wanted, "first", None), getattr(wanted, "second", None))
        third = draft.links[number - 2].kind == "instead"  # then "the two" could be others
        return isinstance(wanted, Calc | Days) and operands == (draft.goal[number - 2], before) and not third
    if link.kind == "instead":
        noun = candidate.domain.attribute(wanted.source.entity, wanted.column).noun if isinstance(wanted, Attr) else ""
        return _column(wanted) == _column(before) and not Mentions(text).has(noun)
    if link.kind == "more":
        return isinstance(before, Agg) and before.filter is None and _group(wanted) == _group(before)
    if link.kind == "now":
        return isinstance(before, Act) and _differs_now(candidate, number)
    return link.row is not None and link.row in list(walk(wanted)) and not _names(candidate, text, link.row)


def _column(expression: Expression) -> Any:
    return (expression.source.entity, expression.column) if isinstance(expression, Attr) else expression


def _group(expression: Expression) -> Any:
    return (expression.entity, expression.by, expression.parent) if isinstance(expression, Agg) else expression


def _differs_now(candidate: Candidate, number: int) -> bool:
    """Return whether the answer of a turn is another one than it would have been at the start."""
    stage = stages(candidate)[number]
    wanted = stage.draft.goal[0]
    try:
        return bool(answer_of(wanted, stage.evaluator()) != answer_of(wanted, candidate.evaluator()))
    except UndefinedError:
        return True


def _names(candidate: Candidate, text: str, row: Ent) -> bool:
    """Return whether a line names a row, so that nothing is left to be understood."""
    said, found = Mentions(text), _id(candidate, row)
    return said.has(found) or said.has(candidate.world.tables[row.entity].rows[found]["name"])
