"""G4: the request means one thing: what it names is one row each and stands in it, and no extreme has a tie.

Otherwise a right answer may be marked wrong.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import MIN_FILTERED, MIN_GROUP, Goal, RejectedError, groups_of
from tool_gym.generators.expressions import (
    Agg,
    Best,
    ById,
    ByName,
    Convert,
    Create,
    Ent,
    Evaluator,
    Expression,
    Follow,
    Free,
    Higher,
    Percent,
    Said,
    Top,
    Transition,
    UndefinedError,
    Update,
    Val,
    walk,
)
from tool_gym.generators.gates.mentions import document, mentions_of
from tool_gym.world import World, WorldView, fold

GATE = "G4"


def check(candidate: Candidate) -> None:
    """Reject the candidate if something in it could mean two things."""
    _check_said(candidate, _parts(candidate.draft.goal))
    _check_units(candidate)
    check_goal(candidate.draft.goal, candidate.world)


def check_goal(goal: Goal, world: World) -> None:
    """Reject a goal if what it names is not one row each, or an extreme could have a tie; remembered with the world."""
    if (check_goal, goal) in world.base.derived:
        return
    parts, evaluate = _parts(goal), Evaluator(WorldView(world.base))
    _check_names(world, parts)
    try:
        _check_groups(goal, evaluate)
        _check_rows(parts, evaluate)
    except UndefinedError as error:
        raise RejectedError(GATE, str(error)) from None
    world.base.derived[check_goal, goal] = True


def _parts(goal: Goal) -> list[Expression]:
    return list(dict.fromkeys(chain.from_iterable(map(walk, goal))))


def _check_names(world: World, parts: list[Expression]) -> None:
    tables = world.tables
    for part in parts:
        if isinstance(part, ByName):
            name = fold(tables[part.entity].rows[part.row]["name"])
            if sum(len(world.base.index(table, "name").get(name, ())) for table in tables) != 1:
                raise RejectedError(GATE, "a name that two rows carry")
        elif isinstance(part, ById) and sum(part.row in table.rows for table in tables.values()) != 1:
            raise RejectedError(GATE, "an id that two rows carry")


def _check_said(candidate: Candidate, parts: list[Expression]) -> None:
    """Reject the candidate unless its request says every constant of its goal."""
    said = mentions_of(" ".join(candidate.scenario.user_turns))
    for part in parts:
        carried = isinstance(part, ById | Said)  # what an earlier user turn found out need not be said
        if not all(said.has(c) or (carried and c in candidate.told) for c in _constants(candidate, part)):
            raise RejectedError(GATE, "a constant that the request does not say")


def _constants(candidate: Candidate, part: Expression) -> list[Any]:
    """Return what a part of the goal has that only the user can know."""
    if isinstance(part, ByName):
        return [candidate.world.tables[part.entity].rows[part.row]["name"]]
    if isinstance(part, Create):
        return [value for _, value in part.values if not isinstance(value, Val)]
    if isinstance(part, Agg | Best):
        return [part.filter[1]] if part.filter is not None else []
    if isinstance(part, Said | Update | Transition):
        return [part.value] if not isinstance(part.value, Val | bool) else []
    if isinstance(part, Percent):
        return [abs(part.percent)]
    return [part.row] if isinstance(part, ById) else [part.date] if isinstance(part, Free) else []


def _check_units(candidate: Candidate) -> None:
    """Reject the candidate if a unit to convert from stands in no document of the tool that serves the number."""
    draft, scenario = candidate.draft, candidate.scenario
    tool_of = {
        call.expression: scenario.tool_by_name[scenario.sub_goal_by_id[name].tool]
        for name, call in zip(draft.sub_goals, draft.calls, strict=False)
        if name in scenario.sub_goal_by_id
    }
    for expression in list(tool_of):
        if isinstance(expression, Convert):
            tool = tool_of[expression.source]
            if not document(tool).has(expression.unit):
                raise RejectedError(GATE, "a unit that no document says")


def _check_groups(goal: Goal, evaluate: Evaluator) -> None:
    for group in groups_of(goal):
        rows = evaluate.group(group)
        filtered = not isinstance(group, Top) and group.filter is not None
        if len(rows) < (MIN_FILTERED if filtered else MIN_GROUP):
            raise RejectedError(GATE, "a group too small to order or summarize")
        if isinstance(group, Agg) and filtered:
            whole = Agg(group.entity, group.operation, group.column, group.by, group.parent)
            if len(evaluate.group(whole)) < MIN_GROUP:
                raise RejectedError(GATE, "a group too small to order or summarize")


def _check_rows(parts: list[Expression], evaluate: Evaluator) -> None:
    """Reject the candidate if two descriptions name the same row, or one names none or several."""
    named: dict[str, Expression] = {}
    for part in parts:
        if isinstance(part, ByName | ById | Follow | Top | Best | Higher):
            row = evaluate.row(part)["id"]
            if named.setdefault(row, part) != part and not _is_choice(part, named[row]):
                raise RejectedError(GATE, "two descriptions of one row")


def _is_choice(first: Ent | Expression, second: Expression) -> bool:
    """Return whether one of the two picks the other from a pair."""
    return any(
        isinstance(one, Higher) and other in (one.first, one.second)
        for one, other in ((first, second), (second, first))
    )
