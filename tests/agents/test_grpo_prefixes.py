"""The trainer on single turns behind stored beginnings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.agents.toy import CyclicSchedule, LetterReward, ids_of, tiny_model, toy_pack, toy_tokenizer

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")

from tool_gym.agents.credit import CreditConfig  # noqa: E402 - after the check for the extra
from tool_gym.agents.encoding import Encoder  # noqa: E402
from tool_gym.agents.grpo import StepGRPOTrainer  # noqa: E402
from tool_gym.agents.prefixes import PrefixCollector, Prefixes, oracle_episodes  # noqa: E402
from tool_gym.agents.rollouts import Limits  # noqa: E402

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning"),  # TRL says it by the old name
]


def trainer(out: Path, estimator: str) -> StepGRPOTrainer:
    pack, encoder = toy_pack(6, turns=3), Encoder(toy_tokenizer())
    stored = Prefixes(oracle_episodes(pack, ids_of(pack), encoder.dialect))
    settings: dict[str, Any] = {
        "max_steps": 3,
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "learning_rate": 1e-2,
        "bf16": False,
        "gradient_checkpointing": False,
        "use_cpu": True,
        "report_to": "none",
        "save_strategy": "no",
        "logging_steps": 1,
        "disable_tqdm": True,
    }
    return StepGRPOTrainer(
        tiny_model(),
        trl.GRPOConfig(str(out), **settings),
        processing_class=toy_tokenizer(),
        collector=PrefixCollector(
            pack, encoder, stored, limits=Limits(max_turns=12, max_turn_tokens=5), reward=LetterReward(), rows=8
        ),
        schedule=CyclicSchedule(ids_of(pack)),
        credit=CreditConfig(estimator=estimator),
    )


@pytest.mark.parametrize("estimator", ["trajectory", "step_gae", "step_gae_value"])
def test_the_one_turn_is_what_is_learnt_from(tmp_path: Path, estimator: str) -> None:
    made = trainer(tmp_path, estimator)
    made.current_gradient_accumulation_steps = 1
    made.model.train()
    out = made._generate_and_score_completions([{"prompt": ""}] * 8)
    assert out["advantages"].abs().sum() > 0
    for number, rollout in enumerate(made._rollouts):
        size = len(rollout.completion_ids)
        assert size <= 5  # nothing of the beginning, which is in the prompt
        assert out["completion_mask"][number].sum() == size
        assert torch.equal(out["tool_mask"][number][:size], torch.ones(size, dtype=out["tool_mask"].dtype))
        given = out["prompt_ids"][number][out["prompt_mask"][number].bool()].tolist()
        assert given == rollout.prompt_ids
    for start in (0, 4):
        assert len({tuple(rollout.prompt_ids) for rollout in made._rollouts[start : start + 4]}) == 1


def test_equal_seeds_give_equal_weights(tmp_path: Path) -> None:
    def trained() -> tuple[dict[str, Any], list[float]]:
        made = trainer(tmp_path, "step_gae")
        made.train()
        return made.model.state_dict(), [entry["turns"] for entry in made.state.log_history if "turns" in entry]

    (one, turns), (other, _) = trained(), trained()
    assert all(torch.equal(one[name], other[name]) for name in one)
    assert turns == [1.0, 1.0, 1.0]
    before = tiny_model().state_dict()
    assert any(not torch.equal(one[name], before[name]) for name in one)
