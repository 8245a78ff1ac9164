"""The configuration: where settings come from, what is refused, and that paper and memory say the same."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.agents.training.config import TrainConfig
from tool_gym.agents.training.settings import (
    config_of,
    flat,
    preset_names,
    preset_title,
    resolve,
    to_toml,
)
from tool_gym.errors import AgentError, UnknownNameError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_is_a_configuration_and_says_what_it_is_for(name: str) -> None:
    assert isinstance(resolve(name), TrainConfig)
    assert len(preset_title(name)) > 20


def test_the_presets_are_the_promised_ones() -> None:
    assert {"cpu-demo", "gpu-small", "lora-7b"} <= set(preset_names())


@pytest.mark.parametrize("name", preset_names())
def test_what_is_printed_is_read_back_as_the_same(name: str) -> None:
    config = resolve(name)
    assert config_of(tomllib.loads(to_toml(config))) == config


@given(
    st.fixed_dictionaries(
        {
            "suite": TEXT,
            "shapes": st.lists(TEXT, max_size=3),
            "max_depth": st.none() | st.integers(1, 10**12),
        }
    ),
    st.dictionaries(TEXT.filter(bool), TEXT | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(-1e30, 1e30)),
    st.floats(1e-30, 1e30),
)
def test_any_value_survives_toml(env: dict[str, Any], table: dict[str, Any], rate: float) -> None:
    data = {"env": env, "grpo": {"trl": table, "learning_rate": rate}, "evaluation": {"split": "test"}}
    config = config_of(data)
    assert config_of(tomllib.loads(to_toml(config))) == config


def test_later_sources_win_key_by_key(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text("[grpo]\ngroups = 4\nsteps = 7\n[grpo.credit]\ngamma = 0.5\n", encoding="utf-8")
    preset = resolve("cpu-demo")
    found = resolve("cpu-demo", file, ["grpo.steps=9", "grpo.micro_batch=4"], {"run.out": "there"})
    assert (found.grpo.groups, found.grpo.steps, found.grpo.credit.gamma) == (4, 9, 0.5)
    assert found.grpo.learning_rate == preset.grpo.learning_rate
    assert found.grpo.credit.estimator == preset.grpo.credit.estimator
    assert found.run.out == "there"


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("model.path=Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct"),
        ('model.path="quoted"', "quoted"),
        ("model.path=a=b", "a=b"),
        ("grpo.learning_rate=1e-4", 1e-4),
        ("evaluation.greedy=false", False),
        ("run.seeds=[3, 4]", (3, 4)),
        ("grpo.schedule.levels.window=3", 3),
        ("grpo.trl.top_entropy_quantile=0.2", 0.2),
    ],
)
def test_a_setting_is_read_as_toml_or_else_as_text(written: str, value: Any) -> None:
    found: Any = resolve("cpu-demo", settings=[written]).model_dump()
    for part in written.partition("=")[0].split("."):
        found = found[part]
    assert found == value


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("grpo.lerning_rate=1", "no setting of [grpo] named 'lerning_rate'. Did you mean 'learning_rate'?"),
        ("grpoo.steps=1", "Did you mean 'grpo'?"),
        ("grpo.credit.gama=1", "no setting of [grpo.credit] named 'gama'. Did you mean 'gamma'?"),
        ("grpo.schedule.levels.widow=1", "Did you mean 'window'?"),
        ("grpo.credit.estimator=step_ga", "Did you mean 'step_gae'?"),
        ("env.reward=solv", "Did you mean 'solve'?"),
        ("env.dialect=hermess", "Did you mean 'hermes'?"),
    ],
)
def test_an_unknown_key_or_name_is_told_with_the_nearest(setting: str, said: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        resolve("cpu-demo", settings=[setting])
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (["grpo.steps=0"], "grpo.steps: Input should be greater than or equal to 1, not 0"),
        (["grpo.learning_rate=nan"], "grpo.learning_rate"),
        (["sft.batch=12", "sft.micro_batch=8"], "batch (12) must be a multiple of micro_batch (8); micro_batch = 6"),
        (["grpo.groups=3", "grpo.group_size=5", "grpo.micro_batch=4"], "micro_batch = 3"),
        (["evaluation.split=train"], "what is trained on is not held out"),
        (["evaluation.split=validation", "env.generate.validation=0"], "env.generate makes no scenario of that split"),
        (['stages=["grpo"]', "model.path="], "needs a policy that can act already"),
        (['sft.sources=["policy"]', "model.path="], "needs a policy that can act already"),
        (["stages=[]"], "stages"),
        (["run.seeds=[1, 1]"], "seeds must be distinct"),
        (["env.limits.max_turn_tokens=900", "env.limits.max_tokens=800"], "must not be above max_tokens"),
        (["grpo.credit.normalisation=reinforce_pp"], "will not do"),
        (["grpo=3"], "grpo"),
        (["grpo"], "a setting is written section.key=value"),
        (["env.reward=step_grained:mode=mean"], "for stored trajectories"),
    ],
    ids=str,
)
def test_a_value_that_will_not_do_is_told_with_its_place(settings: list[str], said: str) -> None:
    with pytest.raises(AgentError) as caught:
        resolve("cpu-demo", settings=settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("a = [", encoding="utf-8")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    for name, said in (("none.toml", "No such file"), ("broken.toml", "is not TOML"), ("binary.toml", "not UTF-8")):
        with pytest.raises(AgentError, match=said):
            resolve(file=tmp_path / name)


def test_an_unknown_preset_is_told_with_the_known() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'cpu-demo'"):
        resolve("cpu-dem")


def test_a_stage_that_comes_again_has_a_folder_of_its_own() -> None:
    config = resolve("cpu-demo", settings=['stages=["sft", "grpo", "sft", "grpo"]'])
    assert [name for name, _ in config.stage_names] == ["sft", "grpo", "sft-2", "grpo-2"]


def test_every_setting_has_one_dotted_key() -> None:
    keys = flat(resolve("cpu-demo"))
    assert keys["grpo.credit.gamma"] == 1.0
    assert keys["env.generate.seed"] == 0
    assert not any(isinstance(value, dict) for value in keys.values())


def test_every_setting_is_documented() -> None:
    from tool_gym.agents.training import sections, stage_sections

    for module in (sections, stage_sections):
        source = Path(str(module.__file__)).read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(source):
            if line.startswith("    ") and not line.startswith("     ") and ": " in line and " = " in line:
                assert source[number + 1].strip().startswith('"""'), line
