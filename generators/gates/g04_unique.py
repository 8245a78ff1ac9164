"""G4: every referent and the answer are unique: names name one row, extremes have no tie, groups are not too small.

Otherwise a right answer may be marked wrong.
"""

from __future__ import annotations

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import MIN_GROUP, RejectedError, groups_of
from tool_gym.generators.expressions import Agg, ByName, Evaluator, Top, UndefinedError, walk
from tool_gym.world import WorldView, fold

GATE = "G4"


def check(candidate: Candidate) -> None:
    """Reject the candidate if something in it could mean two things."""
    tables = candidate.world.tables
    evaluate = Evaluator(WorldView(candidate.world.base))
    anchors = {part for goal in candidate.draft.goal for part in walk(goal) if isinstance(part, ByName)}
    for anchor in anchors:
        name = fold(tables[anchor.entity].rows[anchor.row]["name"])
        if sum(len(candidate.world.base.index(table, "name").get(name, ())) for table in tables) != 1:
            raise RejectedError(GATE, "a name that two rows carry")
    try:
        for group in groups_of(candidate.draft.goal):
            rows = evaluate.group(group.entity, group.by, group.parent)
            if isinstance(group, Top):
                evaluate.row(group)
            if len(rows) < MIN_GROUP:
                raise RejectedError(GATE, "a group too small to order or summarise")
            if isinstance(group, Agg) and group.filter is not None:
                rows = [row for row in rows if row[group.filter[0]] == group.filter[1]]
                if len(rows) < MIN_GROUP - 1:
                    raise RejectedError(GATE, "a filter that leaves too few rows")
    except UndefinedError as error:
        raise RejectedError(GATE, str(error)) from None
