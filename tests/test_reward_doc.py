"""Every episode of docs/reward.md pays what the page says, step by step, through the public tools."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import NamedTuple, get_args

import pytest

from tests.handmade import SCENARIOS, play
from tool_gym.rewards import SolveReward
from tool_gym.scenario import Shape
from tool_gym.turns import BrokenCall, Outcome, ToolCall, Turn

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "reward.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```episode(?P<head>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
LINE = re.compile(r"(?P<turn>\S.*?) {2,}(?P<reward>[+-]\d\.\d{3})")
TOTAL = re.compile(r"= (?P<total>\d\.\d{3})")
CALL = re.compile(r"(?P<call>[\w.]+\(.*\)|<broken>)(?: !(?P<outcome>\w+))?")
THOUGHT = re.compile(r"\[thinks: (?P<thought>.*?)\] ")


class Line(NamedTuple):
    """One turn of an episode, as the page has it."""

    turn: Turn
    outcomes: tuple[str, ...]
    reward: str
    reply: str | None
    """What the user must then say; None if the page leaves it out."""


class Episode(NamedTuple):
    """One block of the page."""

    scenario: str
    reward: SolveReward
    lines: list[Line]
    total: str


def parse(block: re.Match[str]) -> Episode:
    """Read one block; raises `ValueError` for a line that is not of the notation."""
    name, *options = str(block["head"]).split()
    numbers = {key: float(value) for key, _, value in (option.partition("=") for option in options)}
    lines: list[Line] = []
    *body, last = block["body"].splitlines()
    for text in body:
        if text.startswith("> "):
            lines[-1] = lines[-1]._replace(reply=text[2:])
        else:
            lines.append(parse_line(text))
    total = TOTAL.fullmatch(last)
    if total is None:
        msg = f"the last line must be the total, not {last!r}"
        raise ValueError(msg)
    reward = SolveReward(weight=numbers.pop("weight", 0.5), beta=numbers.pop("beta", 1.0))
    if numbers:
        msg = f"no parameters of solve: {sorted(numbers)}"
        raise ValueError(msg)
    return Episode(name, reward, lines, total["total"])


def parse_line(text: str) -> Line:
    """Read one turn and its reward."""
    match = LINE.fullmatch(text)
    if match is None:
        msg = f"not a turn and its reward: {text!r}"
        raise ValueError(msg)
    said, thought = match["turn"], THOUGHT.match(match["turn"])
    reasoning = thought["thought"] if thought else ""
    said = said.removeprefix(thought.group()) if thought else said
    if said == "(silence)":
        return Line(Turn("", reasoning=reasoning), (), match["reward"], None)
    if re.match(r"(Answer|Decline|Ask): ", said):
        return Line(Turn(said, reasoning=reasoning), (), match["reward"], None)
    beside, parts = "", said.split(" & ")
    if parts[0].startswith('"'):
        beside = ast.literal_eval(parts.pop(0))
    made = [parse_call(part) for part in parts]
    turn = Turn(beside, tuple(call for call, _ in made), reasoning)
    return Line(turn, tuple(outcome for _, outcome in made), match["reward"], None)


def parse_call(text: str) -> tuple[ToolCall | BrokenCall, str]:
    """Read one call and the outcome it must have."""
    match = CALL.fullmatch(text)
    if match is None:
        msg = f"not a call: {text!r}"
        raise ValueError(msg)
    outcome = match["outcome"] or "ok"
    if match["call"] == "<broken>":
        return BrokenCall("bad_json", "not valid JSON"), outcome
    node = ast.parse(match["call"], mode="eval").body
    if not isinstance(node, ast.Call) or node.args:
        msg = f"not a call with named arguments: {text!r}"
        raise ValueError(msg)
    arguments = {str(keyword.arg): ast.literal_eval(keyword.value) for keyword in node.keywords}
    return ToolCall(ast.unparse(node.func), arguments), outcome


def signed(reward: float) -> str:
    return f"{round(reward, 3) + 0.0:+.3f}"


BLOCKS = list(BLOCK.finditer(PAGE))
LINE_NUMBERS = [f"line{PAGE.count(chr(10), 0, block.start()) + 1}" for block in BLOCKS]


@pytest.mark.parametrize("block", BLOCKS, ids=LINE_NUMBERS)
def test_an_episode_pays_what_the_page_says(block: re.Match[str]) -> None:
    episode = parse(block)
    scenario = SCENARIOS[episode.scenario]
    played = play(scenario, [line.turn for line in episode.lines], episode.reward)
    assert len(played.steps) == len(episode.lines), "the episode ends earlier than the page's"
    for line, step in zip(episode.lines, played.steps, strict=True):
        assert [result.outcome.label for result in step.results] == list(line.outcomes)
        assert signed(step.reward) == line.reward, f"{step.turn}: {step.parts}"
        assert line.reply is None or line.reply == step.reply
    assert f"{played.episode_return:.3f}" == episode.total


def test_the_page_has_episodes_of_every_shape() -> None:
    assert len(BLOCKS) >= 20
    assert len(BLOCKS) == len(re.findall(r"^ *```+ *episode", PAGE, re.MULTILINE)), "a block is not closed or indented"
    assert {SCENARIOS[parse(block).scenario].shape for block in BLOCKS} == set(get_args(Shape))


@pytest.mark.parametrize(
    "text",
    [
        "get_ship(ship_id='SH1')",
        "get_ship('SH1')  +0.000",
        "get_ship(ship_id=SH1)  +0.000",
        "get_ship(ship_id='SH1')  0.000",
        "Say: hello  +0.000",
    ],
)
def test_a_line_that_is_not_of_the_notation_is_refused(text: str) -> None:
    with pytest.raises((ValueError, SyntaxError)):
        parse_line(text)


def test_the_table_of_outcomes_is_the_enum() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (yes|no) \|", PAGE, re.MULTILINE)
    assert rows == [(kind.label, kind.blame.value, "yes" if kind.charged else "no") for kind in Outcome]
