"""`tool-gym score`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tool_gym.cli.options import AsJson

if TYPE_CHECKING:
    from tool_gym.envs.pack import Pack
    from tool_gym.rewards import Reward
    from tool_gym.scenario import Scenario
    from tool_gym.trajectory import Trajectory

EXAMPLES = (
    "tool-gym score played.jsonl",
    "tool-gym score played.jsonl --reward solve,ftrl_f1 --suite my_pack",
)


def score(
    trajectories: Annotated[Path, typer.Argument(help="A JSONL file of trajectories, as rollout --out writes it.")],
    *,
    reward: Annotated[
        list[str] | None,
        typer.Option(help="Name of a reward; may be repeated or separated by commas.", show_default="solve"),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(help="Packs the scenarios are in.", show_default="the bundled packs the trajectories name"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score stored trajectories again, by any reward, and say whether they were paid what they are worth."""
    from tool_gym.cli.find import names_of
    from tool_gym.cli.output import print_json, tell
    from tool_gym.envs.pack import open_pack
    from tool_gym.rewards import get_reward

    rewards = [get_reward(name) for name in names_of(reward or ["solve"])]
    scores = _Scores(rewards, [open_pack(name) for name in names_of(suite or [])])
    scores.take(trajectories)
    rows = scores.rows()
    if as_json:
        print_json({"trajectories": scores.count, "differing": scores.differing, "policies": rows})
    else:
        _print(rows, [one.name for one in rewards])
    if scores.differing:
        tell(f"{scores.differing} of {scores.count} trajectories were paid something else than they score now")
    if scores.foreign:
        tell(f"{scores.foreign} trajectories were paid by a reward of no known name; theirs was not compared")


@dataclass
class _Scores:
    """The trajectories of a file, scored."""

    rewards: list[Reward]
    packs: list[Pack]
    count: int = 0
    differing: int = 0
    """Trajectories whose stored return is not what their own reward gives now."""
    foreign: int = 0
    """Trajectories paid by a reward that is not known here."""
    by_solve: dict[str, list[Trajectory]] = field(default_factory=dict)
    returns: dict[str, dict[str, list[float]]] = field(default_factory=dict)
    """Policy → reward → returns."""
    pack_of: dict[str, Pack] = field(default_factory=dict)
    """Scenario id → the pack it is in."""
    opened: set[str] = field(default_factory=set)
    """Bundled packs that are known already."""

    def __post_init__(self) -> None:
        """Take in the given packs."""
        for pack in self.packs:
            self._know(pack)

    def take(self, path: Path) -> None:
        """Score every trajectory of a file.

        Raises:
            TrajectoryError: If there are none, or one cannot be read or scored.
            UnknownNameError: If a scenario or its pack is not known.
        """
        from tool_gym.cli.output import progress
        from tool_gym.errors import ToolGymError, TrajectoryError
        from tool_gym.trajectory import read_trajectories

        with progress("scoring", None) as done:
            for number, trajectory in enumerate(read_trajectories(path), 1):
                try:
                    self._take(trajectory)
                except ToolGymError as error:
                    msg = f"{path}, trajectory {number}: {error}"
                    raise type(error)(msg) from None
                except Exception as error:  # noqa: BLE001 - a damaged record can break scoring anywhere
                    msg = f"{path}, trajectory {number}: cannot be scored: {type(error).__name__}: {error}"
                    raise TrajectoryError(msg) from None
                done(number)
                self.count = number
        if not self.count:
            msg = f"{path} holds no trajectory"
            raise TrajectoryError(msg)

    def rows(self) -> list[dict[str, Any]]:
        """Return the figures of each policy, with the mean return of each reward."""
        from tool_gym.evaluate import summarize

        rows = []
        for policy, of_policy in self.by_solve.items():
            row = summarize(policy, of_policy)._asdict()
            del row["mean_return"]
            rows.append(row | {"returns": {name: fmean(of) for name, of in self.returns[policy].items()}})
        return rows

    def _take(self, trajectory: Trajectory) -> None:
        from tool_gym.cli.rescoring import rescored
        from tool_gym.rewards import REWARDS, get_reward

        scenario, policy = self._scenario(trajectory), str(trajectory.policy)
        self.by_solve.setdefault(policy, []).append(rescored(trajectory, scenario, get_reward("solve")))
        returns = self.returns.setdefault(policy, {reward.name: [] for reward in self.rewards})
        for reward in self.rewards:
            returns[reward.name].append(rescored(trajectory, scenario, reward).episode_return)
        if trajectory.reward not in REWARDS:
            self.foreign += 1
            return
        now = rescored(trajectory, scenario, get_reward(trajectory.reward)).episode_return
        self.differing += not math.isclose(now, trajectory.episode_return, abs_tol=1e-9)

    def _scenario(self, trajectory: Trajectory) -> Scenario:
        from tool_gym.errors import UnknownNameError

        if not self.packs:
            self._open_bundled(trajectory.pack)
        pack = self.pack_of.get(trajectory.scenario_id)
        if pack is None:
            error = UnknownNameError.of("scenario", trajectory.scenario_id, self.pack_of)
            raise error
        return pack.task(trajectory.scenario_id).scenario

    def _open_bundled(self, name: str) -> None:
        from tool_gym.envs.bundled import bundled_packs
        from tool_gym.envs.pack import open_pack
        from tool_gym.errors import UnknownNameError

        if name in self.opened:
            return
        if name not in bundled_packs():
            msg = f"{UnknownNameError.of('bundled pack', name, bundled_packs())}; say with --suite where it is"
            raise UnknownNameError(msg)
        self.opened.add(name)
        self._know(open_pack(name))

    def _know(self, pack: Pack) -> None:
        self.pack_of.update({entry.id: pack for entry in pack.entries()})


def _print(rows: list[dict[str, Any]], rewards: list[str]) -> None:
    from tool_gym.cli.output import print_all, table

    columns = ("policy", "episodes", "Solve-P", "Solve-R", "Solve-F1", "answer accuracy", "calls")
    cells = [[*list(row.values())[:-1], *row["returns"].values()] for row in rows]
    headings = (*columns, *(f"return ({name})" for name in rewards))
    print_all(table(headings, cells, numbers=len(headings) - 1))
