"""Writing a pack folder: whole or not at all, and the same bytes for the same content."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from tool_gym import jsonio
from tool_gym.envs.card import Card, check_pack_name
from tool_gym.envs.pack import FILES, PACK_FORMAT, SPLITS, Entry, FolderPack
from tool_gym.errors import PackError, ScenarioError
from tool_gym.scenario import Scenario
from tool_gym.world import World

T = TypeVar("T")

BLOCK_SIZE = 16
"""Scenarios in one gzip member."""

WORLD_BLOCK_SIZE = 4
"""Worlds in one gzip member."""

HAND_WRITTEN = "written by hand"
"""Provenance of scenarios packed from files."""


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
        folder: The folder to make, with its parents where they are missing.
        scenarios: (split, scenario) pairs, in the order they are to be found.
        worlds: The worlds the scenarios refer to.
        overwrite: Whether an existing pack of that name is replaced.
        **card: `id`, `version`, `licence` and the other descriptive fields of `Card`.

    Raises:
        PackError: If the name will not do, the folder exists and is not to be replaced or is no pack, or a scenario
            occurs twice.
    """
    pairs = ((Entry(s.id, split, s.shape, s.domain), s.to_json().encode()) for split, s in scenarios)
    return write_lines(folder, pairs, ((w.id, w.to_json().encode()) for w in worlds), overwrite=overwrite, **card)


def check_replaceable(folder: Path, *, overwrite: bool) -> None:
    """Raise `PackError` if a pack must not be written to `folder`."""
    if folder.exists() and not (overwrite and (folder / "card.json").is_file()):
        hint = "it is no pack, so it is left alone" if overwrite else "pass overwrite to replace it"
        msg = f"{folder} already exists; {hint}"
        raise PackError(msg)


def write_lines(
    folder: Path,
    scenarios: Iterable[tuple[Entry, bytes]],
    worlds: Iterable[tuple[str, bytes]],
    *,
    overwrite: bool = False,
    **card: Any,
) -> Card:
    """Write a pack of scenarios and worlds that are JSON already, one after the other; see `write_pack`."""
    check_pack_name(str(card.get("id", "")))
    check_replaceable(folder, overwrite=overwrite)
    temporary = folder.with_name(f".{folder.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        written = _write_files(temporary, scenarios, worlds, card)
        FolderPack(temporary)  # it can be opened, or it is not put in place
        if folder.exists():
            aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
            folder.replace(aside / "old")
            temporary.replace(folder)
            shutil.rmtree(aside)
        else:
            temporary.replace(folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return written


def read_scenarios(path: Path) -> list[Scenario]:
    """Read hand-written scenarios: one JSON object a line, or one alone over any number of lines.

    Each gets the id its content gives it, whatever id it had; what an earlier form of it was measured or proved to
    be is dropped.

    Raises:
        PackError: Naming the file and line that is no scenario.
    """
    fresh = {"certificate": {}, "difficulty": {}, "generator_version": "", "seed_path": "", "provenance": HAND_WRITTEN}
    return [scenario.model_copy(update=fresh).with_id() for scenario in _read_lines(path, _read_scenario)]


def _read_scenario(text: str) -> Scenario:
    try:
        data = jsonio.loads(text)
    except jsonio.PlainJsonError as error:
        msg = f"not a scenario, which must be one JSON object a line: {error}"
        raise ScenarioError(msg) from None
    named = {"id": "new", **data} if isinstance(data, dict) else data
    return Scenario.from_json(jsonio.dumps(named), check_id=False)


def read_worlds(path: Path) -> list[World]:
    """Read worlds, one JSON object a line.

    Raises:
        PackError: Naming the file and line that is no world.
    """
    return _read_lines(path, World.from_json)


def pack_files(
    folder: Path, files: Sequence[Path], worlds: Sequence[World], *, split: str, overwrite: bool = False, **card: Any
) -> Card:
    """Make a pack of files of hand-written scenarios.

    Args:
        folder: The folder to make.
        files: JSONL files; one named after a split (`train.jsonl`) goes into it.
        worlds: The worlds the scenarios refer to.
        split: Where the scenarios of other files go.
        overwrite: Whether an existing pack is replaced.
        **card: As for `write_pack`.

    Raises:
        PackError: If a file cannot be read, a scenario occurs twice, or its world is missing.
    """
    known = {world.id for world in worlds}
    pairs = [(path.stem if path.stem in SPLITS else split, item) for path in files for item in read_scenarios(path)]
    counts = Counter(item.id for _, item in pairs)
    for _, item in pairs:
        if counts[item.id] > 1:
            msg = f"the scenario {item.id} ({item.user_turns[0][:60]!r}) occurs {counts[item.id]} times"
            raise PackError(msg)
        if item.world_ref is not None and item.world_ref not in known:
            msg = f"the scenario {item.id} refers to the world {item.world_ref!r}; those given are {sorted(known)}"
            raise PackError(msg)
    if not pairs:
        msg = "there is no scenario in these files"
        raise PackError(msg)
    pairs.sort(key=lambda pair: SPLITS.index(pair[0]))
    return write_pack(folder, pairs, worlds, overwrite=overwrite, **card)


def _read_lines(path: Path, parse: Callable[[str], T]) -> list[T]:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise PackError(msg) from None
    found = []
    alone = text.lstrip().startswith("{\n")  # one object over many lines, as `tool-gym show --json` prints it
    for number, line in enumerate([text] if alone else text.split("\n"), 1):
        if line.strip():
            try:
                found.append(parse(line))
            except ScenarioError as error:
                msg = f"{path}, line {number}: {error}"
                raise PackError(msg) from None
    return found


def _write_files(
    folder: Path, scenarios: Iterable[tuple[Entry, bytes]], worlds: Iterable[tuple[str, bytes]], card: dict[str, Any]
) -> Card:
    digest = hashlib.blake2b(digest_size=16)
    world_ids, world_blocks = _write_blocks(folder / "worlds.jsonl.gz", worlds, WORLD_BLOCK_SIZE, digest.update)
    entries, blocks = _write_blocks(folder / "scenarios.jsonl.gz", scenarios, BLOCK_SIZE, digest.update)
    index = {
        "entries": entries,
        "block_size": BLOCK_SIZE,
        "blocks": blocks,
        "worlds": world_ids,
        "world_block_size": WORLD_BLOCK_SIZE,
        "world_blocks": world_blocks,
    }
    (folder / "index.json").write_bytes(jsonio.dump_bytes(index))
    written = Card(
        format=PACK_FORMAT,
        splits=dict(Counter(entry.split for entry in entries)),
        counts={
            "shape": dict(Counter(entry.shape for entry in entries)),
            "domain": dict(Counter(entry.domain for entry in entries)),
        },
        content_hash=digest.hexdigest(),
        files={file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in FILES},
        **card,
    )
    (folder / "card.json").write_text(written.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return written


def _write_blocks(
    path: Path, lines: Iterable[tuple[T, bytes]], size: int, digest: Callable[[bytes], None]
) -> tuple[list[T], list[tuple[int, int]]]:
    """Write lines as gzip members of `size` lines; return what was said of each line, and where each member is."""
    known: list[T] = []
    blocks: list[tuple[int, int]] = []
    left = iter(lines)
    with path.open("wb") as file:
        while block := list(islice(left, size)):
            unpacked = b"".join(line + b"\n" for _, line in block)
            data = gzip.compress(unpacked, mtime=0)
            digest(unpacked)
            blocks.append((file.tell(), len(data)))
            file.write(data)
            known += [one for one, _ in block]
    return known, blocks
