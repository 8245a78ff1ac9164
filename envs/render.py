"""An episode as text, for a terminal; and what other renderings share with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tool_gym import jsonio
from tool_gym.envs.pack import Task
from tool_gym.trajectory import Step
from tool_gym.turns import ToolCall

MAX_LINE = 400
"""Longest line shown, in characters."""


def render_ansi(task: Task, steps: Sequence[Step]) -> str:
    """Return the conversation so far with each step's reward, one event a line, no colours.

    Whatever the pack or the model wrote, the text holds no control character but the line's end.
    """
    lines = [f"scenario {task.scenario.id} ({_plain(task.scenario.domain)}, {task.scenario.shape})"]
    lines.append(_line("user", task.scenario.user_turns[0]))
    for step in steps:
        if step.turn.text:
            lines.append(_line("assistant", step.turn.text))
        for call, result in zip(step.turn.calls, step.results, strict=True):
            if isinstance(call, ToolCall):
                lines.append(_line("call", f"{call.name}({jsonio.dumps(call.arguments)})"))
            else:
                lines.append(_line("call", f"[{call.problem}] {call.raw}"))
            lines.append(_line("result", result.text))
        lines.append(f"   reward {step.reward:+.3f}")
        if step.reply:
            lines.append(_line("user", step.reply))
    total = sum(step.reward for step in steps)
    return "\n".join([*lines, f"return {total:.3f} after {len(steps)} steps"])


def changed_parts(
    before: Mapping[str, float] | None, after: Mapping[str, float]
) -> list[tuple[str, float | None, float]]:
    """Return the parts of a score that a step changed, in their order: name, value before, value after.

    Args:
        before: The parts before the step; all of `after` is returned if None.
        after: The parts after it.

    >>> changed_parts({"solved": 0.0, "needed": 2.0}, {"solved": 1.0, "needed": 2.0})
    [('solved', 0.0, 1.0)]
    """
    if before is None:
        return [(name, None, value) for name, value in after.items()]
    return [(name, before.get(name), value) for name, value in after.items() if before.get(name) != value]


def figure(value: float) -> str:
    """Return a figure with at most three decimals, and none that say nothing.

    >>> figure(1 / 3), figure(2.0), figure(-0.0001)
    ('0.333', '2', '0')
    """
    return f"{round(value, 3) + 0.0:.3f}".rstrip("0").rstrip(".")


def _line(who: str, text: str) -> str:
    return f"{who:>9}: {_plain(text)}"


def _plain(text: str) -> str:
    shown = " ".join(text.split())
    shown = shown if len(shown) <= MAX_LINE else shown[: MAX_LINE - 1] + "…"
    return "".join(letter if letter.isprintable() else "?" for letter in shown)
