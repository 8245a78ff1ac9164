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
from tool_gym.generators.integrate import Interface
from tool_gym.rewards import SolveReward
from tool_gym.rewards.solve import SolveScorer
from tool_gym.runtime import InProcessRuntime, Session
from tool_gym.scenario import Goal, Plan, Scenario, SubGoal, ToolSpec
from tool_gym.trajectory import Step
from tool_gym.turns import ActKind, ToolCall, Turn
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
    origins: dict[str, ToolSpec] = field(default_factory=dict)
    """Name of a tool → what it was before it was scaled; without those that were not."""
    told: dict[Any, None] = field(default_factory=dict)
    """Values known besides what the request says: those that earlier user turns have shown."""
    later: tuple[SubGoal, ...] = ()
    """What later user turns are to find out or change."""
    interface: Interface | None = None
    """What rewrites plans for the tools; None where there is nothing to rewrite."""
    parts: list[Candidate] | None = field(default=None, init=False, repr=False)
    """Its user turns, each as a candidate of its own; made on first use by `tool_gym.generators.dialogue`."""
    _runtime: InProcessRuntime | None = field(default=None, init=False, repr=False)

    @property
    def runtime(self) -> InProcessRuntime:
        """The public tools, compiled on first use; without the scenario's faults, which gate G12 puts in.

        Raises:
            ScenarioError: If a tool does not fit its family or the world.
        """
        if self._runtime is None:
            self._runtime = InProcessRuntime(self.scenario.tools, self.world)
        return self._runtime

    @property
    def act(self) -> Act | None:
        """The change asked for, if one is: with its condition decided, if it has one.

        Raises:
            UndefinedError: If its condition cannot be decided.
        """
        first = self.evaluator().settled(self.draft.goal[0])
        return first if isinstance(first, Update | Transition | Cancel | Create) else None

    def evaluator(self) -> Evaluator:
        """Return an evaluator of the world as it stands."""
        return Evaluator(WorldView(self.world.base))

    def play(self) -> Play:
        """Start an episode through the public tools."""
        return Play(self.runtime.start(), _REWARD.start(self.scenario))

    def plan_turns(self, plan: Plan | None = None) -> list[Turn]:
        """Return a plan's turns with resolved arguments: of each user turn the questions, the calls and the act."""
        scenario, turns = self.scenario, list[Turn]()
        steps = (plan or scenario.oracle()).steps
        for user_turn in range(len(scenario.user_turns)):
            goals = scenario.goals_of(user_turn)
            turns += [Turn(f"Ask: {goal.keywords[0]}?") for goal in goals if goal.kind == "ask"]
            for sub_goal in (scenario.sub_goal_by_id[step.sub_goal] for step in steps):
                if sub_goal.user_turn == user_turn:
                    turns.append(Turn(calls=(ToolCall(sub_goal.tool, dict(sub_goal.arguments or {})),)))
            turns.append(_closing(goals))
        return turns


class Play:
    """One episode of a candidate, scored as it goes."""

    def __init__(self, session: Session, scorer: SolveScorer) -> None:
        self._session = session
        self._scorer = scorer
        self._user_turn = 0
        self.score = 0.0

    @property
    def goals(self) -> float:
        """The share of goals met."""
        return self._scorer.parts()["goals"]

    def step(self, turn: Turn) -> Step:
        """Play one turn."""
        calls = [call for call in turn.calls if isinstance(call, ToolCall)]
        results = tuple(self._session.call(call.name, call.arguments) for call in calls)
        step = Step(turn, results, self._user_turn)
        self.score = self._scorer.take(turn, results, self._user_turn, "")[1]
        self._user_turn += turn.act is not None and turn.act.kind is not ActKind.ASK
        return step

    def steps(self, turns: list[Turn]) -> list[Step]:
        """Play several turns."""
        return [self.step(turn) for turn in turns]

    def save(self) -> object:
        """Return the state, to be given back to `load`."""
        return self._session.snapshot(), self._scorer.snapshot(), self.score, self._user_turn

    def load(self, state: Any) -> None:
        """Return to a state."""
        session, scorer, self.score, self._user_turn = state
        self._session.restore(session)
        self._scorer.restore(scorer)


def answer_of(expression: Expression, evaluate: Evaluator) -> Any:
    """Return what a goal's expression asks for, read from the tables: a value, or a row's name.

    Raises:
        UndefinedError: If the tables give none.
    """
    expression = evaluate.settled(expression)
    if isinstance(expression, Top | Best | Higher):
        return evaluate.row(expression)["name"]
    return evaluate.value(expression)  # type: ignore[arg-type]  # the sampler asks for values and those rows only


def _closing(goals: tuple[Goal, ...]) -> Turn:
    """Return the right act at the end of a user turn."""
    for goal in goals:
        if goal.kind == "decline":
            return Turn(f"Decline: {goal.reason}")
        if goal.kind == "answer":
            return Turn(f"Answer: {display(goal.gold)}")
    return Turn("Answer: done")
