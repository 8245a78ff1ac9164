"""Two processes on one group: the same scenarios, advantages over both, and equal weights in the end."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.train

ROOT = Path(__file__).parents[2]


def run_both(folder: Path) -> list[dict[str, Any]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    started = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.agents.two_processes", str(folder)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=os.environ
            | {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
            | {"MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
            | {"TRL_EXPERIMENTAL_SILENCE": "1"},
        )
        for rank in range(2)
    ]
    try:
        said = [process.communicate(timeout=400)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0, 0], said[0][-3000:] + said[1][-3000:]
    return [json.loads(line[6:]) for text in said for line in text.splitlines() if line.startswith("FOUND ")]


def test_two_processes_train_one_model(tmp_path: Path) -> None:
    both = run_both(tmp_path)
    for kind in ("ours", "trls"):
        first, second = (found[kind] for found in both)
        assert first["wrapped"] == "DistributedDataParallel"
        for name in ("weights", "resumed", "results"):
            assert first[name] == second[name], (kind, name)
        assert first["weights"] == first["resumed"]
        assert [result[0] for result in first["results"]] == ["toy0", "toy1"]
        assert first["results"][-1][1] == pytest.approx(first["own"] + second["own"])
        assert first["own"] != second["own"]
        assert first["logged"][-1] == pytest.approx(sum(first["own"] + second["own"]) / 8, abs=1e-3)
