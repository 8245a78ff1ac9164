"""docs/rewards-published.md: its episodes pay what the page says, its tables are the code's, its examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.handmade import SCENARIOS, play
from tests.test_reward_doc import parse_call, parse_line, signed
from tool_gym.rewards import REWARDS, get_reward, score
from tool_gym.rewards.call_match import match_calls
from tool_gym.rewards.tool_match import SCHEDULES
from tool_gym.turns import ToolCall

PAGE = (Path(__file__).resolve().parent.parent / "docs" / "rewards-published.md").read_text(encoding="utf-8")
EPISODE = re.compile(
    r"^```episode (?P<scenario>\w+) (?P<reward>\S+)\n(?P<body>.*?)\n= (?P<total>\S+)\n```$", re.MULTILINE | re.DOTALL
)
PYTHON = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
EPISODES = list(EPISODE.finditer(PAGE))
CODE = re.compile(r"`(.*?)`")


@pytest.mark.parametrize("block", EPISODES, ids=lambda block: f"line{PAGE.count(chr(10), 0, block.start()) + 1}")
def test_an_episode_pays_what_the_page_says(block: re.Match[str]) -> None:
    scenario = SCENARIOS[block["scenario"]]
    said = block["body"].splitlines()
    lines = [parse_line(line) for line in said if not line.startswith("> ")]
    played = play(scenario, [line.turn for line in lines])
    scored = score(get_reward(block["reward"]), scenario, played)
    assert [step.reply for step in played.steps if step.reply] == [line[2:] for line in said if line.startswith("> ")]
    for line, step, paid in zip(lines, played.steps, scored.steps, strict=True):
        assert [result.outcome.label for result in step.results] == list(line.outcomes)
        assert signed(paid.delta) == line.reward, step.turn
    assert f"{scored.value:.3f}" == block["total"]


def test_every_reward_but_solve_is_on_the_page() -> None:
    assert len(EPISODES) == PAGE.count("```episode")
    assert all(f"`{name}`" in PAGE for name in REWARDS)
    assert {get_reward(block["reward"]).name.partition(":")[0] for block in EPISODES} == {
        "step_grained",
        "tool_match",
        "ftrl_f1",
    }


@pytest.mark.parametrize("code", PYTHON.findall(PAGE))
def test_an_example_runs(code: str) -> None:
    exec(compile(code, "docs/rewards-published.md", "exec"), {})  # noqa: S102 - our own page


def test_the_table_of_matches_is_the_code_s() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.splitlines() if line.startswith("| `") and "(" in line]
    rows = [row for row in rows if len(row) == 3]
    assert len(rows) == 9
    for reference, called, correct in rows:
        gold, made = ([parse_call(code)[0] for code in CODE.findall(cell)] for cell in (reference, called))
        known = [call for call in gold if isinstance(call, ToolCall)]
        assert match_calls(known, made) == pytest.approx(number(correct)), (reference, called)


def test_the_table_of_schedules_is_the_code_s() -> None:
    rows = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
    assert [int(step) for step, *_ in rows] == [0, 30, 75, 150]
    for step, *cells in rows:
        for name, cell in zip(("gradual", "two_stage"), cells, strict=True):
            assert SCHEDULES[name](int(step)) == pytest.approx(tuple(map(number, cell.split(", "))))


def number(text: str) -> float:
    return float(text.replace("−", "-"))
