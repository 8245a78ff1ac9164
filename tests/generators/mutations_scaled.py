"""Ways to scale a candidate badly, all of which gate G12 must catch."""

from __future__ import annotations

from typing import Any

from tests.generators.mutation import Mutations
from tool_gym.generators.calls import template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.gates import g12_scaled
from tool_gym.scenario import Fault, ToolSpec
from tool_gym.tools.codecs import Quantity

mutations = Mutations()


def scaled(candidate: Candidate, old: ToolSpec, new: ToolSpec, **changes: Any) -> Candidate:
    """The candidate with one tool replaced by what is said to be the same one, scaled."""
    tools = tuple(new if tool is old else tool for tool in candidate.scenario.tools)
    sub_goals = tuple(
        sub_goal.model_copy(update={"tool": new.name}) if sub_goal.tool == old.name else sub_goal
        for sub_goal in candidate.scenario.sub_goals
    )
    scenario = candidate.scenario.model_copy(update={"tools": tools, "sub_goals": sub_goals, **changes}).with_id()
    origins = {name: tool for name, tool in candidate.origins.items() if name != old.name}
    origins[new.name] = candidate.origins.get(old.name, old)
    return Candidate(scenario, candidate.world, candidate.domain, candidate.draft, origins=origins)


def called(candidate: Candidate) -> ToolSpec | None:
    """The first tool that the plan calls."""
    goals = candidate.scenario.sub_goals
    return candidate.scenario.tool_by_name[goals[0].tool] if goals else None


def with_properties(tool: ToolSpec, properties: dict[str, Any]) -> ToolSpec:
    return tool.model_copy(update={"parameters": {**tool.parameters, "properties": properties}})


@mutations.of(g12_scaled)
def name_and_description_lost(candidate: Candidate) -> Candidate | None:
    """Neither name nor description says what the tool does."""
    tool = called(candidate)
    lost = {"name": "xqzv", "description": "Does it."}
    return None if tool is None else scaled(candidate, tool, tool.model_copy(update=lost))


@mutations.of(g12_scaled)
def two_of_a_kind(candidate: Candidate) -> Candidate | None:
    """Two tools with one document, under names that say nothing."""
    tool = called(candidate)
    if tool is None:
        return None
    mutant = scaled(candidate, tool, tool.model_copy(update={"name": "xqzv"}))
    twin = mutant.scenario.tool_by_name["xqzv"].model_copy(update={"name": "vzqx"})
    mutant.origins["vzqx"] = mutant.origins["xqzv"]
    mutant.scenario = mutant.scenario.model_copy(update={"tools": (*mutant.scenario.tools, twin)}).with_id()
    return mutant


@mutations.of(g12_scaled)
def parameter_lost(candidate: Candidate) -> Candidate | None:
    """A parameter under another name, without a description."""
    for tool in candidate.scenario.tools:
        impl, properties = template(tool), tool.parameters["properties"]
        known = [name for name in properties if name not in impl.inert and name not in impl.expected]
        if known and not impl.codecs and not any(goal.tool == tool.name for goal in candidate.scenario.sub_goals):
            plain = {key: value for key, value in properties[known[0]].items() if key != "description"}
            renamed = {name: schema for name, schema in properties.items() if name != known[0]} | {"xqzv": plain}
            renames = {**impl.renames, "xqzv": impl.renames.get(known[0], known[0])}
            renames.pop(known[0], None)
            lost = with_properties(tool, renamed)
            changed = lost.model_copy(update={"impl": impl.model_copy(update={"renames": renames})})
            return scaled(candidate, tool, changed)
    return None


@mutations.of(g12_scaled)
def value_nowhere_said(candidate: Candidate) -> Candidate | None:
    """A value that must be given, with nothing that says which."""
    tool = called(candidate)
    if tool is None:
        return None
    properties = {**tool.parameters["properties"], "mode": {"type": "string", "description": "Mode."}}
    impl = template(tool).model_copy(update={"expected": {**template(tool).expected, "mode": "fast"}})
    return scaled(candidate, tool, with_properties(tool, properties).model_copy(update={"impl": impl}))


@mutations.of(g12_scaled)
def unit_nowhere_said(candidate: Candidate) -> Candidate | None:
    """A number that must be written with a unit, with nothing that says which."""
    for tool in candidate.scenario.tools:
        for name, schema in tool.parameters["properties"].items():
            if schema.get("type") == "number":
                properties = {**tool.parameters["properties"], name: {"type": "string", "description": "Number."}}
                impl = template(tool).model_copy(update={"codecs": {name: Quantity(unit="MW")}})
                return scaled(candidate, tool, with_properties(tool, properties).model_copy(update={"impl": impl}))
    return None


@mutations.of(g12_scaled)
def silent_twin(candidate: Candidate) -> Candidate | None:
    """A retired tool that does not say so."""
    tool = next(tool for tool in candidate.scenario.tools if not template(tool).retired)
    impl = template(tool).model_copy(update={"retired": "xqzv is switched off"})
    twin = tool.model_copy(update={"name": "xqzv", "impl": impl, "description": f"{tool.description} Once more."})
    tools = (*candidate.scenario.tools, twin)
    scenario = candidate.scenario.model_copy(update={"tools": tools}).with_id()
    return Candidate(scenario, candidate.world, candidate.domain, candidate.draft, origins=candidate.origins)


@mutations.of(g12_scaled)
def retired_oracle(candidate: Candidate) -> Candidate | None:
    """A tool the plan needs no longer does what it did."""
    tool = called(candidate)
    if tool is None:
        return None
    impl = template(tool).model_copy(update={"retired": "it is switched off"})
    text = f"{tool.description} It is switched off."
    return scaled(candidate, tool, tool.model_copy(update={"impl": impl, "description": text}))


@mutations.of(g12_scaled)
def fault_without_end(candidate: Candidate) -> Candidate | None:
    """An oracle whose plan no longer earns 1 once its faults are overcome."""
    goals = candidate.scenario.sub_goals
    if not goals:
        return None
    faults = (Fault(tool=goals[0].tool, times=2),)
    wrong = goals[0].model_copy(update={"arguments": {**(goals[0].arguments or {}), "xqzv": 1}})
    changes = {"faults": faults, "sub_goals": (wrong, *goals[1:])}
    scenario = candidate.scenario.model_copy(update=changes)
    return Candidate(scenario, candidate.world, candidate.domain, candidate.draft)
