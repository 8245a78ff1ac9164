"""The interface of a reward: a pure function of scenario and trajectory, folded step by step."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, cast, runtime_checkable

from tool_gym.scenario import Scenario
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import ToolResult, Turn


class StepScore(NamedTuple):
    """What one step did to the score."""

    delta: float
    """The step's reward: the change of the score."""
    score: float
    """The score after the step."""
    parts: dict[str, float]
    """What the score is made of; a fresh dict with the same keys every step."""


class Score(NamedTuple):
    """The score of a whole trajectory."""

    value: float
    parts: dict[str, float]
    steps: tuple[StepScore, ...]


class Scorer(Protocol):
    """Scores one episode as it happens."""

    def step(self, step: Step) -> StepScore:
        """Take in one step and return what it did to the score."""
        ...

    def parts(self) -> dict[str, float]:
        """Return the score's parts as they stand."""
        ...

    def snapshot(self) -> object:
        """Return the state, to be given back to `restore`; it does not change as scoring goes on."""
        ...

    def restore(self, state: object) -> None:
        """Return to a state `snapshot` gave, from this or another scorer of the same scenario and reward."""
        ...


class QuickScorer(Protocol):
    """What environments step: scoring without the records, which are made when somebody looks at them."""

    def take(self, turn: Turn, results: tuple[ToolResult, ...], user_turn: int, reply: str) -> tuple[float, float, Any]:
        """Take in one step; return its reward, the score, and figures that `parts_of` can read at any later time."""
        ...

    def parts_of(self, figures: Any) -> dict[str, float]:
        """Return the score's parts as they stood when `figures` were given."""
        ...


class _Stepped:
    """A scorer of whole steps as a quick one."""

    __slots__ = ("_step",)

    def __init__(self, scorer: Scorer) -> None:
        self._step = scorer.step

    def take(
        self, turn: Turn, results: tuple[ToolResult, ...], user_turn: int, reply: str
    ) -> tuple[float, float, dict[str, float]]:
        scored = self._step(Step(turn, results, user_turn, reply))
        return scored.delta, scored.score, scored.parts

    def parts_of(self, figures: dict[str, float]) -> dict[str, float]:
        return dict(figures)


def quick(scorer: Scorer) -> QuickScorer:
    """Return the scorer itself if it is quick, else one that makes it so."""
    return cast("QuickScorer", scorer) if hasattr(scorer, "take") else _Stepped(scorer)


class Reward(Protocol):
    """A way of scoring, shared by any number of episodes."""

    @property
    def name(self) -> str:
        """The name it is looked up by."""
        ...

    def start(self, scenario: Scenario) -> Scorer:
        """Return the scorer of a new episode of `scenario`."""
        ...


@runtime_checkable
class PostHocReward(Protocol):
    """A reward that may have to see how an episode ended before it can say what its first step was worth."""

    def knowing(self, scenario: Scenario, trajectory: Trajectory) -> Reward:
        """Return the reward as it pays this one trajectory."""
        ...


def score(reward: Reward, scenario: Scenario, trajectory: Trajectory) -> Score:
    """Score a stored trajectory.

    Args:
        reward: Any reward.
        scenario: The scenario the trajectory was played on.
        trajectory: The record; only its turns, results, replies and user turns are read.

    Returns:
        The score; for a reward that pays online, equal to what the environment paid step by step.
    """
    if isinstance(reward, PostHocReward):
        reward = reward.knowing(scenario, trajectory)
    scorer = reward.start(scenario)
    steps = tuple(scorer.step(step) for step in trajectory.steps)
    return Score(steps[-1].score if steps else 0.0, scorer.parts(), steps)
