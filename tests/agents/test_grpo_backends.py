"""Generation by TRL's own path: what vLLM would be asked, and log-probabilities that stand at their tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")

from tests.agents.test_grpo import TURNS, batch, same, trainer, weights  # noqa: E402 - after the check for the extra
from tests.agents.toy import toy_tokenizer  # noqa: E402
from tool_gym.agents.grpo.internals import HookedGRPOTrainer  # noqa: E402
from tool_gym.agents.sampling import Sampler  # noqa: E402

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning"),  # TRL says it by the old name
]


class InferenceServer:
    """Stands where TRL's connection to vLLM does; writes with the model at hand, and tells log-probabilities."""

    def __init__(self, *, model: Any, temperature: float, generation_kwargs: dict[str, Any], **_: Any) -> None:
        self.model, self.temperature, self.cap = model, temperature, generation_kwargs["max_tokens"]
        self.temperatures: list[float] = []
        self.synchronised = 0

    def sync_weights(self) -> None:
        self.synchronised += 1

    def generate(self, *, prompts: list[list[int]], images: None, num_generations: int, profiler: Any) -> Any:
        del images, profiler
        assert num_generations == 1
        self.temperatures.append(self.temperature)
        tokenizer = toy_tokenizer()
        sampler = Sampler(self.model, pad_id=tokenizer.pad_token_id, stop_ids=frozenset({tokenizer.eos_token_id}))
        written = sampler.sample(prompts, max_new_tokens=self.cap, temperature=self.temperature)
        log_probs = [
            [[of_token] for of_token in self._log_probs(prompt, turn.ids)]
            for prompt, turn in zip(prompts, written, strict=True)
        ]
        return prompts, [turn.ids for turn in written], log_probs, None

    def _log_probs(self, prompt: list[int], ids: list[int]) -> list[float]:
        with torch.no_grad():
            logits = self.model(torch.tensor([prompt + ids])).logits[0].log_softmax(-1)
        return [float(logits[len(prompt) - 1 + place, token]) for place, token in enumerate(ids)]


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr("trl.trainer.grpo_trainer.VLLMGeneration", InferenceServer)
    return trainer(tmp_path, use_vllm=True, vllm_importance_sampling_mode="token_truncate")


def test_log_probabilities_of_the_backend_stand_at_their_tokens(served: Any) -> None:
    """The same model wrote and is trained, so that all ratios are 1; were they shifted, none would be."""
    out = batch(served)
    own = (out["tool_mask"] * out["completion_mask"]).bool()
    assert max(len(rollout.turns) for rollout in served._rollouts) == TURNS
    assert torch.allclose(out["importance_sampling_ratio"][own], torch.ones(1), atol=1e-4)
    assert (out["sampling_per_token_logps"][own] < -1).float().mean() > 0.9
    assert (out["sampling_per_token_logps"][~own] == 0).all()


def test_the_backend_has_the_weights_of_the_step(served: Any) -> None:
    before = weights(served)
    served.train()
    assert served.vllm_generation.synchronised == 2
    assert not same(before, weights(served))


def test_playing_greedily_asks_the_backend_for_it(served: Any) -> None:
    first, second = (served.play(["toy0"], temperature=0) for _ in range(2))
    assert first[0].completion_ids == second[0].completion_ids
    assert set(served.vllm_generation.temperatures) == {0}
    assert served.vllm_generation.temperature == 1.0


def test_sharded_models_are_sampled_by_trl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HookedGRPOTrainer, "generates_together", property(lambda _: True))
    made = trainer(tmp_path)
    before = weights(made)
    first, second = (made.play(["toy0", "toy1"], temperature=0) for _ in range(2))
    assert [one.completion_ids for one in first] == [one.completion_ids for one in second]
    assert all(end - start <= 5 for one in first for start, end in one.turns)
    made.train()
    assert not same(before, weights(made))


def test_continuous_batching_is_taken_too(tmp_path: Path) -> None:
    paged = {"num_blocks": 64, "max_batch_tokens": 256}
    made = trainer(
        tmp_path, max_steps=1, use_transformers_continuous_batching=True, transformers_continuous_batching_config=paged
    )
    before = weights(made)
    made.train()
    assert not same(before, weights(made))
