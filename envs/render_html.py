"""An episode as one HTML page that needs nothing else: no script, no network, no file beside it.

Whatever the pack or the model wrote is escaped, and what no page may hold (control characters, lone surrogates, marks
that turn the direction of text) is shown as a replacement character. Every class name belongs to `.tool-gym`, so the
page can also be shown inside another one, such as a notebook.
"""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tool_gym import jsonio
from tool_gym.envs.pack import Task
from tool_gym.envs.render import changed_parts, figure
from tool_gym.envs.render_style import STYLE
from tool_gym.scenario import ToolSpec
from tool_gym.trajectory import Step
from tool_gym.turns import ActKind, Blame, BrokenCall, Effect, ToolCall, ToolResult

FOLDED_CHARS = 600
"""A text longer than this is folded away behind its first words, in characters."""

FOLDED_LINES = 24
"""A text of more lines than this is folded away too."""

MAX_CHARS = 20_000
"""Most characters of one text that are on the page at all; how many are left out is said."""

_TEASER = 80
_HARMLESS = "\n\t\u200c\u200d"  # the last two join letters, in emoji and in Persian
_ONE_LINE = 72
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main class="tool-gym">
{content}
</main>
</body>
</html>
"""
_ACTS = {ActKind.ANSWER: "answers", ActKind.DECLINE: "declines", ActKind.ASK: "asks"}
_TONES = {Blame.NONE: "good", Blame.MODEL: "bad", Blame.TOOL: "odd", Blame.INFRA: "odd"}


def render_html(task: Task, steps: Sequence[Step], start: Mapping[str, float] | None = None) -> str:
    """Return the conversation so far as an HTML page, with what each step earned.

    Args:
        task: The scenario being played.
        steps: The steps so far.
        start: The parts of the score before the first step, if known; else the first step shows values, not changes.
    """
    scenario = task.scenario
    content = [*_head(task, steps), *_said("User", scenario.user_turns[0]), *_tools(scenario.tools)]
    before = start
    for number, step in enumerate(steps, 1):
        content += _step(number, step, before)
        content += _said("User", step.reply) if step.reply else ()
        before = step.parts
    content += _end(steps)
    title = _safe(f"{scenario.shape}, {scenario.domain}: {scenario.id}")
    return _PAGE.format(title=title, style=STYLE, content="\n".join(content))


def _head(task: Task, steps: Sequence[Step]) -> Iterator[str]:
    scenario = task.scenario
    calls = sum(len(step.turn.calls) for step in steps)
    yield "<header>"
    yield f'<p class="total">{figure(_total(steps))}<small>return</small></p>'
    yield f"<h1>{_safe(scenario.shape)} <small>{_safe(scenario.domain)}</small></h1>"
    yield f'<p class="mute">scenario <code>{_safe(scenario.id)}</code>, {_counted(len(steps), "step")}, '
    yield f"{_counted(calls, 'call')}</p>"
    yield "</header>"


def _said(who: str, words: str) -> Iterator[str]:
    yield f'<section class="user"><h2>{who}</h2>'
    yield _text(words)
    yield "</section>"


def _tools(tools: Sequence[ToolSpec]) -> Iterator[str]:
    yield f"<details><summary>Tools ({len(tools)})</summary><dl>"
    for tool in tools:
        parameters = ", ".join(tool.parameters.get("properties", {}))
        yield f"<dt><code><b>{_safe(tool.name)}</b>({_safe(parameters)})</code></dt>"
        yield f"<dd>{_safe(_cut(tool.description))}</dd>"
    yield "</dl></details>"


def _step(number: int, step: Step, before: Mapping[str, float] | None) -> Iterator[str]:
    yield f'<section class="step"><h2>Step {number} {_reward(step.reward)}</h2>'
    turn = step.turn
    if turn.reasoning:
        yield f'<details class="mute"><summary>thinks</summary>{_block(turn.reasoning, scrolls=True)}</details>'
    act = turn.act
    if act is not None:
        yield f'<p class="label">{_ACTS[act.kind]}</p>'
    if act is not None or turn.text:
        yield _text(turn.text)
    for call, result in zip(turn.calls, step.results, strict=True):
        yield from _call(call)
        yield from _result(result)
    yield from _parts(step.parts, before)
    yield "</section>"


def _call(call: ToolCall | BrokenCall) -> Iterator[str]:
    if isinstance(call, BrokenCall):
        yield f'<p class="label">calls <span class="badge bad">{_safe(_cut(call.problem))}</span></p>'
        yield _foldable(call.raw)
        return
    yield '<p class="label">calls</p>'
    name = _safe(_cut(call.name))
    arguments = ", ".join(f"{key}={jsonio.dumps(value)}" for key, value in call.arguments.items())
    if len(arguments) <= FOLDED_CHARS:
        yield f'<p class="call"><code><b>{name}</b>({_safe(arguments)})</code></p>'
    else:
        yield f'<p class="call"><code><b>{name}</b></code></p>{_foldable(_json(call.arguments))}'


def _result(result: ToolResult) -> Iterator[str]:
    outcome = result.outcome
    yield f'<p class="label">result <span class="badge {_TONES[outcome.blame]}">{outcome.label}</span></p>'
    yield _foldable(_json(result.value) if result.ok else result.message)
    for effect in result.effects:
        yield f'<p class="effect">{_safe(_cut(_effect(effect)))}</p>'


def _effect(effect: Effect) -> str:
    cell = f"{effect.table}[{effect.row}].{effect.field}"
    if effect.created:
        return f"new {cell} = {jsonio.dumps(effect.after)}"
    return f"{cell}: {jsonio.dumps(effect.before)} → {jsonio.dumps(effect.after)}"


def _parts(parts: Mapping[str, float] | None, before: Mapping[str, float] | None) -> Iterator[str]:
    if not parts:
        return
    changes = changed_parts(before, parts)
    shown = [
        f"<li>{_safe(name)} {figure(now)}</li>"
        if was is None
        else f"<li>{_safe(name)} <s>{figure(was)}</s> → <b>{figure(now)}</b></li>"
        for name, was, now in changes
    ]
    yield f'<ul class="parts">{"".join(shown) or "<li>no part of the score changed</li>"}</ul>'


def _end(steps: Sequence[Step]) -> Iterator[str]:
    parts = steps[-1].parts if steps else None
    yield f'<footer><h2>Return {figure(_total(steps))} <small class="mute">after {_counted(len(steps), "step")}</small>'
    yield "</h2>"
    if parts:
        rows = "".join(
            f'<tr><th scope="row">{_safe(name)}</th><td>{figure(value)}</td></tr>' for name, value in parts.items()
        )
        yield f"<table>{rows}</table>"
    yield "</footer>"


def _reward(reward: float) -> str:
    tone = "good" if reward > 0 else "bad" if reward < 0 else "mute"
    return f'<span class="badge {tone}">{"+" if reward >= 0 else ""}{figure(reward)}</span>'


def _total(steps: Sequence[Step]) -> float:
    return sum(step.reward for step in steps)


def _text(words: str) -> str:
    """Return what somebody said: lines kept, folded if long."""
    if not words.strip():
        return '<p class="text mute">(nothing)</p>'
    if _is_short(words):
        return f'<p class="text">{_safe(words)}</p>'
    return _folded(words)


def _foldable(text: str) -> str:
    return _block(text) if _is_short(text) else _folded(text)


def _folded(text: str) -> str:
    teaser = " ".join(text[: 4 * _TEASER].split())[:_TEASER]
    summary = f"{_safe(teaser)}… <small>({len(text):,} characters)</small>"
    return f"<details><summary>{summary}</summary>{_block(text, scrolls=True)}</details>"


def _block(text: str, *, scrolls: bool = False) -> str:
    """Return a text as it stands; one that `scrolls` can be reached by keyboard."""
    # A line's end right behind <pre> is not part of the text, so one is given away.
    return f"<pre{' tabindex=0' if scrolls else ''}>\n{_safe(_cut(text))}</pre>"


def _is_short(text: str) -> bool:
    return len(text) <= FOLDED_CHARS and text.count("\n") < FOLDED_LINES


def _cut(text: str) -> str:
    left_out = len(text) - MAX_CHARS
    return text if left_out <= 0 else f"{text[:MAX_CHARS]}… ({left_out:,} characters more)"


def _json(value: Any) -> str:
    """Return a value as JSON: on one line if it is short, else one entry a line."""
    line = jsonio.dumps(value)
    return line if len(line) <= _ONE_LINE else json.dumps(value, indent=2, ensure_ascii=False)


def _safe(text: str) -> str:
    """Return a text as it may stand between tags or in a quoted attribute."""
    return html.escape("".join(map(_letter, text)))


def _letter(letter: str) -> str:
    if letter.isprintable() or letter in _HARMLESS:
        return letter
    return " " if letter.isspace() else "\ufffd"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
