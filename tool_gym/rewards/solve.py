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
from typing import Any, TypeAlias

from tool_gym.asking import Questions
from tool_gym.errors import ScenarioError
from tool_gym.rewards.base import StepScore
from tool_gym.rewards.credit import CreditTable, Matching, mask_of
from tool_gym.rewards.spec import spec_of
from tool_gym.scenario import Goal, Scenario, StateGoal
from tool_gym.trajectory import Step
from tool_gym.turns import Act, ActKind, BrokenCall, Effect, Outcome, ToolCall, ToolResult, Turn, parse_act
from tool_gym.values import MAX_TEXT, answers, display

MAX_BETA = 100.0
"""Largest beta: beyond it precision no longer shows."""

Figures: TypeAlias = tuple[int, int, int, float, float]
"""Sub-goals solved, attempts charged, calls needed, F, G."""

Taken: TypeAlias = tuple[float, float, Figures]
"""The change of the score, the score, and its figures."""

_OK = Outcome.OK


@dataclass(frozen=True)
class SolveReward:
    """The `solve` reward.

    Args:
        weight: w, the share of F in the score; 0 < w < 1.
        beta: b, the weight of completeness over precision; 0 < b <= 100. Plain F1 (b = 1) has a local optimum at one
            good call and stop: a larger b early in training helps.
    """

    weight: float = 0.5
    beta: float = 1.0

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            ScenarioError: If a parameter lies outside its range.
        """
        if not 0 < self.weight < 1 or not 0 < self.beta <= MAX_BETA:
            msg = f"solve needs 0 < weight < 1 and 0 < beta <= {MAX_BETA:g}, not weight={self.weight}, beta={self.beta}"
            raise ScenarioError(msg)

    @property
    def name(self) -> str:
        """The line it is looked up by."""
        return spec_of("solve", self)

    def start(self, scenario: Scenario) -> SolveScorer:
        """Return the scorer of a new episode of `scenario`."""
        task = scenario.derived.get(SolveTask)
        if task is None:
            task = scenario.derived[SolveTask] = SolveTask(scenario)
        return SolveScorer(task, self.weight, self.beta**2)


class SolveTask:
    """What `solve` needs of a scenario; built once."""

    __slots__ = ("acts", "credit", "due", "free", "goals", "goals_of", "needs", "plans", "questions", "value_only")

    def __init__(self, scenario: Scenario) -> None:
        self.credit = CreditTable.of(scenario)
        self.questions = Questions.of(scenario)
        ids = self.credit.ids
        self.value_only = float(self.credit.value_only)
        self.goals = len(scenario.goals)
        self.goals_of: dict[int, list[tuple[int, Goal, str, int]]] = {}
        """User turn → its goals as (number, goal, its answer as we write it, mask of the sub-goals it rests on)."""
        for number, goal in enumerate(scenario.goals):
            rests_on = mask_of(ids[name] for name in goal.rests_on)
            written = display(goal.gold) if goal.kind == "answer" else ""
            written = written if len(written) <= MAX_TEXT else ""
            self.goals_of.setdefault(goal.user_turn, []).append((number, goal, written, rests_on))
        asks = {goal.id: number for number, goal in enumerate(scenario.goals) if goal.kind == "ask"}
        self.acts = mask_of(n for n, goal in enumerate(scenario.goals) if goal.kind in ("decline", "ask"))
        """Mask of the goals that count in S and T as calls do."""
        self.due = self.acts.bit_count()
        plans = [[ids[step.sub_goal] for step in plan.steps] for plan in scenario.plans] or [list(range(len(ids)))]
        self.plans = [(mask_of(plan), len(plan)) for plan in plans]
        """Each plan's (mask of sub-goals, number of calls)."""
        self.needs = [
            (
                mask_of(ids[parent.id] for parent in item.parents if parent.kind == "data" and parent.id in ids),
                mask_of(ids[parent.id] for parent in item.parents if parent.kind == "control" and parent.id in ids),
                mask_of(asks[parent.id] for parent in item.parents if parent.id in asks),
                item.user_turn,
            )
            for item in scenario.sub_goals
        ]
        """Each sub-goal's data parents, control parents, questions it waits for, and user turn."""
        self.free = mask_of(number for number, needs in enumerate(self.needs) if needs == (0, 0, 0, 0))
        """Mask of the sub-goals that wait for nothing."""


class _PlanScore:
    """How far one plan has come."""

    __slots__ = ("acts", "mask", "matching", "met", "needed", "reached")

    def __init__(self, mask: int, needed: int) -> None:
        self.mask = mask
        """Mask of the plan's sub-goals."""
        self.needed = needed
        """T: the plan's calls, and the declines and questions due."""
        self.matching = Matching()
        self.met = 0
        """Mask of the goals met."""
        self.acts = 0
        """How many of them count in S as calls do."""
        self.reached = 0.0
        """G: the share of the goals that are met."""

    def meet(self, goals: int, task: SolveTask) -> None:
        """Set the mask of the goals met."""
        self.met = goals
        self.acts = (goals & task.acts).bit_count()
        self.reached = goals.bit_count() / task.goals


class SolveScorer:
    """Scores one episode."""

    __slots__ = (
        "_beta2",
        "_charged",
        "_effects",
        "_gain",
        "_met",
        "_plans",
        "_score",
        "_served",
        "_solved",
        "_task",
        "_weight",
    )

    def __init__(self, task: SolveTask, weight: float, beta2: float) -> None:
        self._task = task
        self._weight = weight
        self._beta2 = beta2
        self._gain = 1 + beta2
        self._charged = 0
        self._served = 0
        """Mask of the sub-goals whose value was served so far."""
        self._plans = [_PlanScore(mask, calls + task.due) for mask, calls in task.plans]
        self._solved = self._met = 0
        """Masks of the sub-goals solved and goals met under any plan."""
        self._effects: list[Effect] = []
        """Effects of the current user turn."""
        self._score = 0.0

    def step(self, step: Step) -> StepScore:
        """Take in one step and return what it did to the score."""
        delta, score, figures = self.take(step.turn, step.results, step.user_turn, step.reply)
        return StepScore(delta, score, self.parts_of(figures))

    def take(self, turn: Turn, results: tuple[ToolResult, ...], user_turn: int, reply: str) -> Taken:
        """Take in one step; see `QuickScorer`."""
        del reply
        if turn.calls:
            self._take_calls(turn.calls, results, user_turn)
        else:
            self._take_act(parse_act(turn.text), user_turn)
        return self._rescored()

    def parts(self) -> dict[str, float]:
        """Return the score's parts as they stand."""
        return self.parts_of(self._rescored()[2])

    def parts_of(self, figures: Figures) -> dict[str, float]:
        """Return the parts that `figures` stand for."""
        solved, charged, needed, f_score, goals = figures
        return {
            "precision": solved / charged if charged else 0.0,
            "completeness": solved / needed if needed else 0.0,
            "f_score": f_score,
            "goals": goals,
            "solved": solved + 0.0,
            "charged": charged + 0.0,
            "needed": needed + 0.0,
            "value_only": self._task.value_only,
        }

    def snapshot(self) -> object:
        """Return the state."""
        plans = [(plan.matching.snapshot(), plan.met) for plan in self._plans]
        return self._charged, self._served, self._solved, self._met, plans, tuple(self._effects), self._score

    def restore(self, state: Any) -> None:
        """Return to `state`."""
        self._charged, self._served, self._solved, self._met, plans, effects, self._score = state
        self._effects = list(effects)
        for plan, (matching, met) in zip(self._plans, plans, strict=True):
            plan.matching.restore(matching)
            plan.meet(met, self._task)

    def _take_calls(
        self, calls: tuple[ToolCall | BrokenCall, ...], results: tuple[ToolResult, ...], user_turn: int
    ) -> None:
        credit, free, served, solved = self._task.credit, self._task.free, self._served, self._solved
        for call, result in zip(calls, results):  # noqa: B905 - as many by construction; strict= costs as much as the loop
            outcome = result.outcome
            if outcome is not _OK:
                self._charged += outcome.charged
                continue
            self._charged += 1
            if result.effects:
                self._effects.extend(result.effects)
            if type(call) is not ToolCall:
                continue
            hits, key = credit.served(call, result)
            if hits:
                served |= hits
                candidates = hits if not hits & ~free else self._ready(hits, solved, user_turn)
                for plan in self._plans:
                    fitting = candidates & plan.mask
                    if fitting:
                        plan.matching.offer(key, fitting)
                        self._solved |= plan.matching.solved
        self._served = served

    def _ready(self, hits: int, solved: int, user_turn: int) -> int:
        """Return those of `hits` that may be solved now: asked for, and their parents known before this turn."""
        needs, ready = self._task.needs, 0
        while hits:
            bit = hits & -hits
            hits ^= bit
            data, control, asks, turn = needs[bit.bit_length() - 1]
            if turn <= user_turn and not (data & ~self._served or control & ~solved or asks & ~self._met):
                ready |= bit
        return ready

    def _take_act(self, act: Act, user_turn: int) -> None:
        if act.kind is not ActKind.ANSWER:
            self._charged += 1
        cells = _net_effects(self._effects) if self._effects else []
        goals = self._task.goals_of.get(user_turn, ())
        if act.kind is ActKind.ASK and self._task.questions.is_too_much(act.text, user_turn):
            return
        unasked = cells and not any(goal.kind == "state" for _, goal, _, _ in goals)
        for number, goal, written, rests_on in goals:
            if (goal.kind == "ask" and self._met >> number & 1) or not _is_met(goal, written, act, cells):
                continue
            if unasked and goal.kind != "ask":
                continue  # who changed what nobody asked to change has not done what was asked
            for plan in self._plans:
                due = rests_on & plan.mask
                if not due & ~plan.matching.solved and (due or not rests_on):
                    plan.meet(plan.met | 1 << number, self._task)
                    self._met |= 1 << number
            if goal.kind in ("ask", "decline"):
                break  # one act, one goal: the scripted user answers the first question it was asked
        if act.kind is not ActKind.ASK:
            self._effects = []

    def _rescored(self) -> Taken:
        """Return how the score under the best plan has changed, the score, and what it is made of."""
        gain, beta2, weight, charged = self._gain, self._beta2, self._weight, self._charged
        best = -1.0
        for plan in self._plans:
            done = plan.matching.solved.bit_count() + plan.acts
            share = gain * done / (charged + beta2 * plan.needed) if done else 0.0
            score = weight * share + (1 - weight) * plan.reached
            if score > best:
                best, solved, needed, f_score, goals = score, done, plan.needed, share, plan.reached
        delta = best - self._score
        self._score = best
        return delta, best, (solved, charged, needed, f_score, goals)


def _is_met(goal: Goal, written: str, act: Act, cells: list[tuple[Any, ...]]) -> bool:
    if goal.kind == "ask":
        return act.kind is ActKind.ASK and goal.is_asked_by(act.text)
    if goal.kind == "decline":
        return act.kind is ActKind.DECLINE
    if act.kind is not ActKind.ANSWER:
        return False
    if goal.kind == "state":
        return _is_reached(goal, cells)
    return any(map(str.isalnum, act.text)) and (act.text == written or answers(goal.gold, act.text))


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
