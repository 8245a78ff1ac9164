"""The data sets that trajectories can be exported as: by name, what rows they have and of which columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tool_gym.agents.interop.pairs import pair_rows
from tool_gym.agents.interop.rows import (
    Episode,
    Episodes,
    Row,
    conversation_rows,
    episode_rows,
    prompt_rows,
    turn_rows,
    verl_conversation_rows,
    verl_rows,
)
from tool_gym.agents.interop.writing import Columns, write_rows
from tool_gym.errors import ExportError, UnknownNameError

if TYPE_CHECKING:
    from tool_gym.agents.encoding import Encoder

_SOURCE: Columns = {"scenario_id": "text", "pack": "text", "shape": "text"}


class Format(NamedTuple):
    """One kind of data set."""

    rows: Callable[[Episodes], Iterator[Row]]
    columns: Columns


FORMATS: Mapping[str, Format] = {
    "hf": Format(
        episode_rows,
        {
            "messages": "jsons",
            "tools": "jsons",
            "rewards": "numbers",
            "return": "number",
            "parts": "json",
            "terminated": "flag",
            "truncated": "flag",
            "policy": "text",
            "reward": "text",
            "seed": "integer",
            **_SOURCE,
        },
    ),
    "trl-sft": Format(conversation_rows, {"messages": "jsons", "tools": "jsons", **_SOURCE}),
    "trl-sft-turns": Format(
        turn_rows,
        {
            "prompt": "jsons",
            "completion": "jsons",
            "tools": "jsons",
            "turn": "integer",
            "reward": "number",
            **_SOURCE,
        },
    ),
    "trl-grpo": Format(prompt_rows, {"prompt": "jsons", "tools": "jsons", "environment": "text", **_SOURCE}),
    "dpo": Format(
        pair_rows,
        {
            "prompt": "jsons",
            "chosen": "jsons",
            "rejected": "jsons",
            "tools": "jsons",
            "turn": "integer",
            "chosen_return": "number",
            "rejected_return": "number",
            **_SOURCE,
        },
    ),
    "verl": Format(
        verl_rows,
        {
            "data_source": "text",
            "prompt": "chat",
            "ability": "text",
            "reward_model": {"style": "text", "ground_truth": "text"},
            "extra_info": {"index": "integer", "tools": "text", **_SOURCE},
        },
    ),
    "verl-sft": Format(verl_conversation_rows, {"messages": "text", "tools": "text", **_SOURCE}),
}
"""Name → data set."""

_TOKEN_COLUMNS: Columns = {"input_ids": "integers", "assistant_masks": "integers", "turn_spans": "spans"}


def export_trajectories(
    form: str,
    episodes: Iterable[Episode],
    out: Path,
    *,
    encoder: Encoder | None = None,
    done: Callable[[int], None] = lambda _: None,
) -> int:
    """Write trajectories as a data set; the file appears whole or not at all, and only a part of it is ever in memory.

    `dpo` is the exception: it needs all trajectories at once, for successes and failures come in any order.

    Args:
        form: One of `FORMATS`.
        episodes: Trajectories with their scenarios.
        out: A file named .parquet or .jsonl; what was there is replaced.
        encoder: For `hf`: adds the tokens (see `token_rows`).
        done: Told how many rows were written.

    Returns:
        How many rows were written.

    Raises:
        UnknownNameError: If there is no such format.
        ExportError: If the file has another name, no row came of the trajectories, or the format has no tokens.
        AgentError: If a library is missing.
    """
    chosen = FORMATS.get(form)
    if chosen is None:
        error = UnknownNameError.of("format", form, FORMATS)
        raise error
    if encoder is None:
        return write_rows(out, chosen.rows(episodes), chosen.columns, done)
    if form != "hf":
        msg = f"tokens are written into the data set hf alone; {form} leaves them to the trainer"
        raise ExportError(msg)
    from tool_gym.agents.interop.tokens import token_rows

    return write_rows(out, token_rows(episodes, encoder), {**chosen.columns, **_TOKEN_COLUMNS}, done)
