"""ftrl_f1, ftrl_precision, ftrl_rate, ftrl_pr: FTRL's formulas as released (arXiv 2508.08791).

Each turn is paid by itself. With p the calls that parse, q those that solve an open sub-answer, and t the open
sub-answers before the turn, a turn with p > 0 earns

    ftrl_f1 (the published one)  2 q / (p + 1)        ftrl_precision  q / p
    ftrl_pr                      q q / p              ftrl_rate       q

and a turn without calls the first of: −0.5 if empty; −0.3 if it holds a call tag; 1 / (1 + t) if the final answer
is a substring of it, thinking included; 0.5 if everything is solved; 0. The score is the sum over turns. A turn
earns at least −0.5, and less than 2 under ftrl_f1, at most 1 under ftrl_precision, q under the other two.

A call solves the first open sub-answer of its own tool that its output holds, errors included: in lower case
and without commas, each part of the sub-answer between ", " must be a substring of the output.

These are for reproducing results. compat: exploitable, see docs/exploits.md.

What the released record has no place for: a write has no sub-answer, so its call counts in p and never in q; a user
turn without an answer goal has no final answer; with several user turns the one under way gives the final answer.
Sub-answers are the golds as plain text, without their units. The turn is read by its dialect, not by the released
parser, which also runs calls that are not closed or stand inside thinking; its text is `Turn.raw` where there is one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from tool_gym.errors import UnknownNameError
from tool_gym.rewards.base import StepScore
from tool_gym.scenario import Scenario
from tool_gym.trajectory import Step
from tool_gym.turns import BrokenCall, ToolCall, ToolResult, Turn
from tool_gym.values import NumberValue, Value, display, plain

FORMULAS: dict[str, Callable[[int, int], float]] = {
    "f1": lambda p, q: 2 * q / (p + 1),
    "precision": lambda p, q: q / p,
    "rate": lambda _, q: float(q),
    "pr": lambda p, q: q * q / p,
}
"""Formula → reward of a turn with p > 0 parsable calls, q of which solve something."""

EMPTY_TURN = -0.5
STRAY_TAG = -0.3
ALL_SOLVED = 0.5

CALL_TAGS = ("<tool_call>", "</tool_call>", "<tool_parsed_response>")
"""What the released code takes for a sign of a broken call; it looks for no `<tool_response>`."""

Open: TypeAlias = tuple[tuple[str, str], ...]
"""The open sub-answers: (tool, text) in the scenario's order."""


@dataclass(frozen=True)
class FtrlReward:
    """One of FTRL's four rewards.

    Args:
        formula: A key of `FORMULAS`.
    """

    formula: str = "f1"

    def __post_init__(self) -> None:
        """Check the formula.

        Raises:
            UnknownNameError: If there is none of that name.
        """
        if self.formula not in FORMULAS:
            unknown = UnknownNameError.of("FTRL formula", self.formula, FORMULAS)
            raise unknown

    @property
    def name(self) -> str:
        """The name it is looked up by."""
        return f"ftrl_{self.formula}"

    def start(self, scenario: Scenario) -> FtrlScorer:
        """Return the scorer of a new episode of `scenario`."""
        return FtrlScorer(scenario, FORMULAS[self.formula])


class FtrlScorer:
    """Scores one episode."""

    __slots__ = ("_answers", "_calls", "_formula", "_open", "_score", "_total")

    def __init__(self, scenario: Scenario, formula: Callable[[int, int], float]) -> None:
        self._formula = formula
        self._answers = {goal.user_turn: answer_text(goal.gold) for goal in scenario.goals if goal.kind == "answer"}
        self._open: Open = tuple((goal.tool, sub_answer(goal.gold)) for goal in scenario.sub_goals if goal.gold)
        self._total = len(self._open)
        self._calls = 0
        self._score = 0.0

    def step(self, step: Step) -> StepScore:
        """Take in one step and return what it paid."""
        calls = [
            (call.name, result)
            for call, result in zip(step.turn.calls, step.results, strict=True)
            if isinstance(call, ToolCall)
        ]
        if calls:
            solved = sum(self._solves(name, output_text(result)) for name, result in calls)
            self._calls += len(calls)
            delta = self._formula(len(calls), solved)
        else:
            delta = self._text_reward(step.turn, self._answers.get(step.user_turn))
        self._score += delta
        return StepScore(delta, self._score, self.parts())

    def parts(self) -> dict[str, float]:
        """Return what the released evaluation reports, as it stands; `solve_precision` is 1 without calls."""
        solved = self._total - len(self._open)
        spent = self._calls + self._total
        return {
            "solve_precision": solved / self._calls if self._calls else 1.0,
            "solve_rate": solved / self._total if self._total else 0.0,
            "solve_f1": 2 * solved / spent if spent else 0.0,
            "solved": float(solved),
            "open": float(len(self._open)),
            "parsable": float(self._calls),
        }

    def snapshot(self) -> object:
        """Return the state."""
        return self._open, self._calls, self._score

    def restore(self, state: Any) -> None:
        """Return to `state`."""
        self._open, self._calls, self._score = state

    def _solves(self, tool: str, output: str) -> bool:
        """Close the first open sub-answer of `tool` that `output` verifies; return whether there was one."""
        for number, (owner, text) in enumerate(self._open):
            if owner == tool and verifies(output, text):
                self._open = self._open[:number] + self._open[number + 1 :]
                return True
        return False

    def _text_reward(self, turn: Turn, answer: str | None) -> float:
        text = turn_text(turn)
        if any(tag in text for tag in CALL_TAGS) or any(map(_is_broken, turn.calls)):
            return STRAY_TAG
        if not text:
            return EMPTY_TURN
        if answer is not None and _normal(answer) in _normal(text):
            return 1 / (1 + len(self._open))
        return ALL_SOLVED if self._total and not self._open else 0.0


def verifies(output: str, text: str) -> bool:
    """Return whether the released verifier takes `output` to hold the sub-answer `text`.

    >>> verifies("opened in 1931", "19"), verifies("1949; born 1922, AUGUST 31", "August 31, 1949")
    (True, True)
    """
    shown = _normal(output)
    return all(_normal(part) in shown for part in text.split(", "))


def output_text(result: ToolResult) -> str:
    """Return the result as the released verifier reads it: JSON of a dict or list, else the plain text."""
    if not result.ok:
        return result.text
    value = result.value
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def turn_text(turn: Turn) -> str:
    """Return the whole text of a turn, thinking included, without end-of-turn tokens."""
    text = turn.raw or f"{turn.reasoning}\n{turn.text}"
    return text.strip().removesuffix("<|endoftext|>").strip().removesuffix("<|im_end|>").strip()


def sub_answer(gold: Value) -> str:
    """Return a sub-goal's gold as the released record writes sub-answers."""
    value = plain(gold)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def answer_text(gold: Value) -> str:
    """Return an answer goal's gold as plain text."""
    return str(gold.value) if isinstance(gold, NumberValue) else display(gold)


def _is_broken(call: ToolCall | BrokenCall) -> bool:
    return isinstance(call, BrokenCall) and call.problem != "invented_result"


def _normal(text: str) -> str:
    return text.lower().replace(",", "").strip()
