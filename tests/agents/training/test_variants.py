"""What can be had beside full fine-tuning with one seed: LoRA, rejection sampling, schedules, several seeds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agents.training.running import same, words
from tool_gym.agents.training.rows import read_rows
from tool_gym.cli import main
from tool_gym.trajectory import read_trajectories

pytestmark = pytest.mark.train


def test_lora_leaves_a_whole_model_after_each_stage(tmp_path: Path) -> None:
    settings = ["peft.r=4", "evaluation.every=0", 'stages=["sft", "dpo", "grpo"]', "sft.steps=1", "grpo.steps=1"]
    assert main(words(tmp_path, "out", *settings)) == 0
    seed = tmp_path / "out" / "seed-0"
    for before, after in (("base", "sft/final"), ("sft/final", "dpo/final"), ("dpo/final", "grpo/final")):
        assert not list((seed / after).glob("adapter*"))
        assert not same(seed / before, seed / after)


def test_the_policy_learns_from_its_own_best_episodes(tmp_path: Path) -> None:
    settings = ['stages=["sft"]', 'sft.sources=["oracle", "policy"]', "sft.threshold=0.0", "sft.rounds=2"]
    settings += ["sft.round_steps=1", "sft.round_scenarios=4", "sft.samples=2", "evaluation.every=0", "sft.keep=2"]
    assert main(words(tmp_path, "out", *settings)) == 0
    stage = tmp_path / "out" / "seed-0" / "sft"
    for number in (1, 2):
        played = list(read_trajectories(stage / f"round-{number}-episodes.jsonl"))
        rows = read_rows(stage / f"round-{number}.jsonl")
        assert len(played) == 8
        assert len({one.scenario_id for one in played}) == 4
        assert 4 <= len(rows) <= 8
    assert not same(stage / "oracle" / "final", stage / "round-1" / "final")
    assert not same(stage / "round-1" / "final", stage / "final")


def test_seeds_have_folders_of_their_own_and_a_common_table(tmp_path: Path) -> None:
    settings = ['stages=["sft"]', "evaluation.every=0", "sft.steps=1", 'run.report_to=["tensorboard"]']
    assert main([*words(tmp_path, "out", *settings), "--seeds", "0,7"]) == 0
    out = tmp_path / "out"
    assert not same(out / "seed-0" / "sft" / "final", out / "seed-7" / "sft" / "final")
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert found["seeds"] == [0, 7]
    assert found["gains"][0]["seeds"] == 2
    assert list((out / "seed-7" / "sft").rglob("events.out.tfevents*"))
    assert main([*words(tmp_path, "alone", *settings), "--seeds", "7"]) == 0
    assert same(out / "seed-7" / "sft" / "final", tmp_path / "alone" / "seed-7" / "sft" / "final")


def test_schedules_and_a_critic_are_told_to_grpo(tmp_path: Path) -> None:
    settings = ["grpo.credit.estimator=step_gae_value", "grpo.critic.hidden=8", "grpo.schedule.difficulty.explore=0.5"]
    settings += ["grpo.schedule.levels.key=toolset", "evaluation.every=0", "sft.steps=1", 'env.shapes=["single_hop"]']
    assert main(words(tmp_path, "out", *settings)) == 0
    log = json.loads((tmp_path / "out" / "seed-0" / "grpo" / "log.json").read_text(encoding="utf-8"))
    assert any("critic_loss" in entry for entry in log)


def test_what_is_failed_makes_new_scenarios(tmp_path: Path) -> None:
    settings = ["grpo.introspection.every=1", "grpo.introspection.size=4", "grpo.iterations=1", "grpo.steps=2"]
    settings += ["evaluation.every=0", "sft.steps=1"]
    assert main(words(tmp_path, "out", *settings)) == 0
    rounds = tmp_path / "out" / "seed-0" / "grpo" / "introspection"
    assert json.loads((rounds / "round-0001" / "card.json").read_text(encoding="utf-8"))["splits"] == {"train": 4}
