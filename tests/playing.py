"""Playing without an environment: turns through the in-process runtime and a scorer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tests.harbour import WORLD
from tool_gym.asking import Questions
from tool_gym.rewards import Reward, SolveReward
from tool_gym.runtime import InProcessRuntime, Session
from tool_gym.scenario import Scenario
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import ActKind, BrokenCall, Outcome, ToolCall, ToolResult, Turn, failed
from tool_gym.values import display
from tool_gym.world import World

IDLE_REPLY = "Nothing to add."
"""What the user says to a question nobody expected."""


def call(name: str, /, **arguments: Any) -> ToolCall:
    """Return a call."""
    return ToolCall(name, arguments)


def calls(*made: ToolCall | BrokenCall) -> Turn:
    """Return the turn that makes some calls."""
    return Turn(calls=made)


def oracle_turns(scenario: Scenario, number: int = 0, order: Sequence[str] | None = None) -> list[Turn]:
    """Return a plan as turns: in each user turn the questions, then one call a turn, then the act.

    Args:
        scenario: Must carry a plan.
        number: Which plan.
        order: The sub-goals in another order its graph allows.
    """
    steps = order or [step.sub_goal for step in scenario.plans[number].steps]
    faults = {fault.tool: fault.times for fault in scenario.faults}
    turns: list[Turn] = []
    for user_turn in range(len(scenario.user_turns)):
        goals = scenario.goals_of(user_turn)
        turns += [Turn(f"Ask: {goal.keywords[0]}?") for goal in goals if goal.kind == "ask"]
        for name in steps:
            sub_goal = scenario.sub_goal_by_id[name]
            if sub_goal.user_turn == user_turn:
                tries = 1 + faults.pop(sub_goal.tool, 0)
                turns += [calls(ToolCall(sub_goal.tool, dict(sub_goal.arguments or {})))] * tries
        turns.append(closing(scenario, user_turn))
    return turns


def closing(scenario: Scenario, user_turn: int) -> Turn:
    """Return the right act at the end of a user turn."""
    for goal in scenario.goals_of(user_turn):
        if goal.kind == "decline":
            return Turn(f"Decline: {goal.reason}")
        if goal.kind == "answer":
            return Turn(f"Answer: {display(goal.gold)}")
    return Turn("Answer: done")


def play(scenario: Scenario, turns: Iterable[Turn], reward: Reward | None = None, world: World = WORLD) -> Trajectory:
    """Play turns from the start to the end of the episode or of the turns; each step carries its reward."""
    session = InProcessRuntime(scenario.tools, world, scenario.faults).start()
    scorer = (reward or SolveReward()).start(scenario)
    steps: list[Step] = []
    user_turn, asked = 0, set[str]()
    for turn in turns:
        if user_turn == len(scenario.user_turns):
            break
        step = Step(turn, run(session, turn), user_turn)
        act = turn.act
        if act is not None and act.kind is ActKind.ASK:
            step = step._replace(reply=_reply(scenario, user_turn, act.text, asked))
        elif act is not None:
            user_turn += 1
            step = step._replace(reply=scenario.user_turns[user_turn] if user_turn < len(scenario.user_turns) else "")
        delta, _, parts = scorer.step(step)
        steps.append(step._replace(reward=delta, parts=parts))
    return Trajectory(scenario.id, tuple(steps), terminated=user_turn == len(scenario.user_turns))


def run(session: Session, turn: Turn) -> tuple[ToolResult, ...]:
    """Run the calls of a turn."""
    return tuple(
        session.call(item.name, item.arguments)
        if isinstance(item, ToolCall)
        else failed(Outcome.MALFORMED_CALL, item.message)
        for item in turn.calls
    )


def _reply(scenario: Scenario, user_turn: int, text: str, asked: set[str]) -> str:
    goal = Questions.of(scenario).judge(text, user_turn, asked).goal
    if goal is None:
        return IDLE_REPLY
    asked.add(goal.id)
    return goal.reply
