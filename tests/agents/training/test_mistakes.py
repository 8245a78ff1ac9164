"""Mistakes that only the training stack can see are told in one line, before anything is trained."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.agents.training.running import words
from tool_gym.agents.training.arguments import accumulation
from tool_gym.agents.training.settings import resolve
from tool_gym.cli import main
from tool_gym.errors import AgentError

pytestmark = pytest.mark.train


def test_a_batch_is_shared_out_or_refused() -> None:
    assert accumulation(64, 8, 4) == 2
    with pytest.raises(AgentError, match="must be a multiple of 24"):
        accumulation(64, 8, 3)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["grpo.trl.num_generation=3"], "no field of TRL's GRPOConfig named 'num_generation'"),
        (["sft.trl.packing=true"], "sft.trl.packing follows from settings of this configuration"),
        (["grpo.trl.loss_type=grpo"], "grpo.trl.loss_type follows from settings"),
        (["grpo.loss=none_such"], "grpo.loss"),
        (["grpo.credit.estimator=step_gae_value", "grpo.critic.hiddens=3"], "Did you mean 'hidden'"),
        (["grpo.credit.estimator=step_gae_value", "grpo.critic.hidden=0"], "grpo.critic.hidden"),
        (["run.device=cuda"], "torch sees no GPU"),
        (['run.report_to=["tensorbord"]'], "Did you mean 'tensorboard'"),
        (['run.report_to=["clearml"]'], "pip install clearml"),
        (["run.vllm=true"], "pip install vllm"),
        (['env.generate.shapes=["single"]'], "single_hop"),
        (["env.suite=everydy"], "everyday"),
        (["model.size=nanno"], "Did you mean 'nano'"),
        (["sft.max_length=5"], "sft.max_length leaves none"),
        (["grpo.credit.estimator=trajectory", "grpo.critic.hidden=8"], "step_gae_value"),
        (["env.max_prompt_tokens=3"], "widen them"),
        (["env.prompt=template", "env.dialect=structured"], "structured"),
    ],
    ids=str,
)
def test_a_mistake_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: list[str], said: str) -> None:
    status = main(words(tmp_path, "out", *settings, "env.generate.train=8", "sft.steps=1", "evaluation.every=0"))
    shown = capsys.readouterr()
    last = shown.err.splitlines()[-1]
    assert (status, shown.out) == (2, "")
    assert last.startswith("error: ")
    assert said in last
    assert "Traceback" not in shown.err


def test_a_model_without_a_tokenizer_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from transformers import Qwen3Config, Qwen3ForCausalLM

    small = Qwen3Config(
        vocab_size=32, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, head_dim=8
    )
    Qwen3ForCausalLM(small).save_pretrained(tmp_path / "bare")
    assert main([*words(tmp_path, "out"), "--model", str(tmp_path / "bare")]) == 2
    assert "cannot load a tokenizer" in capsys.readouterr().err
    assert main([*words(tmp_path, "other"), "--model", str(tmp_path / "none")]) == 2
    assert "there is no such folder" in capsys.readouterr().err


def test_a_policy_that_never_succeeds_gives_nothing_to_learn_from(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ['stages=["sft"]', 'sft.sources=["oracle", "policy"]', "sft.round_scenarios=2", "evaluation.every=0"]
    assert main(words(tmp_path, "out", *settings)) == 2
    assert "none was at or above sft.threshold" in capsys.readouterr().err
    assert main(words(tmp_path, "pairs", 'stages=["sft", "dpo"]', "dpo.chosen=1.0", "evaluation.every=0")) == 2
    assert "found no pair" in capsys.readouterr().err


def test_presets_are_what_trl_takes() -> None:
    from tool_gym.agents.training.arguments import check_trl
    from tool_gym.agents.training.processes import Processes
    from tool_gym.agents.training.settings import preset_names

    for name in preset_names():
        check_trl(resolve(name, settings=["run.bf16=off"]), Processes("cpu"))


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing:FutureWarning")  # TRL says it by the old name
def test_which_episodes_are_left_out_is_not_left_to_trl(tmp_path: Path) -> None:
    """TRL goes by the last token: a last turn that was cut, or ended by another mark, would be left out too."""
    from tool_gym.agents.training.arguments import Call, check_trl, trl_config
    from tool_gym.agents.training.processes import Processes

    config = resolve("cpu-demo", settings=["grpo.mask_overlong=true"])
    assert not trl_config(config, "grpo", Call(tmp_path, 1, 0), Processes("cpu")).mask_truncated_completions
    with pytest.raises(AgentError, match="mask_truncated_completions follows from settings"):
        check_trl(resolve("cpu-demo", settings=["grpo.trl.mask_truncated_completions=true"]), Processes("cpu"))
