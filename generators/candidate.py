"""A finished draft on trial: a scenario with what it was built from, which the gates need and users never see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tool_gym.generators.decompose import Draft
from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import Act, Cancel, Create, Expression, Top, Transition, Update
from tool_gym.rewards import SolveReward
from tool_gym.runtime import InProcessRuntime, Session
from tool_gym.scenario import Plan, Scenario
from tool_gym.trajectory import Step
from tool_gym.turns import ToolCall, Turn
from tool_gym.values import display
from tool_gym.world import World

_REWARD = SolveReward()


@dataclass(slots=True)
class Candidate:
    """A scenario on trial."""

    scenario: Scenario
    world: World
    domain: Domain
    draft: Draft
    """The goal and hop graph; of a decline, those of the request that cannot be met."""
    runtime: InProcessRuntime = field(init=False)

    def __post_init__(self) -> None:
        """Compile the public tools."""
        self.runtime = InProcessRuntime(self.scenario.tools, self.world, self.scenario.faults)

    @property
    def act(self) -> Act | None:
        """The change asked for, if one is."""
        first = self.draft.goal[0]
        return first if isinstance(first, Update | Transition | Cancel | Create) else None

    def play(self, turns: list[Turn]) -> tuple[list[Step], dict[str, float], float]:
        """Play turns through the public tools and return the steps, the score's parts and the score."""
        session: Session = self.runtime.start()
        scorer = _REWARD.start(self.scenario)
        steps, score = [], 0.0
        for turn in turns:
            results = tuple(session.call(call.name, call.arguments) for call in turn.calls if isinstance(call, ToolCall))
            step = Step(turn, results)
            score = scorer.step(step).score
            steps.append(step)
        return steps, scorer.parts(), score

    def plan_turns(self, plan: Plan | None = None) -> list[Turn]:
        """Return a plan's turns with resolved arguments, the act last."""
        scenario = self.scenario
        turns = []
        for step in (plan or scenario.oracle()).steps:
            sub_goal = scenario.sub_goal_by_id[step.sub_goal]
            turns.append(Turn(calls=(ToolCall(sub_goal.tool, dict(sub_goal.arguments or {})),)))
        goal = scenario.goals[0]
        words = {"answer": "Answer: ", "decline": "Decline: "}.get(goal.kind, "Answer: done")
        end = display(goal.gold) if goal.kind == "answer" else goal.reason if goal.kind == "decline" else ""
        return [*turns, Turn(words + end)]


def answer_of(expression: Expression, evaluate: Any) -> Any:
    """Return what a goal's expression asks for, read from the tables: a value, or a row's name."""
    if isinstance(expression, Top):
        return evaluate.row(expression)["name"]
    return evaluate.value(expression)
