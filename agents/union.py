"""Packs made of packs: several as one, which may grow, and a part of one."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from tool_gym.envs.card import Card
from tool_gym.envs.pack import Entry, Pack, Task
from tool_gym.errors import PackError, UnknownNameError


class UnionPack:
    """The scenarios of several packs, in their order; nothing is copied or loaded.

    What plays it by scenario (a `Collector`, `rollout_many`) goes on with packs that are added later.

    Args:
        first: The first pack, which gives the union its name.
        *others: Further ones.

    Raises:
        PackError: If two of them have a scenario of one id.
    """

    def __init__(self, first: Pack, *others: Pack) -> None:
        self.name = first.name
        self.parts: tuple[Pack, ...] = ()
        self._entries: tuple[Entry, ...] = ()
        self._home: dict[str, Pack] = {}
        for part in (first, *others):
            self.add(part)

    def add(self, part: Pack) -> None:
        """Add a pack at the end.

        Raises:
            PackError: If a scenario of it is there already.
        """
        new = tuple(part.entries())
        for entry in new:
            if entry.id in self._home:
                msg = f"the scenario {entry.id} is in both {self._home[entry.id].name!r} and {part.name!r}"
                raise PackError(msg)
        self.parts += (part,)
        self._entries += new
        self._home.update({entry.id: part for entry in new})

    def keep(self, count: int) -> None:
        """Let go of all packs but the first `count`."""
        parts, self.parts, self._entries, self._home = self.parts[:count], (), (), {}
        for part in parts:
            self.add(part)

    def entries(self, split: str | None = None) -> Sequence[Entry]:
        """Return the scenarios of a split, or all, pack by pack.

        Raises:
            UnknownNameError: If no pack has such a split.
        """
        if split is None:
            return self._entries
        found = tuple(entry for entry in self._entries if entry.split == split)
        if not found:
            error = UnknownNameError.of("split", split, {entry.split for entry in self._entries})
            raise error
        return found

    def task(self, scenario_id: str) -> Task:
        """Load one scenario and its world.

        Raises:
            UnknownNameError: If no pack has it.
        """
        if scenario_id not in self._home:
            error = UnknownNameError.of("scenario", scenario_id, self._home)
            raise error
        return self._home[scenario_id].task(scenario_id)


class Selection:
    """Some scenarios of a pack, as a pack."""

    def __init__(self, pack: Pack, ids: Collection[str]) -> None:
        self.name = pack.name
        self.card: Card | None = getattr(pack, "card", None)
        """The whole pack's, where it has one: how it was built, which own domains it brought along."""
        self.whole = pack
        """The pack they are of."""
        self._entries = tuple(entry for entry in pack.entries() if entry.id in ids)

    def entries(self, split: str | None = None) -> Sequence[Entry]:
        """Return those of a split, or all."""
        return tuple(entry for entry in self._entries if split in (None, entry.split))

    def task(self, scenario_id: str) -> Task:
        """Load one scenario and its world."""
        return self.whole.task(scenario_id)
