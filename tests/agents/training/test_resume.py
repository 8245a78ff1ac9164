"""A run that was killed goes on and ends as if it had not been."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.agents.training.running import command, same, words
from tool_gym.cli import main

pytestmark = pytest.mark.train

PATIENCE = 180
"""Seconds after which a run is taken to hang."""


def kill_when(arguments: list[str], sign: Path) -> None:
    """Start a run as a program and kill it without warning as soon as a file is there."""
    run = subprocess.Popen(command(arguments), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    began = time.monotonic()
    try:
        while not sign.exists():
            assert run.poll() is None, f"the run ended by itself: {run.communicate()[1]}"
            assert time.monotonic() - began < PATIENCE
            time.sleep(0.005)
        os.kill(run.pid, signal.SIGKILL)
    finally:
        run.kill()
        run.communicate()
    assert run.returncode == -signal.SIGKILL


def test_the_weights_after_kills_are_those_of_a_run_without(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, torn = words(tmp_path, "whole"), words(tmp_path, "torn")
    assert main(whole) == 0
    assert "grpo 1/3" in capsys.readouterr().err
    seed = tmp_path / "torn" / "seed-0"
    kill_when(torn, seed / "sft" / "checkpoint-1" / "whole.json")
    assert not (seed / "sft" / "done.json").exists()
    kill_when(torn, seed / "grpo" / "checkpoint-2" / "model.safetensors")  # perhaps half a checkpoint
    assert (seed / "sft" / "done.json").exists()
    assert not (seed / "grpo" / "done.json").exists()
    assert main(torn) == 0
    told = capsys.readouterr().err
    assert "grpo 3/3" in told
    assert "grpo 1/3" not in told  # it went on from a checkpoint
    for stage in ("sft", "grpo"):
        assert same(tmp_path / "whole" / "seed-0" / stage / "final", seed / stage / "final")
    assert (tmp_path / "whole" / "table.md").read_text("utf-8") == (tmp_path / "torn" / "table.md").read_text("utf-8")
