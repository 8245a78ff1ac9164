"""Only what the model wrote carries a loss: shown by the gradient, in TRL's own trainers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tool_gym.agents.training.rows import Pair, Row

pytestmark = pytest.mark.train

VOCABULARY = 40
ROW = Row([3, 4, 5], [6, 7, 8, 9, 10, 11, 12], [1, 1, 0, 0, 0, 1, 1])
OTHER = Row([3, 4, 5], [13, 14, 15, 16], [1, 0, 0, 1])


@pytest.fixture
def model() -> Any:
    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    torch.manual_seed(0)
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        head_dim=8,
        pad_token_id=0,
        eos_token_id=1,
        bos_token_id=None,
    )
    return Qwen3ForCausalLM(config)


@pytest.fixture
def tokenizer() -> Any:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    words = {f"w{number}": number for number in range(VOCABULARY)}
    plain = Tokenizer(models.WordLevel(words, unk_token="w2"))
    return PreTrainedTokenizerFast(tokenizer_object=plain, pad_token="w0", eos_token="w1", unk_token="w2")


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, Any]:
    given = {"output_dir": str(tmp_path), "max_steps": 1, "per_device_train_batch_size": 2, "report_to": "none"}
    return given | {"use_cpu": True, "bf16": False, "gradient_checkpointing": False, "save_strategy": "no"}


def gradients(model: Any, loss_of: Callable[[], Any]) -> Any:
    """Return the gradient of the loss in the last hidden states: where it is 0, the next token carries no loss."""
    kept = []

    def keep(module: Any, inputs: Any, output: Any) -> None:
        del module, inputs
        output.last_hidden_state.retain_grad()
        kept.append(output.last_hidden_state)

    handle = model.model.register_forward_hook(keep)
    loss_of().backward()
    handle.remove()
    return kept[0].grad


def carried(grad: Any, row: Row) -> list[int]:
    """Return, for each token behind the first, whether it carries a loss."""
    return [int(bool(grad[place].abs().sum() > 0)) for place in range(len(row.ids) - 1)]


def expected(row: Row) -> list[int]:
    return ([0] * len(row.prompt_ids) + row.mask)[1:]


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")
def test_in_sft(model: Any, tokenizer: Any, settings: dict[str, Any]) -> None:
    from datasets import Dataset
    from trl import SFTConfig, SFTTrainer

    rows = [ROW, OTHER]
    table = Dataset.from_dict({"input_ids": [row.ids for row in rows], "labels": [row.labels for row in rows]})
    arguments = SFTConfig(**settings, max_length=None, packing=False)
    trainer = SFTTrainer(model=model, args=arguments, processing_class=tokenizer, train_dataset=table)
    batch = trainer.data_collator([trainer.train_dataset[number] for number in range(2)])
    grad = gradients(model, lambda: trainer.compute_loss(model, batch))
    for row, of_row in zip(rows, grad, strict=True):
        assert carried(of_row, row) == expected(row)
        assert not of_row[len(row.ids) - 1 :].abs().sum()


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing.*:FutureWarning")
def test_in_dpo(model: Any, tokenizer: Any, settings: dict[str, Any]) -> None:
    import copy

    from trl import DPOConfig

    from tool_gym.agents.training.preferences import EpisodeDPOTrainer, PairCollator, dataset_of

    trainer = EpisodeDPOTrainer(
        model=model,
        ref_model=copy.deepcopy(model),
        args=DPOConfig(**settings, max_length=None, remove_unused_columns=False),
        processing_class=tokenizer,
        train_dataset=dataset_of([Pair(ROW, OTHER), Pair(OTHER, ROW)]),
        data_collator=PairCollator(0),
    )
    batch = next(iter(trainer.get_train_dataloader()))
    assert batch["input_ids"].shape[0] == 4
    grad = gradients(model, lambda: trainer.compute_loss(model, batch))
    for ids, of_row in zip(batch["input_ids"].tolist(), grad, strict=True):
        row = next(row for row in (ROW, OTHER) if ids[: len(row.ids)] == row.ids)
        assert carried(of_row, row) == expected(row)
        assert not of_row[len(row.ids) - 1 :].abs().sum()


def test_demonstrations_of_the_oracle_are_its_turns() -> None:
    from tests.handmade import SCENARIOS, WORLD
    from tool_gym.agents.encoding import Encoder
    from tool_gym.agents.models import build_tokenizer
    from tool_gym.agents.training.rows import demonstrations
    from tool_gym.agents.training.sections import EnvSection
    from tool_gym.envs.pack import MemoryPack

    pack = MemoryPack(list(SCENARIOS.values()), [WORLD])
    tokenizer = build_tokenizer(["Answer: the berth of the ship"] * 20, 400)
    encoder = Encoder(tokenizer, "hermes")
    rows = demonstrations(pack, [SCENARIOS["multi_hop"].id], encoder, EnvSection(), seed=0)
    own = [token for token, is_own in zip(rows[0].completion_ids, rows[0].mask, strict=True) if is_own]
    shown = [token for token, is_own in zip(rows[0].completion_ids, rows[0].mask, strict=True) if not is_own]
    assert tokenizer.decode(own).count("<tool_call>") == SCENARIOS["multi_hop"].depth
    assert "<tool_call>" not in tokenizer.decode(shown)
    assert "tool_response" in tokenizer.decode(shown)
    assert own[-1] in encoder.stop_ids
