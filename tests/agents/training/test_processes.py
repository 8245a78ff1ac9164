"""Two processes on a processor, as `accelerate launch` starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents.training.running import same, words

pytestmark = [pytest.mark.train, pytest.mark.slow]


def launched(arguments: list[str]) -> None:
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "2"]
    launcher += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    env = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [*launcher, "-m", "tool_gym.cli", *arguments], capture_output=True, text=True, env=env, timeout=600, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_two_processes_learn_together_and_equal_runs_are_equal(tmp_path: Path) -> None:
    stages = ('stages=["sft", "dpo", "grpo"]', "dpo.trl.label_smoothing=0.0")
    for out in ("one", "two"):
        launched(words(tmp_path, out, *stages))
    results = json.loads((tmp_path / "one" / "results.json").read_text(encoding="utf-8"))
    assert [row["policy"] for row in results["rows"]] == ["base", "sft", "dpo", "grpo"]
    seeds = [tmp_path / out / "seed-0" for out in ("one", "two")]
    for stage in ("sft", "dpo", "grpo"):
        assert same(*(seed / stage / "final" for seed in seeds))
    played = json.loads((seeds[0] / "evaluations" / "grpo.json").read_text(encoding="utf-8"))["sampled"]["returns"]
    assert len(played) == 3
    assert not same(seeds[0] / "dpo" / "final", seeds[0] / "grpo" / "final")
