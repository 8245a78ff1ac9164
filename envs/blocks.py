"""Lines in small gzip members, so that any of them is read without the others; a damaged file is no danger."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

from tool_gym.errors import PackError

MAX_BLOCK_BYTES = 64 * 1024 * 1024
"""Largest size one block may unpack to; more is taken for an attack or damage."""

MAX_BLOCK_LINES = 1024
"""Most lines one block may hold."""


def read_block(path: Path, blocks: Sequence[tuple[int, int]], number: int) -> list[bytes]:
    """Return the lines of one block.

    Args:
        path: The file.
        blocks: Each block's (offset, length) in bytes.
        number: Which block.

    Raises:
        PackError: If it cannot be read, or unpacks to more than it may.
    """
    try:
        offset, length = blocks[number]
        with path.open("rb") as file:
            file.seek(offset)
            unpacker = zlib.decompressobj(wbits=31)
            data = unpacker.decompress(file.read(min(length, MAX_BLOCK_BYTES)), MAX_BLOCK_BYTES)
    except (OSError, ValueError, IndexError, OverflowError, zlib.error) as error:
        msg = f"{path}, block {number}, cannot be read: {error}; the pack is damaged"
        raise PackError(msg) from None
    if not unpacker.eof:
        msg = f"{path}, block {number}, is cut short or unpacks to more than {MAX_BLOCK_BYTES} bytes"
        raise PackError(msg)
    lines = data.removesuffix(b"\n").split(b"\n", MAX_BLOCK_LINES)
    if len(lines) > MAX_BLOCK_LINES:
        msg = f"{path}, block {number}, holds more than {MAX_BLOCK_LINES} lines"
        raise PackError(msg)
    return lines
