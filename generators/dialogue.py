"""Dialogues one user turn at a time.

A user turn of a dialogue is a request like any other, made in the world that the turns before have left, by a user who
may take up whatever was said or found out by then. `stages` turns it into just that: a candidate of one turn, in that
world, its text all lines so far, what was found out before given as a constant. Each is then proved by the same gates
as any candidate.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeAlias

from tool_gym.errors import NoOracleError, ScenarioError
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Call, Draft, RejectedError
from tool_gym.generators.expressions import (
    Act,
    ById,
    Ent,
    Expression,
    Said,
    UndefinedError,
    Val,
    substitute,
    walk,
)
from tool_gym.scenario import AskGoal, Goal, Plan, PlanStep, Scenario, StateGoal, SubGoal
from tool_gym.values import leaves
from tool_gym.world import World, WorldView

SHAPES = ("multi_turn", "ask")
"""The shapes of dialogues."""

STAGE = "dialogue"
"""Stands for the gate of a dialogue whose turns cannot be told apart."""

Known: TypeAlias = dict[Expression, Expression]
"""What was found out before → it as a constant."""


def is_dialogue(scenario: Scenario) -> bool:
    """Return whether the user speaks more than once."""
    return len(scenario.user_turns) > 1 or any(goal.kind == "ask" for goal in scenario.goals)


def stages(candidate: Candidate) -> list[Candidate]:
    """Return the user turns of a candidate as candidates of one turn each.

    Raises:
        RejectedError: If a turn rests on something that has no value.
    """
    if candidate.parts is None:
        candidate.parts = list(_stages(candidate)) if is_dialogue(candidate.scenario) else [candidate]
    return candidate.parts


def lines(scenario: Scenario, user_turn: int) -> list[str]:
    """Return what the user has said by the end of a turn: requests, each followed by the replies to its questions."""
    said: list[str] = []
    for number in range(user_turn + 1):
        replies = [goal.reply for goal in scenario.goals_of(number) if isinstance(goal, AskGoal)]
        said += [scenario.user_turns[number], *replies]
    return said


def _stages(candidate: Candidate) -> Iterable[Candidate]:
    world, known = candidate.world, dict[Expression, Expression]()
    try:
        told = _told(candidate)
        for number in range(len(candidate.scenario.user_turns)):
            stage = _stage(candidate, number, world, known)
            stage.told = told[number]
            stage.later = tuple(s for s in candidate.scenario.sub_goals if s.user_turn > number)
            yield stage
            known = known | _found(stage, candidate, number)
            world = _after(world, stage.scenario.goals)
    except (UndefinedError, ScenarioError, NoOracleError) as error:
        raise RejectedError(STAGE, str(error)) from None


def _stage(candidate: Candidate, number: int, world: World, known: Known) -> Candidate:
    draft, scenario = candidate.draft, candidate.scenario
    turns = draft.user_turns or (0,) * len(draft.goal)
    places = {old: new for new, old in enumerate(_calls_of(candidate, number))}
    own = [n for n, turn in enumerate(turns) if turn == number]
    if any(draft.outputs[n][0] not in places for n in own):
        raise RejectedError(STAGE, "a turn with nothing to find out")
    due = [isinstance(goal, StateGoal) for goal in scenario.goals_of(number) if not isinstance(goal, AskGoal)]
    if due != [any(isinstance(draft.goal[n], Act) for n in own)]:
        raise RejectedError(STAGE, "a goal of another kind than its turn")
    ids = [draft.sub_goals[old] for old in places]
    part = Draft(
        goal=tuple(_grounded(draft.goal[n], known) for n in own),
        calls=[_call(draft.calls, old, places, known) for old in places],
        outputs=[(places[draft.outputs[n][0]], draft.outputs[n][1]) for n in own],
        sub_goals=ids,
    )
    made = dict(zip(dict.fromkeys(draft.sub_goals), draft.turns, strict=True))
    part.turns = [made[name] for name in dict.fromkeys(ids)]
    part.substitutes = {name: places[old] for name, old in draft.substitutes.items() if old in places}
    return Candidate(
        _scenario(scenario, number),
        world,
        candidate.domain,
        part,
        origins=candidate.origins,
        interface=candidate.interface,
    )


def _told(candidate: Candidate) -> list[dict[Any, None]]:
    """Return for each user turn every value that the plan's calls of earlier ones show."""
    scenario = candidate.scenario
    found: list[dict[Any, None]] = [{} for _ in scenario.user_turns]
    if len(found) == 1:
        return found
    session = candidate.runtime.start()
    for step in scenario.oracle().steps:
        sub_goal = scenario.sub_goal_by_id[step.sub_goal]
        result = session.call(sub_goal.tool, dict(sub_goal.arguments or {}))
        for later in found[sub_goal.user_turn + 1 :]:
            later.update(dict.fromkeys(leaves(result.value)))
    return found


def _calls_of(candidate: Candidate, number: int) -> list[int]:
    """Return the calls that are made in a user turn: a call that an earlier one does for belongs to that one's turn."""
    found = candidate.scenario.sub_goal_by_id
    return [n for n, name in enumerate(candidate.draft.sub_goals) if name in found and found[name].user_turn == number]


def _call(calls: list[Call], old: int, places: dict[int, int], known: Known) -> Call:
    """Return a call with what earlier turns found out filled in."""
    call = calls[old]
    references = {role: (places[n], path) for role, (n, path) in call.references.items() if n in places}
    before = {role: calls[n].expression for role, (n, _) in call.references.items() if n not in places}
    if any(expression not in known for expression in before.values()):
        raise RejectedError(STAGE, "a call made before what it rests on")  # by way of a row described anew
    carried = {role: _plain(known[expression]) for role, expression in before.items()}
    return replace(
        call,
        expression=_grounded(call.expression, known),
        literals={**call.literals, **carried},
        references=references,
        decided_by=tuple(places[n] for n in call.decided_by if n in places),
        user_turn=0,
    )


def _grounded(expression: Any, known: Known) -> Any:
    """Return an expression in terms of what is known; the largest parts first."""
    parts = [part for part in walk(expression) if part in known]
    for part in sorted(parts, key=lambda part: -len(list(walk(part)))):
        expression = substitute(expression, part, known[part])
    return expression


def _plain(constant: Expression) -> Any:
    return constant.row if isinstance(constant, ById) else constant.value  # type: ignore[union-attr]  # else it is Said


def _found(stage: Candidate, candidate: Candidate, number: int) -> Known:
    """Return what a turn finds out: rows by their ids, values as they are."""
    evaluate, found = stage.evaluator(), dict[Expression, Expression]()
    own = [candidate.draft.calls[n] for n in _calls_of(candidate, number)]
    for call, part in zip(own, stage.draft.calls, strict=True):
        if isinstance(part.expression, Ent):
            found[call.expression] = ById(part.expression.entity, evaluate.row(part.expression)["id"])
        elif isinstance(part.expression, Val):
            found[call.expression] = Said(evaluate.value(part.expression))
    return found


def _scenario(scenario: Scenario, number: int) -> Scenario:
    """Return a scenario of one turn: the sub-goals, goals and plan of that turn."""
    own = {sub_goal.id for sub_goal in scenario.sub_goals if sub_goal.user_turn == number}
    goals = [goal for goal in scenario.goals_of(number) if not isinstance(goal, AskGoal)]
    return scenario.model_copy(
        update={
            "shape": "write" if any(isinstance(goal, StateGoal) for goal in goals) else "multi_hop",
            "user_turns": ("\n".join(lines(scenario, number)),),
            "sub_goals": tuple(
                _sub_goal(scenario.sub_goal_by_id[name], own) for name in scenario.sub_goal_by_id if name in own
            ),
            "goals": tuple(goal.model_copy(update={"user_turn": 0}) for goal in goals),
            "plans": tuple(_plan(scenario, plan, own) for plan in scenario.plans),
        }
    )


def _sub_goal(sub_goal: SubGoal, own: set[str]) -> SubGoal:
    parents = tuple(parent for parent in sub_goal.parents if parent.id in own)
    return sub_goal.model_copy(update={"parents": parents, "user_turn": 0})


def _plan(scenario: Scenario, plan: Plan, own: set[str]) -> Plan:
    steps = []
    for step in (step for step in plan.steps if step.sub_goal in own):
        references = {name: reference for name, reference in step.references.items() if reference.sub_goal in own}
        given = scenario.sub_goal_by_id[step.sub_goal].arguments or {}
        literals = {name: value for name, value in given.items() if name not in references}
        steps.append(PlanStep(sub_goal=step.sub_goal, literals=literals, references=references))
    return Plan(steps=tuple(steps))


def _after(world: World, goals: Iterable[Goal]) -> World:
    """Return the world as the changes that a turn asks for leave it."""
    view = WorldView(world.base)
    for goal in goals:
        created: dict[str, dict[str, Any]] = {}
        for cell in goal.required if isinstance(goal, StateGoal) else ():
            if cell.row is None:
                created.setdefault(cell.table, {})[cell.field] = cell.after
            else:
                view.update(cell.table, cell.row, {cell.field: cell.after})
        for table, values in created.items():
            view.insert(table, values)
    if not view.delta:
        return world
    tables = dict(world.tables)
    for table in view.delta:
        rows = {row["id"]: row for row in view.rows(table)}
        tables[table] = tables[table].model_copy(update={"rows": rows})
    return World(domain=world.domain, tables=tables)
