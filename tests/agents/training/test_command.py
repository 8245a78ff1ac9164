"""`tool-gym train` as far as it goes without the training stack."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tool_gym.agents.training.settings import config_of, preset_names, resolve
from tool_gym.cli import app, main


def test_the_presets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--list-presets"]) == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in preset_names())


def test_the_help_has_examples_and_no_foreign_words() -> None:
    shown = CliRunner().invoke(app, ["train", "--help"])
    assert shown.exit_code == 0
    assert "tool-gym train --preset cpu-demo" in shown.output.partition("Examples:")[2]


def test_the_resolved_configuration_is_printed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[grpo]\nsteps = 3\n", encoding="utf-8")
    words = ["--preset", "lora-7b", "--config", str(file), "--set", "grpo.beta=0.1", "--seeds", "4,5"]
    words += ["--model", "some/model", "--suite", "atlas", "--out", "there", "--print-config"]
    assert main(["train", *words]) == 0
    found = config_of(tomllib.loads(capsys.readouterr().out))
    short = {"model.path": "some/model", "env.suite": "atlas", "run.out": "there", "run.seeds": [4, 5]}
    assert found == resolve("lora-7b", file, ["grpo.beta=0.1"], short)
    assert (found.grpo.steps, found.grpo.beta, found.run.seeds) == (3, 0.1, (4, 5))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "say what to train"),
        (["--preset", "cpu-dmo"], "Did you mean 'cpu-demo'"),
        (["--preset", "cpu-demo", "--set", "grpo.step=3"], "Did you mean 'steps'"),
        (["--preset", "cpu-demo", "--seeds", "0,x"], "whole numbers"),
        (["--preset", "cpu-demo", "--seeds", "1,1", "--set", "run.seeds=[2, 2]"], ""),
        (["--config", "nowhere.toml"], "No such file"),
    ],
    ids=str,
)
def test_a_mistake_is_told_in_one_line(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    status = main(["train", *words, "--print-config"])
    shown = capsys.readouterr()
    if said:
        assert (status, shown.out) == (2, "")
        assert shown.err.startswith("error: ")
        assert shown.err.count("\n") == 1
        assert said in shown.err
    else:
        assert "seeds = [1]" in shown.out


def test_settings_are_resolved_without_the_training_stack() -> None:
    code = (
        "import sys; from tool_gym.cli import main; "
        "main(['train', '--preset', 'cpu-demo', '--print-config']); main(['--help']); "
        "print(sorted({'torch', 'transformers', 'trl', 'datasets', 'matplotlib'} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_without_the_extra_the_command_says_how_to_get_it(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; from tool_gym.cli import main; "
        f"sys.exit(main(['train', '--preset', 'cpu-demo', '--out', {str(tmp_path / 'o')!r}]))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.returncode == 2
    assert 'pip install "tool-gym[train]"' in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "o").exists()
