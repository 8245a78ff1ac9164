"""The public view of a task: its tools scaled by every operator, and its oracle rewritten to call them."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import NamedTuple

from tool_gym.generators.calls import template
from tool_gym.generators.scale.docs import wear_documents
from tool_gym.generators.scale.faults import draw_faults
from tool_gym.generators.scale.knobs import Knobs
from tool_gym.generators.scale.noise import perturb_names, perturb_parameters
from tool_gym.generators.scale.parameters import expand_parameters
from tool_gym.generators.scale.results import wrap_results
from tool_gym.generators.scale.toolset import retired_twins
from tool_gym.generators.scale.types import generalise_types
from tool_gym.scenario import Fault, Plan, PlanStep, Reference, SubGoal, ToolSpec
from tool_gym.world import BaseTables


class View(NamedTuple):
    """A task as the model sees it."""

    tools: tuple[ToolSpec, ...]
    sub_goals: tuple[SubGoal, ...]
    plans: tuple[Plan, ...]
    faults: tuple[Fault, ...]
    origins: dict[str, ToolSpec]
    """Name of a tool → what it was before it was scaled."""


class Oracle(NamedTuple):
    """What a task takes: calls to its tools as they were documented."""

    sub_goals: tuple[SubGoal, ...]
    plans: tuple[Plan, ...]


def scale_view(tools: list[ToolSpec], oracle: Oracle, knobs: Knobs, rng: random.Random, base: BaseTables) -> View:
    """Scale tools and rewrite what calls them.

    Args:
        tools: The tools to see, needed or not.
        oracle: The calls, to these tools.
        knobs: How far each operator goes.
        rng: The stream.
        base: The tables the tools are bound to.
    """
    scaled = perturb_names([_scaled(tool, knobs, base) for tool in tools], knobs.noise, knobs.variant)
    pairs = zip(scaled, tools, strict=True)
    worn = [wear_documents(tool, origin, knobs.docs, knobs.variant) for tool, origin in pairs]
    new = {origin.name: tool for tool, origin in zip(worn, tools, strict=True)}
    old = {origin.name: origin for origin in tools}
    is_rewritten = any(new[name] is not origin for name, origin in old.items())
    called = {sub_goal.tool for sub_goal in oracle.sub_goals}
    twins = retired_twins(worn, knobs.toolset, knobs.variant) if called else []
    return View(
        tools=(*worn, *twins),
        sub_goals=tuple(_sub_goal(one, old, new) for one in oracle.sub_goals) if is_rewritten else oracle.sub_goals,
        plans=tuple(_plan(one, oracle, old, new) for one in oracle.plans) if is_rewritten else oracle.plans,
        faults=draw_faults((new[name].name for name in called), knobs.faults, rng),
        origins={tool.name: origin for tool, origin in zip(worn, tools, strict=True)},
    )


def _scaled(tool: ToolSpec, knobs: Knobs, base: BaseTables) -> ToolSpec:
    scaled = expand_parameters(tool, knobs.parameters, knobs.variant)
    scaled = generalise_types(scaled, knobs.types, knobs.variant, base)
    scaled = wrap_results(scaled, knobs.results, knobs.variant)
    return perturb_parameters(scaled, tool, knobs.noise, knobs.variant)


def _sub_goal(sub_goal: SubGoal, old: Mapping[str, ToolSpec], new: Mapping[str, ToolSpec]) -> SubGoal:
    before, after = old[sub_goal.tool], new[sub_goal.tool]
    if before is after:
        return sub_goal
    changes = {
        "tool": after.name,
        "arguments": template(after).public(template(before).translate(sub_goal.arguments or {})),
        "result_path": _place(after, sub_goal.result_path) if sub_goal.result_path else (),
    }
    return sub_goal.model_copy(update=changes)


def _plan(plan: Plan, oracle: Oracle, old: Mapping[str, ToolSpec], new: Mapping[str, ToolSpec]) -> Plan:
    sub_goals = {one.id: one for one in oracle.sub_goals}

    def step(one: PlanStep) -> PlanStep:
        name = sub_goals[one.sub_goal].tool
        roles, impl = template(old[name]).renames, template(new[name])
        public = {role: name for name, role in impl.renames.items()}
        references = {}
        for argument, reference in one.references.items():
            role = roles.get(argument, argument)
            taking = public.get(role, role)
            path = _place(new[sub_goals[reference.sub_goal].tool], reference.path)
            references[taking] = Reference(sub_goal=reference.sub_goal, path=path, codec=impl.codecs.get(taking))
        arguments = _sub_goal(sub_goals[one.sub_goal], old, new).arguments or {}
        literals = {argument: value for argument, value in arguments.items() if argument not in references}
        return PlanStep(sub_goal=one.sub_goal, literals=literals, references=references)

    return Plan(steps=tuple(step(one) for one in plan.steps))


def _place(tool: ToolSpec, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    envelope = template(tool).envelope
    return path if envelope is None else envelope.place(path)
