"""The wide suite ships as a recipe: wide enough, of this release's generator, and built as it says."""

from __future__ import annotations

from pathlib import Path

import gymnasium
import pytest

import tool_gym
from tool_gym.envs.bundled import bundled_packs
from tool_gym.envs.card import Card
from tool_gym.envs.checker import check_pack
from tool_gym.envs.pack import FolderPack
from tool_gym.envs.recipes import CACHE_VARIABLE, FILE, read_recipe
from tool_gym.generators.build import DEPTHS, GENERATOR_VERSION
from tool_gym.generators.pinned import plan_of

assert tool_gym.__version__  # registers the environments


@pytest.fixture(scope="module")
def recipe() -> Card:
    return read_recipe(bundled_packs()["atlas"] / FILE)


def test_it_is_wide(recipe: Card) -> None:
    assert sum(recipe.splits.values()) >= 20_000
    assert len(recipe.counts["domain"]) >= 40
    assert set(recipe.counts["shape"]) == set(DEPTHS)
    assert min(recipe.counts["domain"].values()) >= 200


def test_no_domain_is_in_two_splits(recipe: Card) -> None:
    of_split = [set(names) for names in recipe.how_built["domains"].values()]
    assert len(of_split) == 3
    assert sum(map(len, of_split)) == len(set().union(*of_split)) == len(recipe.counts["domain"])


def test_this_release_can_build_it(recipe: Card) -> None:
    assert recipe.how_built["generator_version"] == GENERATOR_VERSION
    plan = plan_of(recipe)
    assert plan.sizes == recipe.splits
    assert sum(len(list(plan.indices(shard))) for shard in plan.shards()) == sum(recipe.splits.values())


def test_it_has_an_id_and_none_for_each_scenario() -> None:
    assert gymnasium.spec("ToolUse/atlas-v0").kwargs == {"pack": "atlas"}
    assert not [name for name in gymnasium.registry if name.startswith("ToolUse/atlas.")]


@pytest.mark.slow
def test_it_is_built_as_it_says_and_sound(
    recipe: Card, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Every scenario is made and its bytes compared with the hash; one in forty is played in all the checker's ways."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path))
    with gymnasium.make("ToolUse/atlas-v0", split="test") as env:
        observation, _ = env.reset(seed=3)
        assert observation
    assert "building the pack atlas" in capfd.readouterr().err
    pack = tool_gym.open_pack("atlas")
    assert isinstance(pack, FolderPack)
    assert pack.card.content_hash == recipe.content_hash
    assert check_pack(pack, limit=len(pack.entries()) // 40).ok
