"""TRL's DPO on episodes of many turns: the preference is over the model's own tokens only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trl import DPOTrainer

from tool_gym.agents.training.rows import Pair


@dataclass
class PairCollator:
    """Makes a batch of pairs as `DPOTrainer` has it: the better ones, then the worse ones, padded on the right.

    TRL's own collator counts everything behind the prompt as the model's. Here `completion_mask` is 1 on the tokens the
    model wrote and 0 on results, the user's words and all other text between turns: the trainer takes log-probabilities
    where it is 1 and nowhere else.
    """

    pad_id: int
    """The tokenizer's padding token."""

    def __call__(self, examples: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Return the tensors."""
        import torch

        sides = [(example, side) for side in ("chosen", "rejected") for example in examples]
        ids = [example["prompt_ids"] + example[f"{side}_ids"] for example, side in sides]
        own = [[0] * len(example["prompt_ids"]) + example[f"{side}_mask"] for example, side in sides]
        longest = max(map(len, ids))

        def padded(rows: Sequence[list[int]], filler: int) -> Any:
            return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])

        return {
            "input_ids": padded(ids, self.pad_id),
            "attention_mask": padded([[1] * len(row) for row in ids], 0),
            "completion_mask": padded(own, 0),
        }


class EpisodeDPOTrainer(DPOTrainer):
    """`DPOTrainer` for pairs that are tokens already."""

    def _prepare_dataset(self, dataset: Any, *args: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - TRL's signature
        """Leave the rows as they are: tokenising them again would not give what the model wrote."""
        return dataset


def dataset_of(pairs: Sequence[Pair]) -> Any:
    """Return pairs as the columns that `PairCollator` reads."""
    from datasets import Dataset

    return Dataset.from_list(
        [
            {
                "prompt_ids": pair.chosen.prompt_ids,
                "chosen_ids": pair.chosen.completion_ids,
                "chosen_mask": pair.chosen.mask,
                "rejected_ids": pair.rejected.completion_ids,
                "rejected_mask": pair.rejected.mask,
            }
            for pair in pairs
        ]
    )
