"""Reading exported conversations in verl: its multi-turn data set, with messages and tools that differ from row to row.

verl's own class reads parquet by pandas, where every row's tools would get the parameters of all others, as nulls.
Rows of the format `verl-sft` therefore hold JSON text, and this class reads it. In verl's configuration:

    data.custom_cls.path=pkg://tool_gym.agents.interop.verl_dataset data.custom_cls.name=ToolGymSFTDataset
"""

from __future__ import annotations

from typing import Any

from verl.utils.dataset.multiturn_sft_dataset import MultiTurnSFTDataset

from tool_gym import jsonio


class ToolGymSFTDataset(MultiTurnSFTDataset):
    """Conversations of `tool-gym export-trajectories verl-sft`."""

    messages: list[Any]
    tools: list[Any]

    def _read_files_and_process(self) -> None:
        super()._read_files_and_process()
        self.messages = [jsonio.loads(text) for text in self.messages]
        self.tools = [jsonio.loads(text) for text in self.tools]

    def _build_messages(self, example: dict[str, Any]) -> Any:
        return super()._build_messages({**example, self.messages_key: jsonio.loads(example[self.messages_key])})
