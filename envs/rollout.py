"""Playing whole episodes: one after another in one environment, or many side by side in a vector environment."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

import numpy as np
from gymnasium.vector import AutoresetMode

from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.policies.base import BatchPolicy, Policy
from tool_gym.envs.vector import ToolUseVectorEnv
from tool_gym.errors import EpisodeError, UnknownNameError
from tool_gym.trajectory import Trajectory
from tool_gym.turns import Turn

if TYPE_CHECKING:
    import gymnasium
    from gymnasium.vector import VectorEnv

T = TypeVar("T")

Players: TypeAlias = Callable[[], Policy] | BatchPolicy
"""What makes a policy for each row, such as its class; or one policy for all rows."""

_SHOWN = 4
"""Most episodes named in the note of an exception."""


def rollout(
    env: gymnasium.Env[Any, Any],
    policy: Policy,
    *,
    seed: int | None = None,
    options: dict[str, Any] | None = None,
) -> Trajectory:
    """Play one episode and return its record.

    Args:
        env: A `ToolUseEnv`, or wrappers around one.
        policy: Who plays.
        seed: Seed of `reset` and of the policy; None continues the environment's sequence.
        options: Options of `reset`, such as `{"scenario": id}`.

    Raises:
        EpisodeError: If `env` is no tool-use environment, or `policy` no policy.
    """
    base = env.unwrapped
    if not isinstance(base, ToolUseEnv):
        msg = f"rollout needs a ToolUseEnv, not {type(base).__name__}"
        raise EpisodeError(msg)
    if isinstance(policy, type) or not hasattr(policy, "act"):
        msg = f"rollout needs a policy with reset and act, such as get_policy('oracle'), not {policy!r:.80}"
        raise EpisodeError(msg)
    observation, info = env.reset(seed=seed, options=options)
    policy.reset(base, seed if seed is not None else int(base.np_random.integers(2**31)))
    over = False
    while not over:
        action = policy.act(observation, info)
        if isinstance(action, Turn):
            action = base.dialect.write(action)
        observation, _, terminated, truncated, info = env.step(action)
        over = terminated or truncated
    return base.trajectory._replace(policy=policy.name)


def rollout_many(
    env: VectorEnv[Any, Any, Any], policy: Players, scenarios: Sequence[str], *, seed: int | Sequence[int] = 0
) -> Iterator[Trajectory]:
    """Play an episode of each scenario, as many at a time as `env` has rows, and yield their records in order.

    A row takes up the next scenario as soon as its episode is over. Each record equals the one `rollout` returns for
    that scenario and seed, however many rows there are; a `BatchPolicy` has to see to its own part in that. What a
    policy raises goes through, with a note of what it was playing. Leave `env` alone until the last record.

    Args:
        env: A `ToolUseVectorEnv`, or vector wrappers around one, that does not restart rows in the same step.
        policy: What makes a policy for each row, such as its class; or one `BatchPolicy`.
        scenarios: Ids; one that is named twice is played twice.
        seed: The seed of each episode; or one number, from which `episode_seed` makes them.

    Raises:
        EpisodeError: If `env`, `policy` or the number of seeds will not do, or the policy's turns do not.
        UnknownNameError: If the environment's pack has no such scenario.
    """
    base = env.unwrapped
    if not isinstance(base, ToolUseVectorEnv):
        msg = f"rollout_many needs a ToolUseVectorEnv, such as gymnasium.make_vec makes, not {type(base).__name__}"
        raise EpisodeError(msg)
    if base.autoreset_mode is AutoresetMode.SAME_STEP:
        msg = "rollout_many needs finished episodes to stay for a record: autoreset_mode NextStep or Disabled"
        raise EpisodeError(msg)
    episodes = _episodes(scenarios, seed)
    known = {entry.id for entry in base.unwrapped_envs[0].pack.entries()}
    for episode in episodes:
        if episode.scenario not in known:
            error = UnknownNameError.of("scenario", episode.scenario, known)
            raise error
    return _play(env, base, _player(policy, base), iter(episodes))


def episode_seed(seed: int, scenario_id: str, repetition: int = 0) -> int:
    """Return the seed of one episode: it depends on the scenario, not on its place among others.

    Args:
        seed: The seed of the whole run.
        scenario_id: What is played.
        repetition: How often this run has played it before.

    Returns:
        A number below 2**31.
    """
    path = f"{seed}/{scenario_id}" + (f"/{repetition}" if repetition else "")
    return int.from_bytes(hashlib.blake2b(path.encode(), digest_size=4).digest(), "big") >> 1


def spread(items: Sequence[T], count: int | None) -> Sequence[T]:
    """Return `count` items spread evenly over all, or all.

    >>> spread("abcdef", 3)
    ['a', 'c', 'e']
    """
    if count is None or count >= len(items):
        return items
    return [items[number * len(items) // count] for number in range(count)]


class _Episode(NamedTuple):
    number: int
    scenario: str
    seed: int


class _Each:
    """A policy for each row."""

    def __init__(self, make: Callable[[], Policy], env: ToolUseVectorEnv) -> None:
        self._rows = [(make(), row) for row in env.unwrapped_envs]
        self.name = self._rows[0][0].name

    def begin(self, row: int, episode: _Episode) -> None:
        policy, env = self._rows[row]
        with _noted(policy.name, {row: episode}):
            policy.reset(env, episode.seed)

    def act(self, live: Mapping[int, _Episode], observations: Sequence[Any], infos: list[dict[str, Any]]) -> list[Any]:
        turns = []
        for row, episode in live.items():
            with _noted(self.name, {row: episode}):
                turns.append(self._rows[row][0].act(observations[row], infos[row]))
        return turns


class _Together:
    """One policy for all rows."""

    def __init__(self, policy: BatchPolicy) -> None:
        self._policy = policy
        self.name = policy.name

    def begin(self, row: int, episode: _Episode) -> None:
        pass

    def act(self, live: Mapping[int, _Episode], observations: Sequence[Any], infos: list[dict[str, Any]]) -> list[Any]:
        with _noted(self.name, live):
            turns = list(self._policy.act_many([observations[row] for row in live], [infos[row] for row in live]))
        if len(turns) != len(live):
            msg = f"act_many of the policy {self.name!r} returned {len(turns)} turns for {len(live)} episodes"
            raise EpisodeError(msg)
        return turns


def _player(policy: Any, env: ToolUseVectorEnv) -> _Each | _Together:
    if isinstance(policy, BatchPolicy) and not isinstance(policy, type):
        return _Together(policy)
    if callable(policy) and not hasattr(policy, "act_many"):
        return _Each(policy, env)
    msg = (
        "rollout_many needs a class or function that makes a policy for each row, such as OraclePolicy, "
        f"or one policy that has a name and act_many, not {policy!r:.80}"
    )
    raise EpisodeError(msg)


def _episodes(scenarios: Sequence[str], seed: int | Sequence[int]) -> list[_Episode]:
    ids = [scenarios] if isinstance(scenarios, str) else list(scenarios)
    if isinstance(seed, int | np.integer):
        before: Counter[str] = Counter()
        seeds = []
        for scenario in ids:
            seeds.append(episode_seed(int(seed), scenario, before[scenario]))
            before[scenario] += 1
    else:
        seeds = [int(one) for one in seed]
    if len(seeds) != len(ids):
        msg = f"{len(seeds)} seeds for {len(ids)} scenarios: give one for each, or one number for all"
        raise EpisodeError(msg)
    return [_Episode(number, *one) for number, one in enumerate(zip(ids, seeds, strict=True))]


def _play(
    env: VectorEnv[Any, Any, Any], base: ToolUseVectorEnv, player: _Each | _Together, episodes: Iterator[_Episode]
) -> Iterator[Trajectory]:
    """Keep every row busy and yield the records in order."""
    rows = range(base.num_envs)
    live = dict(zip(rows, episodes, strict=False))
    observations = _begin(env, player, live, first=True) if live else ()
    played: dict[int, Trajectory] = {}
    due = 0
    while live:
        turns = player.act(live, observations, base.info_list)
        actions = {row: _action(base, row, live[row], turn) for row, turn in zip(live, turns, strict=True)}
        observations, _, terminated, truncated, _ = env.step([actions.get(row) for row in rows])
        over = [row for row in live if terminated[row] or truncated[row]]
        for row in over:
            played[live.pop(row).number] = base.unwrapped_envs[row].trajectory._replace(policy=player.name)
        fresh = dict(zip(over, episodes, strict=False))
        if fresh:
            observations = _begin(env, player, fresh, first=False)
            live |= fresh
        while due in played:
            yield played.pop(due)
            due += 1


def _begin(env: VectorEnv[Any, Any, Any], player: _Each | _Together, fresh: dict[int, _Episode], *, first: bool) -> Any:
    """Start episodes and return the observations of all rows; the first reset has to be of all of them."""
    seeds: list[int | None] = [None] * env.num_envs
    names: list[str | None] = [next(iter(fresh.values())).scenario] * env.num_envs
    for row, episode in fresh.items():
        seeds[row], names[row] = episode.seed, episode.scenario
    options: dict[str, Any] = {"scenarios": names}
    if not first:
        options["reset_mask"] = np.array([row in fresh for row in range(env.num_envs)])
    observations, _ = env.reset(seed=seeds, options=options)  # type: ignore[arg-type]  # ours takes a list
    for row, episode in fresh.items():
        player.begin(row, episode)
    return observations


def _action(env: ToolUseVectorEnv, row: int, episode: _Episode, turn: Any) -> Any:
    if turn is None:
        msg = f"the policy gave no turn (None) in row {row}, scenario {episode.scenario}"
        raise EpisodeError(msg)
    return env.unwrapped_envs[row].dialect.write(turn) if isinstance(turn, Turn) else turn


@contextmanager
def _noted(policy: str, live: Mapping[int, _Episode]) -> Iterator[None]:
    """Add to what a policy raises what it was playing."""
    try:
        yield
    except Exception as error:
        shown = [f"row {row}: scenario {episode.scenario}, seed {episode.seed}" for row, episode in live.items()]
        more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        error.add_note(f"the policy {policy!r} was playing {'; '.join(shown[:_SHOWN])}{more}")
        raise
