"""The output folder: whose it is, what it was begun with, which checkpoint is whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tool_gym.agents.training.folder import SeedFolder, StageFolder, check_seeds, claim, is_whole, seal, write_json
from tool_gym.agents.training.settings import resolve
from tool_gym.errors import AgentError


def checkpoint(folder: Path, step: int) -> Path:
    made = folder / f"checkpoint-{step}"
    (made / "part").mkdir(parents=True)
    (made / "weights").write_bytes(b"x" * 100)
    (made / "part" / "state").write_bytes(b"y" * 10)
    seal(made)
    return made


@pytest.mark.parametrize("exists", [False, True])
def test_a_new_or_empty_folder_is_taken_and_taken_again(tmp_path: Path, exists: bool) -> None:  # noqa: FBT001 - a parameter
    out = tmp_path / "deep" / "out"
    if exists:
        out.mkdir(parents=True)
    claim(out)
    claim(out)


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work", encoding="utf-8")
    with pytest.raises(AgentError, match="not empty and no output folder"):
        claim(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(AgentError, match="not empty and no output folder"):
        claim(tmp_path / "thesis.tex")


def test_a_folder_of_another_layout_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "run.json", {"format": 99})
    with pytest.raises(AgentError, match="layout 99"):
        claim(tmp_path)


def test_the_same_configuration_goes_on_and_another_is_refused_by_key(tmp_path: Path) -> None:
    folder = SeedFolder(tmp_path / "seed-0")
    folder.path.mkdir()
    assert folder.open(resolve("cpu-demo"), "hash") is False
    assert folder.open(resolve("cpu-demo"), "hash") is True
    with pytest.raises(AgentError, match=r"grpo\.steps was .* and is now 7"):
        folder.open(resolve("cpu-demo", settings=["grpo.steps=7"]), "hash")
    with pytest.raises(AgentError, match=r"grpo\.schedule\.levels\."):
        folder.open(resolve("cpu-demo", settings=["grpo.schedule.levels.window=3"]), "hash")
    with pytest.raises(AgentError, match="another content of the pack"):
        folder.open(resolve("cpu-demo"), "other")


def test_all_seeds_of_a_folder_have_one_configuration(tmp_path: Path) -> None:
    """Else the table over seeds would be the mean of different experiments."""
    check_seeds(tmp_path, resolve("cpu-demo"))
    folder = SeedFolder(tmp_path / "seed-0")
    folder.path.mkdir()
    folder.open(resolve("cpu-demo", settings=["run.seeds=[0]"]), "hash")
    check_seeds(tmp_path, resolve("cpu-demo", settings=["run.seeds=[1]", "run.threads=2"]))
    with pytest.raises(AgentError, match=r"seed-0 was begun with another configuration: grpo\.learning_rate"):
        check_seeds(tmp_path, resolve("cpu-demo", settings=["run.seeds=[1]", "grpo.learning_rate=1e-3"]))


def test_what_changes_nothing_that_is_learnt_may_change(tmp_path: Path) -> None:
    folder = SeedFolder(tmp_path / "seed-0")
    folder.path.mkdir()
    folder.open(resolve("cpu-demo"), "hash")
    free = ["run.threads=2", "run.save_steps=3", 'run.report_to=["tensorboard"]', "run.out=elsewhere"]
    assert folder.open(resolve("cpu-demo", settings=free), "hash") is True


def test_a_checkpoint_is_whole_only_with_every_byte(tmp_path: Path) -> None:
    made = checkpoint(tmp_path, 1)
    assert is_whole(made)
    (made / "weights").write_bytes(b"x" * 99)
    assert not is_whole(made)
    (made / "weights").write_bytes(b"x" * 100)
    assert is_whole(made)
    (made / "part" / "state").unlink()
    assert not is_whole(made)


@pytest.mark.parametrize("mark", [b"", b"{", b"[]", b"{}", b"\xff"], ids=repr)
def test_a_broken_mark_makes_a_checkpoint_broken(tmp_path: Path, mark: bytes) -> None:
    made = checkpoint(tmp_path, 1)
    (made / "whole.json").write_bytes(mark)
    assert not is_whole(made)


def test_the_newest_whole_checkpoint_is_found_by_number_and_broken_ones_are_dropped(tmp_path: Path) -> None:
    stage = StageFolder(tmp_path)
    assert stage.newest_checkpoint(clean=True) is None
    for step in (5, 10, 100, 20):
        checkpoint(tmp_path, step)
    (tmp_path / "checkpoint-100" / "weights").unlink()
    (tmp_path / "checkpoint-110").mkdir()
    (tmp_path / "checkpoint-notes").mkdir()
    assert stage.newest_checkpoint(clean=False) == tmp_path / "checkpoint-20"
    assert (tmp_path / "checkpoint-100").exists()
    assert stage.newest_checkpoint(clean=True) == tmp_path / "checkpoint-20"
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"checkpoint-5", "checkpoint-10", "checkpoint-20", "checkpoint-notes"}


def test_a_finished_stage_says_so_and_keeps_no_checkpoint(tmp_path: Path) -> None:
    stage = StageFolder(tmp_path)
    checkpoint(tmp_path, 5)
    assert not stage.is_done
    stage.finish({"steps": 5})
    assert stage.is_done
    assert stage.facts() == {"steps": 5}
    assert stage.newest_checkpoint(clean=True) is None
