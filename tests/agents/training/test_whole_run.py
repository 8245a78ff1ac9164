"""`tool-gym train` from nothing to tables, with a tiny model and a few steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.agents.training.running import same, words
from tool_gym.cli import main
from tool_gym.trajectory import read_trajectories

pytestmark = pytest.mark.train


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("runs")
    assert main(words(made, "out")) == 0
    return made


def test_everything_promised_is_in_the_folder(folder: Path) -> None:
    seed = folder / "out" / "seed-0"
    for name in ("config.toml", "results.json", "table.md", "curve.png", "curve.svg", "base/model.safetensors"):
        assert (seed / name).stat().st_size > 0, name
    for name in ("results.json", "table.md", "curve.png", "curve.svg", "pack/card.json"):
        assert (folder / "out" / name).stat().st_size > 0, name
    for stage in ("sft", "grpo"):
        assert json.loads((seed / stage / "done.json").read_text(encoding="utf-8"))["steps"] == 3
        assert not list((seed / stage).glob("checkpoint-*"))
    assert not list((folder / "out").rglob("*.tmp")) + list((folder / "out").rglob(".*making"))


def test_results_have_a_row_for_the_base_and_each_stage(folder: Path) -> None:
    results = json.loads((folder / "out" / "results.json").read_text(encoding="utf-8"))
    assert [row["policy"] for row in results["rows"]] == ["base", "sft", "grpo"]
    assert {(gain["of"], gain["over"]) for gain in results["gains"]} == {("sft", "base"), ("grpo", "sft")}


def test_evaluations_are_of_held_out_scenarios_and_their_trajectories_are_kept(folder: Path) -> None:
    evaluations = folder / "out" / "seed-0" / "evaluations"
    assert {path.stem for path in evaluations.glob("*.json")} == {
        "base",
        "sft",
        "grpo",
        "sft-step-000002",
        "grpo-step-000002",
    }
    played = list(read_trajectories(evaluations / "grpo.sampled.jsonl"))
    written = json.loads((evaluations / "grpo.json").read_text(encoding="utf-8"))
    assert [[one.scenario_id, one.episode_return] for one in played] == written["sampled"]["returns"]
    index = json.loads((folder / "out" / "pack" / "index.json").read_text(encoding="utf-8"))
    held_out = {entry[0] for entry in index["entries"] if entry[1] == "test"}
    assert {one.scenario_id for one in played} <= held_out


def test_both_stages_changed_the_model(folder: Path) -> None:
    seed = folder / "out" / "seed-0"
    assert not same(seed / "base", seed / "sft" / "final")
    assert not same(seed / "sft" / "final", seed / "grpo" / "final")


def test_a_final_model_is_loaded_by_transformers_and_as_a_start(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    final = folder / "out" / "seed-0" / "sft" / "final"
    tokenizer, model = AutoTokenizer.from_pretrained(final), AutoModelForCausalLM.from_pretrained(final)
    assert tokenizer.chat_template
    assert model.config.vocab_size == len(tokenizer)
    arguments = [*words(folder, "next", 'stages=["dpo"]', "evaluation.every=0"), "--model", str(final)]
    assert main(arguments) == 0
    assert "dpo" in capsys.readouterr().out
    assert not same(final, folder / "next" / "seed-0" / "dpo" / "final")


def test_a_finished_run_is_not_made_again(folder: Path) -> None:
    final = folder / "out" / "seed-0" / "grpo" / "final" / "model.safetensors"
    before = (folder / "out" / "results.json").read_bytes(), final.stat().st_mtime_ns
    assert main(words(folder, "out")) == 0
    assert ((folder / "out" / "results.json").read_bytes(), final.stat().st_mtime_ns) == before


def test_another_configuration_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(folder, "out", "grpo.learning_rate=5e-4")) == 2
    assert "grpo.learning_rate was 0.001 and is now 0.0005" in capsys.readouterr().err


def test_evaluation_leaves_no_trace_in_what_is_learnt(folder: Path) -> None:
    assert main(words(folder, "unwatched", "evaluation.every=0", "evaluation.greedy=false")) == 0
    for stage in ("sft", "grpo"):
        assert same(folder / "out" / "seed-0" / stage / "final", folder / "unwatched" / "seed-0" / stage / "final")
