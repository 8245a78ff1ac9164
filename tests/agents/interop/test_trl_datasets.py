"""What is exported for TRL is what its trainers take: they are made, take a step, and learn the model's turns alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agents.interop.made import episodes
from tests.agents.interop.tiny import model, tokenizer
from tool_gym.agents.encoding import Encoder
from tool_gym.agents.interop import export_trajectories

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning"),  # TRL says it by the old name
]

SETTINGS = {
    "use_cpu": True,
    "bf16": False,
    "gradient_checkpointing": False,
    "report_to": "none",
    "save_strategy": "no",
    "disable_tqdm": True,
    "max_steps": 1,
    "per_device_train_batch_size": 4,
    "max_length": 4096,
}


def exported(form: str, folder: Path, encoder: Encoder | None = None) -> Any:
    import datasets

    datasets.disable_progress_bars()
    path = folder / f"{form}.parquet"
    export_trajectories(form, episodes(6), path, encoder=encoder)
    return datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(folder / "cache"))


def learnt(trainer: Any) -> set[str]:
    """Return the texts that the loss of a prepared data set falls on."""
    found = set()
    for row in trainer.train_dataset:
        run: list[int] = []
        for token, label in [*zip(row["input_ids"], row["labels"], strict=True), (0, -100)]:
            if label != -100:
                run.append(token)
            elif run:
                found.add(tokenizer().decode(run).removesuffix("<|im_end|>"))
                run = []
    return found


def written() -> set[str]:
    """Return what the policies wrote."""
    return {step.turn.raw for trajectory, _ in episodes(6) for step in trajectory.steps}


def sft(data: Any, folder: Path, **settings: Any) -> Any:
    from trl import SFTConfig, SFTTrainer

    config = SFTConfig(output_dir=str(folder / "run"), **SETTINGS, **settings)
    return SFTTrainer(model(), args=config, train_dataset=data, processing_class=tokenizer())


def test_conversations_teach_the_models_turns(tmp_path: Path) -> None:
    trainer = sft(exported("trl-sft", tmp_path), tmp_path, assistant_only_loss=True)
    assert learnt(trainer) == written()
    assert trainer.train().training_loss > 0


def test_single_turns_teach_the_same(tmp_path: Path) -> None:
    trainer = sft(exported("trl-sft-turns", tmp_path), tmp_path)
    assert {text.removesuffix("<|im_end|>\n") for text in learnt(trainer)} == written()
    assert trainer.train().training_loss > 0


def test_tokens_are_taken_as_they_are(tmp_path: Path) -> None:
    data = exported("hf", tmp_path, Encoder(tokenizer()))
    trainer = sft(data, tmp_path, assistant_only_loss=True)
    assert trainer.train_dataset["input_ids"] == data["input_ids"]
    assert learnt(trainer) == written()
    assert trainer.train().training_loss > 0


def test_pairs_are_preferences_over_turns(tmp_path: Path) -> None:
    from trl import DPOConfig, DPOTrainer

    data = exported("dpo", tmp_path)
    config = DPOConfig(output_dir=str(tmp_path / "run"), **SETTINGS)
    tiny = model()
    trainer = DPOTrainer(tiny, model(), args=config, train_dataset=data, processing_class=tokenizer())
    for row, given in zip(trainer.train_dataset, data, strict=True):
        for side in ("chosen", "rejected"):
            text = tokenizer().decode(row[f"{side}_ids"]).removesuffix("<|im_end|>\n")
            assert text in written(), given[side]
    assert trainer.train().training_loss > 0
