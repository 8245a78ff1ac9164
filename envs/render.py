"""An episode as text, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

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


def _line(who: str, text: str) -> str:
    return f"{who:>9}: {_plain(text)}"


def _plain(text: str) -> str:
    shown = " ".join(text.split())
    shown = shown if len(shown) <= MAX_LINE else shown[: MAX_LINE - 1] + "…"
    return "".join(letter if letter.isprintable() else "?" for letter in shown)
