"""G11: what is to be declined really cannot be done with the visible tools.

Proved twice: by type (no visible tool serves the kind of fact, or makes the kind of change, that is asked for) and by
value (nothing reachable within two rounds more than the full plan would have taken serves a gold). In a prototype
41 % of naive "hide one used tool" candidates were still solvable by another route.
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.candidate import Candidate, answer_of
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.expressions import (
    Agg,
    Attr,
    Calc,
    Cancel,
    Convert,
    Create,
    Days,
    Evaluator,
    Expression,
    Top,
    Transition,
    Update,
)
from tool_gym.generators.reach import Reach, TooWideError
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.world import WorldView

GATE = "G11"
EXTRA_ROUNDS = 1
"""Rounds searched beyond the length of the full plan."""


def check(candidate: Candidate) -> dict[str, Any] | None:
    """Reject the candidate if its request can be met after all; return the rounds that were searched."""
    if candidate.scenario.shape != "decline":
        return None
    targets = [target for goal in candidate.draft.goal for target in operands(goal)]
    tools = candidate.scenario.tools
    blocked = [target for target in targets if not any(serves(tool, target) for tool in tools)]
    if not blocked:
        raise RejectedError(GATE, "a visible tool still does it")
    evaluate = Evaluator(WorldView(candidate.world.base))
    golds = [answer_of(target, evaluate) for target in blocked if not isinstance(target, Update | Transition | Cancel | Create)]
    if not golds:
        return {"rounds": 0}
    searched = len(candidate.draft.calls) + EXTRA_ROUNDS
    try:
        reached = Reach(candidate).rounds(min(searched, 4))[-1]
    except TooWideError:
        raise RejectedError(GATE, "too wide to prove") from None
    if any(gold in reached for gold in golds):
        raise RejectedError(GATE, "still reachable by value")
    return {"rounds": min(searched, 4)}


def operands(expression: Expression) -> list[Expression]:
    """Return the reads and changes an expression comes down to, arithmetic taken apart."""
    if isinstance(expression, Calc | Days):
        return [*operands(expression.first), *operands(expression.second)]
    if isinstance(expression, Convert):
        return operands(expression.source)
    return [expression]


def serves(tool: ToolSpec, target: Expression) -> bool:
    """Return whether a tool's kind of fact or change is the one asked for, whatever its arguments."""
    impl = tool.impl
    if not isinstance(impl, TemplateImpl):
        return True
    family, bindings, constants = impl.family, impl.bindings, impl.constants
    table = bindings.get("table")
    if isinstance(target, Attr):
        entity, column = target.source.entity, target.column
        if family == "get":
            return column in bindings["tables"].get(entity, ()) and constants.get("field", column) == column
        if column == "name":
            return table == entity and family in ("list", "search", "top")
        summarised = family == "summarize" and constants.get("operation") != "count" and column in bindings["fields"]
        return table == entity and (summarised or column in bindings.get("sort", ()) or _compares(family, bindings, column))
    if isinstance(target, Agg):
        return _aggregates(family, bindings, constants, target)
    if isinstance(target, Top):
        return table == target.entity and family in ("top", "search")
    if isinstance(target, Create):
        return family == "create" and table == target.entity
    return _changes(family, bindings, target)


def _compares(family: str, bindings: dict[str, Any], column: str) -> bool:
    return family == "compare" and column in bindings["fields"]


def _aggregates(family: str, bindings: dict[str, Any], constants: dict[str, Any], target: Agg) -> bool:
    if family == "get":
        return target.entity in bindings["tables"]  # every row read one by one, in principle
    if bindings.get("table") != target.entity:
        return False
    if family in ("list", "search"):
        return target.column is None or target.column in bindings.get("sort", ())
    return family == "summarize" and constants.get("operation", target.operation) == target.operation


def _changes(family: str, bindings: dict[str, Any], target: Expression) -> bool:
    if isinstance(target, Update):
        return family == "update" and bindings["table"] == target.target.entity and target.column in bindings["fields"]
    if isinstance(target, Transition | Cancel):
        return family in ("transition", "cancel") and bindings["table"] == target.target.entity
    return False
