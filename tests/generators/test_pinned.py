"""Packs that ship as a recipe: built on first use, the same everywhere, or not at all."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import gymnasium
import pytest

import tool_gym
from tool_gym.cli import main
from tool_gym.envs.pack import FolderPack, open_pack
from tool_gym.envs.recipes import CACHE_VARIABLE, read_recipe
from tool_gym.errors import GenerationError, PackError
from tool_gym.generators.pinned import plan_of, recipe_of
from tool_gym.generators.pipeline import build_pack
from tool_gym.generators.plan import PackPlan

PLAN = PackPlan("small", {"train": 18, "test": 5}, {"train": ("energy",), "test": ("museum",)}, seed=9, complexity=1)


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> FolderPack:
    folder = tmp_path_factory.mktemp("made") / "small"
    build_pack(PLAN, folder)
    return FolderPack(folder)


@pytest.fixture
def recipe(pack: FolderPack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    path = tmp_path / "recipe.json"
    path.write_text(recipe_of(pack.card))
    return path


def test_a_recipe_holds_the_whole_plan(pack: FolderPack, recipe: Path) -> None:
    assert plan_of(read_recipe(recipe)) == PLAN
    assert read_recipe(recipe).content_hash == pack.card.content_hash


def test_the_pack_is_built_once_and_is_the_same(pack: FolderPack, recipe: Path) -> None:
    built = open_pack(recipe)
    assert isinstance(built, FolderPack)
    assert built.entries() == pack.entries()
    assert built.card.content_hash == pack.card.content_hash
    before = (built.folder / "card.json").stat().st_mtime_ns
    again = open_pack(str(recipe))
    assert isinstance(again, FolderPack)
    assert (again.folder / "card.json").stat().st_mtime_ns == before
    assert open_pack(recipe.parent) is again  # a folder that holds a recipe


def test_an_environment_plays_it(recipe: Path) -> None:
    with gymnasium.make("ToolUse-v0", pack=str(recipe)) as env:
        observation, _ = env.reset(seed=0)
        assert observation


def _open(recipe: Path) -> str:
    pack = open_pack(recipe)
    assert isinstance(pack, FolderPack)
    return pack.card.content_hash


def test_processes_that_want_it_at_once_wait_for_one(pack: FolderPack, recipe: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        assert pool.map(_open, [recipe, recipe]) == [pack.card.content_hash] * 2


def test_another_content_is_refused_and_leaves_nothing(recipe: Path, pack: FolderPack) -> None:
    recipe.write_text(recipe_of(pack.card.model_copy(update={"content_hash": "0" * 32})))
    with pytest.raises(GenerationError, match="came out with the content hash"):
        open_pack(recipe)
    assert not [path for path in (recipe.parent / "cache").iterdir() if path.is_dir()]


def test_another_generator_is_named(recipe: Path, pack: FolderPack) -> None:
    how = {**pack.card.how_built, "generator_version": "0"}
    recipe.write_text(recipe_of(pack.card.model_copy(update={"how_built": how, "content_hash": "1" * 32})))
    with pytest.raises(GenerationError, match=r"generator version '0'; this release has '\d+'"):
        open_pack(recipe)


@pytest.mark.parametrize(
    ("how", "said"),
    [({"domains": {}}, "not a plan"), ({"domains": {}, "shapes": [], "colour": 1}, "not a plan")],
    ids=["incomplete", "unknown key"],
)
def test_a_plan_must_be_whole(recipe: Path, pack: FolderPack, how: dict[str, object], said: str) -> None:
    how["generator_version"] = pack.card.how_built["generator_version"]
    recipe.write_text(recipe_of(pack.card.model_copy(update={"how_built": how, "content_hash": "2" * 32})))
    with pytest.raises(GenerationError, match=said):
        open_pack(recipe)


def test_a_file_that_is_no_recipe_is_refused(recipe: Path, pack: FolderPack) -> None:
    recipe.write_text("{}")
    with pytest.raises(PackError, match="is no recipe of a pack"):
        open_pack(recipe)
    recipe.write_text(pack.card.model_dump_json())
    with pytest.raises(PackError, match="it lists files"):
        open_pack(recipe)


def test_a_cache_that_cannot_be_written_is_named(recipe: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "file" / "below"))
    with pytest.raises(PackError, match=f"set {CACHE_VARIABLE} to another folder"):
        open_pack(recipe)


def test_the_command_writes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    asked = ["--test", "4", "--domains", "museum", "--workers", "1", "--recipe", "recipe.json"]
    assert main(["generate", "--out", "mine", *asked]) == 0
    assert tool_gym.open_pack("recipe.json").entries() == FolderPack("mine").entries()
