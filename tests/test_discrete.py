"""DiscreteToolActions as a Gymnasium environment: spaces, masks, determinism, vector environments, snapshots."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import warnings
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.spaces import Discrete
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import Autoreset, RecordEpisodeStatistics

from tests.handmade import SCENARIOS, WORLD
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack
from tool_gym.envs.wrappers import DiscreteToolActions, HideDocumentation, ShuffleTools
from tool_gym.errors import EpisodeError, ScenarioError
from tool_gym.turns import Blame, Turn

PACK = MemoryPack(list(SCENARIOS.values()), [WORLD], name="handmade")
DIALECTS = ("hermes", "openai", "structured")


def env_of(name: str | None = None, *, dialect: str = "hermes", **kwargs: Any) -> DiscreteToolActions:
    scenario = None if name is None else SCENARIOS[name].id
    return DiscreteToolActions(ToolUseEnv(PACK, scenario=scenario, dialect=dialect), **kwargs)


def base_of(env: gym.Env[Any, Any]) -> ToolUseEnv:
    assert isinstance(env.unwrapped, ToolUseEnv)
    return env.unwrapped


def drawn(rng: np.random.Generator, mask: Any) -> int:
    return int(rng.choice(np.flatnonzero(mask)))


def played(env: DiscreteToolActions, seed: int, steps: int) -> list[Any]:
    """Play at random among the legal actions; return all that was seen."""
    rng = np.random.default_rng(seed)
    observation, info = env.reset(seed=seed)
    seen: list[Any] = [observation.tolist(), list(env.menu)]
    for _ in range(steps):
        observation, reward, terminated, truncated, info = env.step(drawn(rng, info["action_mask"]))
        seen += [observation.tolist(), list(env.menu), float(reward), terminated, truncated]
        if terminated or truncated:
            _, info = env.reset()
    return seen


@pytest.mark.parametrize("dialect", DIALECTS)
def test_check_env_finds_nothing_but_that_it_is_a_wrapper(dialect: str) -> None:
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        check_env(env_of(dialect=dialect))
    said = ("different from the unwrapped version", "not having a spec")  # true of any wrapper; the spec is tried below
    assert [one for one in found if not any(true in str(one.message) for true in said)] == []


@pytest.mark.parametrize(("calls", "answers"), [(48, 6), (1, 1), (10, 2)])
def test_spaces_have_the_size_they_say(calls: int, answers: int) -> None:
    env = env_of(calls=calls, answers=answers)
    rows, columns = env.entry_shape
    assert env.action_space == Discrete(rows)
    assert rows == env.first_call + calls == 4 + 4 * answers + calls
    observation, info = env.reset(seed=0)
    assert observation in env.observation_space
    assert observation.size > rows * columns
    present = observation[-rows * columns :].reshape(rows, columns)[:, 0]
    assert present.tolist() == info["action_mask"].tolist()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_observation_is_in_the_space_and_every_mask_tells_the_menu(dialect: str) -> None:
    env, rng = env_of(dialect=dialect), np.random.default_rng(0)
    observation, info = env.reset(seed=0)
    for _ in range(60):
        mask = info["action_mask"]
        assert observation in env.observation_space
        assert mask.dtype == np.int8
        assert mask.tolist() == env.action_masks().tolist() == [int(turn is not None) for turn in env.menu]
        assert mask[:2].tolist() == [1, 1]
        observation, _, terminated, truncated, info = env.step(drawn(rng, mask))
        if terminated or truncated:
            observation, info = env.reset()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_action_plays_the_turn_the_menu_shows(dialect: str) -> None:
    env, rng = env_of(dialect=dialect), np.random.default_rng(1)
    _, info = env.reset(seed=1)
    for _ in range(40):
        action = drawn(rng, info["action_mask"])
        shown = env.menu[action]
        _, _, terminated, truncated, info = env.step(np.int64(action))
        turn = info["step"].turn
        assert shown is not None
        assert (turn.text, [call[:2] for call in turn.calls]) == (shown.text, [call[:2] for call in shown.calls])
        if terminated or truncated:
            _, info = env.reset()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_action_that_stands_for_nothing_is_a_junk_call(dialect: str) -> None:
    env = env_of("single_hop", dialect=dialect)
    _, info = env.reset(seed=0)
    empty = int(np.flatnonzero(info["action_mask"] == 0)[0])
    _, reward, terminated, truncated, info = env.step(empty)
    assert [result.outcome.blame for result in info["step"].results] == [Blame.MODEL]
    assert info["parts"]["charged"] == 1
    assert (float(reward), terminated, truncated) == (0.0, False, False)


@pytest.mark.parametrize("action", [-1, 76, 10**9])
def test_an_action_outside_the_space_is_refused(action: int) -> None:
    env = env_of()
    env.reset(seed=0)
    with pytest.raises(EpisodeError, match="from 0 to 75"):
        env.step(action)


def test_stepping_out_of_order_is_refused() -> None:
    env = env_of("single_hop")
    for early in (lambda: env.step(0), env.snapshot):
        with pytest.raises(EpisodeError, match="no episode has begun"):
            early()
    env.reset()
    env.step(0)
    with pytest.raises(EpisodeError, match="the episode is over"):
        env.step(0)


@pytest.mark.parametrize("kwargs", [{"calls": 0}, {"answers": 0}, {"calls": 2.0}, {"answers": True}])
def test_sizes_out_of_range_are_refused(kwargs: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match=next(iter(kwargs))):
        env_of(**kwargs)


def test_other_environments_are_refused() -> None:
    with pytest.raises(EpisodeError, match="ToolUseEnv"):
        DiscreteToolActions(gym.make("CartPole-v1"))


def test_equal_seeds_give_equal_episodes() -> None:
    assert played(env_of(), 3, 60) == played(env_of(), 3, 60)
    assert played(env_of(), 3, 60) != played(env_of(), 4, 60)


SCRIPT = """
import hashlib, sys
import gymnasium as gym, numpy as np
import tool_gym
from tool_gym.envs.wrappers import DiscreteToolActions
env = DiscreteToolActions(gym.make("ToolUse-v0", split="validation"))
rng, seen = np.random.default_rng(0), hashlib.sha256()
observation, info = env.reset(seed=0)
for _ in range(60):
    seen.update(observation.tobytes() + repr(env.menu).encode())
    observation, _, terminated, truncated, info = env.step(rng.choice(np.flatnonzero(info["action_mask"])))
    if terminated or truncated:
        observation, info = env.reset()
print(seen.hexdigest())
"""


def test_episodes_are_the_same_in_every_process() -> None:
    outputs = set()
    for hash_seed in ("0", "1", "4242"):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed}
        run = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=True)
        outputs.add(run.stdout)
    assert len(outputs) == 1
    assert len(outputs.pop()) > 60


def test_it_is_made_again_from_its_spec() -> None:
    env = DiscreteToolActions(gym.make("ToolUse-v0", split="test"), calls=20)
    assert env.spec is not None
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert again.action_space == env.action_space
    assert again.reset(seed=2)[0].tolist() == env.reset(seed=2)[0].tolist()


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_vector_envs_play_like_single_ones(mode: Any) -> None:
    vector = gym.make_vec("ToolUse-v0", 3, vectorization_mode=mode, wrappers=[DiscreteToolActions], split="test")
    try:
        seeds: Any = [1, 2, 3]
        observations, infos = vector.reset(seed=seeds)
        actions = [drawn(np.random.default_rng(5), mask) for mask in infos["action_mask"]]
        after, rewards, *_, later = vector.step(np.array(actions))
    finally:
        vector.close()
    for number, action in enumerate(actions):
        env = DiscreteToolActions(gym.make("ToolUse-v0", split="test"))
        observation, info = env.reset(seed=number + 1)
        assert (observation.tolist(), info["action_mask"].tolist()) == (
            observations[number].tolist(),
            infos["action_mask"][number].tolist(),
        )
        single = env.step(action)
        assert (single[0].tolist(), single[1]) == (after[number].tolist(), rewards[number])
        assert single[4]["action_mask"].tolist() == later["action_mask"][number].tolist()


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_masks_belong_to_the_observation_in_every_autoreset_mode(mode: AutoresetMode) -> None:
    vector = SyncVectorEnv([lambda: RecordEpisodeStatistics(env_of())] * 2, autoreset_mode=mode)
    rng = np.random.default_rng(0)
    observations, infos = vector.reset(seed=0)
    rows, columns = vector.get_attr("entry_shape")[0]
    ends = 0
    for _ in range(40):
        present = observations[:, -rows * columns :].reshape(2, rows, columns)[:, :, 0]
        assert present.tolist() == infos["action_mask"].tolist()
        actions = np.array([drawn(rng, mask) for mask in infos["action_mask"]])
        observations, _, terminated, truncated, infos = vector.step(actions)
        ends += int((terminated | truncated).sum())
    assert ends > 2


def test_an_autoreset_inside_begins_the_next_menu() -> None:
    env = DiscreteToolActions(Autoreset(ToolUseEnv(PACK, scenario=SCENARIOS["single_hop"].id)))
    first, _ = env.reset(seed=0)
    assert env.step(0)[2]
    observation, reward, terminated, *_ = env.step(0)
    assert (observation.tolist(), reward, terminated) == (first.tolist(), 0, False)


def test_it_reads_the_tools_as_wrappers_inside_show_them() -> None:
    base = ToolUseEnv(split="test")
    plain, _ = DiscreteToolActions(base).reset(seed=0)
    hidden, _ = DiscreteToolActions(HideDocumentation(base)).reset(seed=0)
    shuffled = DiscreteToolActions(ShuffleTools(base))
    shuffled.reset(seed=0)
    assert plain.tolist() != hidden.tolist()
    assert {repr(turn) for turn in shuffled.menu} == {repr(turn) for turn in menu_of(base)}


def menu_of(base: ToolUseEnv) -> list[Turn | None]:
    env = DiscreteToolActions(base)
    env.reset(seed=0)
    return env.menu


@pytest.mark.parametrize("name", ["multi_hop", "ask", "multi_turn", "write"])
def test_snapshots_branch_and_travel(name: str) -> None:
    env, other, rng = env_of(name), env_of(), np.random.default_rng(2)
    other.reset(seed=0)
    observation, info = env.reset(seed=0)
    for _ in range(3):
        kept = pickle.loads(pickle.dumps(env.snapshot()))  # noqa: S301 - written a moment ago
        menu = env.menu
        action = drawn(rng, info["action_mask"])
        outcome = env.step(action)
        for place in (env, other):
            assert place.restore(kept).tolist() == observation.tolist()
            assert place.menu == menu
            again = place.step(action)
            assert (again[0].tolist(), again[1:4]) == (outcome[0].tolist(), outcome[1:4])
        observation, _, terminated, truncated, info = outcome
        if terminated or truncated:
            break
