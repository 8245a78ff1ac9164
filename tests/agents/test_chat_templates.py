"""What the environment hands a chat model fits real chat templates (needs the train extra)."""

from __future__ import annotations

import importlib.resources
from typing import Any

import pytest

from tool_gym.dialects import get_dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies import OraclePolicy
from tool_gym.envs.rollout import rollout

pytestmark = pytest.mark.train

TEMPLATES = ["qwen2_5", "qwen3"]


@pytest.fixture(scope="module")
def episode() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The messages and tools of an oracle's episode."""
    env = ToolUseEnv(split="test")
    rollout(env, OraclePolicy(), seed=1)
    return list(env.messages), [tool.schema for tool in env.scenario.tools]


def tokenizer_with(template: str) -> Any:
    """A tokenizer made here, with a template that TRL ships."""
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    text = (importlib.resources.files("trl") / "chat_templates" / f"{template}.jinja").read_text()
    inner = Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]")
    tokenizer.chat_template = text
    return tokenizer


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_template_renders_every_turn_of_an_episode(template: str, episode: Any) -> None:
    messages, tools = episode
    text = tokenizer_with(template).apply_chat_template(messages, tools=tools, tokenize=False)
    for message in messages:
        assert message["content"].strip() in text
    for tool in tools:
        assert f'"name": "{tool["function"]["name"]}"' in text
    assert text.count("<tool_response>") == sum(message["role"] == "tool" for message in messages)


def test_the_conversation_in_the_hermes_prompt_is_laid_out_as_the_models_know_it(episode: Any) -> None:
    messages, tools = episode[0][:-1], episode[1]  # up to the last result; the words of the system part are ours
    # Qwen 2.5's template quotes arguments that are JSON text, as OpenAI's form has them, a second time.
    expected = tokenizer_with("qwen3").apply_chat_template(
        messages, tools=tools, tokenize=False, add_generation_prompt=True
    )
    rendered, request = get_dialect("hermes").render(messages, tools), "<|im_start|>user\n"
    assert rendered.count(request) > 1
    assert rendered[rendered.index(request) :] == expected[expected.index(request) :]
