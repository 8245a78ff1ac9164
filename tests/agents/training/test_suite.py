"""Which scenarios a run plays."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.handmade import SCENARIOS, WORLD
from tool_gym.agents.training.config import TrainConfig
from tool_gym.agents.training.settings import resolve
from tool_gym.agents.training.suite import check_pack, ensure_pack, open_suite, plan_of
from tool_gym.agents.union import Selection
from tool_gym.envs.pack import open_pack
from tool_gym.envs.pack_writer import write_pack
from tool_gym.errors import AgentError, UnknownNameError


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "hand"
    halves = [(("train", "test")[number % 2], scenario) for number, scenario in enumerate(SCENARIOS.values())]
    write_pack(folder, halves, [WORLD], id="hand", version="1.0.0", licence="Apache-2.0")
    return folder


def wanted(pack: Path, *settings: str) -> TrainConfig:
    return resolve(
        "cpu-demo", settings=["env.shapes=[]", "env.max_depth=99", *settings], extra={"env.suite": str(pack)}
    )


def test_all_of_the_split_is_trained_on_and_none_of_it_held_out(pack: Path, tmp_path: Path) -> None:
    suite = open_suite(wanted(pack), tmp_path)
    assert set(suite.train) == {entry.id for entry in open_pack(pack).entries("train")}
    assert not set(suite.train) & set(suite.held_out)
    assert suite.training is suite.pack
    assert suite.content == open_pack(pack).card.content_hash  # type: ignore[attr-defined]  # a folder has a card


def test_filters_hold_for_training_and_evaluation(pack: Path, tmp_path: Path) -> None:
    suite = open_suite(wanted(pack, "env.max_depth=1"), tmp_path)
    assert suite.train
    assert all(suite.pack.task(name).scenario.depth <= 1 for name in (*suite.train, *suite.held_out))
    assert isinstance(suite.training, Selection)
    assert [entry.id for entry in suite.training.entries("train")] == list(suite.train)
    assert suite.training.entries("test") == ()


def test_prompts_may_be_bounded(pack: Path, tmp_path: Path) -> None:
    entries = [entry.id for entry in open_pack(pack).entries()]
    config = wanted(pack, "env.max_prompt_tokens=10")
    suite = open_suite(config, tmp_path, lambda name: 5 + entries.index(name))
    assert set(suite.train) | set(suite.held_out) == set(entries[:6])


def test_evaluation_is_spread_over_the_split(pack: Path, tmp_path: Path) -> None:
    everything = open_suite(wanted(pack), tmp_path).held_out
    few = open_suite(wanted(pack, "evaluation.episodes=2"), tmp_path).held_out
    assert few == (everything[0], everything[len(everything) // 2])


def test_what_is_not_there_is_told(pack: Path, tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match=r"split of the pack hand, as evaluation.split asks, named 'validation'"):
        open_suite(wanted(pack, "evaluation.split=validation"), tmp_path)
    with pytest.raises(AgentError, match="no scenario of the split 'train' that passes the filters"):
        open_suite(wanted(pack, 'env.shapes=["no such shape"]'), tmp_path)


def test_a_generated_pack_is_made_once_and_only_as_asked_for(tmp_path: Path) -> None:
    sizes = ["env.generate.train=3", "env.generate.test=2", 'env.generate.shapes=["single_hop"]']
    config = resolve("cpu-demo", settings=[*sizes, "env.generate.depths=[]"])
    ensure_pack(config.env, tmp_path, 1)
    card = tmp_path / "pack" / "card.json"
    written = card.stat().st_mtime_ns
    ensure_pack(config.env, tmp_path, 1)
    check_pack(config.env, tmp_path)
    assert card.stat().st_mtime_ns == written
    assert len(open_suite(config, tmp_path).train) == 3
    with pytest.raises(AgentError, match=r"generated otherwise .* seed was 0 and is now 5"):
        check_pack(
            resolve("cpu-demo", settings=[*sizes, "env.generate.depths=[]", "env.generate.seed=5"]).env, tmp_path
        )


def test_an_unknown_domain_or_shape_is_told() -> None:
    for setting in ('env.generate.domains=["hotel"]', 'env.generate.shapes=["singlehop"]'):
        with pytest.raises(UnknownNameError):
            plan_of(resolve("cpu-demo", settings=[setting]).env.generate)
