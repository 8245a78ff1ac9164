"""step_grained: StepTool's rewards for every step (arXiv 2410.07745): call success, contribution, solved.

For a step of k attempts (its calls; 1 for a question or a decline) let

    SC   be the share of them that were carried out without an error,
    Con  the share that contributed: solved a sub-goal, or asked or declined rightly,
    IS   for an act that ends a user turn, the share of that turn's goals it leaves met; several turns are several
         published episodes.

What is solved and met is `solve`'s (docs/reward.md), as are S sub-goals of T solved, the share G of goals met and
what is charged. Modes:

    fail_penalty   the change of  (w S/T + (1 - w) G) · T / (T + p W),   W = Σ (1 - ½ (SC + Con)) over charged attempts
    mean           k · ½ (SC + Con) - c · charged attempts;  IS at the end of a user turn
    final_only     the change of G at the end of a user turn

`mean` at c = 0 is what the published data pays: ½ (SC + Con / 5) for a call, with a judge's Con of 0 to 5. It is for
stored trajectories only. A harmless call that helps nobody earns ½, so who is trained on it online calls harmless
tools to the horizon; with ½ < c < 1 no call earns anything but by contributing, and it may be played. The released
trainer also drops the last reward (see `tool_gym.rewards.judging`); here every reward is paid where it was earned.

`fail_penalty` takes the same ½ (SC + Con) as a loss: an attempt is charged with what it falls short of 1, which is 1
if it failed, ½ if it was harmless and useless, 0 if it contributed. From that:

- S ≤ T, G ≤ 1 and W ≥ 0, so the score is in [0, 1] whatever happens; it is 1 only if everything is solved and met
  without one wasted attempt, and 0 while nothing is solved or met.
- A contributing call raises S alone, so each pays at least its w/T of the present factor. Any other charged attempt
  raises W alone, so the score falls, or stays 0, and with it T / (T + p W), the most that can still be had.
- Hence a repeated, corrupt or useless call costs at any time, and an episode with one never earns 1.

With several plans the best counts. A multi-plan scenario is scored by each plan by itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from typing import Any

from tool_gym.errors import ScenarioError, UnknownNameError
from tool_gym.rewards.base import Reward, StepScore
from tool_gym.rewards.credit import CreditTable
from tool_gym.rewards.judging import call_reward
from tool_gym.rewards.provenance import CONTRIBUTIONS, Contributions
from tool_gym.rewards.solve import SolveReward
from tool_gym.rewards.spec import spec_of
from tool_gym.scenario import Scenario
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import ActKind, parse_act

MODES: dict[str, tuple[str, ...]] = {
    "fail_penalty": ("weight", "penalty"),
    "final_only": (),
    "mean": ("contribution", "call_cost"),
}
"""Mode → the parameters it has."""

GOLD = "gold"
"""The contribution that is known at once: which sub-goals the step solved."""

MAX_PENALTY = 100.0

_SOLVE = SolveReward()


@dataclass(frozen=True)
class StepGrainedReward:
    """The `step_grained` reward.

    Args:
        mode: A key of `MODES`.
        weight: w, the share of progress in the score of `fail_penalty`; 0 < w < 1.
        penalty: p, what a failed attempt costs there, in sub-goals; 0 < p <= 100.
        contribution: What Con is under `mean`: `gold`, or a key of `tool_gym.rewards.provenance.CONTRIBUTIONS`,
            which looks back from the end of a stored trajectory.
        call_cost: c, the cost of a charged attempt under `mean`; 0 <= c < 1.
    """

    mode: str = "fail_penalty"
    weight: float = 0.5
    penalty: float = 0.2
    contribution: str = GOLD
    call_cost: float = 0.0

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            UnknownNameError: If there is no such mode or contribution.
            ScenarioError: If a number is out of its range, or belongs to another mode.
        """
        for kind, name, known in (
            ("mode of step_grained", self.mode, MODES),
            ("contribution", self.contribution, (GOLD, *CONTRIBUTIONS)),
        ):
            if name not in known:
                error = UnknownNameError.of(kind, name, known)
                raise error
        if not (0 < self.weight < 1 and 0 < self.penalty <= MAX_PENALTY and 0 <= self.call_cost < 1):
            msg = (
                f"step_grained needs 0 < weight < 1, 0 < penalty <= {MAX_PENALTY:g} and 0 <= call_cost < 1, "
                f"not weight={self.weight}, penalty={self.penalty}, call_cost={self.call_cost}"
            )
            raise ScenarioError(msg)
        for field in fields(self):
            if field.name not in ("mode", *MODES[self.mode]) and getattr(self, field.name) != field.default:
                own = ", ".join(MODES[self.mode]) or "none"
                msg = f"mode={self.mode} of step_grained has no {field.name}; its parameters: {own}"
                raise ScenarioError(msg)

    @property
    def name(self) -> str:
        """The line it is looked up by."""
        return spec_of("step_grained", self)

    @property
    def online(self) -> bool:
        """Whether an environment may pay it: not if it looks back, nor if a useless call could earn something."""
        return self.mode != "mean" or (self.contribution == GOLD and self.call_cost > call_reward(1, 0))

    def start(self, scenario: Scenario) -> StepGrainedScorer:
        """Return the scorer of a new episode of `scenario`.

        Raises:
            ScenarioError: If the contribution is one that looks back; `tool_gym.score` does.
        """
        if self.contribution != GOLD:
            msg = f"contribution={self.contribution} looks back from the end of an episode: use tool_gym.score"
            raise ScenarioError(msg)
        return StepGrainedScorer(self, scenario)

    def knowing(self, scenario: Scenario, trajectory: Trajectory) -> Reward:
        """Return the reward as it pays this one trajectory."""
        if self.contribution == GOLD:
            return self
        return _Annotated(self, CONTRIBUTIONS[self.contribution](scenario, trajectory))


@dataclass(frozen=True)
class _Annotated:
    """The reward of one trajectory, what its calls contributed being known."""

    reward: StepGrainedReward
    contributions: Contributions

    @property
    def name(self) -> str:
        return self.reward.name

    def start(self, scenario: Scenario) -> StepGrainedScorer:
        return StepGrainedScorer(self.reward, scenario, self.contributions)


class StepGrainedScorer:
    """Scores one episode."""

    __slots__ = (
        "_con",
        "_contributions",
        "_failed",
        "_figures",
        "_goals_of",
        "_kept",
        "_reward",
        "_sc",
        "_score",
        "_solvers",
        "_step",
    )

    def __init__(
        self, reward: StepGrainedReward, scenario: Scenario, contributions: Contributions | None = None
    ) -> None:
        self._reward = reward
        self._contributions = contributions
        self._solvers = [_SOLVE.start(one) for one in _single_plans(scenario)]
        self._figures = [solver.parts() for solver in self._solvers]
        """The parts of `solve` under each plan by itself."""
        self._goals_of = _goals_of(scenario)
        self._step = self._failed = 0
        """Steps so far, and charged attempts that failed."""
        self._sc = self._con = self._score = 0.0
        """SC and Con of the last step, and the score."""
        self._kept = 0.0
        """Share of goals met when the user turn began."""

    def step(self, step: Step) -> StepScore:
        """Take in one step and return what it paid."""
        before, figures = self._figures, [solver.step(step).parts for solver in self._solvers]
        act = None if step.turn.calls else parse_act(step.turn.text)
        failures = [result.outcome.charged for result in step.results if not result.ok]
        attempts = len(step.results) if act is None else int(act.kind is not ActKind.ANSWER)
        self._sc = 1 - len(failures) / attempts if attempts else 1.0
        self._con = self._contribution(before, figures, attempts) if attempts else 0.0
        self._failed += sum(failures)
        self._figures = figures
        self._step += 1
        if self._reward.mode == "fail_penalty":
            delta = self._best()[1] - self._score
        elif act is not None and act.kind is not ActKind.ASK:
            delta = self._end(step.user_turn)
        elif self._reward.mode == "mean":
            charged = figures[0]["charged"] - before[0]["charged"]
            delta = attempts * call_reward(self._sc, self._con) - self._reward.call_cost * charged
        else:
            delta = 0.0
        self._score += delta
        return StepScore(delta, self._score, self.parts())

    def parts(self) -> dict[str, float]:
        """Return the score's parts as they stand; `sc` and `con` are those of the last step."""
        best, _ = self._best()
        return {
            "sc": self._sc,
            "con": self._con,
            "solved": self._goals(),
            "progress": best["completeness"],
            "failed": float(self._failed),
            "useless": best["charged"] - best["solved"] - self._failed,
            "needed": best["needed"],
            "value_only": best["value_only"],
        }

    def snapshot(self) -> object:
        """Return the state."""
        own = (self._figures, self._step, self._failed, self._sc, self._con, self._score, self._kept)
        return own, [solver.snapshot() for solver in self._solvers]

    def restore(self, state: Any) -> None:
        """Return to `state`."""
        own, solvers = state
        self._figures, self._step, self._failed, self._sc, self._con, self._score, self._kept = own
        for solver, kept in zip(self._solvers, solvers, strict=True):
            solver.restore(kept)

    def _contribution(self, before: list[dict[str, float]], figures: list[dict[str, float]], attempts: int) -> float:
        """Return Con of the step: the share of its attempts that contributed."""
        if self._contributions is not None and self._contributions[self._step]:
            return sum(self._contributions[self._step]) / attempts
        gained = [now["solved"] - then["solved"] for now, then in zip(figures, before, strict=True)]
        return max(gained) / attempts

    def _best(self) -> tuple[dict[str, float], float]:
        """Return the figures of the best plan, and the score of `fail_penalty` under it."""
        if len(self._figures) == 1:
            return self._figures[0], self._value(self._figures[0])
        return max(((plan, self._value(plan)) for plan in self._figures), key=lambda pair: pair[1])

    def _value(self, plan: dict[str, float]) -> float:
        """Return the score of `fail_penalty` under one plan."""
        reward, needed = self._reward, max(plan["needed"], 1.0)
        useless = plan["charged"] - plan["solved"] - self._failed
        waste = self._failed * (1 - call_reward(0, 0)) + useless * (1 - call_reward(1, 0))
        done = reward.weight * plan["completeness"] + (1 - reward.weight) * plan["goals"]
        return done * needed / (needed + reward.penalty * waste)

    def _end(self, user_turn: int) -> float:
        """Return what the end of a user turn pays: its share of its own goals, or of all goals."""
        met, self._kept = self._goals() - self._kept, self._goals()
        if self._reward.mode == "final_only":
            return met
        goals = self._goals_of.get(user_turn, 0)
        return met * sum(self._goals_of.values()) / goals if goals else 0.0

    def _goals(self) -> float:
        """Return the share of goals met under the plan that has met most."""
        return max([plan["goals"] for plan in self._figures])


def _goals_of(scenario: Scenario) -> Counter[int]:
    """Return the number of goals of each user turn; counted once."""
    found: Counter[int] | None = scenario.derived.get(_goals_of)
    if found is None:
        found = scenario.derived[_goals_of] = Counter(goal.user_turn for goal in scenario.goals)
    return found


def _single_plans(scenario: Scenario) -> tuple[Scenario, ...]:
    """Return the scenario once for each of its plans, with that plan alone; made once."""
    if len(scenario.plans) <= 1:
        return (scenario,)
    found: tuple[Scenario, ...] | None = scenario.derived.get(_single_plans)
    if found is None:
        found = tuple(scenario.model_copy(update={"plans": (plan,)}) for plan in scenario.plans)
        for one in found:
            one.derived[CreditTable] = CreditTable.of(scenario)  # the sub-goals are the same
        scenario.derived[_single_plans] = found
    return found
