"""`tool-gym export` and `tool-gym serve`: what is written, what is refused, and that nothing is half-written."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path

import pytest

from tool_gym.cli import main
from tool_gym.envs.pack import open_pack
from tool_gym.generators.export import writing

PACK = open_pack("everyday")


def of_shape(shape: str) -> str:
    return next(entry.id for entry in PACK.entries("test") if entry.shape == shape)


def run(*arguments: object) -> int:
    return main(["export", *map(str, arguments)])


def left(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_one_scenario_becomes_one_module(tmp_path: Path) -> None:
    name = of_shape("multi_hop")
    assert run("python", "everyday", "--scenario", name, "--out", tmp_path / "tools.py") == 0
    module = runpy.run_path(str(tmp_path / "tools.py"))
    assert list(module["FUNCTIONS"]) == [tool.name for tool in PACK.task(name).scenario.tools]
    assert left(tmp_path) == {"tools.py"}


@pytest.mark.parametrize("form", ["python", "sqlite"])
def test_many_become_a_folder_with_an_index(form: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = (form, "everyday", "--limit", 3, "--out", out)
    assert run(*arguments) == 0
    index = json.loads((out / writing.INDEX).read_text())
    assert index["format"] == form
    assert len(index["scenarios"]) == 3
    assert left(out) == {writing.INDEX, *index["scenarios"].values()}
    (out / "old").touch()
    assert run(*arguments) == 2
    assert (out / "old").exists()
    assert run(*arguments, "--overwrite") == 0
    assert not (out / "old").exists()
    assert left(tmp_path) == {"out"}


@pytest.mark.parametrize("form", ["ftrl", "openai"])
def test_lines_say_what_was_left_out(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "records.jsonl"
    assert run(form, "everyday", "--split", "test", "--limit", 12, "--out", out, "--json") == 0
    report = json.loads(capsys.readouterr().out)
    lines = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert len(lines) == report["written"]
    assert report["written"] + sum(report["left_out"].values()) == 12
    assert (form == "openai") == (not report["left_out"])
    assert {line["split"] for line in lines} == {"test"}


def test_a_file_of_one_scenario_is_taken_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["show", of_shape("write"), "--json"]) == 0
    (tmp_path / "scenario.json").write_text(capsys.readouterr().out, encoding="utf-8")
    assert run("sqlite", tmp_path / "scenario.json", "--with-answers", "--out", tmp_path / "w.db") == 0
    assert left(tmp_path) == {"scenario.json", "w.db"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("pickle", "everyday", "--out", "o"), "no format named 'pickle'"),
        (("python", "everyday", "--out", "o.py"), "takes one scenario"),
        (("python", "everyday", "--out", "."), "no earlier export"),
        (("python", "everyday", "--out", "none/o"), "cannot write into"),
        (("openai", "everyday", "--out", "there"), "pass --overwrite"),
        (("openai", "everyday", "--out", "o", "--with-answers"), "--with-answers is for sqlite"),
        (("openai", "everyday", "--out", "o", "--scenario", "zzz"), "no scenario named 'zzz'"),
        (("openai", "everyday", "--out", "o", "--split", "dev"), "'dev'"),
        (("ftrl", "everyday", "--out", "o", "--scenario", of_shape("write")), "its shape is write"),
        (("openai", "nowhere", "--out", "o"), "no pack named 'nowhere'"),
    ],
    ids=[
        "format",
        "many",
        "folder",
        "nowhere",
        "there",
        "answers",
        "scenario",
        "split",
        "shape",
        "pack",
    ],
)
def test_mistakes_are_told_and_leave_nothing(
    arguments: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").write_text("mine")
    assert run(*arguments) == 2
    assert said in capsys.readouterr().err
    assert left(tmp_path) == {"there"}
    assert (tmp_path / "there").read_text() == "mine"


@pytest.mark.parametrize("form", writing.FORMATS)
def test_what_fails_midway_leaves_what_was_there(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "out"
    assert run(form, "everyday", "--limit", 2, "--out", out, "--scenario", of_shape("multi_hop")) == 0
    before = out.read_bytes() if out.is_file() else left(out)
    monkeypatch.setattr(type(PACK), "task", _broken(type(PACK).task))
    with pytest.raises(RuntimeError, match="broken"):
        run(form, "everyday", "--limit", 4, "--out", out, "--overwrite")
    assert (out.read_bytes() if out.is_file() else left(out)) == before
    assert left(tmp_path) == {"out"}


def _broken(task: Callable[..., object]) -> Callable[..., object]:
    """Return a way to load tasks that breaks at the third."""
    calls: list[object] = []

    def load(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) > 2:
            msg = "broken"
            raise RuntimeError(msg)
        return task(*arguments)

    return load
