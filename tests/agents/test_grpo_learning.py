"""A two-tool task is learnt: from sloppy demonstrations first, then, by some steps of GRPO, better than they were."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from statistics import fmean
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
from tool_gym.agents.training.statistics import paired_bootstrap  # noqa: E402
from tool_gym.envs.env import ToolUseEnv  # noqa: E402
from tool_gym.envs.pack import Pack  # noqa: E402
from tool_gym.envs.policies import OraclePolicy  # noqa: E402
from tool_gym.envs.rollout import rollout  # noqa: E402
from tool_gym.turns import Turn  # noqa: E402

pytestmark = [
    pytest.mark.train,
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning"),  # TRL says it by the old name
]

SCENARIOS = 32
SFT_STEPS, SFT_BATCH, SFT_RATE = 100, 16, 5e-3
GRPO_STEPS, GRPO_RATE = 60, 3e-4
REPEATS = 8
LEARNT = 0.5
"""What the demonstrations alone have to bring; they earn 0.83 on average themselves."""


class SloppyPolicy:
    """Plays as the oracle does in half of the episodes, and makes each call twice in the others."""

    name = "sloppy"

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        self._oracle, self._twice = OraclePolicy(), seed % 2 == 1
        self._oracle.reset(env, seed)
        self._again: Turn | None = None

    def act(self, observation: str, info: dict[str, Any]) -> Turn:
        if self._again is not None:
            again, self._again = self._again, None
            return again
        turn = self._oracle.act(observation, info)
        self._again = turn if self._twice and turn.calls else None
        return turn


def demonstrations(pack: Pack, encoder: Encoder) -> list[Encoded]:
    env, found = ToolUseEnv(pack), []
    for scenario, seed in product(ids_of(pack), range(2)):
        played = rollout(env, SloppyPolicy(), seed=seed, options={"scenario": scenario})
        _, info = env.reset(seed=seed, options={"scenario": scenario})
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


def test_grpo_learns_to_do_better_than_its_demonstrations(tmp_path: Path) -> None:
    pack, tokenizer = toy_pack(SCENARIOS, seed=1, worlds=1), toy_tokenizer()
    encoder, model = Encoder(tokenizer), tiny_model(Size(2, 64, 192, 4, 2))
    fine_tune(model, demonstrations(pack, encoder), tokenizer.pad_token_id)
    limits = Limits(max_turns=6, max_turn_tokens=16, max_tokens=200)
    trainer = StepGRPOTrainer(
        model,
        config(
            tmp_path,
            max_steps=GRPO_STEPS,
            per_device_train_batch_size=32,
            num_generations=8,
            learning_rate=GRPO_RATE,
            lr_scheduler_type="linear",
            warmup_steps=3,
        ),
        processing_class=tokenizer,
        collector=Collector(pack, encoder, limits=limits, rows=SCENARIOS),
        schedule=CyclicSchedule(ids_of(pack)),
        credit=CreditConfig(estimator="step_gae"),
    )

    def returns() -> dict[tuple[str, int], float]:
        scenarios = ids_of(pack) * REPEATS
        played = trainer.play(scenarios, list(range(len(scenarios))))
        return {
            (name, number): sum(one.rewards) for number, (name, one) in enumerate(zip(scenarios, played, strict=True))
        }

    before = returns()
    assert fmean(before.values()) > LEARNT
    trainer.train()
    gain = paired_bootstrap(before, returns())
    assert gain.low is not None
    assert gain.low > 0, gain
