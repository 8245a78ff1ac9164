"""Perplexity against figures worked by hand, and lm-eval tasks (needs the train extra; lm-eval for one test)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.agents.analysis.models import VOCABULARY, llama, tokenizer
from tool_gym.agents.analysis.guard import Guard
from tool_gym.agents.analysis.harness import Harness
from tool_gym.agents.analysis.perplexity import perplexity, read_text, windows
from tool_gym.errors import AgentError

pytestmark = pytest.mark.train

TEXT = "a badge faced each head"


@pytest.fixture(scope="module")
def model() -> Any:
    import torch

    torch.manual_seed(0)
    return llama(initializer_range=0.5).eval()


def test_a_model_that_knows_nothing_is_as_perplexed_as_its_vocabulary_is_large() -> None:
    import torch

    model = llama()
    with torch.no_grad():
        model.lm_head.weight.zero_()
    found = perplexity(model, tokenizer(), TEXT)
    assert found.perplexity == pytest.approx(VOCABULARY, rel=1e-5)
    assert found.bits_per_byte == pytest.approx(math.log2(VOCABULARY), rel=1e-5)  # one token a byte
    assert (found.tokens, found.bytes, found.unknown) == (len(TEXT), len(TEXT), 0)


@pytest.mark.parametrize(("window", "stride"), [(64, 32), (8, 4), (9, 1), (5, 4)])
def test_perplexity_is_the_mean_over_tokens_each_in_its_window(model: Any, window: int, stride: int) -> None:
    import torch

    ids = [0, *tokenizer()(TEXT, add_special_tokens=False)["input_ids"]]
    nats = []
    for one in windows(len(ids), window, stride):
        for token in range(one.first, one.end):
            with torch.no_grad():
                logits = model(input_ids=torch.tensor([ids[one.begin : token]])).logits[0, -1]
            nats.append(-float(logits.double().log_softmax(-1)[ids[token]]))
    found = perplexity(model, tokenizer(), TEXT, window=window, stride=stride)
    assert len(nats) == found.tokens == len(TEXT)
    assert found.perplexity == pytest.approx(math.exp(sum(nats) / len(nats)), rel=1e-4)
    assert found.bits_per_byte == pytest.approx(sum(nats) / math.log(2) / len(TEXT), rel=1e-4)


def test_what_the_tokenizer_does_not_know_is_counted(model: Any) -> None:
    found = perplexity(model, tokenizer(), "abxé")
    assert found.unknown == 2
    assert found.bytes == 5


def test_without_a_beginning_the_first_token_is_given(model: Any) -> None:
    bare = tokenizer()
    bare.bos_token = bare.eos_token = None
    found = perplexity(model, bare, "abc")
    assert (found.tokens, found.bytes) == (2, 2)
    with pytest.raises(AgentError, match="too few tokens"):
        perplexity(model, bare, "a")


def test_windows_beyond_the_context_are_refused(model: Any) -> None:
    with pytest.raises(AgentError, match="longer than the model's context of 64"):
        perplexity(model, tokenizer(), TEXT, window=65)


def test_a_broken_model_has_no_perplexity() -> None:
    import torch

    model = llama()
    with torch.no_grad():
        model.lm_head.weight[3, 0] = float("nan")
    with pytest.raises(AgentError, match="no numbers"):
        perplexity(model, tokenizer(), TEXT)


def test_texts_that_are_none_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "text"
    for content, says in ((b" \n", "empty"), (b"\xff\xfe", "no UTF-8")):
        path.write_bytes(content)
        with pytest.raises(AgentError, match=says):
            read_text(path)
    with pytest.raises(AgentError, match="cannot read"):
        read_text(tmp_path / "missing")
    path.write_text("né", encoding="utf-8")
    assert read_text(path) == "né"


def test_tasks_need_the_harness(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(AgentError, match=r"tool-gym\[train,lm-eval\]"):
        Harness(["arc_easy"])


TASK = """\
task: own_choice
dataset_path: json
dataset_kwargs:
  data_files: {{test: {data}}}
  cache_dir: {cache}
test_split: test
output_type: multiple_choice
doc_to_text: "{{{{question}}}}"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: label
metric_list: [{{metric: acc, aggregation: mean, higher_is_better: true}}]
"""


@pytest.mark.filterwarnings("ignore")  # the harness's own
def test_a_task_of_ones_own_is_run(model: Any, tmp_path: Path) -> None:
    pytest.importorskip("lm_eval", reason="needs the extra lm-eval")
    data = tmp_path / "data.jsonl"
    rows = [{"question": "a b", "choices": ["c", "d"], "label": number % 2} for number in range(6)]
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "own.yaml").write_text(TASK.format(data=data, cache=tmp_path / "cache"))
    harness = Harness(["own_choice"], tmp_path, limit=4)
    found = Guard(harness=harness).measure(model, tokenizer())
    assert found.perplexity is None
    assert [(one.task, one.metric, one.value) for one in found.metrics] == [("own_choice", "acc", 0.5)]
    with pytest.raises(AgentError, match="knows no task 'own_choise'; close are own_choice"):
        Harness(["own_choise"], tmp_path)
