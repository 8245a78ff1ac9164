"""`tool-gym rollout` with models: an endpoint on the loopback interface, and a tiny local model."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from tool_gym.cli import main
from tool_gym.llm.fake import FakeEndpoint
from tool_gym.trajectory import read_trajectories


def played(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    status = main(["rollout", "--split", "test", *arguments])
    told = capsys.readouterr()
    return status, told.out, told.err


def silent(_: dict[str, Any]) -> str:
    return ""


def test_an_endpoint_stands_beside_scripted_policies(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeEndpoint(silent) as fake:
        name = f"openai:{fake.base_url}#fake"
        options = [
            "--dialect",
            "openai",
            "--episodes",
            "3",
            "--max-tokens",
            "9",
            "--json",
            "--out",
            str(tmp_path / "t"),
        ]
        status, out, err = played(capsys, "--policy", f"silent,{name},oracle", *options)
    assert status == 0
    told = json.loads(out)
    assert [line["policy"] for line in told["policies"]] == ["silent", name, "oracle"]
    first, model, best = told["policies"]
    assert model == {**first, "policy": name}
    assert best["mean_return"] == 1
    assert (told["max_tokens"], told["temperature"]) == (9, 0)
    assert {body["max_tokens"] for body in fake.requests} == {9}
    assert f"{name}: {len(fake.requests)} turns, {len(fake.requests)} empty" in err
    records = list(read_trajectories(tmp_path / "t"))
    assert {(record.policy, record.scenario_id) for record in records if record.policy == name} == {
        (name, record.scenario_id) for record in records if record.policy == "oracle"
    }


def test_an_endpoint_that_fails_ends_the_command_and_keeps_what_was_played(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "played.jsonl"
    with FakeEndpoint(silent, ("valid", "valid", "unsupported")) as fake:
        name = f"openai:{fake.base_url}#fake"
        status, shown, err = played(
            capsys, "--policy", name, "--episodes", "20", "--concurrency", "1", "--dialect", "openai", "--out", str(out)
        )
    kept = list(read_trajectories(out))
    assert status == 2
    assert shown == ""
    assert f"turn 1: {fake.base_url}/chat/completions refuses the request" in err
    assert f"the {len(kept)} episodes played before it are in {out}" in err
    assert kept


def test_concurrency_is_how_many_are_asked_side_by_side(capsys: pytest.CaptureFixture[str]) -> None:
    together, asked = threading.Barrier(2), iter(range(10**6))

    def answer(_: dict[str, Any]) -> str:
        if next(asked) < 2:
            together.wait(timeout=20)
        return ""

    with FakeEndpoint(answer) as fake:
        options = ["--policy", f"openai:{fake.base_url}#fake", "--episodes", "2", "--concurrency", "2"]
        status, _, err = played(capsys, *options)
    assert status == 0, err
    assert not together.broken


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("openai:http://127.0.0.1:1/v1", "an endpoint is written BASE_URL#MODEL"),
        ("openai:nowhere#m", "is no base URL of an endpoint"),
        ("opnai:http://127.0.0.1:1/v1#m", "no policy named 'opnai:"),
    ],
)
def test_a_misnamed_model_is_told(capsys: pytest.CaptureFixture[str], name: str, message: str) -> None:
    status, _, err = played(capsys, "--policy", name, "--episodes", "1")
    assert status == 2
    assert message in err


@pytest.mark.train
def test_a_local_model_plays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from tool_gym.agents.models import Size, build_model, build_tokenizer

    tokenizer = build_tokenizer(["What is the home port of SH1?"], 300)
    build_model(tokenizer, Size(1, 16, 32, 2, 1)).save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    name = f"hf:{tmp_path / 'model'}"
    options = ["--policy", name, "--episodes", "2", "--max-tokens", "8", "--max-turns", "2"]
    status, out, err = played(capsys, *options, "--json")
    assert status == 0, err
    assert [line["policy"] for line in json.loads(out)["policies"]] == [name]
    assert played(capsys, "--policy", f"hf:{tmp_path}", "--episodes", "1")[0] == 2
