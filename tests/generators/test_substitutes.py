"""What the list of substitutes leaves out: no single visible call finds out what one of the plan's does by another
question. Calls that show the same value do so by chance: in some world close by they show another one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.generators.building import made
from tool_gym.generators.calls import Caller, Stock, is_write, parts, template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Call
from tool_gym.generators.disturb import Read, changed, changes
from tool_gym.generators.expressions import Best, Evaluator, Follow, Free, Higher, Top, UndefinedError
from tool_gym.scenario import SubGoal, ToolSpec
from tool_gym.tools.base import Arguments, Fact
from tool_gym.values import plain, same
from tool_gym.world import WorldView

DOMAINS = ("energy", "library", "clinic", "travel", "museum", "logistics")


@pytest.mark.parametrize("shape", ["multi_hop", "conditional", "read_then_write"])
@pytest.mark.parametrize("domain", DOMAINS)
def test_no_other_call_answers_the_same(domain: str, shape: str) -> None:
    tried = 0
    for depth in (2, 3, 4):
        candidate = made(domain, shape, depth)
        for call, sub_goal, stock in _reads(candidate):
            for tool, arguments, facts in _calls(candidate, stock):
                tried += 1
                if sub_goal.binding is not None and all(fact.key != sub_goal.binding.key for fact in facts):
                    for fact in (
                        fact for fact in facts if sub_goal.gold is not None and same(sub_goal.gold, fact.value)
                    ):
                        assert _differs(candidate, call, tool, arguments, fact), (
                            sub_goal.question,
                            tool.name,
                            arguments,
                        )
    assert tried > 0


def _reads(candidate: Candidate) -> Iterator[tuple[Call, SubGoal, Stock]]:
    """The calls of the plan that read the world, each with its sub-goal and what is known when it is made."""
    draft, world = candidate.draft, candidate.world
    stock = Stock.of(world)
    for call in draft.calls:
        for role, value in call.literals.items():
            if role == "name":
                stock.names[value] = None
            else:
                stock.add(world, value)
        if isinstance(call.expression, Free):
            stock.dates[call.expression.date] = None
    for call, name in zip(draft.calls, draft.sub_goals, strict=True):
        sub_goal = candidate.scenario.sub_goal_by_id[name]
        if sub_goal.gold is not None:
            if isinstance(call.expression, Read):
                yield call, sub_goal, stock
            stock.add(world, plain(sub_goal.gold))


def _calls(candidate: Candidate, stock: Stock) -> Iterator[tuple[ToolSpec, Arguments, list[Fact]]]:
    """Every call that what is known allows, with what it serves."""
    caller, view = Caller(candidate.world), WorldView(candidate.world.base)
    for tool in (tool for tool in candidate.scenario.tools if not is_write(tool)):
        for part in parts(tool, candidate.world.base):
            for arguments in caller.arguments(part.tool, stock):
                yield part.tool, arguments, _facts(caller, part.tool, arguments, view)


def _facts(caller: Caller, tool: ToolSpec, arguments: Arguments, view: WorldView) -> list[Fact]:
    outcome = caller.call(caller.runs(tool), view, arguments)
    family, bindings = template(tool).bound
    return list(family.facts(bindings, arguments, outcome.shown)) if outcome.ok else []


def _differs(candidate: Candidate, call: Call, tool: ToolSpec, arguments: Arguments, fact: Fact) -> bool:
    """Whether in some world close by the call shows something else than the plan's would find out."""
    expression: Any = call.expression
    caller = Caller(candidate.world)
    for possible in changes(candidate.world, expression).values():
        for change in possible:
            view = changed(candidate.world, change)
            try:
                value = _value(expression, Evaluator(view))
            except UndefinedError:
                continue
            again = [other.value for other in _facts(caller, tool, arguments, view) if other.key == fact.key]
            if value not in again:
                return True
    return False


def _value(expression: Any, evaluate: Evaluator) -> Any:
    named = isinstance(expression, Follow | Top | Best | Higher)
    return evaluate.row(expression)["id"] if named else evaluate.value(expression)
