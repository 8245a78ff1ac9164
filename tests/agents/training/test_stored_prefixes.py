"""GRPO on single turns behind stored beginnings, as a stage of `tool-gym train`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.agents.training.running import same, words
from tool_gym.agents.prefixes import PrefixCollector
from tool_gym.agents.training.settings import resolve
from tool_gym.cli import main
from tool_gym.errors import AgentError
from tool_gym.trajectory import read_trajectories

STORED = "grpo.rollout=stored_prefix"


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (["grpo.prefixes.samples=2"], 'prefixes go with rollout = "stored_prefix", not "episode"'),
        ([STORED, "grpo.schedule.levels={}"], "schedule.levels go by how whole episodes end"),
        ([STORED, "grpo.introspection={}"], "introspection go by how whole episodes end"),
        ([STORED, "grpo.prefixes.source=me"], "grpo.prefixes.source: Input should be 'policy' or 'oracle'"),
    ],
    ids=["no-prefixes-without", "no-levels", "no-introspection", "no-other-source"],
)
def test_what_does_not_go_together_is_told(settings: list[str], told: str) -> None:
    with pytest.raises(AgentError) as caught:
        resolve("cpu-demo", settings=settings)
    assert told in str(caught.value)


def test_what_a_preset_set_can_be_taken_back() -> None:
    assert resolve("gpu-small").grpo.schedule.difficulty is not None
    assert resolve("gpu-small", settings=["grpo.schedule.difficulty=unset"]).grpo.schedule.difficulty is None
    assert resolve("cpu-demo", settings=['model.path="unset"']).model.path == "unset"
    with pytest.raises(AgentError, match=r"grpo\.steps: Input should be a valid integer"):
        resolve("cpu-demo", settings=["grpo.steps=unset"])


@pytest.mark.train
def test_a_stage_on_stored_episodes_goes_on_after_an_interruption(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = [STORED, "grpo.prefixes.scenarios=3", "grpo.prefixes.samples=2", "grpo.iterations=1"]
    settings += ["sft.steps=1", "evaluation.every=0"]
    assert main(words(tmp_path, "whole", *settings)) == 0
    stage = tmp_path / "whole" / "seed-0" / "grpo"
    stored = list(read_trajectories(stage / "prefixes.jsonl"))
    assert len(stored) == 6
    assert len({one.scenario_id for one in stored}) == 3
    log = json.loads((stage / "log.json").read_text(encoding="utf-8"))
    assert [entry["turns"] for entry in log if "turns" in entry] == [1.0, 1.0, 1.0]

    calls: list[None] = []
    collect = PrefixCollector.collect

    def interrupted(self: PrefixCollector, *args: Any, **kwargs: Any) -> Any:
        calls.append(None)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return collect(self, *args, **kwargs)

    torn = words(tmp_path, "torn", *settings)
    with monkeypatch.context() as patch:
        patch.setattr(PrefixCollector, "collect", interrupted)
        assert main(torn) != 0
    assert not (tmp_path / "torn" / "seed-0" / "grpo" / "done.json").exists()
    assert main(torn) == 0
    assert same(stage / "final", tmp_path / "torn" / "seed-0" / "grpo" / "final")


@pytest.mark.train
def test_the_oracle_may_play_the_stored_episodes(tmp_path: Path) -> None:
    settings = [STORED, "grpo.prefixes.source=oracle", "sft.steps=1", "evaluation.every=0", "grpo.steps=2"]
    assert main(words(tmp_path, "out", *settings)) == 0
    stored = list(read_trajectories(tmp_path / "out" / "seed-0" / "grpo" / "prefixes.jsonl"))
    assert len(stored) == 2  # one step's batch is used twice, so one batch of two groups
    assert all(one.policy == "oracle" and one.episode_return == pytest.approx(1) for one in stored)
