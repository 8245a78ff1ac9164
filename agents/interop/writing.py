"""Writing rows to a file in small batches: JSONL with the core alone, parquet with `datasets`.

Messages, tools and arguments are of no one type from row to row. In parquet each is stored as JSON text and marked as
such (Arrow's `json`, which `datasets` calls `Json`), so that `datasets.load_dataset("parquet", …)` gives back the
objects, and other readers get JSON text; without the mark, `datasets` and pyarrow would fill one row's missing
parameters with those of others, as nulls, or refuse values of two types. The text is written here and not by
`datasets`, whose own writer keeps ten decimals of a number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from tool_gym import jsonio
from tool_gym.agents.interop.rows import Row
from tool_gym.errors import AgentError, ExportError
from tool_gym.files import replacing

if TYPE_CHECKING:
    from datasets import Features

Kind: TypeAlias = Literal["json", "jsons", "chat", "text", "number", "integer", "flag", "numbers", "integers", "spans"]
"""What a column holds; `jsons` is a list of JSON values, `chat` of {role, content}, `spans` of [start, end)."""

Columns: TypeAlias = Mapping[str, "Kind | Mapping[str, Any]"]
"""Column → what it holds; a mapping is an object with fields of its own."""

SUFFIXES = (".parquet", ".jsonl")
"""What can be written, chosen by the file's name."""

_BATCH = 512
"""Rows held in memory at a time; also the rows of one row group of parquet."""


def write_rows(out: Path, rows: Iterable[Row], columns: Columns, done: Callable[[int], None] = lambda _: None) -> int:
    """Write rows to a file, which appears whole or not at all.

    Args:
        out: A file named .parquet or .jsonl; what was there is replaced.
        rows: The rows, each with exactly these columns.
        columns: The columns of a parquet file.
        done: Told how many rows were written.

    Returns:
        How many rows were written.

    Raises:
        ExportError: If the name has another suffix, there is no row, or a value does not fit its column.
        AgentError: If parquet is asked for and `datasets` is not installed.
    """
    check_suffix(out)
    with replacing(out) as temporary:
        write = _write_parquet if out.suffix == ".parquet" else _write_lines
        count = write(temporary, rows, columns, done)
        if not count:
            msg = f"nothing to write into {out.name}: no row came of the trajectories given"
            raise ExportError(msg)
    return count


def check_suffix(out: Path) -> None:
    """Raise `ExportError` unless a file's name says how it is to be written."""
    if out.suffix not in SUFFIXES:
        msg = f"a data set is written to a file named {' or '.join(SUFFIXES)}, not {out.name!r}"
        raise ExportError(msg)


def features_of(columns: Columns) -> Features:
    """Return the columns as `datasets` describes them."""
    from datasets import Features, Json, List, Value

    kinds: dict[str, Any] = {
        "json": Json(),
        "jsons": List(Json()),
        "chat": List({"role": Value("string"), "content": Value("string")}),
        "text": Value("string"),
        "number": Value("float64"),
        "integer": Value("int64"),
        "flag": Value("bool"),
        "numbers": List(Value("float64")),
        "integers": List(Value("int64")),
        "spans": List(List(Value("int64"))),
    }
    return Features(
        {
            name: kinds[kind] if isinstance(kind, str) else {part: kinds[inner] for part, inner in kind.items()}
            for name, kind in columns.items()
        }
    )


def _write_lines(path: Path, rows: Iterable[Row], _: Columns, done: Callable[[int], None]) -> int:
    count = 0
    with path.open("wb") as file:
        for count, row in enumerate(rows, 1):
            file.write(jsonio.dump_bytes(row) + b"\n")
            done(count)
    return count


def _write_parquet(path: Path, rows: Iterable[Row], columns: Columns, done: Callable[[int], None]) -> int:
    try:
        import pyarrow as pa
        from pyarrow.parquet import ParquetWriter

        schema = features_of(columns).arrow_schema
    except ModuleNotFoundError as error:
        msg = 'parquet needs the extra train: pip install "tool-gym[train]"; a file named .jsonl needs nothing'
        raise AgentError(msg) from error
    stored, count = _stored(schema), 0
    with ParquetWriter(path, schema) as writer:
        for batch in _batches(_texts(row, columns) for row in rows):
            try:
                writer.write_table(pa.Table.from_pylist(batch, schema=stored).cast(schema))
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
                msg = f"one of the rows {count + 1} to {count + len(batch)} does not fit its columns: {error}"
                raise ExportError(msg) from error
            count += len(batch)
            done(count)
    return count


def _stored(schema: Any) -> Any:
    """Return a schema in which JSON is the text it is stored as."""
    import pyarrow as pa

    def plain(kind: Any) -> Any:
        if kind == pa.json_():
            return pa.string()
        return pa.list_(pa.string()) if kind == pa.list_(pa.json_()) else kind

    return pa.schema([(field.name, plain(field.type)) for field in schema], schema.metadata)


def _texts(row: Row, columns: Columns) -> Row:
    """Return a row with its JSON values as text, every digit of them, and no text that UTF-8 cannot hold."""
    plain: Row = jsonio.loads(jsonio.dumps(row))
    for name, kind in columns.items():
        if kind == "json":
            plain[name] = jsonio.dumps(plain[name])
        elif kind == "jsons":
            plain[name] = [jsonio.dumps(value) for value in plain[name]]
    return plain


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, _BATCH)):
        yield batch
