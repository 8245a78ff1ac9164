"""G3: an evaluator that reads the tables and knows no tool finds the same answer, or expects the same change.

Two implementations that share no code seldom share a mistake.
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.candidate import Candidate, answer_of
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.expressions import Create, Evaluator, UndefinedError
from tool_gym.scenario import AnswerGoal, CellEffect, StateGoal
from tool_gym.values import SequenceValue, same
from tool_gym.world import WorldView

GATE = "G3"


def check(candidate: Candidate) -> None:
    """Reject the candidate if the tables disagree with its goal."""
    evaluate = Evaluator(WorldView(candidate.world.base))
    goal = candidate.scenario.goals[0]
    try:
        if isinstance(goal, AnswerGoal):
            golds = goal.gold.items if isinstance(goal.gold, SequenceValue) else (goal.gold,)
            values = [answer_of(expression, evaluate) for expression in candidate.draft.goal]
            if len(golds) != len(values) or not all(map(same, golds, values)):
                raise RejectedError(GATE, "the tables give another answer")
        elif isinstance(goal, StateGoal) and set(goal.required) != set(_expected(candidate, evaluate)):
            raise RejectedError(GATE, "the tables expect another change")
    except UndefinedError as error:
        raise RejectedError(GATE, f"undefined on the tables: {error}") from None


def _expected(candidate: Candidate, evaluate: Evaluator) -> list[CellEffect]:
    act: Any = candidate.act
    if not isinstance(act, Create):
        row = evaluate.row(act.target)["id"]
        return [CellEffect(table=act.target.entity, row=row, field=act.column, after=act.value)]
    table = candidate.world.tables[act.entity]
    cells = dict(act.values)
    cells |= {column: evaluate.row(ent)["id"] for column, ent in act.refs}
    cells |= {name: column.initial for name, column in table.columns.items() if column.type == "state"}
    numbers = (int(row_id[len(table.prefix) :]) for row_id in table.rows)
    cells["name"] = f"{table.code or table.prefix}-{max(numbers) + 1}"
    return [CellEffect(table=act.entity, field=field, after=after) for field, after in cells.items()]
