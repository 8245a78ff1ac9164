"""The figures in README are those its first command prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tool_gym.cli import main

if TYPE_CHECKING:
    import pytest

README = Path(__file__).resolve().parent.parent / "README.md"


def test_the_results_are_what_the_main_job_prints(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rollout", "--policy", "all", "--split", "test"]) == 0
    starts = ("policy", "oracle", "greedy", "random", "repeat", "silent")
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith(starts)]
    assert len(printed) == len(starts)
    text = README.read_text(encoding="utf-8")
    assert all(line in text for line in printed)
