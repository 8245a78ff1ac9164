"""G10: every order a plan's graph allows reaches the goal and earns the same, and so do calls made side by side.

A plan is written down in one order; who makes the calls in another one that the graph allows, or all that are possible
at once in one turn, has done the same work. If an order mattered, the graph would lack an edge; if calls side by side
disturbed each other, they would not be as independent as it says.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from random import Random
from typing import Any

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.seeding import stream
from tool_gym.scenario import Plan, PlanStep, Scenario
from tool_gym.turns import Turn

GATE = "G10"
MAX_ORDERS = 2
"""Other orders, drawn at random, that are tried of each plan, besides changes first and calls side by side."""


def check(candidate: Candidate) -> dict[str, Any] | None:
    """Reject the candidate if an order that one of its plans allows does not earn 1; return how many were tried."""
    tried, rng = 0, stream("orders", candidate.scenario.seed_path)
    for plan in candidate.scenario.plans:
        for turns in _orders(candidate, plan, rng):
            tried += 1
            play = candidate.play()
            play.steps(turns)
            if abs(play.score - 1.0) > 1e-9:
                raise RejectedError(GATE, f"another order scores {play.score:.3f}")
    return {"orders": tried} if tried else None


def _orders(candidate: Candidate, plan: Plan, rng: Random) -> Iterator[list[Turn]]:
    """Yield the turns of a few orders that the plan's graph allows, none where it allows but one."""
    scenario = candidate.scenario
    levels = _levels(scenario, plan)
    if len(set(levels.values())) == len(levels):
        return  # each call waits for the one before
    seen = [plan.steps]
    for number in range(MAX_ORDERS + 1):
        steps = _shuffled(scenario, plan, rng) if number else _changes_first(scenario, plan)
        if steps not in seen:
            seen.append(steps)
            yield candidate.plan_turns(Plan(steps=steps))
    together = sorted(plan.steps, key=lambda step: levels[step.sub_goal])
    yield _side_by_side(candidate, Plan(steps=tuple(together)), levels)


def _levels(scenario: Scenario, plan: Plan) -> dict[str, tuple[int, int]]:
    """Return sub-goal → (its user turn, how many calls of that turn and before it must wait for)."""
    levels: dict[str, tuple[int, int]] = {}
    for step in plan.steps:
        sub_goal = scenario.sub_goal_by_id[step.sub_goal]
        waits = [levels[parent.id][1] for parent in sub_goal.parents if parent.id in levels]
        levels[step.sub_goal] = (sub_goal.user_turn, 1 + max(waits, default=0))
    return levels


def _changes_first(scenario: Scenario, plan: Plan) -> tuple[PlanStep, ...]:
    """Return the steps of a plan with all that its changes wait for, and those, before the others."""
    urgent = {sub_goal.id for sub_goal in scenario.sub_goals if sub_goal.effects}
    for step in reversed(plan.steps):
        if step.sub_goal in urgent:
            urgent |= {parent.id for parent in scenario.sub_goal_by_id[step.sub_goal].parents}
    return tuple(sorted(plan.steps, key=lambda step: step.sub_goal not in urgent))


def _shuffled(scenario: Scenario, plan: Plan, rng: Random) -> tuple[PlanStep, ...]:
    """Return the steps of a plan in a random order that its graph allows."""
    left, done = list(plan.steps), dict[str, PlanStep]()
    names = {step.sub_goal for step in left}
    while left:
        parents = ({p.id for p in scenario.sub_goal_by_id[step.sub_goal].parents} & names for step in left)
        ready = [step for step, waits in zip(left, parents, strict=True) if waits <= done.keys()]
        step = ready[rng.randrange(len(ready))]
        done[step.sub_goal] = step
        left.remove(step)
    return tuple(done.values())


def _side_by_side(candidate: Candidate, plan: Plan, levels: dict[str, tuple[int, int]]) -> list[Turn]:
    """Return the plan's turns with all calls in one turn that wait for nothing but earlier turns."""
    kinds = iter(sorted(levels[step.sub_goal] for step in plan.steps))
    turns = [(turn, next(kinds) if turn.calls else None) for turn in candidate.plan_turns(plan)]
    found: list[Turn] = []
    for kind, group in groupby(turns, key=lambda item: item[1]):
        members = [turn for turn, _ in group]
        found += members if kind is None else [Turn(calls=tuple(call for turn in members for call in turn.calls))]
    return found
