"""What is exported for verl, read by verl's own data sets.

verl needs an older transformers than the extra `train` has, so it stands in an environment of its own; elsewhere these
tests are skipped. Only its data sets are needed: `pip install --no-deps verl`, ray, tensordict, omegaconf, codetiming.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.agents.interop.made import episodes
from tests.agents.interop.tiny import tokenizer
from tool_gym.agents.interop import FORMATS, export_trajectories

pytestmark = [
    pytest.mark.train,
    pytest.mark.filterwarnings("ignore"),  # verl's own, of its dependencies
]
pytest.importorskip("verl")


@pytest.fixture
def config() -> Any:
    from omegaconf import OmegaConf  # type: ignore[import-not-found, unused-ignore]  # comes with verl

    return OmegaConf.create(
        {"max_length": 6000, "max_prompt_length": 6000, "truncation": "error", "filter_overlong_prompts_workers": None}
    )


def test_conversations_are_read_with_their_own_tools(config: Any, tmp_path: Path) -> None:
    from tool_gym.agents.interop.verl_dataset import ToolGymSFTDataset

    path = tmp_path / "sft.parquet"
    export_trajectories("verl-sft", episodes(6), path)
    data = ToolGymSFTDataset(str(path), tokenizer(), config)
    assert len(data) == len(episodes(6))
    for number, (trajectory, scenario) in enumerate(episodes(6)):
        row = data[number]  # verl checks here that the parts are the whole conversation
        assert data.tools[number] == [tool.schema for tool in scenario.tools]
        text = tokenizer().decode(row["input_ids"][row["loss_mask"].bool()])
        for step in trajectory.steps:
            assert step.turn.raw in text


def test_prompts_are_read(config: Any, tmp_path: Path) -> None:
    from verl.utils.dataset.rl_dataset import RLHFDataset

    path = tmp_path / "rl.parquet"
    export_trajectories("verl", episodes(6), path)
    data = RLHFDataset(str(path), tokenizer(), config)
    expected = list(FORMATS["verl"].rows(episodes(6)))
    assert len(data) == len(expected)
    for number, row in enumerate(expected):
        assert data[number]["raw_prompt"] == row["prompt"]
        assert data[number]["extra_info"] == row["extra_info"]
        assert json.loads(data[number]["reward_model"]["ground_truth"])
