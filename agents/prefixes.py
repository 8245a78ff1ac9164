"""One turn at a time from stored beginnings of episodes, as FTRL trains (arXiv 2508.08791): no credit across turns.

An episode is played once and stored. Later it is replayed up to one of its turns, the replay is shown as context, and
the model writes that one turn anew; what the environment pays for it is all there is. The states that are trained in
are those of whoever played the stored episodes, however far the policy has moved since.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from tool_gym.agents.encoding import Encoder
from tool_gym.agents.generating import Generate, Sampled
from tool_gym.agents.rollouts import Collector, Limits, Rollout, _Episode
from tool_gym.dialects import Dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import Pack
from tool_gym.envs.policies.reference import OraclePolicy
from tool_gym.envs.rollout import rollout
from tool_gym.errors import AgentError
from tool_gym.generators.seeding import stream
from tool_gym.rewards import Reward
from tool_gym.trajectory import Step, Trajectory


class Prefixes:
    """Stored episodes, each the source of as many beginnings as it has turns: from nothing to all but the last.

    Args:
        trajectories: The episodes, of any scenarios; those without a turn are left out.
    """

    def __init__(self, trajectories: Iterable[Trajectory]) -> None:
        self._episodes: defaultdict[str, list[tuple[Step, ...]]] = defaultdict(list)
        for trajectory in trajectories:
            if trajectory.steps:
                self._episodes[trajectory.scenario_id].append(trajectory.steps)

    @property
    def scenarios(self) -> frozenset[str]:
        """The scenarios there are beginnings of."""
        return frozenset(self._episodes)

    def choose(self, scenario: str, seed: int, *, most: int) -> tuple[Step, ...]:
        """Return a beginning of an episode of a scenario: any of them is as likely, and equal seeds give the same.

        Args:
            scenario: Its id.
            seed: What the choice follows from.
            most: Most turns of a beginning.

        Raises:
            AgentError: If no episode of the scenario is stored.
        """
        if scenario not in self._episodes:
            msg = (
                f"no episode of the scenario {scenario!r} is stored, but of {len(self._episodes)} others: draw from "
                "these, or store one"
            )
            raise AgentError(msg)
        found = [steps[:turns] for steps in self._episodes[scenario] for turns in range(min(len(steps), most + 1))]
        return stream(seed, "prefix", scenario).choice(found)


class PrefixCollector(Collector):
    """Plays single turns behind stored beginnings, in the place of whole episodes.

    A rollout's prompt is the conversation up to the turn, the replayed turns with all that came of them included; its
    completion is the one turn; its reward is what the environment pays for that turn. The trajectory is the whole
    conversation. Which beginning it is follows from the scenario and the seed, so a group shares it, and there is no
    state to save. `Limits.max_tokens` bounds the turn alone; a beginning that fills `Limits.max_context` is shortened.
    """

    def __init__(  # noqa: PLR0913 - what a collector needs, and the beginnings
        self,
        pack: str | os.PathLike[str] | Pack,
        encoder: Encoder,
        prefixes: Prefixes,
        *,
        limits: Limits,
        reward: str | Reward = "solve",
        rows: int,
    ) -> None:
        """Create the environments; see `Collector`."""
        super().__init__(pack, encoder, limits=limits, reward=reward, rows=rows)
        self._prefixes = prefixes
        self._shown: dict[tuple[str, int], tuple[list[int], tuple[Step, ...]]] = {}

    def collect(self, scenarios: Sequence[str], generate: Generate, *, seeds: Sequence[int] | int = 0) -> list[Rollout]:
        """Play one turn of each scenario; see `Collector.collect`.

        Raises:
            AgentError: As there, if no episode of a scenario is stored, and if a stored one belongs to another content
                of the pack: replayed, it gives other results.
        """
        self._shown = {}
        return super().collect(scenarios, generate, seeds=seeds)

    def _begin(self, fresh: Mapping[int, _Episode]) -> None:
        super()._begin(fresh)
        beginnings: dict[int, tuple[Step, ...]] = {}
        with self._clock.running("encode"):
            for row, episode in fresh.items():
                prompt_ids, beginnings[row] = self._beginning(episode)
                episode.begin(prompt_ids, episode.tools, self.limits)
        with self._clock.running("env"):
            self._replay(beginnings)

    def _play(self, live: Mapping[int, _Episode], turns: Sequence[Sampled]) -> list[int]:
        """Take in the one turn of each."""
        super()._play(live, turns)
        for row, episode in live.items():
            episode.trajectory = self._env.unwrapped_envs[row].trajectory
        return list(live)

    def _show(self, episode: _Episode, step: Step) -> None:
        """Show nothing of what came of the turn: there is no other."""

    def _beginning(self, episode: _Episode) -> tuple[list[int], tuple[Step, ...]]:
        """Return the prompt up to the turn, and the steps in it."""
        key = episode.scenario, episode.seed
        if key not in self._shown:
            steps = self._prefixes.choose(*key, most=self.limits.max_turns - 1)
            ends = [list(episode.prompt_ids)]
            for number, step in enumerate(steps):
                between = self.encoder.after(step, number, episode.tools, stopped=True)
                ends.append([*ends[-1], *self.encoder.written(step.turn), *between])
            room = self.limits.max_context
            while room is not None and len(ends) > 1 and len(ends[-1]) >= room:
                ends.pop()
            self._shown[key] = ends[-1], steps[: len(ends) - 1]
        return self._shown[key]

    def _replay(self, beginnings: Mapping[int, tuple[Step, ...]]) -> None:
        """Play the beginnings again, all rows together."""
        for number in range(max(map(len, beginnings.values()))):
            here = {row: steps[number] for row, steps in beginnings.items() if len(steps) > number}
            _, _, terminated, truncated, _ = self._env.step({row: self._said(step) for row, step in here.items()})
            infos = self._env.info_list
            for row, step in here.items():
                found: Step = infos[row]["step"]
                results = [[result.text for result in one.results] for one in (found, step)]
                if terminated[row] or truncated[row] or results[0] != results[1] or found.reply != step.reply:
                    scenario = self._env.unwrapped_envs[row].scenario.id
                    msg = (
                        f"a stored episode of the scenario {scenario!r} does not play again as it was played, in its "
                        f"turn {number + 1}: it is of another content of the pack"
                    )
                    raise AgentError(msg)

    def _said(self, step: Step) -> object:
        """Return a turn as it was written."""
        return step.turn.raw or self.encoder.dialect.write(step.turn)


def oracle_episodes(pack: Pack, scenarios: Iterable[str], dialect: Dialect) -> Iterator[Trajectory]:
    """Yield what the oracle does in scenarios, where they carry a plan."""
    env = ToolUseEnv(pack, dialect=dialect)
    for scenario in scenarios:
        if pack.task(scenario).scenario.plans:
            yield rollout(env, OraclePolicy(), seed=0, options={"scenario": scenario})
