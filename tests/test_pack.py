"""Packs: round trip, random access, verification, hostile folders, ids."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from tests.handmade import SCENARIOS, WORLD
from tool_gym.envs import pack as packs
from tool_gym.envs.pack import FolderPack, MemoryPack, open_pack
from tool_gym.envs.pack_writer import BLOCK_SIZE, write_pack
from tool_gym.envs.registration import register_pack
from tool_gym.errors import PackError, UnknownNameError


def write(folder: Path, **kwargs: Any) -> None:
    scenarios = [(("train", "test")[number % 2], scenario) for number, scenario in enumerate(SCENARIOS.values())]
    write_pack(folder, scenarios, [WORLD], id="mine", version="1.0.0", licence="Apache-2.0", **kwargs)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "mine")
    return tmp_path / "mine"


def test_every_scenario_comes_back_as_it_was(folder: Path) -> None:
    pack = FolderPack(folder)
    assert [pack.task(entry.id).scenario for entry in pack.entries()] == list(SCENARIOS.values())
    assert {entry.split for entry in pack.entries()} == {"train", "test"}
    assert len(pack.entries("train")) == pack.card.splits["train"]


def test_equal_content_gives_equal_files(folder: Path, tmp_path: Path) -> None:
    write(tmp_path / "again")
    for file in (*packs.FILES, "card.json"):
        assert (folder / file).read_bytes() == (tmp_path / "again" / file).read_bytes()


def test_zcat_reads_the_whole_file(folder: Path) -> None:
    import gzip

    lines = gzip.decompress((folder / "scenarios.jsonl.gz").read_bytes()).splitlines()
    assert len(lines) == len(SCENARIOS)
    assert len(SCENARIOS) < BLOCK_SIZE or len(FolderPack(folder)._index.blocks) > 1


def test_an_existing_folder_is_not_overwritten_unasked(folder: Path) -> None:
    before = (folder / "card.json").read_bytes()
    with pytest.raises(PackError, match="already exists"):
        write(folder)
    assert (folder / "card.json").read_bytes() == before
    write(folder, overwrite=True)


def test_a_folder_that_is_no_pack_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "me.jpg").write_text("x")
    with pytest.raises(PackError, match="no pack"):
        write(tmp_path / "photos", overwrite=True)
    assert (tmp_path / "photos" / "me.jpg").exists()


def edit_card(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    card = json.loads((folder / "card.json").read_text())
    change(card)
    (folder / "card.json").write_text(json.dumps(card))


def truncate(folder: Path) -> None:
    data = (folder / "scenarios.jsonl.gz").read_bytes()
    (folder / "scenarios.jsonl.gz").write_bytes(data[: len(data) // 2])


def link_outside(folder: Path) -> None:
    outside = folder.parent / "outside.gz"
    (folder / "worlds.jsonl.gz").replace(outside)
    (folder / "worlds.jsonl.gz").symlink_to(outside)


DAMAGE: dict[str, tuple[Callable[[Path], Any], str]] = {
    "card missing": (lambda f: (f / "card.json").unlink(), "no card.json"),
    "card no JSON": (lambda f: (f / "card.json").write_text("{"), "no pack card"),
    "card of another format": (lambda f: edit_card(f, lambda c: c.update(format=99)), "format 99"),
    "card with an unknown key": (lambda f: edit_card(f, lambda c: c.update(trusted=True)), "trusted"),
    "a file outside": (lambda f: edit_card(f, lambda c: c["files"].update({"../evil": "0"})), "evil"),
    "a link outside": (link_outside, "leads outside"),
    "file missing": (lambda f: (f / "worlds.jsonl.gz").unlink(), "is missing"),
    "truncated": (truncate, "truncated or altered"),
    "altered": (lambda f: (f / "index.json").write_text("[]"), "truncated or altered"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_damaged_pack_is_refused_with_the_reason(folder: Path, name: str) -> None:
    damage, reason = DAMAGE[name]
    damage(folder)
    with pytest.raises(PackError, match=reason):
        open_pack(folder)


def test_a_truncated_block_is_refused_even_without_verification(folder: Path) -> None:
    truncate(folder)
    pack = FolderPack(folder, verify=False)
    with pytest.raises(PackError, match=r"cut short|cannot be read|damaged"):
        pack.task(pack.entries()[-1].id)


def test_a_block_that_unpacks_without_end_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "MAX_BLOCK_BYTES", 1000)
    pack = FolderPack(folder)
    with pytest.raises(PackError, match="unpacks to more than 1000 bytes"):
        pack.task(pack.entries()[0].id)


def test_a_scenario_of_another_version_is_refused(folder: Path) -> None:
    packer = zlib.compressobj(wbits=31)
    line = SCENARIOS["single_hop"].to_json().replace('"schema_version":1', '"schema_version":2')
    data = packer.compress(line.encode() + b"\n") + packer.flush()
    (folder / "scenarios.jsonl.gz").write_bytes(data)
    index = json.loads((folder / "index.json").read_text())
    index["blocks"] = [[0, len(data)]]
    (folder / "index.json").write_text(json.dumps(index))
    pack = FolderPack(folder, verify=False)
    with pytest.raises(PackError, match="schema version '2'; this release reads version 1"):
        pack.task(pack.entries()[0].id)


def test_unknown_packs_scenarios_and_splits_are_named(folder: Path) -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'everyday'"):
        open_pack("everday")
    with pytest.raises(UnknownNameError, match="no scenario named"):
        FolderPack(folder).task("zzz")
    with pytest.raises(UnknownNameError, match="Did you mean 'train'"):
        FolderPack(folder).entries("trains")


def test_a_memory_pack_needs_its_worlds() -> None:
    scenario = next(iter(SCENARIOS.values())).model_copy(update={"world": None, "world_ref": "gone"})
    with pytest.raises(PackError, match="'gone'"):
        MemoryPack([scenario])


def test_register_pack_makes_ids(folder: Path) -> None:
    ids = register_pack(folder)
    try:
        assert ids[0] == "ToolUse/mine-v0"
        assert len(ids) == 1 + len(SCENARIOS)
        _, info = gym.make(ids[1]).reset(seed=0)
        assert ids[1] == f"ToolUse/mine.{info['scenario_id']}-v0"
    finally:
        for name in ids:
            gym.registry.pop(name)


def test_the_bundled_pack_has_its_sizes_and_ids() -> None:
    pack = open_pack("everyday")
    assert isinstance(pack, FolderPack)
    assert pack.card.splits["train"] >= 2000
    assert pack.card.splits["validation"] >= 300
    assert pack.card.splits["test"] >= 300
    for entry in pack.entries("test")[:5]:
        assert f"ToolUse/everyday.{entry.id}-v0" in gym.registry


def test_test_domains_are_disjoint_from_train_domains() -> None:
    pack = open_pack("everyday")
    train, test = ({entry.domain for entry in pack.entries(split)} for split in ("train", "test"))
    assert not train & test
    assert len(train) >= 6
