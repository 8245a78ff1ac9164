"""The trainer: gradients where the model wrote, TRL's own losses, and what all of TRL's settings make of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.agents.toy import CyclicSchedule, LetterReward, ids_of, tiny_model, toy_pack, toy_tokenizer
from tool_gym.errors import AgentError

torch = pytest.importorskip("torch")
trl = pytest.importorskip("trl")

from tool_gym.agents.credit import CreditConfig  # noqa: E402 - after the check for the extra
from tool_gym.agents.critic import CriticConfig  # noqa: E402
from tool_gym.agents.encoding import Encoder  # noqa: E402
from tool_gym.agents.grpo import StepGRPOTrainer, internals  # noqa: E402
from tool_gym.agents.rollouts import Collector, Limits  # noqa: E402

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning"),  # TRL says it by the old name
]

LOSSES = ("grpo", "bnpo", "dr_grpo", "dapo", "cispo", "sapo", "vespo", "luspo")
LOGGED = {
    *("return", "solved", "solve_p", "solve_r", "solve_f1", "goals", "turns", "calls", "junk_calls", "overlong"),
    *("groups_without_spread", "env_seconds", "model_seconds", "encode_seconds", "env_share", "critic_loss"),
    *("advantage_std/turn_0", "advantage_std/turn_1"),
}
TURNS = 3


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRL_EXPERIMENTAL_SILENCE", "1")


def config(out: Path, **changed: Any) -> Any:
    settings: dict[str, Any] = {
        "output_dir": str(out),
        "max_steps": 2,
        "per_device_train_batch_size": 8,
        "num_generations": 4,
        "learning_rate": 1e-3,
        "bf16": False,
        "gradient_checkpointing": False,
        "use_cpu": True,
        "report_to": "none",
        "save_strategy": "no",
        "logging_steps": 1,
        "disable_tqdm": True,
        "seed": 3,
    }
    return trl.GRPOConfig(**(settings | changed))


def trainer(out: Path, *, model: Any = None, credit: CreditConfig | None = None, **changed: Any) -> StepGRPOTrainer:
    """Return a trainer on episodes of several turns, rewarded with spread; `changed` are settings of TRL or ours."""
    own = {
        name: changed.pop(name) for name in ("critic", "peft_config", "mask_overlong", "schedule") if name in changed
    }
    limits = changed.pop("limits", Limits(max_turns=TURNS, max_turn_tokens=5, max_tokens=200))
    pack = toy_pack(6, turns=TURNS)
    own.setdefault("schedule", CyclicSchedule(ids_of(pack)))
    return StepGRPOTrainer(
        model or tiny_model(),
        config(out, **changed),
        processing_class=toy_tokenizer(),
        collector=Collector(pack, Encoder(toy_tokenizer()), limits=limits, reward=LetterReward(), rows=8),
        credit=credit,
        **own,
    )


def batch(made: StepGRPOTrainer) -> dict[str, Any]:
    made.current_gradient_accumulation_steps = 1
    made.model.train()
    result: dict[str, Any] = made._generate_and_score_completions([{"prompt": ""}] * 8)
    return result


def gradient(made: StepGRPOTrainer, inputs: dict[str, Any]) -> Any:
    made.model.zero_grad()
    made._compute_loss(made.model, inputs).backward()
    return torch.cat([weight.grad.flatten() for weight in made.model.parameters()])


def weights(made: StepGRPOTrainer) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in made.model.state_dict().items()}


def same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


# --- advantages and gradients


@pytest.mark.parametrize("estimator", ["trajectory", "turn_group", "step_gae", "step_gae_value"])
def test_each_turn_has_one_advantage_and_observations_none(tmp_path: Path, estimator: str) -> None:
    made = trainer(tmp_path, credit=CreditConfig(estimator=estimator))
    out = batch(made)
    assert out["advantages"].shape == out["completion_ids"].shape
    assert max(len(rollout.turns) for rollout in made._rollouts) == TURNS
    for row, rollout, of_turns in zip(out["advantages"], made._rollouts, made._advantages, strict=True):
        for (start, end), advantage in zip(rollout.turns, of_turns, strict=True):
            assert torch.equal(row[start:end], torch.full((end - start,), float(np.float32(advantage))))
            row[start:end] = 0
        assert not row.any()
    assert any(of_turns.any() for of_turns in made._advantages)


def test_the_critic_reads_the_state_before_each_turn(tmp_path: Path) -> None:
    made = trainer(tmp_path, credit=CreditConfig(estimator="step_gae_value"))
    batch(made)
    states = iter(made._turn_states())
    for rollout in made._rollouts:
        ids = torch.tensor([[*rollout.prompt_ids, *rollout.completion_ids]])
        alone = made.model(ids, output_hidden_states=True).hidden_states[-1][0]
        for start, _ in rollout.turns:
            assert torch.allclose(next(states), alone[len(rollout.prompt_ids) + start - 1], atol=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_no_gradient_comes_from_what_the_model_did_not_write(tmp_path: Path, loss: str) -> None:
    made = trainer(tmp_path, loss_type=loss)
    out, kept = batch(made), []

    def keep(_: Any, __: Any, output: Any) -> None:
        output.last_hidden_state.retain_grad()
        kept.append(output.last_hidden_state)

    handle = made.model.base_model.register_forward_hook(keep)
    made._compute_loss(made.model, out).backward()
    handle.remove()
    own = torch.zeros_like(out["completion_ids"], dtype=torch.bool)
    for row, rollout in zip(own, made._rollouts, strict=True):
        row[: len(rollout.mask)] = torch.tensor(rollout.mask, dtype=torch.bool)
    predicts = torch.nn.functional.pad(own, (out["prompt_ids"].shape[1] - 1, 1))
    at = kept[0].grad.abs().sum(-1)
    assert (at[~predicts] == 0).all()
    credited = torch.nn.functional.pad(out["advantages"] != 0, (out["prompt_ids"].shape[1] - 1, 1))
    assert (at[credited] > 0).all()
    assert credited.any()


@pytest.mark.parametrize("loss", LOSSES)
def test_equal_advantages_of_all_turns_give_trls_own_loss(tmp_path: Path, loss: str) -> None:
    made = trainer(tmp_path, loss_type=loss, credit=CreditConfig(estimator="trajectory"))
    out = batch(made)
    trls = torch.tensor(list(made._logs["advantages"]))
    ours = torch.tensor([of_turns[0] for of_turns in made._advantages])
    assert torch.allclose(trls, ours.float(), atol=1e-5)
    assert trls.any()
    with_ours, with_trls = (gradient(made, out | {"advantages": given}) for given in (out["advantages"], trls))
    assert torch.allclose(with_ours, with_trls, atol=1e-5)
    assert with_ours.abs().max() > 1e-3


def test_overlong_episodes_can_be_left_out_of_the_loss(tmp_path: Path) -> None:
    limits = Limits(max_turns=TURNS, max_turn_tokens=5, max_tokens=12)
    for masked in (False, True):
        made = trainer(tmp_path, limits=limits, mask_overlong=masked)
        out = batch(made)
        overlong = torch.tensor([rollout.overlong for rollout in made._rollouts])
        assert overlong.any()
        assert (out["tool_mask"] * out["completion_mask"])[overlong].any().item() is not masked


def test_only_overlong_episodes_are_left_out(tmp_path: Path) -> None:
    """A last turn that was cut, or that ends with a token other than the tokenizer's own, makes none overlong."""
    made = trainer(tmp_path, limits=Limits(max_turns=2, max_turn_tokens=3, max_tokens=200), mask_overlong=True)
    out = batch(made)
    stops = made.collector.encoder.stop_ids
    assert any(rollout.completion_ids[-1] not in stops for rollout in made._rollouts)
    assert not any(rollout.overlong for rollout in made._rollouts)
    assert (out["tool_mask"] * out["completion_mask"]).any(1).all()
    with pytest.raises(AgentError, match="mask_overlong"):
        trainer(tmp_path, mask_truncated_completions=True)


# --- groups


def test_groups_share_scenario_and_seed_and_the_schedule_is_told(tmp_path: Path) -> None:
    made = trainer(tmp_path)
    batch(made)
    told = made.schedule.results  # type: ignore[attr-defined]  # the test's own schedule
    assert [result.scenario_id for result in told] == ["toy0", "toy1"]
    for number, result in enumerate(told):
        members = made._rollouts[4 * number : 4 * number + 4]
        assert {member.trajectory.scenario_id for member in members} == {result.scenario_id}
        assert len({member.trajectory.seed for member in members}) == 1
        assert result.returns == pytest.approx([sum(member.rewards) for member in members])
        assert len({tuple(member.completion_ids) for member in members}) > 1
    batch(made)
    assert [result.scenario_id for result in told[2:]] == ["toy2", "toy3"]


def test_the_log_tells_what_happened(tmp_path: Path) -> None:
    made = trainer(tmp_path, max_steps=1, credit=CreditConfig(estimator="step_gae_value"))
    made.train()
    logged = made.state.log_history[0]
    assert logged.keys() >= LOGGED
    assert logged["return"] == pytest.approx(logged["reward"], abs=1e-4)
    assert 0 < logged["env_share"] < 1


def test_completions_can_be_logged_with_their_prompts(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    made = trainer(tmp_path, max_steps=1, log_completions=True)
    made.train()
    (file,) = (tmp_path / "completions").glob("*.parquet")
    rows = list(datasets.Dataset.from_parquet(str(file), cache_dir=str(tmp_path / "cache")))
    assert len(rows) == 8
    assert all("What is the" in row["prompt"] and row["completion"] for row in rows)


# --- TRL's settings


@pytest.mark.parametrize(
    "changed",
    [
        {},
        {"gradient_accumulation_steps": 2, "per_device_train_batch_size": 4},
        {"num_iterations": 2, "max_steps": 4},
        {"steps_per_generation": 2, "max_steps": 4},
        {"credit": CreditConfig(estimator="step_gae_value"), "critic": CriticConfig(hidden=8, epochs=2)},
        {"credit": CreditConfig(estimator="step_gae_value"), "gradient_checkpointing": True},
        {"importance_sampling_level": "sequence"},
    ],
    ids=["plain", "accumulation", "iterations", "steps_per_generation", "critic", "checkpointing", "sequence"],
)
def test_training_moves_the_weights(tmp_path: Path, changed: dict[str, Any]) -> None:
    made = trainer(tmp_path, **changed)
    before = weights(made)
    made.train()
    assert not same(before, weights(made))
    assert all(value.isfinite().all() for value in weights(made).values())


def test_equal_seeds_give_equal_weights(tmp_path: Path) -> None:
    ends = []
    for seed in (3, 3, 4):
        made = trainer(tmp_path, seed=seed)
        made.train()
        ends.append(weights(made))
    assert same(ends[0], ends[1])
    assert not same(ends[0], ends[2])


def test_a_reference_model_is_stayed_close_to(tmp_path: Path) -> None:
    tiny_model().save_pretrained(tmp_path / "model")
    toy_tokenizer().save_pretrained(tmp_path / "model")
    made = trainer(tmp_path, model=str(tmp_path / "model"), beta=0.1, max_steps=3)
    made.train()
    kl = [entry["kl"] for entry in made.state.log_history if "kl" in entry]
    assert kl[0] == pytest.approx(0, abs=1e-6)
    assert kl[-1] > 0


def test_adapters_alone_are_trained(tmp_path: Path) -> None:
    peft = pytest.importorskip("peft")
    made = trainer(tmp_path, peft_config=peft.LoraConfig(r=2, target_modules=["q_proj", "up_proj"]), beta=0.1)
    before = weights(made)
    made.train()
    changed = {name for name, value in weights(made).items() if not torch.equal(value, before[name])}
    assert changed
    assert all("lora" in name for name in changed)


# --- resuming


@pytest.mark.parametrize(
    ("changed", "stop"),
    [
        ({}, 2),
        ({"credit": CreditConfig(estimator="step_gae_value")}, 2),
        ({"num_iterations": 2}, 1),
        ({"steps_per_generation": 2}, 3),
        ({"num_iterations": 2, "gradient_accumulation_steps": 2, "per_device_train_batch_size": 4}, 3),
    ],
    ids=["plain", "critic", "amid_iterations", "amid_generation", "amid_iterations_accumulating"],
)
def test_a_resumed_run_ends_with_the_same_weights(tmp_path: Path, changed: dict[str, Any], stop: int) -> None:
    saving: dict[str, Any] = {"max_steps": 4, "save_strategy": "steps", "save_steps": 1} | changed
    straight = trainer(tmp_path / "run", **saving)
    straight.train()
    resumed = trainer(tmp_path / "run", **saving)
    resumed.train(resume_from_checkpoint=str(tmp_path / "run" / f"checkpoint-{stop}"))
    assert same(weights(straight), weights(resumed))
    assert straight.schedule.state()["at"] == resumed.schedule.state()["at"]
    if straight.critic is not None and resumed.critic is not None:
        assert same(straight.critic.state_dict(), resumed.critic.state_dict())
    last = next(entry for entry in straight.state.log_history if entry["step"] == 4)
    again = next(entry for entry in resumed.state.log_history if entry["step"] == 4)
    assert last["loss"] == again["loss"]


def test_a_checkpoint_of_something_else_is_refused(tmp_path: Path) -> None:
    made = trainer(tmp_path / "run", max_steps=1, save_strategy="steps", save_steps=1)
    made.train()
    (tmp_path / "run" / "checkpoint-1" / "tool_gym_state.json").unlink()
    with pytest.raises(AgentError, match=r"lacks tool_gym_state\.json"):
        trainer(tmp_path / "run").train(resume_from_checkpoint=str(tmp_path / "run" / "checkpoint-1"))


# --- playing, and what is refused


def test_playing_teaches_nothing(tmp_path: Path) -> None:
    made = trainer(tmp_path)
    before, schedule = weights(made), made.schedule.state()
    made.model.train()
    greedy = [made.play(["toy0", "toy1"], temperature=0) for _ in range(2)]
    assert [rollout.completion_ids for rollout in greedy[0]] == [rollout.completion_ids for rollout in greedy[1]]
    assert [rollout.trajectory.scenario_id for rollout in greedy[0]] == ["toy0", "toy1"]
    sampled = [made.play(["toy0"], seed)[0].completion_ids for seed in (0, 0, 1)]
    assert sampled[0] == sampled[1] != sampled[2]
    assert same(before, weights(made))
    assert (schedule, made.model.training) == (made.schedule.state(), True)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"max_steps": -1, "num_train_epochs": 1}, "max_steps"),
        ({"eval_strategy": "steps"}, "eval_strategy"),
        ({"min_p": 0.1}, "min_p"),
        ({"repetition_penalty": 1.1}, "repetition_penalty"),
        ({"critic": CriticConfig()}, "step_gae_value"),
    ],
    ids=["max_steps", "eval_strategy", "min_p", "repetition_penalty", "critic"],
)
def test_settings_that_do_not_go_together_are_refused(tmp_path: Path, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(AgentError, match=message):
        trainer(tmp_path, **changed)


def test_processes_that_drew_differently_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = trainer(tmp_path)

    def mixed(gathered: list[Any]) -> list[Any]:
        return list(reversed(gathered))[1:] + gathered[:1] if len(gathered) == 8 else gathered

    monkeypatch.setattr("tool_gym.agents.grpo.trainer.gather_object", mixed)
    with pytest.raises(AgentError, match="same seed"):
        batch(made)


# --- TRL's internals


def test_the_installed_trl_is_the_one_this_was_written_for() -> None:
    internals.check_trl()


def _gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(internals, "SIGNATURES", internals.SIGNATURES | {"_no_such_method": ("self",)})


def _changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trl.GRPOTrainer, "_prepare_inputs", lambda _self, batch, more: (batch, more))


def _newer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trl, "__version__", "1.17.0")


@pytest.mark.parametrize("change", [_gone, _changed, _newer], ids=["gone", "changed", "newer"])
def test_another_trl_is_refused(monkeypatch: pytest.MonkeyPatch, change: Callable[[Any], None]) -> None:
    change(monkeypatch)
    with pytest.raises(AgentError, match=r"install (that|trl>=1\.16,<1\.17)"):
        internals.check_trl()
