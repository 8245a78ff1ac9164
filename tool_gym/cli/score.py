"""`tool-gym score`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from tool_gym.cli.options import AsJson

if TYPE_CHECKING:
    from tool_gym.cli.rescoring import Scenarios
    from tool_gym.rewards import Reward
    from tool_gym.scenario import Scenario
    from tool_gym.trajectory import Trajectory

EXAMPLES = (
    "tool-gym score played.jsonl",
    "tool-gym score played.jsonl --reward solve,ftrl_f1 --suite my_pack",
    "tool-gym score played.jsonl --reward all --per-episode",
    "tool-gym score played.jsonl --reward step_grained:mode=mean --out paid.jsonl",
)


def score(  # noqa: PLR0913 - a command has the options it has
    trajectories: Annotated[Path, typer.Argument(help="A JSONL file of trajectories, as rollout --out writes it.")],
    *,
    reward: Annotated[
        list[str] | None,
        typer.Option(
            help="Name of a reward, or all; may be repeated or separated by commas. Parameters follow colons: "
            "solve:beta=2.",
            show_default="solve",
        ),
    ] = None,
    suite: Annotated[
        list[str] | None,
        typer.Option(help="Packs the scenarios are in.", show_default="the bundled packs the trajectories name"),
    ] = None,
    per_episode: Annotated[bool, typer.Option("--per-episode", help="One row for each trajectory.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the trajectories, paid by the one reward named, to this file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score stored trajectories again, by any reward, and say whether they were paid what they are worth."""
    from tool_gym.cli.find import names_of
    from tool_gym.cli.output import print_json, tell
    from tool_gym.cli.rescoring import Scenarios
    from tool_gym.envs.pack import open_pack
    from tool_gym.trajectory import write_trajectories

    rewards = _rewards(names_of(reward or ["solve"]))
    target = _target(out, trajectories, rewards) if out is not None else None
    scores = _Scores(rewards, Scenarios([open_pack(name) for name in names_of(suite or [])]), strict=out is not None)
    if target is not None:
        write_trajectories(target, scores.take(trajectories))
    else:
        for _ in scores.take(trajectories):
            pass
    if as_json:
        print_json(scores.report(per_episode=per_episode))
    else:
        _print(scores, per_episode=per_episode)
    scores.tell_what_is_odd()
    if out is not None:
        tell(f"trajectories paid by {next(iter(rewards))} are in {out}")


class _Episode(NamedTuple):
    """One trajectory, scored."""

    scenario_id: str
    policy: str
    seed: int | None
    reward: str
    """What it was paid by."""
    paid: float
    """The stored return."""
    returns: dict[str, float | None]
    """Reward → return; None where it cannot score the scenario."""


@dataclass
class _Scores:
    """The trajectories of a file, scored."""

    rewards: dict[str, Reward]
    """Rewards by the names they were given by."""
    scenarios: Scenarios
    strict: bool
    """Whether every trajectory must be scorable."""
    episodes: list[_Episode] = field(default_factory=list)
    by_solve: dict[str, list[Trajectory]] = field(default_factory=dict)
    """Policy → its trajectories, scored by `solve`."""
    differing: int = 0
    """Trajectories whose stored return is not what their own reward gives now."""
    foreign: int = 0
    """Trajectories paid by a reward that is not known here."""
    unscored: dict[str, list[str]] = field(default_factory=dict)
    """Reward → why it could not score some trajectories."""

    def take(self, path: Path) -> Iterator[Trajectory]:
        """Score every trajectory of a file, and yield it as the first of the rewards pays it.

        Raises:
            TrajectoryError: If there are none, or one cannot be read or scored.
            UnknownNameError: If a scenario or its pack is not known.
            NoOracleError: If one cannot be scored by a reward, and all must be.
        """
        from tool_gym.errors import ToolGymError, TrajectoryError
        from tool_gym.progress import progress
        from tool_gym.trajectory import read_trajectories

        with progress("scoring", None) as done:
            for number, trajectory in enumerate(read_trajectories(path), 1):
                try:
                    paid = self._take(trajectory)
                except ToolGymError as error:
                    msg = f"{path}, trajectory {number}: {error}"
                    raise type(error)(msg) from None
                except Exception as error:  # noqa: BLE001 - a damaged record can break scoring anywhere
                    msg = f"{path}, trajectory {number}: cannot be scored: {type(error).__name__}: {error}"
                    raise TrajectoryError(msg) from None
                done(number)
                yield paid
        if not self.episodes:
            msg = f"{path} holds no trajectory"
            raise TrajectoryError(msg)

    def rows(self) -> list[dict[str, Any]]:
        """Return the figures of each policy, with the mean return of each reward."""
        from tool_gym.evaluate import summarize

        rows = []
        for policy, of_policy in self.by_solve.items():
            row = summarize(policy, of_policy)._asdict()
            del row["mean_return"]
            rows.append(row | {"returns": {name: self._mean(policy, name) for name in self.rewards}})
        return rows

    def report(self, *, per_episode: bool) -> dict[str, Any]:
        """Return everything as JSON data."""
        found = {"trajectories": len(self.episodes), "differing": self.differing, "policies": self.rows()}
        return found | ({"episodes": [episode._asdict() for episode in self.episodes]} if per_episode else {})

    def tell_what_is_odd(self) -> None:
        """Write what should be known about the trajectories to standard error."""
        from tool_gym.cli.output import tell

        if self.differing:
            count = f"{self.differing} of {len(self.episodes)}"
            tell(f"{count} trajectories were paid something else than they score now")
        if self.foreign:
            tell(f"{self.foreign} trajectories were paid by a reward of no known name; theirs was not compared")
        for name, reasons in self.unscored.items():
            tell(f"{len(reasons)} trajectories cannot be scored by {name}: {reasons[0]}")

    def _take(self, trajectory: Trajectory) -> Trajectory:
        from tool_gym.rewards import get_reward
        from tool_gym.summary import rescored

        scenario, policy = self.scenarios.of(trajectory), str(trajectory.policy)
        self.by_solve.setdefault(policy, []).append(rescored(trajectory, scenario, get_reward("solve")))
        paid = {name: self._paid(trajectory, scenario, name, reward) for name, reward in self.rewards.items()}
        returns = {name: None if one is None else one.episode_return for name, one in paid.items()}
        before = trajectory.episode_return
        self.episodes.append(
            _Episode(trajectory.scenario_id, policy, trajectory.seed, trajectory.reward, before, returns)
        )
        self._compare(trajectory, scenario, returns)
        return next(iter(paid.values())) or trajectory

    def _paid(self, trajectory: Trajectory, scenario: Scenario, name: str, reward: Reward) -> Trajectory | None:
        """Return the trajectory as a reward pays it; None if it cannot, and need not."""
        from tool_gym.errors import NoOracleError
        from tool_gym.summary import rescored

        try:
            return rescored(trajectory, scenario, reward)._replace(reward=name)
        except NoOracleError as error:
            if self.strict:
                raise
            self.unscored.setdefault(name, []).append(str(error))
            return None

    def _compare(self, trajectory: Trajectory, scenario: Scenario, returns: dict[str, float | None]) -> None:
        """Compare what a trajectory was paid with what its own reward gives now."""
        from tool_gym.errors import ToolGymError
        from tool_gym.rewards import get_reward, score

        now = returns.get(trajectory.reward)
        if now is None:
            try:
                own = get_reward(trajectory.reward)
                now = sum(step.delta for step in score(own, scenario, trajectory).steps)
            except ToolGymError:
                self.foreign += 1
                return
        self.differing += not math.isclose(now, trajectory.episode_return, abs_tol=1e-9)

    def _mean(self, policy: str, name: str) -> float | None:
        found = [episode.returns[name] for episode in self.episodes if episode.policy == policy]
        known = [value for value in found if value is not None]
        return fmean(known) if known else None


def _rewards(names: list[str]) -> dict[str, Reward]:
    """Return the rewards named, by the names given."""
    from tool_gym.rewards import REWARDS, get_reward

    every = (one for name in names for one in (REWARDS if name == "all" else (name,)))
    return {name: get_reward(name) for name in every}


def _target(out: Path, trajectories: Path, rewards: dict[str, Reward]) -> Path:
    """Return where rescored trajectories are to be written.

    Raises:
        ToolGymError: If there is not one reward to pay them, or it is where they are read from or no place to write.
    """
    from tool_gym.cli.find import check_new_file
    from tool_gym.errors import ToolGymError

    if len(rewards) != 1:
        msg = f"--out writes trajectories as one reward pays them, and {len(rewards)} are named: {', '.join(rewards)}"
        raise ToolGymError(msg)
    target = check_new_file(out)
    if target.exists() and trajectories.exists() and target.samefile(trajectories):
        msg = f"--out is the file that is scored, {trajectories}: name another"
        raise ToolGymError(msg)
    return target


def _print(scores: _Scores, *, per_episode: bool) -> None:
    from tool_gym.cli.output import print_all, table

    earned = tuple(f"return ({name})" for name in scores.rewards)
    if per_episode:
        columns: tuple[str, ...] = ("scenario", "policy", "seed", "paid by", "paid", *earned)
        cells = [[*episode[:-1], *episode.returns.values()] for episode in scores.episodes]
    else:
        columns = ("policy", "episodes", "Solve-P", "Solve-R", "Solve-F1", "answer accuracy", "calls", *earned)
        cells = [[*list(row.values())[:-1], *row["returns"].values()] for row in scores.rows()]
    numbers = len(earned) + 1 if per_episode else len(columns) - 1
    print_all(table(columns, cells, numbers=numbers))
