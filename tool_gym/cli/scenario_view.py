"""A scenario as texts and trees, for `tool-gym show`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.padding import Padding
from rich.tree import Tree

from tool_gym import jsonio
from tool_gym.cli.output import plain, text
from tool_gym.values import display

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tool_gym.scenario import CellEffect, Goal, Plan, PlanStep, Scenario, SubGoal, ToolSpec

MAX_CHOICES = 8
"""How many values of a closed list are shown."""

_HEAD = "bold"
_INDENT = (0, 0, 0, 2)


def parts_of(scenario: Scenario, where: str, *, tools: bool) -> Iterator[RenderableType]:
    """Yield what is shown of a scenario, top to bottom.

    Args:
        scenario: The scenario.
        where: Where it was found, in words.
        tools: Whether its tools are shown.
    """
    yield text(f"{scenario.id}: {scenario.shape}, {scenario.domain} ({where})", _HEAD)
    for number, said in enumerate(scenario.user_turns):
        yield from _section("User" if number == 0 else "User, next", [text(said)])
    if tools:
        yield from _section(f"Tools ({len(scenario.tools)})", [part for tool in scenario.tools for part in _tool(tool)])
    if scenario.sub_goals:
        yield from _section("Hop graph", _trees(scenario))
    for number, plan in enumerate(scenario.plans):
        yield from _section("Plan" if number == 0 else f"Plan {number + 1}", _plan(scenario, plan))
    yield from _section("Goals", [text(_goal(goal)) for goal in scenario.goals])
    if scenario.faults:
        faults = [text(f"{fault.tool}: the first {fault.times} calls fail") for fault in scenario.faults]
        yield from _section("Faults", faults)
    for title, facts in (("Difficulty", scenario.difficulty), ("Knobs", scenario.knobs)):
        if facts:
            yield from _section(title, [text(", ".join(f"{name} {value}" for name, value in facts.items()))])
    if scenario.certificate:
        gates = [text(f"{gate}: {_brief(found)}") for gate, found in scenario.certificate.items()]
        yield from _section("Certificate", gates)
    if scenario.provenance or scenario.seed_path:
        yield from _section("Origin", [text(f"{scenario.provenance} {scenario.seed_path}".strip())])


def signature(tool: ToolSpec) -> str:
    """Return a tool's signature: optional parameters carry `?` or their default."""
    required = tool.parameters.get("required", ())
    shown = []
    for name, schema in tool.parameters.get("properties", {}).items():
        described = schema if isinstance(schema, dict) else {}
        mark = "" if name in required else f" = {jsonio.dumps(described['default'])}" if "default" in described else "?"
        shown.append(f"{name}: {_type(described)}{mark}")
    return f"{tool.name}({', '.join(shown)})"


def _section(title: str, parts: Sequence[RenderableType]) -> Iterator[RenderableType]:
    yield text("")
    yield text(title, _HEAD)
    yield from (Padding(part, _INDENT, expand=False) for part in parts)


def _tool(tool: ToolSpec) -> list[RenderableType]:
    return [text(signature(tool), "cyan"), Padding(text(tool.description), _INDENT, expand=False)]


def _type(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        values = [str(value) for value in schema["enum"]]
        return "|".join([*values[:MAX_CHOICES], *(["…"] if len(values) > MAX_CHOICES else [])])
    kind = schema.get("type", "any")
    shown = "|".join(map(str, kind)) if isinstance(kind, list) else str(kind)
    if "minimum" in schema or "maximum" in schema:
        shown += f" {schema.get('minimum', '')}..{schema.get('maximum', '')}"
    return shown


def _trees(scenario: Scenario) -> list[RenderableType]:
    """Return the hop graph as trees: each sub-goal below its last parent, the others named beside it."""
    roots: list[RenderableType] = []
    nodes: dict[str, Tree] = {}
    for sub_goal in scenario.sub_goals:
        parents = [parent.id for parent in sub_goal.parents]
        above = next((name for name in reversed(parents) if name in nodes), None)
        label = text(_sub_goal(sub_goal, [name for name in parents if name != above]))
        if above is None:
            nodes[sub_goal.id] = Tree(label)
            roots.append(nodes[sub_goal.id])
        else:
            nodes[sub_goal.id] = nodes[above].add(label)
    return roots


def _sub_goal(sub_goal: SubGoal, others: list[str]) -> str:
    outcome = display(sub_goal.gold) if sub_goal.gold is not None else f"sets {_effects(sub_goal.effects)}"
    called = f"{sub_goal.tool}({_arguments(sub_goal.arguments)})"
    lines = [f"{sub_goal.id}  {sub_goal.question}" if sub_goal.question else sub_goal.id, f"{called} → {outcome}"]
    controls = [parent.id for parent in sub_goal.parents if parent.kind == "control"]
    if others:
        lines.append(f"also needs {', '.join(others)}")
    if controls:
        lines.append(f"only after {', '.join(controls)}")
    return "\n".join(lines)


def _arguments(arguments: dict[str, Any] | None) -> str:
    if arguments is None:
        return "…"
    return ", ".join(f"{name}={jsonio.dumps(value)}" for name, value in arguments.items())


def _plan(scenario: Scenario, plan: Plan) -> list[RenderableType]:
    if not plan.steps:
        return [text("no call")]
    return [text(f"{number}. {_step(scenario, step)}") for number, step in enumerate(plan.steps, 1)]


def _step(scenario: Scenario, step: PlanStep) -> str:
    shown = [f"{name}={jsonio.dumps(value)}" for name, value in step.literals.items()]
    for name, reference in step.references.items():
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in reference.path)
        shown.append(f"{name}={reference.sub_goal}{path}")
    return f"{step.sub_goal}: {scenario.sub_goal_by_id[step.sub_goal].tool}({', '.join(shown)})"


def _goal(goal: Goal) -> str:
    if goal.kind == "answer":
        wanted = f"answer {display(goal.gold)}"
    elif goal.kind == "state":
        wanted = f"bring about {_effects(goal.required)}"
    elif goal.kind == "decline":
        wanted = f"decline: {goal.reason}"
    else:
        wanted = f"ask for {goal.slot}; the user then says: {plain(goal.reply)}"
    return f"{goal.id}  {wanted}" + (f" (rests on {', '.join(goal.rests_on)})" if goal.rests_on else "")


def _effects(effects: tuple[CellEffect, ...]) -> str:
    return ", ".join(f"{e.table}[{e.row or 'new'}].{e.field} = {jsonio.dumps(e.after)}" for e in effects)


def _brief(found: Any) -> str:
    if isinstance(found, dict):
        return ", ".join(f"{name} {_brief(value)}" for name, value in found.items()) or "ok"
    return str(found)
