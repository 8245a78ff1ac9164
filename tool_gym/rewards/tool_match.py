"""tool_match: ToolRL's reward of format and correctness (arXiv 2504.13958). compat: exploitable, see docs/exploits.md.

    reward = R_format + R_correct        R_format in {0, 1}, R_correct in [-3, 3] (see `tool_gym.rewards.call_match`)

**One turn** against a reference, as released, is `ToolMatchReward.completion`: the text must be
`<think>…</think>`, then on the next line `<tool_call>`, a JSON object `{"name": …, "parameters": {…}}` a line,
`</tool_call>`, then `<response>…</response>`: those the reference has, each once, and nothing else. Calls that cannot
be read are worth -3, and a reference without calls gives no correctness, so that calling where nothing is to be called
costs the format only. What is called is compared with the reference; nothing is run, and no answer is read.

**An episode** is scored as one such turn: the reference is the plan (the best of them), what it is compared with is all
calls of the episode in order, over all user turns, and R_format is the share of turns that have the form, read from
the turn rather than from its tags, so that it holds in any dialect: thinking first, then either readable calls and no
text beside them, if the plan has calls at all, or an act. A turn with a broken call counts as that many calls which
match nothing. So an episode of one turn is worth what the released code pays for it. The score is what the episode
would be worth if it ended there, from 0 before the first turn; the step reward is its change; range [-3, 4].

Imported records that carry no arguments have nothing to compare with: scoring them is a `NoOracleError`. Left out of
the released variants: rewards of length, and the refined one, which compares names in order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from tool_gym import jsonio
from tool_gym.errors import NoOracleError, ScenarioError, UnknownNameError
from tool_gym.rewards.base import StepScore
from tool_gym.rewards.call_match import ASSIGNMENTS, GRANULARITIES, Call, match_calls
from tool_gym.rewards.spec import spec_of
from tool_gym.scenario import Scenario, SubGoal
from tool_gym.trajectory import Step
from tool_gym.turns import BrokenCall, ToolCall, Turn

MAX_WEIGHT = 1000.0
"""Most that correctness or format may be worth."""

_UNREADABLE = BrokenCall("bad_json", "a call of this turn cannot be read")
_THINKING, _CALLS, _RESPONSE = r"<think>.*?</think>", r"\n<tool_call>\n.*?\n</tool_call>", r"\n<response>.*?</response>"


class Weights(NamedTuple):
    """What the two parts are worth; the fields of `ToolMatchReward` of the same names."""

    correct_max: float
    format_max: float
    format_min: float = 0.0


def _two_stage(step: int) -> Weights:
    return Weights(1.0, 1.0) if step < 30 else Weights(3.0, 0.5)


def _gradual(step: int) -> Weights:
    share = min(step / 150, 1.0)
    return Weights(2.0 + share, 2.0 - share, min(2.0 * share - 2.0, -1.0))


SCHEDULES: dict[str, Callable[[int], Weights]] = {"gradual": _gradual, "two_stage": _two_stage}
"""Schedule → the weights at a training step: from format to correctness, over 150 steps or at once at step 30."""


@dataclass(frozen=True)
class ToolMatchReward:
    """The `tool_match` reward.

    Args:
        granularity: How finely calls are compared: one of `tool_gym.rewards.call_match.GRANULARITIES`.
        assignment: How calls are paired: `greedy` as released, or `optimal` as the paper says.
        correct_max: The most and, negative, the least that correctness is worth; above 0.
        format_max: What the right form is worth.
        format_min: What another form is worth; at most `format_max`.
    """

    granularity: str = "fine"
    assignment: str = "greedy"
    correct_max: float = 3.0
    format_max: float = 1.0
    format_min: float = 0.0

    def __post_init__(self) -> None:
        """Check the parameters.

        Raises:
            UnknownNameError: If there is no such granularity or assignment.
            ScenarioError: If a number is out of its range.
        """
        for kind, name, known in (
            ("granularity", self.granularity, GRANULARITIES),
            ("assignment", self.assignment, ASSIGNMENTS),
        ):
            if name not in known:
                error = UnknownNameError.of(kind, name, known)
                raise error
        if not (
            0 < self.correct_max < float("inf") and -float("inf") < self.format_min <= self.format_max < float("inf")
        ):
            msg = (
                "tool_match needs correct_max > 0 and format_min <= format_max, "
                f"not {self.correct_max=}, {self.format_min=}, {self.format_max=}"
            )
            raise ScenarioError(msg)

    @property
    def name(self) -> str:
        """The line it is looked up by."""
        return spec_of("tool_match", self)

    def start(self, scenario: Scenario) -> ToolMatchScorer:
        """Return the scorer of a new episode of `scenario`.

        Raises:
            NoOracleError: If a call of the reference carries no arguments.
        """
        return ToolMatchScorer(self, scenario)

    def completion(self, text: str, calls: Sequence[ToolCall], *, responds: bool = False) -> float:
        r"""Return what one turn is worth, as the released code reads it.

        Args:
            text: The model's turn in ToolRL's own tags; spaces around it do not count.
            calls: The calls of the reference turn.
            responds: Whether the reference turn speaks to the user.

        >>> gold = [ToolCall("get", {"id": 1})]
        >>> call = '<tool_call>\n{"name": "get", "parameters": {"id": 1}}\n</tool_call>'
        >>> reward = ToolMatchReward()
        >>> reward.completion("<think>Hm.</think>\n" + call, gold), reward.completion(call, gold)
        (4.0, 3.0)
        """
        made = written_calls(text)
        correct = -self.correct_max if calls and made is None else self.correctness(calls, made or ())
        return correct + self.form(float(has_form(text, calls=bool(calls), responds=responds)))

    def correctness(self, gold: Sequence[ToolCall], predicted: Sequence[Call]) -> float:
        """Return what calls are worth against those of the reference."""
        return match_calls(
            gold, predicted, granularity=self.granularity, assignment=self.assignment, most=self.correct_max
        )

    def form(self, share: float) -> float:
        """Return what it is worth that a share of turns has the form."""
        return self.format_min + share * (self.format_max - self.format_min)


class _State(NamedTuple):
    """How an episode stands."""

    correct: float
    due: int
    """Calls of the reference that fits best."""
    calls: tuple[Call, ...] = ()
    turns: int = 0
    formed: int = 0
    score: float = 0.0


class ToolMatchScorer:
    """Scores one episode."""

    __slots__ = ("_references", "_reward", "_state")

    def __init__(self, reward: ToolMatchReward, scenario: Scenario) -> None:
        self._reward = reward
        self._references = references(scenario)
        self._state = _State(*self._correctness(()))

    def step(self, step: Step) -> StepScore:
        """Take in one step and return what it did to the score."""
        before = self._state
        correct, due, calls = before.correct, before.due, before.calls
        if step.turn.calls:
            calls += _readable(step.turn)
            correct, due = self._correctness(calls)
        turns, formed = before.turns + 1, before.formed + self._has_form(step.turn)
        score = correct + self._reward.form(formed / turns)
        self._state = _State(correct, due, calls, turns, formed, score)
        return StepScore(score - before.score, score, self.parts())

    def parts(self) -> dict[str, float]:
        """Return the score's parts as they stand: correctness, share of turns with the form, calls made and due."""
        state = self._state
        return {
            "correct": state.correct,
            "form": state.formed / state.turns if state.turns else 0.0,
            "calls": float(len(state.calls)),
            "due": float(state.due),
        }

    def snapshot(self) -> object:
        """Return the state."""
        return self._state

    def restore(self, state: Any) -> None:
        """Return to `state`."""
        self._state = state

    def _correctness(self, calls: tuple[Call, ...]) -> tuple[float, int]:
        """Return the correctness of calls by the reference they fit best, and how many calls that has."""
        return max((self._reward.correctness(gold, calls), len(gold)) for gold in self._references)

    def _has_form(self, turn: Turn) -> bool:
        if not turn.reasoning.strip():
            return False
        if not turn.calls:
            return bool(turn.text.strip())
        return (
            any(self._references) and not turn.text.strip() and all(isinstance(call, ToolCall) for call in turn.calls)
        )


def references(scenario: Scenario) -> list[list[ToolCall]]:
    """Return the calls of each plan; of all sub-goals where there is no plan.

    Raises:
        NoOracleError: If one of them carries no arguments.
    """
    plans = [[scenario.sub_goal_by_id[step.sub_goal] for step in plan.steps] for plan in scenario.plans]
    return [[_reference(scenario, sub_goal) for sub_goal in plan] for plan in plans or [list(scenario.sub_goals)]]


def has_form(text: str, *, calls: bool, responds: bool) -> bool:
    """Return whether a turn in ToolRL's tags has the parts of the reference, each once, and no others."""
    text = text.strip()
    tags = ("tool_call",) * calls + ("response",) * responds
    if any(text.count(mark) != 1 for tag in tags for mark in (f"<{tag}>", f"</{tag}>")):
        return False
    pattern = _THINKING + _CALLS * calls + _RESPONSE * responds
    return re.fullmatch(pattern, text, re.DOTALL) is not None


def written_calls(text: str) -> list[ToolCall] | None:
    """Return the calls between the first pair of call tags, one a line; None if they are not there or not readable.

    The released code looks inside thinking too.
    """
    _, opened, rest = text.partition("<tool_call>")
    inside, closed, _ = rest.partition("</tool_call>")
    if not opened or not closed:
        return None
    calls = []
    for line in inside.strip().split("\n"):
        try:
            written = jsonio.loads_plain(line)
            name, arguments = written["name"], written["parameters"]
        except (jsonio.PlainJsonError, KeyError, TypeError):
            return None
        if not isinstance(name, str) or not isinstance(arguments, dict):
            return None
        calls.append(ToolCall(name, arguments))
    return calls


def _readable(turn: Turn) -> tuple[Call, ...]:
    """Return the turn's calls, none of them readable if one is not: all are read, or none."""
    sound = all(isinstance(call, ToolCall) for call in turn.calls)
    return turn.calls if sound else (_UNREADABLE,) * len(turn.calls)


def _reference(scenario: Scenario, sub_goal: SubGoal) -> ToolCall:
    if sub_goal.arguments is None:
        msg = (
            f"tool_match compares calls with those of a plan, and sub-goal {sub_goal.id!r} of scenario {scenario.id} "
            "carries no arguments (imported records know tool and value only)"
        )
        raise NoOracleError(msg)
    return ToolCall(sub_goal.tool, sub_goal.arguments)
