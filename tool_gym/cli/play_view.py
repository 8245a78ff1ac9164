"""What a person who plays is shown: the request, the tools, what came of a turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from rich.console import RenderableType
from rich.padding import Padding

from tool_gym import jsonio
from tool_gym.cli.output import table, text
from tool_gym.cli.play_input import COMMANDS
from tool_gym.cli.scenario_view import signature
from tool_gym.dialects import INSTRUCTIONS
from tool_gym.dialects.literals import write_call
from tool_gym.envs.render import changed_parts, figure
from tool_gym.turns import ToolCall, Turn

if TYPE_CHECKING:
    from tool_gym.scenario import Scenario, ToolSpec
    from tool_gym.trajectory import Step

Part: TypeAlias = RenderableType
"""Something that is printed."""

_HEAD = "bold"
_TOOL = "cyan"
_WIDEST = max(map(len, COMMANDS))


def opening(scenario: Scenario, where: str) -> Iterator[Part]:
    """Yield what is shown first: the tools, and below them, where it stays in sight, what the user wants."""
    yield text(f"{scenario.id}: {scenario.shape}, {scenario.domain} ({where})", _HEAD)
    yield from tools(scenario.tools)
    yield from user(scenario.user_turns[0])
    yield text("")
    yield text('Call a tool, as in 1(name="…"), or act, as in Answer: 42. Say help for more.')


def user(said: str) -> Iterator[Part]:
    """Yield what the user says."""
    yield text("")
    yield text("User", _HEAD)
    yield _indented(text(said))


def tools(specs: Sequence[ToolSpec]) -> Iterator[Part]:
    """Yield the tools with their numbers."""
    yield text("")
    yield text(f"Tools ({len(specs)})", _HEAD)
    for number, spec in enumerate(specs, 1):
        yield from _tool(number, spec)


def tool(number: int, spec: ToolSpec) -> Iterator[Part]:
    """Yield one tool in full, as a model is given it."""
    yield from _tool(number, spec)
    yield _indented(text(jsonio.dumps(spec.parameters)))


def outcome(step: Step, score: float, before: Mapping[str, float]) -> Iterator[Part]:
    """Yield what came of a turn: the results, what it earned, and what the user says to it.

    Args:
        step: The turn, just played.
        score: The score after it.
        before: The parts of the score before it.
    """
    for call, result in zip(step.turn.calls, step.results, strict=True):
        name = call.name if isinstance(call, ToolCall) else call.problem
        yield text(f"{name}: {result.outcome.label}", "green" if result.ok else "red")
        yield _indented(text(result.text))
    changes = [
        f"{name} {figure(was or 0.0)} → {figure(now)}" for name, was, now in changed_parts(before, step.parts or {})
    ]
    earned = f"reward {'+' if step.reward >= 0 else ''}{figure(step.reward)}, score {figure(score)}"
    yield text(": ".join([earned, ", ".join(changes)] if changes else [earned]), "yellow")
    if step.reply:
        yield from user(step.reply)


def standing(score: float, parts: Mapping[str, float]) -> Iterator[Part]:
    """Yield the score and its parts."""
    yield text(f"score {figure(score)}", _HEAD)
    yield table(("part", "value"), [(name, figure(value)) for name, value in parts.items()], numbers=1)


def instructions() -> Iterator[Part]:
    """Yield how to play, and what a model is told."""
    yield text("Commands", _HEAD)
    yield from (_indented(text(f"{name:<{_WIDEST}}  {what}")) for name, what in COMMANDS.items())
    yield text("Calls", _HEAD)
    for form in (
        'find_tour(name="TUR-7")          as in Python; values are literals, strings in quotes',
        '2(name="TUR-7")                  a number does for the name',
        'find_tour {"name": "TUR-7"}      with JSON arguments',
        "1(a=1); 2(b=2)                   several in one turn",
        '{"name": …, "arguments": {…}}    as models write them; Hermes tags too',
    ):
        yield _indented(text(form))
    yield text("What a model is told", _HEAD)
    yield _indented(text(INSTRUCTIONS))


def turn(planned: Turn) -> str:
    """Return a turn as it may be typed."""
    made = (write_call(call.name, call.arguments) for call in planned.calls if isinstance(call, ToolCall))
    return "; ".join(made) or planned.text


def _tool(number: int, spec: ToolSpec) -> Iterator[Part]:
    yield _indented(text(f"{number}. {signature(spec)}", _TOOL))
    yield _indented(text(spec.description), 5)
    properties: Mapping[str, Any] = spec.parameters.get("properties", {})
    for name, schema in properties.items():
        if isinstance(schema, dict) and schema.get("description"):
            yield _indented(text(f"{name}: {schema['description']}"), 7)


def _indented(part: Part, by: int = 2) -> Padding:
    return Padding(part, (0, 0, 0, by), expand=False)
