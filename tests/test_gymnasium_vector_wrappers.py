"""Gymnasium's own wrappers, unmodified: its vector wrappers around ours, its single ones around each row."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import wrappers as single
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from gymnasium.wrappers import vector

from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack
from tool_gym.envs.policies import OraclePolicy
from tool_gym.envs.rollout import rollout
from tool_gym.envs.vector import ToolUseVectorEnv
from tool_gym.envs.wrappers import ShuffleTools
from tool_gym.errors import EpisodeError

PACK = MemoryPack([SCENARIOS[name] for name in WITH_ORACLE], [WORLD], name="hand")
JUNK = '<tool_call>{"name": "nope", "arguments": {}}</tool_call>'
WRONG = "Answer: 1"
SCRIPT = [(JUNK, WRONG, JUNK), (JUNK, JUNK, WRONG), (WRONG, JUNK, JUNK), (JUNK, JUNK, JUNK)]

Wrapper = Callable[[Any], Any]


def played(env: Any) -> list[Any]:
    """Reset, play the script, and return what came of it."""
    return [env.reset(seed=1), *(env.step(actions) for actions in SCRIPT)]


def same(ours: Any, theirs: Any) -> None:
    assert repr([output[:-1] for output in ours]) == repr([output[:-1] for output in theirs])


VECTOR_WRAPPERS: dict[str, Wrapper] = {
    "TransformObservation": partial(vector.TransformObservation, func=lambda texts: tuple(text[:9] for text in texts)),
    "VectorizeTransformObservation": lambda env: vector.VectorizeTransformObservation(
        env, single.TransformObservation, func=str.upper, observation_space=env.single_observation_space
    ),
    "TransformAction": partial(vector.TransformAction, func=lambda actions: tuple(map(str.strip, actions))),
    "TransformReward": partial(vector.TransformReward, func=lambda rewards: rewards * 2 + 1),
    "VectorizeTransformReward": partial(
        vector.VectorizeTransformReward, wrapper=single.TransformReward, func=lambda reward: reward + 1
    ),
    "ClipReward": partial(vector.ClipReward, min_reward=0.1, max_reward=0.2),
    "NormalizeReward": vector.NormalizeReward,
    "RecordEpisodeStatistics": vector.RecordEpisodeStatistics,
    "DictInfoToList": vector.DictInfoToList,
}


CASES = [(name, mode) for name in VECTOR_WRAPPERS for mode in ("NextStep", "SameStep")]
REFUSED = [(name, "SameStep") for name in VECTOR_WRAPPERS if name.endswith("TransformObservation")]
"""What Gymnasium's wrapper itself does not take."""


@pytest.mark.parametrize(("name", "mode"), [case for case in CASES if case not in REFUSED])
def test_vector_wrappers_see_what_they_see_around_sync_vector_env(name: str, mode: str) -> None:
    wrap = VECTOR_WRAPPERS[name]
    ours = wrap(ToolUseVectorEnv(3, PACK, autoreset_mode=mode))
    theirs = wrap(SyncVectorEnv([lambda: ToolUseEnv(PACK)] * 3, autoreset_mode=mode))
    same(played(ours), played(theirs))


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_episode_statistics_are_what_gymnasium_counts(mode: str) -> None:
    ours = ToolUseVectorEnv(3, PACK, autoreset_mode=mode, episode_statistics=True)
    theirs = vector.RecordEpisodeStatistics(ToolUseVectorEnv(3, PACK, autoreset_mode=mode))
    ends = 0
    for (*_, infos), (*_, more) in zip(played(ours)[1:], played(theirs)[1:], strict=True):
        assert ("episode" in infos) == ("episode" in more)
        if "episode" in infos:
            ends += 1
            assert infos["_episode"].tolist() == more["_episode"].tolist()
            assert infos["episode"]["l"].tolist() == more["episode"]["l"].tolist()
            assert infos["episode"]["r"] == pytest.approx(more["episode"]["r"])
    assert ends == 3
    assert theirs.episode_count == 3


def test_a_masked_reset_leaves_the_other_rows_counters_alone() -> None:
    env = vector.RecordEpisodeStatistics(ToolUseVectorEnv(2, PACK, autoreset_mode="Disabled"))
    env.reset(seed=1)
    env.step((WRONG, JUNK))
    env.reset(options={"reset_mask": np.array([True, False])})
    assert env.episode_lengths.tolist() == [0, 1]
    *_, infos = env.step((JUNK, WRONG))
    assert infos["episode"]["l"].tolist() == [0, 2]


def test_statistics_of_two_makers_are_refused() -> None:
    env = vector.RecordEpisodeStatistics(ToolUseVectorEnv(1, PACK, episode_statistics=True))
    env.reset(seed=1)
    with pytest.raises(ValueError, match="'episode' but this key already exists"):
        env.step((WRONG,))


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_infos_as_a_list_are_each_row_s_own(mode: str) -> None:
    base = ToolUseVectorEnv(3, PACK, autoreset_mode=mode, episode_statistics=True)
    env = vector.DictInfoToList(base)
    env.reset(seed=1)
    seen = 0
    for actions in SCRIPT:
        *_, infos = env.step(actions)
        for row, own in enumerate(base.info_list):
            stepped = infos[row].pop("stepped")
            if infos[row]:  # a row that was left as it is is told nothing
                seen += stepped
                assert infos[row] == own
    assert seen == {"NextStep": 9, "SameStep": 12, "Disabled": 6}[mode]


# --- single wrappers

SINGLE_WRAPPERS: dict[str, Wrapper] = {
    "TimeLimit": partial(single.TimeLimit, max_episode_steps=2),
    "RecordEpisodeStatistics": single.RecordEpisodeStatistics,
    "TransformReward": partial(single.TransformReward, func=lambda reward: float(reward) * 2 + 1),
    "ClipReward": partial(single.ClipReward, min_reward=0.1, max_reward=0.2),
    "NormalizeReward": single.NormalizeReward,
    "OrderEnforcing": single.OrderEnforcing,
    "PassiveEnvChecker": single.PassiveEnvChecker,
    "TransformObservation": lambda env: single.TransformObservation(env, str.upper, env.observation_space),
    "TransformAction": lambda env: single.TransformAction(env, str.strip, env.action_space),
    "RenderCollection": single.RenderCollection,
    "StickyAction": partial(single.StickyAction, repeat_action_probability=0.5),
}


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
@pytest.mark.parametrize("name", SINGLE_WRAPPERS)
def test_single_wrappers_around_each_row_do_what_they_do_in_sync_vector_env(name: str, mode: str) -> None:
    wrap = SINGLE_WRAPPERS[name]
    ours = ToolUseVectorEnv(3, PACK, autoreset_mode=mode, env_wrappers=[wrap], render_mode="ansi")
    theirs = SyncVectorEnv([lambda: wrap(ToolUseEnv(PACK, render_mode="ansi"))] * 3, autoreset_mode=mode)
    first, second = played(ours), played(theirs)
    same(first, second)
    for (*_, infos), (*_, more) in zip(first, second, strict=True):
        assert infos.keys() - {"stepped", "_stepped"} == more.keys()


@pytest.mark.parametrize("name", SINGLE_WRAPPERS)
def test_a_rollout_goes_through_single_wrappers(name: str) -> None:
    env = SINGLE_WRAPPERS[name](ToolUseEnv(PACK, render_mode="ansi"))
    trajectory = rollout(env, OraclePolicy(), seed=1)
    assert trajectory.terminated or name == "TimeLimit"


def test_autoreset_starts_the_next_episode_with_the_next_action() -> None:
    env = single.Autoreset(ToolUseEnv(PACK))
    env.reset(seed=1)
    assert env.step(WRONG)[2]
    observation, reward, terminated, truncated, info = env.step("ignored")
    assert (reward, terminated, truncated, len(info["messages"])) == (0, False, False, 2)
    assert observation


# --- other ways to make a vector environment


def test_async_vector_env_takes_texts_only_without_shared_memory_and_says_so() -> None:
    with pytest.raises(ValueError, match="shared_memory=False"):
        AsyncVectorEnv([lambda: gym.make("ToolUse-v0")] * 2)
    with pytest.raises(ValueError, match="shared_memory=False"):
        gym.make_vec("ToolUse-v0", 2, vectorization_mode="async")


def test_make_vec_s_own_wrappers_are_refused_with_a_way_out_in_ours() -> None:
    with pytest.raises(gym.error.Error, match="wrappers argument"):
        gym.make_vec("ToolUse-v0", 2, wrappers=[single.NormalizeReward])
    env = gym.make_vec("ToolUse-v0", 2, env_wrappers=[single.NormalizeReward])
    assert isinstance(env, ToolUseVectorEnv)
    assert all(isinstance(row, single.NormalizeReward) for row in env.envs)


@pytest.mark.parametrize("wrappers", [ShuffleTools, ["ShuffleTools"], 3])
def test_wrappers_that_are_none_are_named(wrappers: Any) -> None:
    with pytest.raises(EpisodeError, match="env_wrappers must be a list"):
        ToolUseVectorEnv(2, env_wrappers=wrappers)
