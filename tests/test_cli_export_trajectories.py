"""`tool-gym export-trajectories`: what is written, what is refused, and that nothing is half-written."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agents.interop.made import episodes
from tool_gym.agents.interop import FORMATS
from tool_gym.cli import main
from tool_gym.trajectory import write_trajectories


@pytest.fixture
def played(tmp_path: Path) -> Path:
    path = tmp_path / "played.jsonl"
    write_trajectories(path, [trajectory for trajectory, _ in episodes(4)])
    return path


def run(*arguments: object) -> int:
    return main(["export-trajectories", *map(str, arguments)])


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_every_format_is_written(form: str, played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = played.with_name("out.jsonl")
    assert run(form, played, "--out", out, "--json") == 0
    lines = out.read_text(encoding="utf-8").splitlines()
    assert json.loads(capsys.readouterr().out) == {"format": form, "out": str(out), "rows": len(lines)}
    assert set(json.loads(lines[0])) == set(FORMATS[form].columns)


def test_only_what_earned_enough_is_kept(played: Path) -> None:
    out = played.with_name("out.jsonl")
    assert run("hf", played, "--out", out, "--min-return", 0.999) == 0
    returns = [json.loads(line)["return"] for line in out.read_text(encoding="utf-8").splitlines()]
    assert returns
    assert min(returns) >= 0.999
    assert len(returns) < len(episodes(4))


def test_what_is_there_is_replaced_only_on_demand(played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = played.with_name("out.jsonl")
    out.write_text("old")
    assert run("hf", played, "--out", out) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert out.read_text() == "old"
    assert run("hf", played, "--out", out, "--overwrite") == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == len(episodes(4))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("csv", "{played}", "--out", "{out}"), "no format named 'csv'", id="format"),
        pytest.param(("hf", "{played}", "--out", "{played}", "--overwrite"), "the file that is exported", id="itself"),
        pytest.param(("hf", "{played}", "--out", "{out}.csv"), "named .parquet or .jsonl", id="suffix"),
        pytest.param(("hf", "{played}.none", "--out", "{out}"), "cannot read trajectories", id="no file"),
        pytest.param(("dpo", "{played}", "--out", "{out}", "--min-return", "1"), "needs failures", id="no failures"),
        pytest.param(("hf", "{played}", "--out", "{out}", "--min-return", "2"), "no row came", id="nothing left"),
        pytest.param(("hf", "{played}", "--out", "{out}", "--suite", "nowhere"), "no pack named", id="suite"),
    ],
)
def test_mistakes_are_told_in_a_line(
    arguments: tuple[str, ...], said: str, played: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path.name: path.read_bytes() for path in played.parent.iterdir()}
    given = [part.format(played=played, out=played.with_name("out.jsonl")) for part in arguments]
    assert run(*given) == 2
    assert said in capsys.readouterr().err
    assert {path.name: path.read_bytes() for path in played.parent.iterdir()} == before


def test_a_scenario_nobody_knows_is_named_with_its_line(played: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, *rest = [trajectory for trajectory, _ in episodes(4)]
    write_trajectories(played, [first, rest[0]._replace(scenario_id="0" * 16), *rest])
    assert run("hf", played, "--out", played.with_name("out.jsonl")) == 2
    assert "played.jsonl, trajectory 2: no scenario named" in capsys.readouterr().err
