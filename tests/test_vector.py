"""ToolUseVectorEnv: each row plays as a single environment would, under every mode, in any interleaving."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import TransformObservation, TransformReward
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD
from tool_gym.dialects import get_dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack, Pack, open_pack
from tool_gym.envs.policies import OraclePolicy, Policy, get_policy
from tool_gym.envs.vector import ToolUseVectorEnv
from tool_gym.errors import EpisodeError
from tool_gym.turns import Turn

PACK = MemoryPack([SCENARIOS[name] for name in WITH_ORACLE], [WORLD], name="hand")
JUNK = '<tool_call>{"name": "nope", "arguments": {}}</tool_call>'
WRONG = "Answer: 1"
MODES = list(AutoresetMode)


class Alone:
    """What a row should do: a single environment under an autoreset mode, with a policy beside it."""

    def __init__(self, mode: AutoresetMode, seed: int, policy: Policy, pack: Pack = PACK) -> None:
        self.env, self.mode, self.policy, self.seed = ToolUseEnv(pack, max_turns=6), mode, policy, seed
        self.rewards: list[float] = []
        """Those of the episode, or of the last one in the step it ended."""
        self.ended: dict[str, Any] | None = None
        """The info of an episode's end, in the step it ended."""
        self.begin(*self.env.reset(seed=seed))

    def begin(self, observation: str, info: dict[str, Any]) -> None:
        self.observation, self.info, self.flags = observation, info, (False, False)
        self.policy.reset(self.env, self.seed)

    def move(self) -> Any:
        if any(self.flags):
            return "ignored"
        turn = self.policy.act(self.observation, self.info)
        return self.env.dialect.write(turn) if isinstance(turn, Turn) else turn

    def step(self, action: Any) -> tuple[Any, ...]:
        """Return observation, reward, the two flags, and whether a turn was played."""
        if self.ended is not None:
            self.rewards = []
        reward, flags, self.ended = 0.0, self.flags, None
        played = action is not None and not any(flags)
        if played:
            self.observation, reward, *ended, self.info = self.env.step(action)
            self.rewards.append(reward)
            flags = self.flags = (ended[0], ended[1])
            if any(flags):
                self.ended = self.info
                if self.mode is AutoresetMode.SAME_STEP:
                    self.begin(*self.env.reset())
        elif action is not None and self.mode is AutoresetMode.NEXT_STEP:
            self.begin(*self.env.reset())
            flags = self.flags
        return self.observation, reward, *flags, played


def rows_of(outputs: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    """Return what `step` gave, row by row."""
    observations, rewards, terminated, truncated, infos = outputs
    assert (rewards.dtype, terminated.dtype, truncated.dtype) == (np.float64, np.bool_, np.bool_)
    assert type(observations) is tuple
    arrays = (array.tolist() for array in (rewards, terminated, truncated, infos["stepped"]))
    return list(zip(observations, *arrays, strict=True))


def step_both(vector: ToolUseVectorEnv, rows: Sequence[Alone], actions: Any) -> dict[str, Any]:
    """Play in each row, alone and together, and compare all that is known of it."""
    by_row = actions if isinstance(actions, dict) else dict(enumerate(actions))
    alone = [row.step(by_row.get(number)) for number, row in enumerate(rows)]
    outputs = vector.step(actions)
    assert rows_of(outputs) == alone
    for row, info in zip(rows, vector.info_list, strict=True):
        assert info.items() >= row.info.items()
        if row.ended is not None:
            assert info["episode"] == {"r": sum(row.rewards), "l": len(row.rewards)}
            assert info.get("final_info", info).items() >= row.ended.items()
    assert vector.trajectories == tuple(row.env.trajectory for row in rows)
    return dict(outputs[4])


@pytest.mark.parametrize("mode", MODES)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_any_interleaving_gives_each_row_what_it_gives_alone(mode: AutoresetMode, data: st.DataObject) -> None:
    seeds = data.draw(st.lists(st.integers(0, 2**31), min_size=3, max_size=3))
    vector = ToolUseVectorEnv(3, PACK, autoreset_mode=mode, max_turns=6, episode_statistics=True)
    rows = [Alone(mode, seed, OraclePolicy()) for seed in seeds]
    observations, infos = vector.reset(seed=seeds)
    assert observations == tuple(row.observation for row in rows)
    assert infos["scenario_id"].tolist() == [row.env.scenario.id for row in rows]
    for moves in data.draw(st.lists(st.tuples(*[st.sampled_from("..ooojw")] * 3), max_size=24)):
        fixed = {".": None, "j": JUNK, "w": WRONG}
        actions = [row.move() if move == "o" else fixed[move] for move, row in zip(moves, rows, strict=True)]
        named = {row: action for row, action in enumerate(actions) if action is not None}
        step_both(vector, rows, named if moves[0] == "." else actions)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", ["oracle", "greedy", "random", "repeat", "silent"])
def test_policies_play_the_bundled_scenarios_as_in_a_single_environment(name: str, mode: AutoresetMode) -> None:
    pack, seeds = open_pack("everyday"), [*range(100, 140)]
    vector = ToolUseVectorEnv(len(seeds), pack, autoreset_mode=mode, max_turns=6, episode_statistics=True)
    rows = [Alone(mode, seed, get_policy(name), pack) for seed in seeds]
    assert vector.reset(seed=seeds)[0] == tuple(row.observation for row in rows)
    for _ in range(9):
        step_both(vector, rows, [row.move() for row in rows])


# --- beside SyncVectorEnv


def check_same(theirs: Any, ours: Any) -> None:
    """Check that our infos hold theirs, with equal arrays of equal types."""
    for key, value in theirs.items():
        if isinstance(value, dict):
            check_same(value, ours[key])
        else:
            assert ours[key].dtype == value.dtype, key
            assert list(ours[key]) == list(value), key
    assert ours.keys() - theirs.keys() <= {"stepped", "_stepped"}


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_outputs_and_infos_are_those_of_sync_vector_env(mode: AutoresetMode) -> None:
    theirs = SyncVectorEnv([lambda: ToolUseEnv(PACK)] * 5, autoreset_mode=mode)
    ours = ToolUseVectorEnv(5, PACK, autoreset_mode=mode)
    assert (ours.observation_space, ours.action_space) == (theirs.observation_space, theirs.action_space)
    assert (ours.single_observation_space, ours.metadata) == (theirs.single_observation_space, theirs.metadata)
    (first, infos), (second, more) = theirs.reset(seed=7), ours.reset(seed=7)
    assert first == second
    check_same(infos, more)
    assert ours.np_random_seed == theirs.np_random_seed == (7, 8, 9, 10, 11)
    assert [generator.random() for generator in ours.np_random] == [env.np_random.random() for env in theirs.envs]
    for number in range(12):
        actions = tuple(JUNK if (row + number) % (row + 2) else WRONG for row in range(5))
        (first, *arrays, infos), (second, *others, more) = theirs.step(actions), ours.step(actions)
        assert first == second
        for array, other in zip(arrays, others, strict=True):
            assert array.dtype == other.dtype
            assert array.tolist() == other.tolist()
        check_same(infos, more)


def test_make_vec_makes_it_and_its_spec_makes_it_again() -> None:
    vector = gym.make_vec("ToolUse-v0", num_envs=2, split="test", dialect="openai", autoreset_mode="SameStep")
    again = gym.make_vec(vector.unwrapped.spec)  # type: ignore[arg-type]  # it has one by now
    for env in (vector, again):
        assert isinstance(env, ToolUseVectorEnv)
        assert (env.num_envs, env.get_attr("dialect")[0].name) == (2, "openai")
        assert env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
    assert vector.reset(seed=3)[0] == again.reset(seed=3)[0]
    assert repr(vector) == "ToolUseVectorEnv(ToolUse-v0, num_envs=2)"


def test_every_id_has_it_and_the_other_modes_go_on_working() -> None:
    one = next(name for name in gym.registry if name.startswith("ToolUse/everyday."))
    for name in ("ToolUse-v0", "ToolUse/everyday-v0", one):
        assert isinstance(gym.make_vec(name, num_envs=2), ToolUseVectorEnv)
        assert isinstance(gym.make_vec(name, num_envs=2, vectorization_mode="sync"), SyncVectorEnv)
    assert len(set(gym.make_vec(one, num_envs=2).reset(seed=1)[1]["scenario_id"])) == 1


def test_rows_share_pack_tools_and_worlds() -> None:
    vector = ToolUseVectorEnv(3, "everyday")
    vector.reset(options={"scenario": vector.envs[0].get_wrapper_attr("pack").entries()[0].id})
    assert len(set(map(id, vector.get_attr("pack")))) == 1
    assert len({id(env.task.world) for env in vector.unwrapped_envs}) == 1
    assert len({id(env.scenario.derived) for env in vector.unwrapped_envs}) == 1


def test_what_was_returned_is_not_changed_by_later_steps() -> None:
    vector = ToolUseVectorEnv(3, PACK, autoreset_mode="SameStep")
    kept: list[tuple[Any, Any]] = []
    vector.reset(seed=1)
    for number in range(6):
        outputs = (*vector.step([JUNK, WRONG, JUNK if number % 2 else WRONG]), vector.info_list)
        kept.append((outputs, copy.deepcopy(outputs)))
    for outputs, before in kept:
        assert repr(outputs) == repr(before)


# --- wrappers around the rows


def test_a_step_cap_of_gymnasium_s_name_bounds_the_turns() -> None:
    vector = gym.make_vec("ToolUse-v0", num_envs=2, max_episode_steps=3)
    vector.reset(seed=1)
    assert [vector.step([JUNK, JUNK])[3].tolist() for _ in range(3)] == [[False] * 2, [False] * 2, [True] * 2]
    assert gym.make_vec("ToolUse-v0", num_envs=2, max_episode_steps=99).get_attr("max_turns") == (32, 32)  # type: ignore[attr-defined]  # ours has it


def test_wrappers_go_around_each_row() -> None:
    wrappers = [
        partial(TransformReward, func=lambda reward: float(reward) + 1),
        partial(TransformReward, func=lambda reward: float(reward) * 2),
    ]
    vector = gym.make_vec(
        "ToolUse-v0", num_envs=2, autoreset_mode="Disabled", env_wrappers=wrappers, episode_statistics=True
    )
    vector.reset(seed=1)
    vector.step([JUNK, None])
    *_, infos = vector.step([WRONG, None])
    assert infos["episode"]["r"].tolist() == [4.0, 0.0]
    assert infos["episode"]["l"].tolist() == [2, 0]
    assert infos["_episode"].tolist() == [True, False]


def _measured(env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
    space = gym.spaces.Dict({"length": gym.spaces.Box(0, 1e6, (1,))})
    return TransformObservation(env, lambda text: {"length": np.array([len(text)], np.float32)}, space)


@pytest.mark.parametrize("mode", [AutoresetMode.NEXT_STEP, AutoresetMode.SAME_STEP])
def test_observations_of_another_space_are_batched_as_by_sync_vector_env(mode: AutoresetMode) -> None:
    theirs = SyncVectorEnv([lambda: _measured(ToolUseEnv(PACK))] * 3, autoreset_mode=mode)
    ours = ToolUseVectorEnv(3, PACK, autoreset_mode=mode, env_wrappers=[_measured])
    assert ours.observation_space == theirs.observation_space
    first, second = theirs.reset(seed=1)[0], ours.reset(seed=1)[0]
    for actions in [None, (JUNK, WRONG, JUNK), (JUNK, JUNK, WRONG), (WRONG, JUNK, JUNK)]:
        if actions is not None:
            (first, *_, infos), (second, *_, more) = theirs.step(actions), ours.step(actions)
            check_same(infos, more)
        assert second["length"].dtype == np.float32
        assert first["length"].tolist() == second["length"].tolist()
        assert second in ours.observation_space


class _Stubborn:
    """A dialect that raises at one text, as nothing of ours does."""

    def __init__(self) -> None:
        self._inner = get_dialect("hermes")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def parse(self, action: Any) -> Turn:
        if action == "boom":
            msg = "boom"
            raise RuntimeError(msg)
        return self._inner.parse(action)


def test_rows_that_played_before_one_raised_have_played() -> None:
    env = ToolUseVectorEnv(3, PACK, dialect=_Stubborn(), autoreset_mode="Disabled")
    env.reset(options={"scenario": PACK.entries()[0].id})
    with pytest.raises(RuntimeError, match="boom"):
        env.step([WRONG, "boom", JUNK])
    assert [len(trajectory.steps) for trajectory in env.trajectories] == [1, 0, 0]
    *_, terminated, _, infos = env.step([WRONG, JUNK, JUNK])
    assert terminated.tolist() == [True, False, False]
    assert infos["stepped"].tolist() == [False, True, True]


def test_what_is_no_snapshot_of_a_row_is_refused() -> None:
    env = ToolUseVectorEnv(2, PACK)
    env.reset(seed=0)
    with pytest.raises(EpisodeError, match="takes snapshots of rows"):
        env.restore({0: env.unwrapped_envs[0].snapshot()})  # type: ignore[dict-item]  # the mistake
