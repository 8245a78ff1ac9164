"""G2: the oracle, through the public tools alone and with references instead of golds, earns exactly 1.

A scenario nobody can solve teaches nothing; one whose plan only works with the answers in hand is not solvable.
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.scenario import Plan, Reference
from tool_gym.turns import ToolCall, ToolResult, Turn
from tool_gym.values import same

GATE = "G2"


def check(candidate: Candidate) -> dict[str, Any]:
    """Reject the candidate unless each plan serves every gold and scores 1; return the number of calls."""
    scenario = candidate.scenario
    if not scenario.plans:
        raise RejectedError(GATE, "no plan")
    if len({len(plan.steps) for plan in scenario.plans}) > 1:
        raise RejectedError(GATE, "a plan that is longer than another")
    if len({frozenset(step.sub_goal for step in plan.steps) for plan in scenario.plans}) < len(scenario.plans):
        raise RejectedError(GATE, "one plan twice")
    for plan in scenario.plans:
        needed = {_stands_for(candidate, name) for goal in scenario.goals for name in goal.rests_on}
        if not needed <= {_stands_for(candidate, step.sub_goal) for step in plan.steps}:
            raise RejectedError(GATE, "a plan that leaves out what a goal rests on")
        score = _follow(candidate, plan)
        if abs(score - 1.0) > 1e-9:
            raise RejectedError(GATE, f"the oracle scores {score:.3f}")
    return {"calls": len(scenario.oracle().steps)}


def _stands_for(candidate: Candidate, sub_goal: str) -> int | str:
    """Return the call that a sub-goal stands for: the same for those that replace each other in different plans."""
    try:
        return candidate.draft.call_of(sub_goal)
    except KeyError:
        return sub_goal


def _follow(candidate: Candidate, plan: Plan) -> float:
    """Play a plan whose calls are made with nothing but what earlier ones served; return the score."""
    play, served, found = candidate.play(), dict[str, ToolResult](), candidate.scenario.sub_goal_by_id
    steps = iter(sorted(plan.steps, key=lambda step: found[step.sub_goal].user_turn))
    for turn in candidate.plan_turns(plan):
        if not turn.calls:
            play.step(turn)
            continue
        step = next(steps)
        sub_goal = found[step.sub_goal]
        arguments = dict(step.literals)
        for name, reference in step.references.items():
            arguments[name] = _argument(reference, served)
        if arguments != sub_goal.arguments:
            raise RejectedError(GATE, f"the plan's arguments of {sub_goal.tool} are not those of its sub-goal")
        (result,) = play.step(Turn(calls=(ToolCall(sub_goal.tool, arguments),))).results
        served[step.sub_goal] = result
        if not result.ok:
            raise RejectedError(GATE, f"{sub_goal.tool} fails: {result.outcome.label}")
        if sub_goal.gold is not None and not same(sub_goal.gold, _at(result.value, sub_goal.result_path)):
            raise RejectedError(GATE, f"{sub_goal.tool} does not serve its gold")
    return play.score


def _argument(reference: Reference, served: dict[str, ToolResult]) -> Any:
    """Return what a reference passes on; raises RejectedError if there is nothing."""
    try:
        return reference.argument(served[reference.sub_goal].value)
    except (LookupError, TypeError, ValueError):
        raise RejectedError(GATE, f"nothing at {reference.path}") from None


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    """Return what stands at `path`; raises RejectedError if nothing does."""
    for part in path:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            raise RejectedError(GATE, f"nothing at {path}") from None
    return value
