"""A two-tool task is learnt: demonstrations, stopped early, then a few steps of GRPO on worlds nobody has seen."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")

from tests.agents.test_grpo import config  # noqa: E402 - after the check for the extra
from tests.agents.toy import CyclicSchedule, ids_of, tiny_model, toy_pack, toy_tokenizer  # noqa: E402
from tool_gym.agents.credit import CreditConfig  # noqa: E402
from tool_gym.agents.encoding import Encoded, Encoder  # noqa: E402
from tool_gym.agents.grpo import StepGRPOTrainer  # noqa: E402
from tool_gym.agents.models.family import Size  # noqa: E402
from tool_gym.agents.rollouts import Collector, Limits  # noqa: E402
from tool_gym.envs.env import ToolUseEnv  # noqa: E402
from tool_gym.envs.pack import Pack  # noqa: E402
from tool_gym.envs.policies import OraclePolicy  # noqa: E402
from tool_gym.envs.rollout import rollout  # noqa: E402

pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning"),  # TRL says it by the old name
]

HELD_OUT, TRAINING = 64, 300
SFT_STEPS, SFT_BATCH, SFT_RATE = 150, 16, 5e-3
GRPO_STEPS, GRPO_RATE = 20, 8e-4


def demonstrations(pack: Pack, scenarios: Sequence[str], encoder: Encoder) -> list[Encoded]:
    env, found = ToolUseEnv(pack), []
    for scenario in scenarios:
        played = rollout(env, OraclePolicy(), seed=0, options={"scenario": scenario})
        _, info = env.reset(seed=0, options={"scenario": scenario})
        found.append(encoder.encode(info["messages"], info["tools"], played.steps))
    return found


def fine_tune(model: Any, rows: Sequence[Encoded], pad: int) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=SFT_RATE, weight_decay=0.0)
    draws = torch.Generator().manual_seed(0)
    for step in range(SFT_STEPS):
        for group in optimizer.param_groups:
            group["lr"] = SFT_RATE * min(1, (step + 1) / 20) * (1 - step / SFT_STEPS)
        picked = [rows[int(row)] for row in torch.randint(len(rows), (SFT_BATCH,), generator=draws)]
        loss = model(**collated(picked, pad)).loss
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()


def collated(picked: Sequence[Encoded], pad: int) -> dict[str, Any]:
    width = max(len(row.prompt_ids) + len(row.completion_ids) for row in picked)
    ids = torch.full((len(picked), width), pad)
    labels = torch.full((len(picked), width), -100)
    for number, row in enumerate(picked):
        start, end = len(row.prompt_ids), len(row.prompt_ids) + len(row.completion_ids)
        ids[number, :end] = torch.tensor(row.prompt_ids + row.completion_ids)
        own = torch.tensor(row.completion_ids)
        labels[number, start:end] = own.masked_fill(torch.tensor(row.mask) == 0, -100)
    return {"input_ids": ids, "attention_mask": (ids != pad).long(), "labels": labels}


def test_grpo_raises_the_return_on_unseen_worlds(tmp_path: Path) -> None:
    pack, tokenizer = toy_pack(HELD_OUT + TRAINING, seed=1), toy_tokenizer()
    held_out, training = ids_of(pack)[:HELD_OUT], ids_of(pack)[HELD_OUT:]
    encoder, model = Encoder(tokenizer), tiny_model(Size(2, 64, 192, 4, 2))
    fine_tune(model, demonstrations(pack, training, encoder), tokenizer.pad_token_id)
    trainer = StepGRPOTrainer(
        model,
        config(
            tmp_path,
            max_steps=GRPO_STEPS,
            per_device_train_batch_size=32,
            num_generations=8,
            learning_rate=GRPO_RATE,
            lr_scheduler_type="constant_with_warmup",
            warmup_steps=3,
        ),
        processing_class=tokenizer,
        collector=Collector(
            pack, encoder, limits=Limits(max_turns=5, max_turn_tokens=16, max_tokens=160), rows=HELD_OUT
        ),
        schedule=CyclicSchedule(training),
        credit=CreditConfig(estimator="step_gae", lam=0.5),
    )

    def mean_return() -> float:
        played = trainer.play(held_out * 2, list(range(2 * HELD_OUT)))
        return sum(sum(episode.rewards) for episode in played) / len(played)

    before = mean_return()
    trainer.train()
    assert mean_return() > before + 0.1
