"""Rows of episodes with their tokens: which are the model's own, where each turn stands, and what it earned."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tool_gym.agents.interop.messages import opening, schemas
from tool_gym.agents.interop.rows import Episodes, Row, episode_rows

if TYPE_CHECKING:
    from tool_gym.agents.encoding import Encoder


def token_rows(episodes: Episodes, encoder: Encoder) -> Iterator[Row]:
    """Yield the rows of `episode_rows`, each with its tokens.

    - `input_ids`: the whole conversation, tools included, as the encoder's tokenizer and template have it;
    - `assistant_masks`: 1 for each token that the model wrote, else 0, under the name that TRL's `SFTTrainer` reads;
    - `turn_spans`: for each turn its [start, end) in `input_ids`; its reward is the one at the same place in `rewards`.

    Args:
        episodes: Trajectories with their scenarios.
        encoder: Makes the tokens.
    """
    for episode in episodes:
        trajectory, scenario = episode
        (row,) = episode_rows([episode])
        encoded = encoder.encode(opening(scenario), schemas(scenario), trajectory.steps)
        before = len(encoded.prompt_ids)
        yield row | {
            "input_ids": [*encoded.prompt_ids, *encoded.completion_ids],
            "assistant_masks": [0] * before + list(encoded.mask),
            "turn_spans": [[before + start, before + end] for start, end in encoded.turns],
        }
