"""The benchmark against TRL's own tool loop runs, and its table has what it promises."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.train
ROOT = Path(__file__).resolve().parents[3]


def test_both_loops_are_measured() -> None:
    small = ["--rollouts", "8", "--steps", "1", "--repetitions", "1", "--learning-steps", "5", "--turn-tokens", "8"]
    command = [sys.executable, "-m", "benchmarks.training_throughput", *small]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    *_, head, trl, ours, ratio = run.stdout.splitlines()
    assert "episodes/s" in head
    assert "env share %" in head
    assert trl.startswith("TRL's tool loop")
    assert ours.startswith("StepGRPOTrainer")
    assert [float(cell) > 0 for cell in ratio.removeprefix("ours / TRL").split()] == [True] * 4
