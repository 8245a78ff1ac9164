"""Scoring trajectories again: where their scenarios are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from tool_gym.errors import UnknownNameError

if TYPE_CHECKING:
    from tool_gym.envs.pack import Pack
    from tool_gym.scenario import Scenario
    from tool_gym.trajectory import Trajectory


class Scenarios:
    """Scenarios of trajectories, by id: of the given packs, or of the bundled packs that the trajectories name."""

    def __init__(self, packs: Iterable[Pack]) -> None:
        self._pack_of: dict[str, Pack] = {}
        """Scenario id → the pack it is in."""
        self._bundled: set[str] = set()
        """Bundled packs that are known already."""
        for pack in packs:
            self._know(pack)
        self._given = bool(self._pack_of)

    def of(self, trajectory: Trajectory) -> Scenario:
        """Return the scenario a trajectory was played on.

        Raises:
            UnknownNameError: If it or its pack is not known.
        """
        if not self._given:
            self._open_bundled(trajectory.pack)
        pack = self._pack_of.get(trajectory.scenario_id)
        if pack is None:
            error = UnknownNameError.of("scenario", trajectory.scenario_id, self._pack_of)
            raise error
        return pack.task(trajectory.scenario_id).scenario

    def _open_bundled(self, name: str) -> None:
        from tool_gym.envs.bundled import bundled_packs
        from tool_gym.envs.pack import open_pack

        if name in self._bundled:
            return
        if name not in bundled_packs():
            msg = f"{UnknownNameError.of('bundled pack', name, bundled_packs())}; say with --suite where it is"
            raise UnknownNameError(msg)
        self._bundled.add(name)
        self._know(open_pack(name))

    def _know(self, pack: Pack) -> None:
        self._pack_of.update({entry.id: pack for entry in pack.entries()})
