"""Packs: many scenarios and the worlds they share, in a folder or in memory.

    <pack>/card.json            what the pack is, with the hash of every other file
    <pack>/index.json           ids, splits, shapes and domains, and where each block of lines begins
    <pack>/scenarios.jsonl.gz   one scenario a line, in small gzip members for random access (zcat reads the whole)
    <pack>/worlds.jsonl.gz      one world a line, likewise

A folder pack is verified by hash when it is opened, and read lazily. Nothing in it is ever executed or unpickled.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, NamedTuple, Protocol, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, ValidationError

from tool_gym import jsonio
from tool_gym.envs import recipes
from tool_gym.envs.blocks import MAX_BLOCK_LINES, read_block
from tool_gym.envs.bundled import bundled_packs
from tool_gym.envs.card import Card
from tool_gym.errors import PackError, ScenarioError, UnknownNameError
from tool_gym.scenario import Scenario
from tool_gym.world import World

PACK_FORMAT = 1
"""Version of the folder format; others are refused."""

FILES = ("index.json", "scenarios.jsonl.gz", "worlds.jsonl.gz")
SPLITS = ("train", "validation", "test")

K = TypeVar("K")
V = TypeVar("V")

_CACHED_BLOCKS = 64
_CACHED_TASKS = 1024


class Task(NamedTuple):
    """A scenario with the world it plays in."""

    scenario: Scenario
    world: World


class Entry(NamedTuple):
    """What is known of a scenario without loading it."""

    id: str
    split: str
    shape: str
    domain: str


class Pack(Protocol):
    """Where an environment gets its scenarios from."""

    @property
    def name(self) -> str:
        """The pack's id."""
        ...

    def entries(self, split: str | None = None) -> Sequence[Entry]:
        """Return the scenarios of a split, or all, in a fixed order."""
        ...

    def task(self, scenario_id: str) -> Task:
        """Load one scenario and its world."""
        ...


_ScenarioId: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]  # it becomes part of a Gymnasium id
_Lines: TypeAlias = Annotated[int, Field(ge=1, le=MAX_BLOCK_LINES)]
_Blocks: TypeAlias = tuple[tuple[NonNegativeInt, NonNegativeInt], ...]


class _Index(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    entries: tuple[tuple[_ScenarioId, str, str, str], ...]
    block_size: _Lines
    blocks: _Blocks
    """Each block's (offset, length) in bytes."""
    worlds: tuple[str, ...]
    world_block_size: _Lines
    world_blocks: _Blocks


class MemoryPack:
    """Scenarios held in memory: one's own, or a handful for a test.

    Args:
        scenarios: The scenarios, all in the split `split`.
        worlds: The worlds they refer to; not needed for scenarios that carry their own.

    Raises:
        PackError: If two scenarios have one id, or a world is missing.
    """

    def __init__(
        self, scenarios: Sequence[Scenario], worlds: Sequence[World] = (), *, name: str = "memory", split: str = "test"
    ) -> None:
        self.name = name
        self._worlds = {world.id: world for world in worlds}
        self._tasks = {scenario.id: Task(scenario, _own_world(scenario, self._worlds)) for scenario in scenarios}
        self._entries = tuple(Entry(s.id, split, s.shape, s.domain) for s in scenarios)
        _check_unique(name, self._entries)

    def entries(self, split: str | None = None) -> Sequence[Entry]:
        """Return the scenarios of a split, or all."""
        return tuple(entry for entry in self._entries if split in (None, entry.split))

    def task(self, scenario_id: str) -> Task:
        """Return one scenario and its world.

        Raises:
            UnknownNameError: If the pack has no such scenario.
        """
        if scenario_id not in self._tasks:
            error = UnknownNameError.of("scenario", scenario_id, self._tasks)
            raise error
        return self._tasks[scenario_id]


class FolderPack:
    """A pack folder, opened lazily."""

    def __init__(self, folder: str | os.PathLike[str], *, verify: bool = True) -> None:
        """Open a pack.

        Args:
            folder: The folder that holds card.json.
            verify: Whether every file's hash is compared with the card's.

        Raises:
            PackError: If a file is missing, altered, unreadable, outside the folder, or at odds with the others.
        """
        self.folder = Path(folder)
        self.card = read_card(self.folder)
        self.name = self.card.id
        for file in FILES:
            _check_file(self.folder, file, self.card.files.get(file, ""), verify=verify)
        self._index = _read_index(self.folder)
        self._entries = tuple(Entry(*entry) for entry in self._index.entries)
        _check_unique(self.name, self._entries)
        if Counter(entry.split for entry in self._entries) != self.card.splits:
            msg = f"{self.folder}: card.json and index.json disagree about how many scenarios each split has"
            raise PackError(msg)
        self._of_split: dict[str, tuple[Entry, ...]] = {}
        self._numbers = {entry.id: number for number, entry in enumerate(self._entries)}
        self._world_numbers = {world: number for number, world in enumerate(self._index.worlds)}
        self._blocks: OrderedDict[tuple[str, int], list[bytes]] = OrderedDict()
        self._tasks: OrderedDict[str, Task] = OrderedDict()
        self._scenarios: WeakValueDictionary[str, Scenario] = WeakValueDictionary()
        self._worlds: WeakValueDictionary[str, World] = WeakValueDictionary()
        """What is in use is never loaded twice: it holds all that was compiled for it."""

    def __reduce__(self) -> tuple[type[FolderPack], tuple[Path]]:
        return FolderPack, (self.folder,)  # another process reads the folder itself

    def entries(self, split: str | None = None) -> Sequence[Entry]:
        """Return the scenarios of a split, or all, in file order.

        Raises:
            UnknownNameError: If the pack has no such split.
        """
        if split is None:
            return self._entries
        if split not in self.card.splits:
            error = UnknownNameError.of("split", split, self.card.splits)
            raise error
        chosen = self._of_split.get(split)
        if chosen is None:
            chosen = self._of_split[split] = tuple(entry for entry in self._entries if entry.split == split)
        return chosen

    def task(self, scenario_id: str) -> Task:
        """Load one scenario and its world.

        Raises:
            UnknownNameError: If the pack has no such scenario.
            PackError: If its line cannot be read.
        """
        known = self._tasks.get(scenario_id)
        if known is None:
            scenario = self._scenarios.get(scenario_id)
            if scenario is None:
                scenario = self._scenarios[scenario_id] = self._load(scenario_id)
            world = scenario.world if scenario.world is not None else self.world(scenario.world_ref or "")
            known = _keep(self._tasks, scenario_id, Task(scenario, world), _CACHED_TASKS)
        return known

    def world(self, world_id: str) -> World:
        """Load one world.

        Raises:
            PackError: If the pack has no such world, or its line cannot be read.
        """
        known = self._worlds.get(world_id)
        if known is None:
            known = self._worlds[world_id] = self._load_world(world_id)
        return known

    def _load_world(self, world_id: str) -> World:
        number = self._world_numbers.get(world_id)
        if number is None:
            msg = f"pack {self.name!r} has no world {world_id!r}"
            raise PackError(msg)
        line = self._line("worlds.jsonl.gz", number, self._index.world_block_size, self._index.world_blocks)
        try:
            return World.from_json(line)
        except ScenarioError as error:
            msg = f"pack {self.name!r}, world {world_id}: {error}"
            raise PackError(msg) from None

    def _load(self, scenario_id: str) -> Scenario:
        number = self._numbers.get(scenario_id)
        if number is None:
            error = UnknownNameError.of("scenario", scenario_id, self._numbers)
            raise error
        line = self._line("scenarios.jsonl.gz", number, self._index.block_size, self._index.blocks)
        try:
            scenario = Scenario.from_json(line, check_id=False)
        except ScenarioError as error:
            msg = f"pack {self.name!r}, scenario {scenario_id}: {error}"
            raise PackError(msg) from None
        if scenario.id != scenario_id:
            msg = f"pack {self.name!r}: where the index has the scenario {scenario_id} stands {scenario.id}"
            raise PackError(msg)
        return scenario

    def _line(self, file: str, number: int, size: int, blocks: Sequence[tuple[int, int]]) -> bytes:
        key = (file, number // size)
        lines = self._blocks.get(key)
        if lines is None:
            lines = read_block(self.folder / file, blocks, number // size)
            _keep(self._blocks, key, lines, _CACHED_BLOCKS)
        if number % size >= len(lines):
            msg = f"{self.folder / file} has no line {number}; the pack is damaged"
            raise PackError(msg)
        return lines[number % size]


def open_pack(pack: str | os.PathLike[str] | Pack) -> Pack:
    """Return a pack by the name of a bundled one, by folder or recipe, or as it is.

    A pack that comes as a recipe is built on first use (`tool_gym.envs.recipes`).

    Raises:
        UnknownNameError: If there is neither a bundled pack nor a folder of that name.
        PackError: If the folder is no sound pack.
    """
    if not isinstance(pack, str | os.PathLike):
        return pack
    bundled = bundled_packs()
    folder = bundled.get(str(pack), Path(pack))
    recipe = folder / recipes.FILE if folder.is_dir() else folder
    if recipe.name == recipes.FILE and recipe.is_file():
        folder = recipes.built(recipe)
    if not (folder / "card.json").is_file():
        if folder.is_dir() or os.sep in str(pack):
            msg = f"{folder} is no pack: it holds no card.json"
            raise PackError(msg)
        error = UnknownNameError.of("pack", pack, bundled)
        raise error
    stamp = tuple(
        (folder / file).stat().st_mtime_ns if (folder / file).exists() else 0 for file in ("card.json", *FILES)
    )
    return _opened(folder.resolve(), stamp)


def read_card(folder: Path) -> Card:
    """Read and check card.json.

    Raises:
        PackError: If it is missing, broken, of another format, or names a file outside the folder.
    """
    path = folder / "card.json"
    try:
        card = Card.model_validate_json(path.read_bytes())
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise PackError(msg) from None
    except ValidationError as error:
        msg = f"{path} is no pack card: {_first(error)}"
        raise PackError(msg) from None
    if card.format != PACK_FORMAT:
        msg = f"{path}: pack format {card.format}; this release reads format {PACK_FORMAT}"
        raise PackError(msg)
    odd = sorted(set(card.files) ^ set(FILES))
    if odd:
        msg = f"{path} must list exactly the files {', '.join(FILES)}; odd: {', '.join(odd)[:120]}"
        raise PackError(msg)
    return card


@lru_cache(maxsize=16)
def _opened(folder: Path, _: tuple[int, ...]) -> FolderPack:
    return FolderPack(folder)


def _keep(cache: OrderedDict[K, V], key: K, value: V, most: int) -> V:
    """Put a value into a cache of at most so many, the oldest making room, and return it."""
    cache[key] = value
    if len(cache) > most:
        cache.popitem(last=False)
    return value


def _check_unique(pack: str, entries: Sequence[Entry]) -> None:
    counts = Counter(entry.id for entry in entries)
    if len(counts) < len(entries):
        name, count = counts.most_common(1)[0]
        msg = f"pack {pack!r} has the scenario {name} {count} times"
        raise PackError(msg)


def _own_world(scenario: Scenario, worlds: dict[str, World]) -> World:
    world = scenario.world if scenario.world is not None else worlds.get(scenario.world_ref or "")
    if world is None:
        msg = f"scenario {scenario.id} refers to the world {scenario.world_ref!r}, which was not given"
        raise PackError(msg)
    return world


def _check_file(folder: Path, file: str, sha256: str, *, verify: bool) -> None:
    path = folder / file
    if not path.is_file():
        msg = f"{path} is missing; the pack is incomplete"
        raise PackError(msg)
    if path.resolve().parent != folder.resolve():
        msg = f"{path} leads outside the pack"
        raise PackError(msg)
    if verify and hashlib.sha256(path.read_bytes()).hexdigest() != sha256:
        msg = f"{path} is not what card.json says (SHA-256 differs): truncated or altered; fetch or generate it again"
        raise PackError(msg)


def _read_index(folder: Path) -> _Index:
    try:
        return _Index.model_validate(jsonio.loads((folder / "index.json").read_text(encoding="utf-8")))
    except (ValueError, OSError) as error:
        found = _first(error) if isinstance(error, ValidationError) else error
        msg = f"{folder / 'index.json'} is no pack index: {found}"
        raise PackError(msg) from None


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{first['msg']} (at {'.'.join(map(str, first['loc'])) or 'the top level'})"
