"""solve: strict precision and completeness over calls and sub-goals, and the goals. The default reward.

    F = (1 + b^2) S / (C + b^2 T)        G = goals met / goals        score = w F + (1 - w) G

C counts charged attempts (ok calls, calls the model got wrong, declines and asks), T the calls of a minimal plan
(+ 1 for each decline or ask due), S the sub-goals solved, matched one to one with calls (+ 1 for each decline or
ask that was right); with several plans the best counts. The reward of a step is the change of the score, so an
episode's return is its final score, in [0, 1]. docs/reward.md works through episodes of every shape.

F is the F-measure of van Rijsbergen (Information Retrieval, 1979) over calls; precision and completeness as
objectives of tool use follow FTRL (arXiv 2508.08791), whose released formulas are in `tool_gym.rewards.ftrl`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tool_gym.errors import ScenarioError
from tool_gym.rewards.base import StepScore
from tool_gym.rewards.credit import CallKey, CreditTable, Matching, mask_of
from tool_gym.scenario import Goal, Parent, Scenario, StateGoal
from tool_gym.trajectory import Step
from tool_gym.turns import Act, ActKind, Effect, Outcome, ToolCall
from tool_gym.values import answers


@dataclass(frozen=True)
class SolveReward:
    """The `solve` reward.

    Args:
        weight: w, the share of F in the score; 0 < w < 1.
        beta: b, the weight of completeness over precision; > 0. Plain F1 (b = 1) has a local optimum at one
            good call and stop: a larger b early in training helps.
    """

    weight: float = 0.5
    beta: float = 1.0
    name: str = "solve"

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ScenarioError: If a parameter lies outside its range.
        """
        if not 0 < self.weight < 1 or not self.beta > 0:
            msg = f"solve needs 0 < weight < 1 and beta > 0, not weight={self.weight}, beta={self.beta}"
            raise ScenarioError(msg)

    def start(self, scenario: Scenario) -> SolveScorer:
        """Return the scorer of a new episode of `scenario`."""
        task = scenario.derived.get(SolveTask)
        if task is None:
            task = scenario.derived[SolveTask] = SolveTask(scenario)
        return SolveScorer(task, self.weight, self.beta**2)


class SolveTask:
    """What `solve` needs of a scenario; built once."""

    __slots__ = ("acts", "asks", "credit", "due", "goals", "goals_of", "needs", "plans", "value_only")

    def __init__(self, scenario: Scenario) -> None:
        self.credit = CreditTable.of(scenario)
        ids = self.credit.ids
        self.value_only = float(self.credit.value_only)
        self.goals = len(scenario.goals)
        self.goals_of: dict[int, list[tuple[int, Goal, int]]] = {}
        """User turn → its goals as (number, goal, mask of the sub-goals it rests on)."""
        for number, goal in enumerate(scenario.goals):
            rests_on = mask_of(ids[name] for name in goal.rests_on)
            self.goals_of.setdefault(goal.user_turn, []).append((number, goal, rests_on))
        self.asks = {goal.id: number for number, goal in enumerate(scenario.goals) if goal.kind == "ask"}
        self.acts = mask_of(n for n, goal in enumerate(scenario.goals) if goal.kind in ("decline", "ask"))
        """Mask of the goals that count in S and T as calls do."""
        self.due = self.acts.bit_count()
        plans = [[ids[step.sub_goal] for step in plan.steps] for plan in scenario.plans] or [list(range(len(ids)))]
        self.plans = [(mask_of(plan), len(plan)) for plan in plans]
        """Each plan's (mask of sub-goals, number of calls)."""
        self.needs = [
            (self._parents(item.parents, "data"), self._parents(item.parents, "control"), item.user_turn)
            for item in scenario.sub_goals
        ]
        """Each sub-goal's data parents, control parents and user turn."""

    def _parents(self, parents: tuple[Parent, ...], kind: str) -> tuple[int, int]:
        """Return (mask of sub-goal parents, mask of ask-goal parents) of one kind."""
        names = [parent.id for parent in parents if parent.kind == kind]
        calls = mask_of(self.credit.ids[name] for name in names if name in self.credit.ids)
        return calls, mask_of(self.asks[name] for name in names if name in self.asks)


class SolveScorer:
    """Scores one episode."""

    __slots__ = ("_beta2", "_charged", "_effects", "_matchings", "_met", "_score", "_served", "_task", "_weight")

    def __init__(self, task: SolveTask, weight: float, beta2: float) -> None:
        self._task = task
        self._weight = weight
        self._beta2 = beta2
        self._charged = 0
        self._served = 0
        """Mask of the sub-goals whose value was served so far."""
        self._matchings = [Matching() for _ in task.plans]
        self._met = [0] * len(task.plans)
        """For each plan, the mask of goals met."""
        self._effects: list[Effect] = []
        """Effects of the current user turn."""
        self._score = 0.0

    def step(self, step: Step) -> StepScore:
        """Take in one step and return what it did to the score."""
        if step.turn.calls:
            self._take_calls(step)
        else:
            act = step.turn.act
            if act is not None:
                self._take_act(act, step.user_turn)
        before, (self._score, parts) = self._score, self._best()
        return StepScore(self._score - before, self._score, parts)

    def parts(self) -> dict[str, float]:
        """Return the score's parts as they stand."""
        return self._best()[1]

    def snapshot(self) -> object:
        """Return the state."""
        matchings = [matching.snapshot() for matching in self._matchings]
        return self._charged, self._served, matchings, tuple(self._met), tuple(self._effects), self._score

    def restore(self, state: Any) -> None:
        """Return to `state`."""
        self._charged, self._served, matchings, met, effects, self._score = state
        self._met, self._effects = list(met), list(effects)
        for matching, saved in zip(self._matchings, matchings, strict=True):
            matching.restore(saved)

    def _take_calls(self, step: Step) -> None:
        credit, served = self._task.credit, self._served
        solved = met = 0
        for matching, goals in zip(self._matchings, self._met, strict=True):
            solved |= matching.solved
            met |= goals
        for call, result in zip(step.turn.calls, step.results, strict=True):
            if result.outcome.charged:
                self._charged += 1
            if result.outcome is not Outcome.OK or not isinstance(call, ToolCall):
                continue
            if result.effects:
                self._effects.extend(result.effects)
            hits, key = credit.served(call, result)
            if hits:
                served |= hits
                self._offer(key, self._ready(hits, solved, met, step.user_turn))
        self._served = served

    def _ready(self, hits: int, solved: int, met: int, user_turn: int) -> int:
        """Return those of `hits` that may be solved now: asked for, and their parents known before this turn."""
        task, ready = self._task, 0
        while hits:
            bit = hits & -hits
            hits ^= bit
            (data, data_asks), (control, control_asks), turn = task.needs[bit.bit_length() - 1]
            if turn <= user_turn and not (
                data & ~self._served or control & ~solved or (data_asks | control_asks) & ~met
            ):
                ready |= bit
        return ready

    def _offer(self, key: CallKey, candidates: int) -> None:
        for matching, (plan, _) in zip(self._matchings, self._task.plans, strict=True):
            if candidates & plan:
                matching.offer(key, candidates & plan)

    def _take_act(self, act: Act, user_turn: int) -> None:
        if act.kind is not ActKind.ANSWER:
            self._charged += 1
        cells = _net_effects(self._effects) if self._effects else []
        for number, goal, rests_on in self._task.goals_of.get(user_turn, ()):
            if (goal.kind == "ask" and self._met[0] >> number & 1) or not _is_met(goal, act, cells):
                continue
            for plan, matching in enumerate(self._matchings):
                due = rests_on & self._task.plans[plan][0]
                if not due & ~matching.solved and (due or not rests_on):
                    self._met[plan] |= 1 << number
            if goal.kind in ("ask", "decline"):
                break  # one act, one goal: the scripted user answers the first question it was asked
        if act.kind is not ActKind.ASK:
            self._effects = []

    def _best(self) -> tuple[float, dict[str, float]]:
        """Return the score under the best plan, and its parts."""
        task, weight, beta2, charged = self._task, self._weight, self._beta2, self._charged
        best, parts = -1.0, (0, 0, 0.0, 0.0)
        for (_, calls), matching, met in zip(task.plans, self._matchings, self._met, strict=True):
            solved, needed = matching.solved.bit_count() + (met & task.acts).bit_count(), calls + task.due
            f = (1 + beta2) * solved / (charged + beta2 * needed) if solved else 0.0
            goals = met.bit_count() / task.goals
            score = weight * f + (1 - weight) * goals
            if score > best:
                best, parts = score, (solved, needed, f, goals)
        solved, needed, f, goals = parts
        return best, {
            "precision": solved / charged if charged else 0.0,
            "completeness": solved / needed if needed else 0.0,
            "f_score": f,
            "goals": goals,
            "solved": float(solved),
            "charged": float(charged),
            "needed": float(needed),
            "value_only": task.value_only,
        }


def _is_met(goal: Goal, act: Act, cells: list[tuple[Any, ...]]) -> bool:
    if goal.kind == "ask":
        return act.kind is ActKind.ASK and goal.is_asked_by(act.text)
    if goal.kind == "decline":
        return act.kind is ActKind.DECLINE
    if act.kind is not ActKind.ANSWER:
        return False
    if goal.kind == "state":
        return _is_reached(goal, cells)
    return any(map(str.isalnum, act.text)) and answers(goal.gold, act.text)


def _is_reached(goal: StateGoal, cells: list[tuple[Any, ...]]) -> bool:
    left = list(cells)
    for cell in goal.required:
        wanted = (cell.table, cell.row, cell.field, cell.after)
        if wanted not in left:
            return False
        left.remove(wanted)
    allowed = [(cell.table, cell.row, cell.field, cell.after) for cell in goal.allowed]
    return all(cell in allowed for cell in left)


def _net_effects(effects: list[Effect]) -> list[tuple[Any, ...]]:
    """Return the cells that differ from the user turn's start: (table, row or None if created, field, after)."""
    first: dict[tuple[str, str, str], Effect] = {}
    last: dict[tuple[str, str, str], Any] = {}
    for effect in effects:
        cell = (effect.table, effect.row, effect.field)
        first.setdefault(cell, effect)
        last[cell] = effect.after
    return [
        (table, None if first[cell].created else row, field, last[cell])
        for cell in first
        for table, row, field in (cell,)
        if first[cell].created or first[cell].before != last[cell]
    ]
