"""Packs: round trip, random access, verification, hostile folders, ids."""

from __future__ import annotations

import gzip
import hashlib
import json
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest

from tests.handmade import SCENARIOS, WORLD
from tool_gym.envs import blocks
from tool_gym.envs import pack as packs
from tool_gym.envs.env import ToolUseEnv
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


def edit_index(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the index and make the card agree with its bytes, as whoever wrote the pack could."""
    index = json.loads((folder / "index.json").read_text())
    change(index)
    (folder / "index.json").write_text(json.dumps(index))
    seal(folder, "index.json")


def seal(folder: Path, file: str) -> None:
    digest = hashlib.sha256((folder / file).read_bytes()).hexdigest()
    edit_card(folder, lambda card: card["files"].update({file: digest}))


def swap_ids(index: dict[str, Any]) -> None:
    first, second, *_ = index["entries"]
    first[0], second[0] = second[0], first[0]


LIES: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "offset below 0": (lambda i: i["blocks"].__setitem__(0, [-5, 100]), "greater than or equal to 0"),
    "length below 0": (lambda i: i["blocks"].__setitem__(0, [0, -1]), "greater than or equal to 0"),
    "offset beyond the file": (lambda i: i["blocks"].__setitem__(0, [10**18, 10]), "damaged"),
    "no blocks": (lambda i: i.update(blocks=[]), "damaged"),
    "no lines a block": (lambda i: i.update(block_size=0), "block_size"),
    "a scenario twice": (lambda i: i["entries"].append(i["entries"][0]), "2 times"),
    "ids swapped": (swap_ids, "stands"),
    "an id that moves the cursor": (lambda i: i["entries"][0].__setitem__(0, "\x1b[2J"), "pattern"),
    "an id that names a module": (lambda i: i["entries"][0].__setitem__(0, "os:path"), "pattern"),
    "a split of another size": (lambda i: i["entries"][0].__setitem__(1, "validation"), "disagree"),
    "no worlds": (lambda i: i.update(worlds=[]), "no world"),
}


@pytest.mark.parametrize("name", LIES)
def test_an_index_that_lies_is_refused_with_the_reason(folder: Path, name: str) -> None:
    lie, reason = LIES[name]
    edit_index(folder, lie)
    with pytest.raises(PackError, match=reason):
        FolderPack(folder).task(next(iter(SCENARIOS.values())).id)


def test_a_block_that_claims_to_be_huge_is_read_as_it_is(folder: Path) -> None:
    edit_index(folder, lambda index: index["blocks"].__setitem__(0, [0, 10**14]))
    pack = FolderPack(folder)
    assert pack.task(pack.entries()[0].id).scenario in SCENARIOS.values()


def test_a_block_of_empty_lines_without_end_is_refused(folder: Path) -> None:
    data = gzip.compress(b"\n" * 100_000)
    (folder / "scenarios.jsonl.gz").write_bytes(data)
    seal(folder, "scenarios.jsonl.gz")
    edit_index(folder, lambda index: index["blocks"].__setitem__(0, [0, len(data)]))
    pack = FolderPack(folder)
    with pytest.raises(PackError, match="more than 1024 lines"):
        pack.task(pack.entries()[0].id)


def test_what_is_kept_of_a_pack_is_bounded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_CACHED_TASKS", "_CACHED_BLOCKS"):
        monkeypatch.setattr(packs, name, 1)
    pack = FolderPack(folder)
    assert [pack.task(entry.id).scenario for entry in pack.entries()] == list(SCENARIOS.values())
    assert len(pack._tasks) == len(pack._worlds) == len(pack._blocks) == 1


def test_what_is_in_use_is_not_loaded_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packs, "_CACHED_TASKS", 1)
    pack = FolderPack(folder)
    held = [pack.task(entry.id) for entry in pack.entries()]
    for entry, task in zip(pack.entries(), held, strict=True):
        again = pack.task(entry.id)
        assert again.scenario is task.scenario
        assert again.world is task.world


def test_a_pack_that_could_not_be_opened_is_not_put_in_place(folder: Path) -> None:
    twice = [("test", scenario) for scenario in SCENARIOS.values() for _ in range(2)]
    with pytest.raises(PackError, match="2 times"):
        write_pack(folder, twice, [WORLD], id="mine", version="2.0.0", licence="x", overwrite=True)
    assert FolderPack(folder).card.version == "1.0.0"
    assert [path.name for path in folder.parent.iterdir()] == ["mine"]


def test_a_truncated_block_is_refused_even_without_verification(folder: Path) -> None:
    truncate(folder)
    pack = FolderPack(folder, verify=False)
    with pytest.raises(PackError, match=r"cut short|cannot be read|damaged"):
        pack.task(pack.entries()[-1].id)


def test_a_block_that_unpacks_without_end_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks, "MAX_BLOCK_BYTES", 1000)
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


def test_a_memory_pack_has_each_scenario_once() -> None:
    with pytest.raises(PackError, match="2 times"):
        MemoryPack([SCENARIOS["single_hop"]] * 2, [WORLD])


def test_a_used_pack_can_be_sent_to_another_process(folder: Path) -> None:
    for pack in (FolderPack(folder), MemoryPack(list(SCENARIOS.values()), [WORLD])):
        ToolUseEnv(pack).reset(seed=0)
        sent = pickle.loads(pickle.dumps(pack))  # noqa: S301 - written a moment ago
        assert ToolUseEnv(sent).reset(seed=0)[0] == ToolUseEnv(pack).reset(seed=0)[0]


def test_the_ids_of_a_bundled_pack_are_not_taken_over(folder: Path) -> None:
    edit_card(folder, lambda card: card.update(id="everyday"))
    before = gym.spec("ToolUse/everyday-v0").kwargs
    with pytest.raises(PackError, match="another id"):
        register_pack(folder)
    assert gym.spec("ToolUse/everyday-v0").kwargs == before


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
