"""What the parts of a scenario must be to each other; a broken rule is a `ValueError` that names the part."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tool_gym import jsonio
from tool_gym.errors import UnknownNameError

if TYPE_CHECKING:
    from tool_gym.scenario import Plan, Scenario


def check(scenario: Scenario) -> None:
    """Check names, hop graph, goals and plans.

    Raises:
        ValueError: Naming the first part that breaks a rule.
    """
    _check_names(scenario)
    _check_graph(scenario)
    _check_goals(scenario)
    for plan in scenario.plans:
        _check_plan(scenario, plan)


def _check_names(scenario: Scenario) -> None:
    for kind, ids in (
        ("tool", [tool.name for tool in scenario.tools]),
        ("fault", [fault.tool for fault in scenario.faults]),
        ("sub-goal or goal", [item.id for item in (*scenario.sub_goals, *scenario.goals)]),
    ):
        if len(set(ids)) < len(ids):
            repeated = next(name for name, count in Counter(ids).items() if count > 1)
            msg = f"two {kind}s are named {repeated!r}"
            raise ValueError(msg)
    if (scenario.world is None) == (scenario.world_ref is None):
        msg = "give either a world or a world_ref"
        raise ValueError(msg)
    last = len(scenario.user_turns)
    for item in (*scenario.sub_goals, *scenario.goals):
        if item.user_turn >= last:
            msg = f"{item.id!r} belongs to user turn {item.user_turn}, but there are only {last}"
            raise ValueError(msg)


def _check_graph(scenario: Scenario) -> None:
    tools = set(scenario.tool_by_name)
    turns = {goal.id: goal.user_turn for goal in scenario.goals if goal.kind == "ask"}
    for sub_goal in scenario.sub_goals:
        if sub_goal.tool not in tools:
            msg = str(UnknownNameError.of("tool", sub_goal.tool, tools))
            raise ValueError(msg)
        for parent in sub_goal.parents:
            if turns.get(parent.id, sub_goal.user_turn + 1) > sub_goal.user_turn:
                msg = f"sub-goal {sub_goal.id!r} names the parent {parent.id!r}, which is no earlier sub-goal or ask"
                raise ValueError(msg)
        turns[sub_goal.id] = sub_goal.user_turn
    unknown = {fault.tool for fault in scenario.faults} - tools
    if unknown:
        msg = str(UnknownNameError.of("tool", min(unknown), tools))
        raise ValueError(msg)


def _check_goals(scenario: Scenario) -> None:
    sub_goals = scenario.sub_goal_by_id.keys()
    for goal in scenario.goals:
        missing = set(goal.rests_on) - sub_goals
        if missing:
            msg = f"goal {goal.id!r} rests on unknown sub-goals {sorted(missing)}"
            raise ValueError(msg)
        if goal.kind == "ask" and goal.rests_on:
            msg = f"goal {goal.id!r} asks, so it can rest on nothing"
            raise ValueError(msg)
    for user_turn in range(len(scenario.user_turns)):
        kinds = [goal.kind for goal in scenario.goals_of(user_turn)]
        if kinds.count("answer") + kinds.count("decline") > 1 or {"decline", "state"} <= set(kinds):
            msg = f"user turn {user_turn} ends by one act and cannot meet all of: {', '.join(kinds)}"
            raise ValueError(msg)
    if not scenario.sub_goals and not any(goal.kind in ("decline", "ask") for goal in scenario.goals):
        msg = "there is nothing to do: no sub-goal, and no goal to decline or ask"
        raise ValueError(msg)


def _check_plan(scenario: Scenario, plan: Plan) -> None:
    done: set[str] = set()
    calls: set[tuple[str, bytes]] = set()
    for step in plan.steps:
        sub_goal = scenario.sub_goal_by_id.get(step.sub_goal)
        if sub_goal is None or sub_goal.arguments is None:
            msg = f"the plan names {step.sub_goal!r}, which is no sub-goal with arguments"
            raise ValueError(msg)
        early = next((p.id for p in sub_goal.parents if p.id in scenario.sub_goal_by_id and p.id not in done), None)
        if early is not None:
            msg = f"the plan makes {step.sub_goal!r} without having done its parent {early!r}"
            raise ValueError(msg)
        for name, reference in step.references.items():
            if reference.sub_goal not in done:
                msg = f"argument {name!r} of {step.sub_goal!r} refers to {reference.sub_goal!r}, which is not done yet"
                raise ValueError(msg)
        known = {name: value for name, value in sub_goal.arguments.items() if name not in step.references}
        if step.literals != known or not step.references.keys() <= sub_goal.arguments.keys():
            msg = f"the plan's arguments of {step.sub_goal!r} differ from the sub-goal's"
            raise ValueError(msg)
        call = (sub_goal.tool, jsonio.dump_bytes(sub_goal.arguments, sort_keys=True))
        if call in calls:
            msg = f"the plan makes the call of {step.sub_goal!r} twice"
            raise ValueError(msg)
        calls.add(call)
        done.add(step.sub_goal)
