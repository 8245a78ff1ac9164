"""Reference policies that need no skill: what the best, the idle and the stubborn score."""

from __future__ import annotations

from typing import Any

from tool_gym.envs.env import ToolUseEnv
from tool_gym.scenario import Plan, PlanStep, Reference, Scenario
from tool_gym.trajectory import Step
from tool_gym.turns import Outcome, ToolCall, Turn
from tool_gym.values import display


class OraclePolicy:
    """Follows a plan through the public tools, each argument taken from the result it refers to.

    It knows the plan, never the results: what it passes on is what the tools served. Retries transient faults.
    """

    name = "oracle"

    def __init__(self, plan: int = 0) -> None:
        """Choose which of the scenario's plans is followed."""
        self._number = plan

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        """Prepare for the episode; the seed changes nothing.

        Raises:
            NoOracleError: If the scenario carries no plan.
        """
        del seed
        self._scenario: Scenario = env.scenario
        self._todo = oracle_turns(self._scenario, env.scenario.oracle() if self._number == 0 else self._plan())
        self._results: dict[str, Any] = {}
        self._doing: PlanStep | None = None

    def act(self, observation: str, info: dict[str, Any]) -> Turn:
        """Return the plan's next turn."""
        del observation
        step: Step | None = info.get("step")
        if self._doing is not None and step is not None and step.results:
            result = step.results[0]
            if result.outcome is Outcome.TRANSIENT_FAULT:
                return self._call(self._doing)
            self._results[self._doing.sub_goal] = result.value
            self._doing = None
        if not self._todo:
            return Turn("")
        turn = self._todo.pop(0)
        if isinstance(turn, Turn):
            return turn
        self._doing = turn
        return self._call(turn)

    def _plan(self) -> Plan:
        return self._scenario.plans[self._number]

    def _call(self, step: PlanStep) -> Turn:
        arguments = dict(step.literals)
        for name, reference in step.references.items():
            arguments[name] = passed_on(reference, self._results.get(reference.sub_goal))
        tool = self._scenario.sub_goal_by_id[step.sub_goal].tool
        order = self._scenario.tool_by_name[tool].parameters.get("properties", {})
        arguments = {name: arguments[name] for name in order if name in arguments} | arguments
        return Turn(calls=(ToolCall(tool, arguments),))


class SilentPolicy:
    """Says nothing: ends every user turn with an empty answer."""

    name = "silent"

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        """Prepare for nothing."""

    def act(self, observation: str, info: dict[str, Any]) -> Turn:
        """Return an empty turn."""
        del observation, info
        return Turn("")


class RepeatPolicy:
    """Makes the oracle's first call again and again: what farming would earn."""

    name = "repeat"

    def __init__(self, times: int = 8) -> None:
        """Choose how often the call is made before giving up."""
        self._times = times

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        """Prepare the call."""
        del seed
        scenario = env.scenario
        first = scenario.sub_goal_by_id[scenario.oracle().steps[0].sub_goal] if scenario.oracle().steps else None
        self._left = self._times if first is not None else 0
        if first is not None:
            self._turn = Turn(calls=(ToolCall(first.tool, dict(first.arguments or {})),))

    def act(self, observation: str, info: dict[str, Any]) -> Turn:
        """Return the call, or an empty turn when its time is up."""
        del observation, info
        self._left -= 1
        return self._turn if self._left >= 0 else Turn("")


def oracle_turns(scenario: Scenario, plan: Plan) -> list[PlanStep | Turn]:
    """Return a plan as turns; within each user turn questions first, then calls, then the act."""
    turns: list[PlanStep | Turn] = []
    for user_turn in range(len(scenario.user_turns)):
        goals = scenario.goals_of(user_turn)
        turns += [Turn(f"Ask: {goal.keywords[0]}?") for goal in goals if goal.kind == "ask"]
        turns += [step for step in plan.steps if scenario.sub_goal_by_id[step.sub_goal].user_turn == user_turn]
        declines = [goal for goal in goals if goal.kind == "decline"]
        golds = [goal.gold for goal in goals if goal.kind == "answer"]
        if declines:
            turns.append(Turn(f"Decline: {declines[0].reason}"))
        else:
            turns.append(Turn(f"Answer: {display(golds[0]) if golds else 'done'}"))
    return turns


def passed_on(reference: Reference, result: Any) -> Any:
    """Return the argument that a reference takes from an earlier result, or None if there is nothing."""
    try:
        return reference.argument(result)
    except (LookupError, TypeError, ValueError):
        return None
