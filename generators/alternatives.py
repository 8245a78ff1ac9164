"""Other minimal plans: calls of the plan replaced one for one by other visible tools that find out the same.

Most substitutes need no plan of their own: the reward knows a fact by its question, whichever tool serves it. What is
left are calls that come to the same value by another question: a unit converted by arithmetic, where the factor is one
that people know, or a number halved instead of multiplied by a half. Each is tried out here; that
it holds is proved with the rest of the scenario (G2, G3, G10). A visible tool that would make a plan
shorter is no alternative: the draft is rejected.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

from tool_gym.generators.calls import parts, template
from tool_gym.generators.decompose import Call, Draft, RejectedError
from tool_gym.generators.deploy import Deployed, binding_of
from tool_gym.generators.expressions import Attr, Convert, If, Percent
from tool_gym.runtime import InProcessRuntime
from tool_gym.scenario import Goal, Plan, PlanStep, Reference, SubGoal, ToolSpec
from tool_gym.tools.base import Arguments
from tool_gym.units import FACTORS
from tool_gym.values import same
from tool_gym.world import World

MAX_PLANS = 4
"""Most plans of a scenario."""

SHORTER = "G8"
"""The gate that a draft with a shorter plan fails."""

_KNOWN_FACTORS = (10, 60, 100, 1000, 3600, 10_000, 1_000_000)
"""What people multiply and divide by without looking it up."""

_TENS = (10, 100, 1000, 10_000, 1_000_000)
_HALF = 0.5
_EXACT = 1e-12
"""Largest relative error of a factor."""

_PATH = ("value",)
"""Where arithmetic puts its result."""

STAGE = "alternatives"
"""Stands for the gate of a draft whose substitutes do not hold."""


class Routes(NamedTuple):
    """All minimal plans of a draft."""

    sub_goals: tuple[SubGoal, ...]
    plans: tuple[Plan, ...]
    goals: tuple[Goal, ...]


class _Substitute(NamedTuple):
    """A call that can stand in for one of the plan's."""

    number: int
    """Of the call it stands in for."""
    tool: ToolSpec
    arguments: Arguments
    """The tool's own, the number it is given included."""
    taking: str
    """The argument that takes that number."""


def alternatives(draft: Draft, deployed: Deployed, tools: list[ToolSpec], world: World) -> Routes:
    """Return a draft's plan with every other one that is as short; notes in the draft what their calls stand for.

    Args:
        draft: The calls, rewritten for their tools.
        deployed: The plan they make.
        tools: All visible tools, needed or not.
        world: Where they run.

    Raises:
        RejectedError: If a visible tool makes the plan shorter.
    """
    draft.substitutes.clear()
    routes = Routes(deployed.sub_goals, (deployed.plan,), deployed.goals)
    if not deployed.plan.steps:
        return routes
    _check_comparisons(draft, tools, world)
    for number, call in enumerate(draft.calls):
        ways = list(_ways(call))
        given = deployed.arguments[number] if ways else {}
        found = [one for tool in tools for one in _substitutes(number, call, given, tool, world, ways)] if ways else []
        for plan in routes.plans:
            for substitute in found:
                if len(routes.plans) < MAX_PLANS:
                    routes = _rerouted(draft, routes, plan, substitute, world)
    return routes


def _ways(call: Call) -> Iterator[tuple[str, float]]:
    """Yield the (operation, number) of arithmetic that comes to what a call does with the number it is given."""
    expression = call.expression
    if isinstance(expression, Convert) and call.concept[0] == "convert_unit":
        factor = FACTORS[expression.unit][1] / FACTORS[expression.target][1]
        for known in _KNOWN_FACTORS:
            if abs(factor / known - 1) < _EXACT:
                yield "multiply", known
            elif abs(factor * known - 1) < _EXACT:
                yield "divide", known
                if known in _TENS:
                    yield "multiply", 1 / known
    elif isinstance(expression, Percent) and expression.factor == _HALF:
        yield "divide", 2


def _substitutes(  # noqa: PLR0913, PLR0917 - a call, what it is given, and what could stand in for it
    number: int, call: Call, given: Arguments, tool: ToolSpec, world: World, ways: list[tuple[str, float]]
) -> Iterator[_Substitute]:
    """Yield the calls to one tool that can stand in for one of the plan's."""
    (role,) = call.references
    for part, (operation, known) in product(parts(tool, world.base), ways):
        impl = template(part.tool)
        if impl.family != "calculate" or impl.constants.get("operation", operation) != operation:
            continue
        if operation not in impl.bound.bindings.operations:  # type: ignore[attr-defined]  # those of its family
            continue
        values = {"operation": operation, "a": given[role], "b": known, **part.chosen}
        arguments = template(tool).public({name: v for name, v in values.items() if name not in impl.constants})
        names = {role: name for name, role in template(tool).renames.items()}
        yield _Substitute(number, tool, arguments, names.get("a", "a"))


def _rerouted(draft: Draft, routes: Routes, plan: Plan, substitute: _Substitute, world: World) -> Routes:
    """Return the routes with one more plan: `plan` with one call replaced, and all that builds on it made anew."""
    by_id = {sub_goal.id: sub_goal for sub_goal in routes.sub_goals}
    replaced = next(s.sub_goal for s in plan.steps if draft.call_of(s.sub_goal) == substitute.number)
    taken, renamed, made, steps = len(routes.plans), dict[str, str](), list[SubGoal](), list[PlanStep]()
    for step in plan.steps:
        old = by_id[step.sub_goal]
        if old.id != replaced and not renamed.keys() & {parent.id for parent in old.parents}:
            steps.append(step)
            continue
        name = renamed[old.id] = f"{old.id.split('_')[0]}_{taken}"
        draft.substitutes[name] = draft.call_of(old.id)
        parents = tuple(parent.model_copy(update={"id": renamed.get(parent.id, parent.id)}) for parent in old.parents)
        new = old.model_copy(update={"id": name, "parents": parents})
        references = {argument: _moved(reference, renamed, replaced) for argument, reference in step.references.items()}
        if old.id == replaced:
            (reference,) = references.values()
            new, references = _served(new, substitute, world), {substitute.taking: reference}
        made.append(new)
        literals = {argument: v for argument, v in (new.arguments or {}).items() if argument not in references}
        steps.append(PlanStep(sub_goal=name, literals=literals, references=references))
    goals = tuple(
        goal.model_copy(
            update={"rests_on": (*goal.rests_on, *(renamed[name] for name in goal.rests_on if name in renamed))}
        )
        for goal in routes.goals
    )
    return Routes((*routes.sub_goals, *made), (*routes.plans, Plan(steps=tuple(steps))), goals)


def _moved(reference: Reference, renamed: dict[str, str], replaced: str) -> Reference:
    """Return a reference to where a value stands in the new plan."""
    path = _PATH if reference.sub_goal == replaced else reference.path
    return Reference(sub_goal=renamed.get(reference.sub_goal, reference.sub_goal), path=path)


def _served(sub_goal: SubGoal, substitute: _Substitute, world: World) -> SubGoal:
    """Return the sub-goal as the substitute reaches it; raises RejectedError if it comes to something else."""
    tool, arguments = substitute.tool, substitute.arguments
    result = InProcessRuntime((tool,), world).start().call(tool.name, arguments)
    if sub_goal.gold is None or not result.ok or not same(sub_goal.gold, result.value["value"]):
        raise RejectedError(STAGE, f"{tool.name} comes to something else")
    binding = binding_of(tool, arguments, result.value, _PATH)
    changes = {"tool": tool.name, "arguments": arguments, "binding": binding, "result_path": _PATH}
    return sub_goal.model_copy(update=changes)


def _check_comparisons(draft: Draft, tools: list[ToolSpec], world: World) -> None:
    """Reject a condition on two cells that one visible tool compares in one call."""
    for test in (rule.test for rule in draft.goal if isinstance(rule, If)):
        first, second = test.first, test.second
        if not isinstance(first, Attr) or not isinstance(second, Attr):
            continue
        if (first.source.entity, first.column) != (second.source.entity, second.column):
            continue
        for tool in tools:
            for part in parts(tool, world.base):
                impl = template(part.tool)
                bindings = impl.bindings
                if impl.family == "compare" and bindings["table"] == first.source.entity:
                    fields = [impl.constants["field"]] if "field" in impl.constants else bindings["fields"]
                    if first.column in fields:
                        raise RejectedError(SHORTER, "one call that compares")
