"""`tool-gym pack`: hand-written scenarios made into a pack."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.handmade import SCENARIOS, WORLD
from tool_gym.cli import main
from tool_gym.envs.checker import check_pack
from tool_gym.envs.pack import FolderPack


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    lines = [scenario.model_copy(update={"id": "mine"}).to_json() for scenario in SCENARIOS.values()]
    (tmp_path / "train.jsonl").write_text("\n".join(lines[:5]))
    (tmp_path / "others.jsonl").write_text("\n\n".join(lines[5:]) + "\n")
    (tmp_path / "worlds.jsonl").write_text(WORLD.to_json())
    return tmp_path


def run(*arguments: str) -> int:
    return main(["pack", *arguments, "--name", "mine", "--out", "mine"])


def test_files_become_a_sound_pack_with_ids_from_their_content(folder: Path) -> None:
    assert run("others.jsonl", "train.jsonl", "--worlds", "worlds.jsonl", "--split", "validation") == 0
    pack = FolderPack(folder / "mine")
    assert pack.card.splits == {"train": 5, "validation": len(SCENARIOS) - 5}
    assert {entry.id for entry in pack.entries()} == {scenario.id for scenario in SCENARIOS.values()}
    assert check_pack(pack).ok


def test_what_show_prints_can_be_edited_and_packed(folder: Path) -> None:
    scenario = SCENARIOS["single_hop"].model_copy(
        update={"world": WORLD, "world_ref": None, "certificate": {"G1": "passed"}, "provenance": "elsewhere"}
    )
    data = json.loads(scenario.to_json())
    del data["id"]
    (folder / "one.jsonl").write_text(json.dumps(data, indent=2))
    assert run("one.jsonl") == 0
    packed = FolderPack(folder / "mine")
    item = packed.task(packed.entries()[0].id).scenario
    assert (item.certificate, item.provenance) == ({}, "written by hand")
    assert item.id == scenario.content_id


def test_json_output_is_the_card(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("train.jsonl", "--worlds", "worlds.jsonl", "--json") == 0
    assert json.loads(capsys.readouterr().out)["splits"] == {"train": 5}
    assert (folder / "mine" / "card.json").exists()


MISTAKES = {
    "missing file": (["gone.jsonl", "--worlds", "worlds.jsonl"], "cannot read gone.jsonl"),
    "missing world": (["train.jsonl"], "refers to the world"),
    "not a scenario": (["worlds.jsonl", "--worlds", "worlds.jsonl"], "worlds.jsonl, line 1: not a scenario"),
    "not a world": (["train.jsonl", "--worlds", "train.jsonl"], "train.jsonl, line 1: not a world"),
    "twice": (["train.jsonl", "train.jsonl", "--worlds", "worlds.jsonl"], "occurs 2 times"),
    "nothing": (["empty.jsonl", "--worlds", "worlds.jsonl"], "no scenario in these files"),
    "split": (["train.jsonl", "--worlds", "worlds.jsonl", "--split", "tset"], "Did you mean 'test'"),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_told_in_one_line_and_nothing_is_written(
    folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (folder / "empty.jsonl").write_text("\n")
    arguments, reason = MISTAKES[name]
    assert run(*arguments) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1
    assert not (folder / "mine").exists()
