"""What each call of a finished episode contributed, told from the record alone.

These look back from the end, so they annotate stored trajectories; no environment can pay them as it goes. Neither
knows what was wanted: a value can be passed on without need, an answer can repeat whatever was read. See
docs/exploits.md.

- `provenance`: 1 for a call that changed the world, or whose result held a value that was new (neither among the
  call's own arguments, nor said or served before) and is an argument of a later turn's call or stands in the text
  of a later act. Values are compared by their words, so a small number may be found by chance; yes and no and empty
  values carry no information here.
- `lcs`: 1 where the longest common subsequence of the result's text and the text of the act that ends the user turn
  has at least 0.3 of the result's characters. This is the rule-based annotator that StepTool (arXiv 2410.07745)
  released. It is weak: letters in the right order are found in answers to other questions too.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from tool_gym.scenario import Scenario, TemplateImpl
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import ActKind, BrokenCall, ToolCall, ToolResult
from tool_gym.values import MAX_TEXT, leaves

LCS_SHARE = 0.3
"""Share of a result's characters that must be in the answer, in order, under `lcs`."""

Contributions: TypeAlias = tuple[tuple[float, ...], ...]
"""For each step, the contribution of each of its calls, in [0, 1]."""

_WORD = re.compile(r"\w+")
_DIGIT_GROUPS = re.compile(r"(?<=\d),(?=\d{3})")


def provenance(scenario: Scenario, trajectory: Trajectory) -> Contributions:
    """Return 1 for each call that changed the world or found a new value that was used later, else 0."""
    told, served = _said(scenario.user_turns[0]), set[str]()
    marks = []
    for step, later in zip(trajectory.steps, _used_later(scenario, trajectory.steps), strict=True):
        news = [_news(scenario, call, result) for call, result in zip(step.turn.calls, step.results, strict=True)]
        marks.append(
            tuple(
                float(bool(result.effects) or any(value not in told and later.uses(value) for value in new - served))
                for result, new in zip(step.results, news, strict=True)
            )
        )
        served.update(*news)
        told += _said(step.reply)
    return tuple(marks)


def lcs(_scenario: Scenario, trajectory: Trajectory) -> Contributions:
    """Return 1 for each call whose result's characters are to 0.3 in the answer, in their order, else 0.

    Of results and answers the first `MAX_TEXT` characters are compared.
    """
    answer, marks = "", []
    for step in reversed(trajectory.steps):
        act = step.turn.act
        if act is not None and act.kind is not ActKind.ASK:
            answer = act.text[:MAX_TEXT]
        shown = [result.text[:MAX_TEXT] for result in step.results]
        marks.append(tuple(float(common_length(text, answer) >= LCS_SHARE * len(text)) for text in shown))
    return tuple(reversed(marks))


CONTRIBUTIONS: dict[str, Callable[[Scenario, Trajectory], Contributions]] = {"lcs": lcs, "provenance": provenance}
"""Name of a rule → the rule."""


def common_length(first: str, second: str) -> int:
    """Return the length of the longest common subsequence of two texts.

    By bit-parallel dynamic programming (Hyyrö, *Bit-parallel LCS-length computation revisited*, 2004): one operation
    on integers of `len(second)` bits for each character of `first`.

    >>> common_length("crew 48", "a crew of 48"), common_length("abc", "cba")
    (7, 1)
    """
    places: dict[str, int] = {}
    for number, letter in enumerate(second):
        places[letter] = places.get(letter, 0) | 1 << number
    every = (1 << len(second)) - 1
    rows = every
    for letter in first:
        hits = rows & places.get(letter, 0)
        rows = (rows + hits | rows - hits) & every
    return len(second) - rows.bit_count()


class _Later(NamedTuple):
    """What comes after a step."""

    arguments: frozenset[str]
    """Values given to later calls."""
    text: str
    """What later acts say."""

    def uses(self, value: str) -> bool:
        return value in self.arguments or value in self.text


def _used_later(scenario: Scenario, steps: tuple[Step, ...]) -> list[_Later]:
    later, found = _Later(frozenset(), ""), []
    for step in reversed(steps):
        found.append(later)
        calls = [call for call in step.turn.calls if isinstance(call, ToolCall)]
        given = {_said(leaf) for call in calls for leaf in _given(scenario, call)}
        said = _said(step.turn.act.text[:MAX_TEXT]) if step.turn.act is not None else ""
        later = _Later(later.arguments | given, said + later.text)
    return found[::-1]


def _given(scenario: Scenario, call: ToolCall) -> list[Any]:
    """Return the scalars of a call's arguments: as they were written, and as the tool takes them."""
    tool = scenario.tool_by_name.get(call.name)
    written = leaves(call.arguments)
    if tool is None or not isinstance(tool.impl, TemplateImpl) or not tool.impl.codecs:
        return written
    try:
        return [*written, *leaves(tool.impl.translate(call.arguments))]
    except (LookupError, TypeError, ValueError, AttributeError):
        return written  # what the tool would refuse


def _news(scenario: Scenario, call: ToolCall | BrokenCall, result: ToolResult) -> set[str]:
    """Return the values of a result that the call's arguments did not hold already."""
    if not result.ok or not isinstance(call, ToolCall):
        return set()
    given = {_said(leaf) for leaf in _given(scenario, call)}
    return {_said(leaf) for leaf in leaves(result.value)} - given - {""}


def _said(value: Any) -> str:
    """Return the words of a text or number between blanks, so that whole words can be looked for; else nothing."""
    if value is None or isinstance(value, bool):
        return ""
    whole = isinstance(value, float) and value.is_integer()
    folded = unicodedata.normalize("NFKC", str(int(value) if whole else value)).casefold()
    words = _WORD.findall(_DIGIT_GROUPS.sub("", folded))
    return f" {' '.join(words)} " if words else ""
