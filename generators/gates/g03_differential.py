"""G3: an evaluator that reads the tables and knows no tool finds the same: every sub-answer, and the answer or change.

Two implementations that share no code seldom share a mistake.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from tool_gym.generators.candidate import Candidate, answer_of
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.deploy import typed
from tool_gym.generators.expressions import (
    Best,
    ById,
    ByName,
    Create,
    Evaluator,
    Expression,
    Follow,
    Higher,
    Top,
    UndefinedError,
    Val,
)
from tool_gym.scenario import AnswerGoal, CellEffect, SubGoal
from tool_gym.values import NameValue, NumberValue, SequenceValue, Value, same

GATE = "G3"


def check(candidate: Candidate) -> None:
    """Reject the candidate if the tables disagree with what it takes for right."""
    goals, evaluate = candidate.scenario.goals, candidate.evaluator()
    if len(goals) != 1 or (goals[0].kind == "decline") != (candidate.scenario.shape == "decline"):
        raise RejectedError(GATE, "goals that do not fit the shape")
    try:
        if goals[0].kind == "answer":
            _check_answer(candidate, goals[0], evaluate)
        elif goals[0].kind == "state":
            expected = set(_expected(candidate, evaluate))
            if set(goals[0].required) != expected or goals[0].allowed:
                raise RejectedError(GATE, "the tables expect another change")
        _check_sub_goals(candidate, evaluate)
    except UndefinedError as error:
        raise RejectedError(GATE, f"undefined on the tables: {error}") from None


def _check_answer(candidate: Candidate, goal: AnswerGoal, evaluate: Evaluator) -> None:
    if candidate.act is not None:
        raise RejectedError(GATE, "the tables call for a change")
    golds = goal.gold.items if isinstance(goal.gold, SequenceValue) else (goal.gold,)
    values = [answer_of(expression, evaluate) for expression in candidate.draft.goal]
    if len(golds) != len(values) or not all(map(same, golds, values)):
        raise RejectedError(GATE, "the tables give another answer")
    wanted = [evaluate.settled(expression) for expression in candidate.draft.goal]
    if any(_is_looser(candidate, gold, part, value) for gold, part, value in zip(golds, wanted, values, strict=True)):
        raise RejectedError(GATE, "an answer of another kind, or one that lets more pass")


def _check_sub_goals(candidate: Candidate, evaluate: Evaluator) -> None:
    """Compare every sub-goal with the part of the goal it was made from."""
    draft, left = candidate.draft, dict(candidate.scenario.sub_goal_by_id)
    others = ((name, draft.calls[number]) for name, number in draft.substitutes.items())
    for name, call in chain(zip(draft.sub_goals, draft.calls, strict=False), others):
        sub_goal: SubGoal | None = left.pop(name, None)
        if sub_goal is None:  # a record that an earlier call already read
            continue
        if sub_goal.gold is None:
            wrong = set(sub_goal.effects) != set(_expected(candidate, evaluate))
        else:
            found = _found(call.expression, evaluate)
            if sub_goal.binding is None:
                raise RejectedError(GATE, "a sub-answer that is known by its value alone")
            wrong = not same(sub_goal.gold, found)
            wrong = wrong or _is_looser(candidate, sub_goal.gold, call.expression, found, as_id=True)
        if wrong:
            raise RejectedError(GATE, "the tables give another sub-answer")
    if left:
        raise RejectedError(GATE, "a sub-goal that the goal does not call for")


def _is_looser(candidate: Candidate, gold: Value, part: Any, value: Any, *, as_id: bool = False) -> bool:
    """Return whether a gold is of another type or unit than what it stands for, or lets other values pass as well."""
    wanted = typed(part, value, candidate.domain, as_id=as_id)
    if isinstance(gold, NumberValue) and isinstance(wanted, NumberValue):
        return gold.tolerance > wanted.tolerance or (wanted.unit is not None and gold.unit != wanted.unit)
    if isinstance(gold, NameValue) and isinstance(wanted, NameValue):
        return bool(gold.aliases)
    return gold != wanted


def _found(expression: Expression, evaluate: Evaluator) -> Any:
    if isinstance(expression, ByName | ById | Follow | Top | Best | Higher):
        return evaluate.row(expression)["id"]
    return evaluate.value(expression)  # type: ignore[arg-type]  # an act has no gold


def _expected(candidate: Candidate, evaluate: Evaluator) -> list[CellEffect]:
    act: Any = candidate.act
    if act is None:
        return []
    if not isinstance(act, Create):
        row = evaluate.row(act.target)["id"]
        after = _stored(candidate, act.target.entity, act.column, act.value, evaluate)
        return [CellEffect(table=act.target.entity, row=row, field=act.column, after=after)]
    table = candidate.world.tables[act.entity]
    cells = {name: _stored(candidate, act.entity, name, value, evaluate) for name, value in act.values}
    cells |= {column: evaluate.row(ent)["id"] for column, ent in act.refs}
    cells |= {name: column.initial for name, column in table.columns.items() if column.type == "state"}
    numbers = (int(row_id[len(table.prefix) :]) for row_id in table.rows)
    cells["name"] = f"{table.code or table.prefix}-{max(numbers) + 1}"
    return [CellEffect(table=act.entity, field=field, after=after) for field, after in cells.items()]


def _stored(candidate: Candidate, entity: str, column: str, value: Any, evaluate: Evaluator) -> Any:
    """Return a value, said or to be found out, as its column holds it."""
    found = evaluate.value(value) if isinstance(value, Val) else value
    return int(found) if candidate.world.tables[entity].columns[column].type == "integer" else found
