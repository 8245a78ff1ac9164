"""What passes between a policy and an environment: turns, calls, acts and results.

These are plain immutable tuples: they are made by the million in `env.step`. An assistant *turn* either
calls tools or acts. Text without calls is the act; text beside calls is only text.
"""

from __future__ import annotations

import enum
import re
from functools import lru_cache
from typing import Any, NamedTuple

from tool_gym import jsonio


class Blame(enum.Enum):
    """Who is answerable for an outcome; only `NONE` and `MODEL` cost the policy anything."""

    NONE = "none"
    MODEL = "model"
    TOOL = "tool"
    INFRA = "infra"


class Outcome(enum.Enum):
    """How one attempted call ended: a closed set, each kind with its blame."""

    OK = ("ok", Blame.NONE)
    MALFORMED_CALL = ("malformed_call", Blame.MODEL)
    UNKNOWN_TOOL = ("unknown_tool", Blame.MODEL)
    INVALID_ARGUMENTS = ("invalid_arguments", Blame.MODEL)
    NOT_FOUND = ("not_found", Blame.MODEL)
    PRECONDITION_FAILED = ("precondition_failed", Blame.MODEL)
    CALL_BUDGET = ("call_budget", Blame.MODEL)
    TOOL_ERROR = ("tool_error", Blame.TOOL)
    TIMEOUT = ("timeout", Blame.TOOL)
    RESOURCE_LIMIT = ("resource_limit", Blame.TOOL)
    UNRECORDED = ("unrecorded", Blame.TOOL)
    TRANSIENT_FAULT = ("transient_fault", Blame.INFRA)
    WORKER_LOST = ("worker_lost", Blame.INFRA)

    def __init__(self, label: str, blame: Blame) -> None:
        self.label = label
        """The name used in JSON and shown to the model."""
        self.blame = blame
        self.charged = blame in (Blame.NONE, Blame.MODEL)
        """Whether the attempt counts in the reward's C (see docs/reward.md)."""

    @classmethod
    def of(cls, label: str) -> Outcome:
        """Return the outcome written as `label`; raises `ValueError` if there is none."""
        try:
            return _OUTCOMES[label]
        except KeyError:
            msg = f"no outcome is written {label!r}; known: {', '.join(_OUTCOMES)}"
            raise ValueError(msg) from None


_OUTCOMES = {outcome.label: outcome for outcome in Outcome}
_OK = Outcome.OK


class ActKind(enum.Enum):
    """What a turn without calls does."""

    ANSWER = "answer"
    DECLINE = "decline"
    ASK = "ask"


class Act(NamedTuple):
    """The act of a turn without calls."""

    kind: ActKind
    text: str
    """What stands after `Decline:`, `Ask:` or the last `Answer:`; else the whole text."""


class ToolCall(NamedTuple):
    """One well-formed call."""

    name: str
    arguments: dict[str, Any]
    id: str = ""
    """The model's own id of the call, where its dialect has one."""


class BrokenCall(NamedTuple):
    """Text that was meant as a call and cannot be read as one; a counted attempt."""

    problem: str
    """One word: bad_json, not_object, no_name, bad_arguments, too_large, too_deep, unclosed …"""
    message: str
    """What the model is told, at most 300 characters."""
    raw: str = ""
    """The text itself, cut to 500 characters."""


class Turn(NamedTuple):
    """One assistant turn, parsed.

    >>> Turn("Decline: no tool reads the weather.").act
    Act(kind=<ActKind.DECLINE: 'decline'>, text='no tool reads the weather.')
    """

    text: str = ""
    """Visible text, without reasoning and without the calls' own markup."""
    calls: tuple[ToolCall | BrokenCall, ...] = ()
    reasoning: str = ""
    """Text inside thinking blocks; nothing in it is ever executed."""
    raw: str = ""
    """The turn as the model wrote it; empty for structured turns."""

    @property
    def act(self) -> Act | None:
        """The act, or None when the turn calls tools."""
        return None if self.calls else parse_act(self.text)


class Effect(NamedTuple):
    """One changed cell of the world."""

    table: str
    row: str
    field: str
    before: Any
    """None when the row was created by this effect."""
    after: Any
    """None when the row was deleted by this effect."""
    created: bool = False


class ToolResult(NamedTuple):
    """How one attempted call ended and what the model is shown of it."""

    outcome: Outcome
    value: Any = None
    """The tool's value (plain JSON data), or None unless `outcome` is ok."""
    message: str = ""
    """For a failed call, a message the model can act on; at most 300 characters, never tool source."""
    effects: tuple[Effect, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the call did what it was asked to."""
        return self.outcome is Outcome.OK

    @property
    def text(self) -> str:
        """The result as the model reads it: JSON of the value, or of the error."""
        if self[0] is _OK:
            return jsonio.dumps(self[1])
        return jsonio.dumps({"error": self.outcome.label, "message": self.message})


_ANSWER = ActKind.ANSWER
_new = tuple.__new__  # half the time of a NamedTuple's own constructor
_ACT_MARK = re.compile(r"\**(decline|ask)\**:\**", re.IGNORECASE | re.ASCII)
_ANSWER_MARK = re.compile(r"\banswer\**:\**", re.IGNORECASE)

MAX_MESSAGE = 300
"""Longest error message shown to a model, in characters."""


def failed(outcome: Outcome, message: str) -> ToolResult:
    """Build the result of a failed call, its message cut and cleaned for display."""
    text = jsonio.clean_text(message)
    return ToolResult(outcome, None, text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…")


@lru_cache(maxsize=16)  # the environment and the reward both read the act of a step
def parse_act(text: str) -> Act:
    r"""Read the act of a turn without calls.

    >>> parse_act("So 5 + 7 = 12.\nAnswer: 12").text
    '12'
    """
    stripped = text.strip()
    head = _ACT_MARK.match(stripped)
    if head is not None:
        return Act(ActKind(head.group(1).lower()), stripped[head.end() :].strip())
    if ":" in stripped:
        end = 0
        for mark in _ANSWER_MARK.finditer(stripped):
            end = mark.end()
        stripped = stripped[end:].strip()
    return _new(Act, (_ANSWER, stripped))
