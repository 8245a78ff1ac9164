"""The page on dialects shows what is read and written, and names all there is."""

import json
import re
from itertools import dropwhile, takewhile
from pathlib import Path

from tests.dialogue import GET, THINKING
from tool_gym.dialects import DIALECTS, PROBLEMS
from tool_gym.dialects.thinking import split_thinking
from tool_gym.turns import Outcome, ToolResult

PAGE = Path(__file__).parent.parent / "docs" / "dialects.md"


def table(heading: str) -> list[list[str]]:
    """Return the cells of the first table whose heading starts with `heading`, without backticks."""
    lines = iter(PAGE.read_text(encoding="utf-8").splitlines())
    rows = takewhile(lambda line: line[:1] == "|", dropwhile(lambda line: not line.startswith(heading), lines))
    cells = (re.split(r"(?<!\\) \| ", row.strip("| ")) for row in rows)
    return [[cell.strip().strip("`").replace("\\|", "|") for cell in row] for row in cells][2:]


def test_the_page_shows_every_dialect_and_what_it_reads_and_writes() -> None:
    rows = table("| name | a call |")
    assert [row[0] for row in rows] == [row[0] for row in table("| name | models |")]
    assert {row[0] for row in rows} == set(DIALECTS)
    for name, call, result in rows:
        action = json.loads(call) if name == "structured" else call
        assert DIALECTS[name].parse(action).calls == (GET,)
        shown = DIALECTS[name].observe((GET,), (ToolResult(Outcome.OK, 7),), "")
        assert shown.replace("\n", "") == result


def test_the_page_names_every_problem() -> None:
    listed = [row[0] for row in table("| problem |")]
    assert len(listed) == len(set(listed))
    assert set(listed) == PROBLEMS


def test_the_page_gives_every_kind_of_reasoning_block() -> None:
    shown = [block for row in table("| marks |") for block in row[0].split("`, `")]
    assert len(shown) >= len(THINKING)
    for block in shown:
        assert split_thinking(f"{block}8") == ("…", "8")
