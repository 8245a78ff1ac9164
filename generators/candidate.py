"""A finished draft on trial: a scenario with what it was built from, which the gates need and users never see."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tool_gym.generators.decompose import Draft
from tool_gym.generators.domain import Domain
from tool_gym.generators.expressions import (
    Act,
    Best,
    Cancel,
    Create,
    Evaluator,
    Expression,
    Higher,
    Top,
    Transition,
    Update,
)
from tool_gym.rewards import Scorer, SolveReward
from tool_gym.runtime import InProcessRuntime, Session
from tool_gym.scenario import Plan, Scenario
from tool_gym.trajectory import Step
from tool_gym.turns import ToolCall, Turn
from tool_gym.values import display
from tool_gym.world import World, WorldView

_REWARD = SolveReward()


@dataclass(slots=True)
class Candidate:
    """A scenario on trial."""

    scenario: Scenario
    world: World
    domain: Domain
    draft: Draft
    """The goal and hop graph; of a decline, those of the request that cannot be met."""
    _runtime: InProcessRuntime | None = field(default=None, init=False, repr=False)

    @property
    def runtime(self) -> InProcessRuntime:
        """The public tools, compiled on first use.

        Raises:
            ScenarioError: If a tool does not fit its family or the world.
        """
        if self._runtime is None:
            self._runtime = InProcessRuntime(self.scenario.tools, self.world, self.scenario.faults)
        return self._runtime

    @property
    def act(self) -> Act | None:
        """The change asked for, if one is."""
        first = self.draft.goal[0]
        return first if isinstance(first, Update | Transition | Cancel | Create) else None

    def evaluator(self) -> Evaluator:
        """Return an evaluator of the world as it stands."""
        return Evaluator(WorldView(self.world.base))

    def play(self) -> Play:
        """Start an episode through the public tools."""
        return Play(self.runtime.start(), _REWARD.start(self.scenario))

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


class Play:
    """One episode of a candidate, scored as it goes."""

    def __init__(self, session: Session, scorer: Scorer) -> None:
        self._session = session
        self._scorer = scorer
        self.score = 0.0

    @property
    def goals(self) -> float:
        """The share of goals met."""
        return self._scorer.parts()["goals"]

    def step(self, turn: Turn) -> Step:
        """Play one turn."""
        calls = [call for call in turn.calls if isinstance(call, ToolCall)]
        step = Step(turn, tuple(self._session.call(call.name, call.arguments) for call in calls))
        self.score = self._scorer.step(step).score
        return step

    def steps(self, turns: list[Turn]) -> list[Step]:
        """Play several turns."""
        return [self.step(turn) for turn in turns]

    def save(self) -> object:
        """Return the state, to be given back to `load`."""
        return self._session.snapshot(), self._scorer.snapshot(), self.score

    def load(self, state: Any) -> None:
        """Return to a state."""
        session, scorer, self.score = state
        self._session.restore(session)
        self._scorer.restore(scorer)


def answer_of(expression: Expression, evaluate: Evaluator) -> Any:
    """Return what a goal's expression asks for, read from the tables: a value, or a row's name."""
    if isinstance(expression, Top | Best | Higher):
        return evaluate.row(expression)["name"]
    return evaluate.value(expression)  # type: ignore[arg-type]  # the sampler asks for values and those rows only
