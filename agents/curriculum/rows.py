"""What schedules know of scenarios, without loading them: domain, shape, depth, level, and every other knob."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

import orjson

from tool_gym.agents.union import Selection, UnionPack
from tool_gym.envs.pack import Entry, FolderPack, Pack
from tool_gym.errors import AgentError, PackError
from tool_gym.values import Scalar

FAMILY: tuple[str, ...] = ("domain", "shape", "depth", "level")
"""The keys whose values make a family, unless others are asked for."""

Family: TypeAlias = tuple[Scalar, ...]
"""One value for each key; a level of complexity is rounded down, so that its family is a band."""

_READ: WeakKeyDictionary[FolderPack, dict[str, dict[str, Any]]] = WeakKeyDictionary()
"""What was read of folders that are in use: a pack that grows is read again and again."""


class Row(NamedTuple):
    """What a schedule knows of one scenario."""

    id: str
    domain: str
    shape: str
    depth: int
    """The depth asked for, which a decline has too; where none was asked for, that of its calls."""
    measures: Mapping[str, Scalar]
    """What the scenario's `knobs` and `difficulty` say; where both say something, the knobs."""

    def value(self, key: str) -> Scalar:
        """Return domain, shape, depth, or one of the measures.

        Raises:
            AgentError: If the scenario has no such measure.
        """
        if key in ("domain", "shape", "depth"):
            return str(getattr(self, key)) if key != "depth" else self.depth
        if key not in self.measures:
            known = ", ".join(("domain", "shape", "depth", *sorted(self.measures)))
            msg = f"scenario {self.id} has no {key!r}, but {known}; those of `tool-gym generate` have all"
            raise AgentError(msg)
        return self.measures[key]

    def number(self, key: str) -> float:
        """Return a value that is a number.

        Raises:
            AgentError: If there is none, or it is no number.
        """
        value = self.value(key)
        if not isinstance(value, int | float):
            msg = f"levels need numbers, and {key!r} of scenario {self.id} is {value!r}"
            raise AgentError(msg)
        return float(value)

    def family(self, keys: Sequence[str] = FAMILY) -> Family:
        """Return the family the scenario belongs to; a pack without levels of complexity has one band of them."""
        return tuple(self._banded(key) for key in keys)

    def _banded(self, key: str) -> Scalar:
        if key == "level" and key not in self.measures:
            return 0
        value = self.value(key)
        return int(value) if isinstance(value, float) else value


def read_rows(pack: Pack, split: str | None = "train") -> list[Row]:
    """Return what is known of the scenarios of a split, in the pack's order.

    A folder is read through once, as JSON only (1.4 s for 16,000 scenarios); those of other packs are loaded.

    Raises:
        AgentError: If the split has no scenario.
        PackError: If a line cannot be read.
        UnknownNameError: If the pack has no such split.
    """
    entries = pack.entries(split)
    if not entries:
        msg = f"the pack {pack.name!r} has no scenario in the split {split!r}; schedules need some"
        raise AgentError(msg)
    known = _known(pack)
    return [_row(pack, entry, known.get(entry.id)) for entry in entries]


def _known(pack: Pack) -> Mapping[str, dict[str, Any]]:
    """Return scenario → measures, of the scenarios that lie in folders."""
    if isinstance(pack, UnionPack):
        return {name: measures for part in pack.parts for name, measures in _known(part).items()}
    if isinstance(pack, Selection):
        return _known(pack.whole)
    if not isinstance(pack, FolderPack):
        return {}
    if pack not in _READ:
        _READ[pack] = dict(_measured(pack.folder / "scenarios.jsonl.gz"))
    return _READ[pack]


def _measured(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        with gzip.open(path) as file:
            for line in file:
                data = orjson.loads(line)
                yield data["id"], {**data.get("difficulty", {}), **data.get("knobs", {})}
    except (OSError, EOFError, ValueError, KeyError) as error:
        msg = f"cannot read {path}: {error}"
        raise PackError(msg) from None


def _row(pack: Pack, entry: Entry, measures: dict[str, Any] | None) -> Row:
    if measures is None:
        scenario = pack.task(entry.id).scenario
        measures = {**scenario.difficulty, **scenario.knobs}
    depth = measures.get("depth")
    if not isinstance(depth, int):
        depth = pack.task(entry.id).scenario.depth
    return Row(entry.id, entry.domain, entry.shape, depth, measures)
