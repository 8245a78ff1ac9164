"""Writing a pack folder: whole or not at all, and the same bytes for the same content."""

from __future__ import annotations

import gzip
import hashlib
import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tool_gym import jsonio
from tool_gym.envs.pack import FILES, PACK_FORMAT, Card, Entry
from tool_gym.errors import PackError
from tool_gym.scenario import Scenario
from tool_gym.world import World

BLOCK_SIZE = 16
"""Scenarios in one gzip member."""

WORLD_BLOCK_SIZE = 4
"""Worlds in one gzip member."""


def write_pack(
    folder: Path,
    scenarios: Sequence[tuple[str, Scenario]],
    worlds: Sequence[World],
    *,
    overwrite: bool = False,
    **card: Any,
) -> Card:
    """Write a pack folder and return its card.

    Args:
        folder: The folder to make; its parent must exist.
        scenarios: (split, scenario) pairs, in the order they are to be found.
        worlds: The worlds the scenarios refer to.
        overwrite: Whether an existing pack of that name is replaced.
        **card: `id`, `version`, `licence` and the other descriptive fields of `Card`.

    Raises:
        PackError: If the folder exists and is not to be replaced, or is no pack.
    """
    if folder.exists() and not (overwrite and (folder / "card.json").is_file()):
        hint = "it is no pack, so it is left alone" if overwrite else "pass overwrite to replace it"
        msg = f"{folder} already exists; {hint}"
        raise PackError(msg)
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        written = _write_files(temporary, scenarios, worlds, card)
        if folder.exists():
            shutil.rmtree(folder)
        temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return written


def _write_files(
    folder: Path, scenarios: Sequence[tuple[str, Scenario]], worlds: Sequence[World], card: dict[str, Any]
) -> Card:
    world_lines = [world.to_json().encode() for world in worlds]
    lines = [scenario.to_json().encode() for _, scenario in scenarios]
    index = {
        "entries": [Entry(s.id, split, s.shape, s.domain) for split, s in scenarios],
        "block_size": BLOCK_SIZE,
        "blocks": _write_blocks(folder / "scenarios.jsonl.gz", lines, BLOCK_SIZE),
        "worlds": [world.id for world in worlds],
        "world_block_size": WORLD_BLOCK_SIZE,
        "world_blocks": _write_blocks(folder / "worlds.jsonl.gz", world_lines, WORLD_BLOCK_SIZE),
    }
    (folder / "index.json").write_bytes(jsonio.dump_bytes(index))
    digest = hashlib.blake2b(digest_size=16)
    for line in (*world_lines, *lines):
        digest.update(line + b"\n")
    written = Card(
        format=PACK_FORMAT,
        splits=dict(Counter(split for split, _ in scenarios)),
        counts={
            "shape": dict(Counter(scenario.shape for _, scenario in scenarios)),
            "domain": dict(Counter(scenario.domain for _, scenario in scenarios)),
        },
        content_hash=digest.hexdigest(),
        files={file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in FILES},
        **card,
    )
    (folder / "card.json").write_text(written.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return written


def _write_blocks(path: Path, lines: Sequence[bytes], size: int) -> list[tuple[int, int]]:
    blocks: list[tuple[int, int]] = []
    with path.open("wb") as file:
        for start in range(0, len(lines), size):
            data = gzip.compress(b"\n".join(lines[start : start + size]) + b"\n", mtime=0)
            blocks.append((file.tell(), len(data)))
            file.write(data)
    return blocks
