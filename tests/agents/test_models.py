"""The tiny family: tokenizer, chat template, weights, saving and loading."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.dialects import get_dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies import OraclePolicy
from tool_gym.envs.rollout import rollout
from tool_gym.errors import AgentError, UnknownNameError

pytestmark = pytest.mark.train

SHAPES = ["single_hop", "multi_hop", "parallel_multi_hop", "write", "decline"]


@pytest.fixture(scope="module")
def env() -> ToolUseEnv:
    return ToolUseEnv(split="test")


@pytest.fixture(scope="module")
def tokenizer(env: ToolUseEnv) -> Any:
    from tool_gym.agents.models import build_tokenizer
    from tool_gym.agents.models.corpus import corpus

    return build_tokenizer(corpus(env.pack, [entry.id for entry in env.pack.entries("train")][:40]), 600)


@cache
def small_tokenizer() -> Any:
    """A tokenizer that has seen next to nothing."""
    from tool_gym.agents.models import build_tokenizer

    return build_tokenizer(["some words, 12 of them"], 300)


def played(env: ToolUseEnv, shape: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The messages of an oracle's episode of a shape, and its tools."""
    scenario = next(entry.id for entry in env.pack.entries("test") if entry.shape == shape)
    rollout(env, OraclePolicy(), options={"scenario": scenario})
    return list(env.messages), [tool.schema for tool in env.scenario.tools]


@pytest.mark.parametrize("shape", SHAPES)
def test_the_template_grows_only_at_its_end(tokenizer: Any, env: ToolUseEnv, shape: str) -> None:
    messages, tools = played(env, shape)
    whole = tokenizer.apply_chat_template(messages, tools=tools, tokenize=False)
    for end, message in enumerate(messages):
        if message["role"] == "assistant":
            before = tokenizer.apply_chat_template(
                messages[:end], tools=tools, tokenize=False, add_generation_prompt=True
            )
            assert whole.startswith(before)


@pytest.mark.parametrize("shape", SHAPES)
def test_what_the_template_marks_is_what_the_dialect_writes(tokenizer: Any, env: ToolUseEnv, shape: str) -> None:
    messages, tools = played(env, shape)
    shown = tokenizer.apply_chat_template(messages, tools=tools, return_dict=True, return_assistant_tokens_mask=True)
    own = [token for token, mark in zip(shown["input_ids"], shown["assistant_masks"], strict=True) if mark]
    dialect = get_dialect("hermes")
    turns = [dialect.write(step.turn) for step in env.trajectory.steps]
    assert tokenizer.decode(own) == "".join(f"{turn}<|im_end|>" for turn in turns)


def test_every_tool_is_shown_with_its_parameters(tokenizer: Any, env: ToolUseEnv) -> None:
    messages, tools = played(env, "multi_hop")
    text = tokenizer.apply_chat_template(messages, tools=tools, tokenize=False)
    for tool in env.scenario.tools:
        assert f"{tool.name}({', '.join(tool.parameters['properties'])}) {tool.description}\n" in text


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_comes_back_from_its_tokens(text: str) -> None:
    known = small_tokenizer()
    plain = re.sub(r"<\|[a-z_]+\|>", "", text)
    assert known.decode(known(plain, add_special_tokens=False).input_ids, skip_special_tokens=False) == plain


def test_a_word_is_the_same_tokens_in_prose_and_in_json(tokenizer: Any) -> None:
    def ids(text: str) -> list[int]:
        return list(tokenizer(text, add_special_tokens=False).input_ids)

    word = ids("Gormstad")
    for text in ("in Gormstad, now", '{"city": "Gormstad"}', "Answer: Gormstad", "Gormstad 7"):
        inside = ids(text)
        assert any(inside[at : at + len(word)] == word for at in range(len(inside)))


@pytest.mark.parametrize("architecture", ["qwen3", "llama"])
def test_a_model_is_saved_and_loaded_as_it_was(tokenizer: Any, tmp_path: Path, architecture: str) -> None:
    import torch

    from tool_gym.agents.models import Size, build_model, load_model

    model = build_model(tokenizer, Size(1, 16, 32, 2, 1), architecture=architecture, seed=3)
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    again, words = load_model(tmp_path, device="cpu")
    assert all(torch.equal(one, again.state_dict()[name]) for name, one in model.state_dict().items())
    assert words.chat_template == tokenizer.chat_template
    assert not again.training


def test_equal_seeds_give_equal_weights_and_leave_torch_alone(tokenizer: Any) -> None:
    import torch

    from tool_gym.agents.models import Size, build_model

    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, second, third = (build_model(tokenizer, Size(1, 16, 32, 2, 1), seed=seed) for seed in (5, 5, 6))
    assert torch.equal(state, torch.get_rng_state())
    assert torch.equal(first.lm_head.weight, second.lm_head.weight)
    assert not torch.equal(first.lm_head.weight, third.lm_head.weight)


def test_the_sizes_grow_up_to_a_hundred_million(tokenizer: Any) -> None:
    import torch

    from tool_gym.agents.models import SIZES, build_model

    with torch.device("meta"):
        counts = [sum(one.numel() for one in build_model(tokenizer, size).parameters()) for size in SIZES]
    assert counts == sorted(counts)
    assert counts[0] < 1e6
    assert 9e7 < counts[-1] < 1.1e8


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        pytest.param({"size": "nanno"}, UnknownNameError, "Did you mean 'nano'", id="size"),
        pytest.param({"architecture": "gpt"}, UnknownNameError, "no architecture named 'gpt'", id="architecture"),
        pytest.param({"size": (1, 16, 32, 3, 2)}, AgentError, "heads must be a multiple", id="heads"),
    ],
)
def test_a_model_that_cannot_be_is_refused(tokenizer: Any, wrong: dict[str, Any], error: type, said: str) -> None:
    from tool_gym.agents.models import Size, build_model

    wrong = {name: Size(*value) if isinstance(value, tuple) else value for name, value in wrong.items()}
    with pytest.raises(error, match=said):
        build_model(tokenizer, **wrong)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        pytest.param({"device": "tpu-nine"}, "there is no device 'tpu-nine'", id="device"),
        pytest.param({"dtype": "int3"}, "dtype must be", id="dtype"),
        pytest.param({}, "no such folder", id="path"),
    ],
)
def test_what_cannot_be_loaded_is_told(options: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from tool_gym.agents.models import load_model

    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(AgentError, match=said):
        load_model("no/such-model", **options)
