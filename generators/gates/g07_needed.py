"""G7: every hop is needed: changing the cells behind any part of the goal changes what the goal comes to.

A hop that could be anything is decoration, and the label "4 hops" a lie.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from tool_gym.generators.candidate import Candidate, answer_of
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.expressions import (
    Act,
    Agg,
    Attr,
    Create,
    Evaluator,
    Expression,
    Follow,
    Higher,
    Top,
    UndefinedError,
    walk,
)
from tool_gym.world import WorldView

GATE = "G7"


def check(candidate: Candidate) -> dict[str, Any]:
    """Reject the candidate if some part could be otherwise; return the number of parts tried."""
    before = _meaning(candidate, WorldView(candidate.world.base))
    parts = {part for goal in candidate.draft.goal for part in walk(goal) if isinstance(part, Attr | Follow | Top | Agg | Higher)}
    tried = 0
    for part in sorted(parts, key=repr):
        view = WorldView(candidate.world.base)
        if not _disturb(candidate, view, part):
            continue
        tried += 1
        try:
            if _meaning(candidate, view) == before:
                raise RejectedError(GATE, f"a {type(part).__name__} that changes nothing")
        except UndefinedError:
            continue  # without it there is no answer at all
    return {"parts": tried}


def _meaning(candidate: Candidate, view: WorldView) -> Any:
    """Return what the goal comes to on the tables of `view`."""
    evaluate = Evaluator(view)
    act: Act | None = candidate.act
    if act is None:
        return [answer_of(expression, evaluate) for expression in candidate.draft.goal]
    if isinstance(act, Create):
        return [evaluate.row(ent)["id"] for _, ent in act.refs]
    return evaluate.row(act.target)["id"]


def _disturb(candidate: Candidate, view: WorldView, part: Expression) -> bool:
    """Change the cells behind `part`; return whether there was anything to change."""
    evaluate = Evaluator(view)
    if isinstance(part, Attr):
        row = evaluate.row(part.source)
        return part.column == "name" or _set(candidate, view, part.source.entity, row["id"], part.column)
    if isinstance(part, Follow):
        row = evaluate.row(part.source)
        return _set(candidate, view, part.source.entity, row["id"], part.column)
    if isinstance(part, Higher):
        winner = evaluate.row(part)
        view.update(part.entity, winner["id"], {part.column: -1})
        return True
    if isinstance(part, Top):
        row = evaluate.row(part)
        if part.by is not None:
            return _set(candidate, view, part.entity, row["id"], part.by)
        return _push_back(view, part, evaluate)
    return isinstance(part, Agg) and _disturb_group(candidate, view, part, evaluate)


def _push_back(view: WorldView, top: Top, evaluate: Evaluator) -> bool:
    rows = sorted(evaluate.group(top.entity, None, None), key=lambda row: row[top.column], reverse=top.descending)
    first, last = rows[0], rows[-1]
    view.update(top.entity, first["id"], {top.column: last[top.column]})
    view.update(top.entity, last["id"], {top.column: first[top.column]})
    return True


def _disturb_group(candidate: Candidate, view: WorldView, agg: Agg, evaluate: Evaluator) -> bool:
    rows = evaluate.group(agg.entity, agg.by, agg.parent)
    if agg.filter is not None:
        rows = [row for row in rows if row[agg.filter[0]] == agg.filter[1]]
    if not rows:
        return False
    if agg.column is None:
        column = agg.by or (agg.filter[0] if agg.filter is not None else None)
        return column is not None and _set(candidate, view, agg.entity, rows[0]["id"], column)
    pick = min if agg.operation == "minimum" else max
    row = pick(rows, key=lambda row: row[agg.column])
    step = -7 if agg.operation == "minimum" else 7
    view.update(agg.entity, row["id"], {agg.column: row[agg.column] + step * len(rows)})
    return True


def _set(candidate: Candidate, view: WorldView, table: str, row_id: str, column: str) -> bool:
    """Give a cell another value of its type."""
    spec = candidate.world.tables[table].columns[column]
    row = view.row(table, row_id)
    if row is None:
        return False
    old = row[column]
    if spec.type in ("integer", "number"):
        new: Any = old + 7
    elif spec.type == "date":
        new = (dt.date.fromisoformat(old) + dt.timedelta(days=17)).isoformat()
    elif spec.type in ("enum", "state"):
        new = next((value for value in spec.values if value != old), old)
    elif spec.type == "ref" and spec.table is not None:
        new = next((other for other in candidate.world.tables[spec.table].rows if other != old), old)
    else:
        new = f"{old} other"
    view.update(table, row_id, {column: new})
    return bool(new != old)
