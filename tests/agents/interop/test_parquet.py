"""Parquet is read back as it was written, by `datasets` and by pyarrow, whatever types the arguments have."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from tests.agents.interop.made import episodes, handmade, odd
from tests.agents.interop.tiny import tokenizer
from tool_gym.agents.encoding import Encoder
from tool_gym.agents.interop import FORMATS, Episode, export_trajectories, writing
from tool_gym.errors import ExportError

pytestmark = pytest.mark.train

EPISODES = [*episodes(), *handmade()]


def loaded(path: Path) -> list[dict[str, Any]]:
    import datasets

    datasets.disable_progress_bars()
    found = datasets.load_dataset("parquet", data_files=str(path), split="train", cache_dir=str(path.parent / "cache"))
    return list(found)


def same(one: Any, other: Any) -> bool:
    """Return whether data are equal; a float may differ in its last digit, for `datasets` reads JSON so."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if type(one) is float and type(other) is float:
        return math.isclose(one, other, rel_tol=1e-14)
    return type(one) is type(other) and bool(one == other)


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_datasets_reads_back_the_rows(form: str, tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    count = export_trajectories(form, EPISODES, out)
    rows = json.loads(json.dumps(list(FORMATS[form].rows(EPISODES))))
    assert count == len(rows)
    assert same(loaded(out), rows)


@pytest.mark.parametrize("form", sorted(FORMATS))
def test_pyarrow_reads_back_every_digit(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet

    monkeypatch.setattr(writing, "_BATCH", 7)
    out = tmp_path / "rows.parquet"
    export_trajectories(form, EPISODES, out)
    columns = FORMATS[form].columns
    found = pyarrow.parquet.read_table(out).to_pylist()
    for row in found:
        for name, kind in columns.items():
            if kind == "json":
                row[name] = json.loads(row[name])
            elif kind == "jsons":
                row[name] = [json.loads(value) for value in row[name]]
    assert found == json.loads(json.dumps(list(FORMATS[form].rows(EPISODES))))
    assert pyarrow.parquet.ParquetFile(out).num_row_groups == math.ceil(len(found) / 7)


def test_tokens_say_who_wrote_them_and_what_each_turn_earned(tmp_path: Path) -> None:
    out = tmp_path / "rows.parquet"
    encoder = Encoder(tokenizer())
    export_trajectories("hf", EPISODES, out, encoder=encoder)
    for row, (trajectory, _) in zip(loaded(out), EPISODES, strict=True):
        ids, mask = row["input_ids"], row["assistant_masks"]
        assert len(row["turn_spans"]) == len(row["rewards"]) == len(trajectory.steps)
        own = {place for start, end in row["turn_spans"] for place in range(start, end)}
        assert [number in own for number in range(len(ids))] == [bool(bit) for bit in mask]
        for (start, end), step in zip(row["turn_spans"], trajectory.steps, strict=True):
            assert encoder.dialect.parse(encoder.text(ids[start:end])).text == step.turn.text


def test_only_episodes_have_tokens(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="dpo leaves them to the trainer"):
        export_trajectories("dpo", EPISODES, tmp_path / "a.parquet", encoder=Encoder(tokenizer()))


def test_a_value_that_does_not_fit_its_column_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    trajectory, scenario = odd()
    with pytest.raises(ExportError, match="rows 1 to 1 does not fit its columns"):
        export_trajectories("hf", [Episode(trajectory._replace(seed=2**70), scenario)], tmp_path / "a.parquet")
    assert not list(tmp_path.iterdir())
