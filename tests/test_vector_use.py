"""Using ToolUseVectorEnv: partial resets, frozen rows, snapshots, attributes, and what is refused."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack
from tool_gym.envs.policies import OraclePolicy
from tool_gym.envs.rollout import rollout
from tool_gym.envs.vector import ToolUseVectorEnv
from tool_gym.errors import EpisodeError, ScenarioError, UnknownNameError
from tool_gym.rewards import SolveReward
from tool_gym.turns import Turn

PACK = MemoryPack([SCENARIOS[name] for name in WITH_ORACLE], [WORLD], name="hand")
IDS = [entry.id for entry in PACK.entries()]
JUNK = Turn("Ask: what is this?")
WRONG = Turn("Answer: 1")


def vector_of(num_envs: int = 3, mode: str = "Disabled", **kwargs: Any) -> ToolUseVectorEnv:
    kwargs = {"dialect": "structured", "episode_statistics": True, **kwargs}
    vector = ToolUseVectorEnv(num_envs, PACK, autoreset_mode=mode, **kwargs)
    vector.reset(seed=[*range(num_envs)])
    return vector


def single_hop(num_envs: int = 3, mode: str = "Disabled", **kwargs: Any) -> ToolUseVectorEnv:
    return vector_of(num_envs, mode, scenario=SCENARIOS["single_hop"].id, **kwargs)


# --- resetting


def test_seeds_give_what_they_give_a_single_environment() -> None:
    env = ToolUseEnv(PACK, dialect="structured")
    vector = vector_of()
    for seed, seeds in (([5, 9, 5], [5, 9, 5]), (np.array([1, 2, 3]), [1, 2, 3]), (11, [11, 12, 13])):
        observations, infos = vector.reset(seed=seed)
        assert observations == tuple(env.reset(seed=one)[0] for one in seeds)
        assert infos["scenario_id"].tolist() == [env.reset(seed=one)[1]["scenario_id"] for one in seeds]
        assert [trajectory.seed for trajectory in vector.trajectories] == seeds


def test_scenarios_are_chosen_for_all_rows_or_each() -> None:
    vector = vector_of()
    assert set(vector.reset(options={"scenario": IDS[2]})[1]["scenario_id"]) == {IDS[2]}
    ids = vector.reset(seed=1, options={"scenarios": [IDS[0], None, IDS[3]]})[1]["scenario_id"]
    assert (ids[0], ids[1], ids[2]) == (IDS[0], vector.reset(seed=1)[1]["scenario_id"][1], IDS[3])
    vector.reset(options={"split": "test"})
    assert vector.reset(options={"scenarios": [IDS[0], None, None], "scenario": IDS[1]})[1]["scenario_id"].tolist() == [
        IDS[0],
        IDS[1],
        IDS[1],
    ]


def test_a_mask_resets_some_rows_and_leaves_the_rest_and_itself_alone() -> None:
    vector = single_hop()
    before = vector.step([WRONG, JUNK, JUNK])
    options = {"reset_mask": np.array([True, False, False]), "scenario": SCENARIOS["single_hop"].id}
    kept = dict(options)
    observations, infos = vector.reset(options=options)
    assert options == kept
    assert observations[1:] == before[0][1:]
    assert infos["_messages"].tolist() == [True, False, False]
    assert [len(trajectory.steps) for trajectory in vector.trajectories] == [0, 1, 1]
    assert "step" in vector.info_list[1]
    *_, terminated, _, infos = vector.step([JUNK, None, WRONG])
    assert terminated.tolist() == [False, False, True]
    assert infos["episode"]["l"].tolist() == [0, 0, 2]


@pytest.mark.parametrize("mode", ["NextStep", "SameStep"])
def test_a_mask_works_in_every_mode(mode: str) -> None:
    vector = single_hop(2, mode)
    vector.step([WRONG, JUNK])
    vector.reset(seed=[4, None], options={"reset_mask": [True, False]})
    *_, terminated, _, infos = vector.step([JUNK, JUNK])
    assert infos["stepped"].tolist() == [True, True]
    assert [len(trajectory.steps) for trajectory in vector.trajectories] == [1, 2]
    assert not terminated.any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": [1, 2]}, "2 seeds for 3 rows"),
        ({"seed": 1.5}, "seed must be a whole number, one for each of 3 rows, or None, not 1.5"),
        ({"options": {"scenarios": IDS[:2]}}, "2 scenarios for 3 rows"),
        ({"options": {"scenarios": IDS[0]}}, "1 scenarios for 3 rows"),
        ({"options": {"reset_mask": np.array([True, False])}}, "reset_mask must be 3 booleans"),
        ({"options": {"reset_mask": np.array([1, 0, 0])}}, "not int64 of shape"),
        ({"options": {"reset_mask": np.zeros(3, bool)}}, "with 0 set"),
        ({"options": [("scenario", "x")]}, "options must be a dict"),
    ],
)
def test_a_reset_that_does_not_fit_is_refused(arguments: dict[str, Any], message: str) -> None:
    vector = vector_of()
    vector.step([JUNK] * 3)
    before = vector.trajectories
    with pytest.raises(EpisodeError, match=message):
        vector.reset(**arguments)
    assert vector.trajectories == before


@pytest.mark.parametrize("options", [{"scenarios": [*IDS[:2], "nope"]}, {"scenarois": IDS[:3]}, {"split": "tset"}])
def test_an_unknown_name_is_told_before_a_row_is_reset(options: dict[str, Any]) -> None:
    vector = vector_of()
    vector.step([JUNK] * 3)
    before = vector.trajectories
    with pytest.raises(UnknownNameError, match=r"no (scenario|reset option|split) named"):
        vector.reset(options=options)
    assert vector.trajectories == before


def test_the_first_reset_is_of_all_rows() -> None:
    vector = ToolUseVectorEnv(2, PACK)
    with pytest.raises(EpisodeError, match="no episode has begun"):
        vector.reset(options={"reset_mask": [True, False]})
    with pytest.raises(EpisodeError, match="no episode has begun"):
        vector.step(["x", "y"])
    with pytest.raises(EpisodeError, match="no episode has begun"):
        vector.snapshot()


# --- stepping


def test_a_finished_row_is_frozen_until_it_is_reset() -> None:
    vector = single_hop(2)
    ended = vector.step([WRONG, JUNK])
    for action in (JUNK, None, object()):
        observations, rewards, terminated, truncated, infos = vector.step([action, JUNK])
        assert observations[0] == ended[0][0]
        assert (rewards[0], terminated[0], truncated[0]) == (0.0, True, False)
        assert (infos["stepped"].tolist(), infos["_score"].tolist()) == ([False, True], [False, True])
        assert "episode" not in infos
    assert len(vector.trajectories[0].steps) == 1
    assert vector.info_list[0]["episode"]["l"] == 1


def test_a_row_without_an_action_does_not_restart_either() -> None:
    vector = single_hop(2, "NextStep")
    vector.step([WRONG, JUNK])
    assert vector.step({1: JUNK})[2].tolist() == [True, False]
    _, rewards, terminated, _, infos = vector.step({0: JUNK})
    assert (rewards.tolist(), terminated.tolist()) == ([0.0, 0.0], [False, False])
    assert infos["_scenario_id"].tolist() == [True, False]
    assert "step" not in infos


def test_nothing_to_step_changes_nothing() -> None:
    vector = vector_of()
    shown, _ = vector.reset(seed=1)
    before = vector.trajectories
    nothing: tuple[Any, ...] = ({}, [None] * 3)
    for actions in nothing:
        observations, rewards, *_, infos = vector.step(actions)
        assert observations == shown
        assert not rewards.any()
        assert dict(infos).keys() == {"stepped", "_stepped"}
    assert vector.trajectories == before


def test_an_array_of_texts_is_as_good_as_a_list() -> None:
    vector = ToolUseVectorEnv(2, PACK, autoreset_mode="Disabled")
    vector.reset(seed=1)
    vector.step(np.array(["Ask: why?", "Answer: é"]))
    assert [type(trajectory.steps[0].turn.raw) for trajectory in vector.trajectories] == [str, str]


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (["a", "b"], "2 actions for 3 rows: give one for each; None leaves"),
        ((), "0 actions"),
        ("abc", "one action for each of 3 rows"),
        (Turn("a"), "one action for each of 3 rows"),
        (None, "one action for each of 3 rows"),
        ({3: "a"}, "no row 3; there are 3, from 0 to 2"),
        ({-1: "a"}, "no row -1"),
        ({"role": "assistant"}, "no row 'role'"),
    ],
)
def test_actions_that_do_not_fit_are_refused_before_anything_is_played(actions: Any, message: str) -> None:
    vector = vector_of()
    with pytest.raises(EpisodeError, match=message):
        vector.step(actions)
    assert not any(trajectory.steps for trajectory in vector.trajectories)


# --- snapshots


def test_rows_go_on_from_one_prefix() -> None:
    vector = vector_of(4, scenario=SCENARIOS["multi_hop"].id)
    played = rollout(ToolUseEnv(PACK, scenario=SCENARIOS["multi_hop"].id), OraclePolicy(), seed=0)
    turns = [step.turn for step in played.steps]
    vector.step({0: turns[0]})
    shown, reward = vector.step({0: JUNK})[:2]
    prefix = vector.snapshot([0])[0]
    observations, infos = vector.restore(dict.fromkeys(range(4), prefix))
    assert observations == (shown[0],) * 4
    assert (infos["step"][3].reward, infos["_step"].all()) == (reward[0], True)
    assert len(set(map(id, vector.info_list))) == 4
    vector.step([turns[1], JUNK, turns[1], WRONG])
    *_, terminated, _, infos = vector.step([turns[2], JUNK, WRONG, JUNK])
    assert terminated.tolist() == [True, False, True, True]
    returns = [trajectory.episode_return for trajectory in vector.trajectories]
    assert infos["episode"]["r"].tolist() == [returns[0], 0.0, returns[2], 0.0]
    assert returns[0] > max(returns[1:])


def test_a_finished_row_restored_where_rows_restart_at_once_restarts_with_its_next_action() -> None:
    finished, vector = single_hop(1), single_hop(1, "SameStep")
    finished.step([WRONG])
    vector.restore(finished.snapshot())
    assert vector.step([None])[2].tolist() == [True]
    *_, terminated, _, infos = vector.step([JUNK])
    assert (terminated.tolist(), infos["stepped"].tolist()) == ([False], [False])


@pytest.mark.parametrize("mode", [mode.value for mode in AutoresetMode])
def test_all_rows_return_to_a_snapshot(mode: str) -> None:
    vector, other = (single_hop(mode=mode) for _ in range(2))
    vector.reset(seed=1)
    vector.step([WRONG, JUNK, None])
    saved = pickle.loads(pickle.dumps(vector.snapshot()))  # noqa: S301 - written a moment ago
    after = vector.step([JUNK, WRONG, JUNK])
    trajectories = vector.trajectories
    for env in (vector, other):
        env.restore(saved)
        again = env.step([JUNK, WRONG, JUNK])
        assert again[0] == after[0]
        assert [array.tolist() for array in again[1:4]] == [array.tolist() for array in after[1:4]]
        assert repr(again[4]) == repr(after[4])
        assert env.trajectories == trajectories


def test_a_snapshot_for_no_row_or_of_another_reward_is_refused() -> None:
    vector = vector_of()
    saved = vector.snapshot()
    with pytest.raises(EpisodeError, match="no row 3"):
        vector.restore({3: saved[0]})
    with pytest.raises(EpisodeError, match="no row 7"):
        vector.snapshot([7])
    with pytest.raises(EpisodeError, match=r"no row \[0\]"):
        vector.snapshot([[0]])  # type: ignore[list-item]  # no row
    with pytest.raises(EpisodeError, match="scored by"):
        vector_of(reward=SolveReward(weight=0.3)).restore(saved)
    with pytest.raises(EpisodeError, match="no episode has begun"):
        ToolUseVectorEnv(2, PACK).restore({0: saved[0]})


# --- the rest


def test_attributes_are_read_called_and_set_row_by_row() -> None:
    vector = vector_of(render_mode="ansi")
    assert vector.call("state_digest") == tuple(env.state_digest() for env in vector.unwrapped_envs)
    assert vector.get_attr("max_turns") == (32, 32, 32)
    vector.set_attr("max_turns", 5)
    assert vector.get_attr("max_turns") == (5, 5, 5)
    vector.set_attr("max_turns", [2, 3, 4])
    assert vector.get_attr("max_turns") == (2, 3, 4)
    with pytest.raises(EpisodeError, match="2 values for 3 rows"):
        vector.set_attr("max_turns", [2, 3])
    assert vector.render() == tuple(env.render() for env in vector.unwrapped_envs)
    vector.close()
    vector.close()


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_statistics_stand_at_the_end_of_an_episode_in_every_mode(mode: str) -> None:
    vector = single_hop(2, mode)
    vector.step([JUNK, JUNK])
    *_, infos = vector.step([WRONG, JUNK])
    assert infos["_episode"].tolist() == [True, False]
    assert (infos["episode"]["r"].dtype, infos["episode"]["l"].dtype) == (np.float64, np.int64)
    assert (infos["episode"]["l"].tolist(), vector.info_list[0]["episode"]["l"]) == ([2, 0], 2)


def test_statistics_are_made_only_if_asked_for() -> None:
    vector = single_hop(mode="SameStep", episode_statistics=False)
    *_, infos = vector.step([WRONG] * 3)
    assert "episode" not in infos
    assert "episode" not in infos["final_info"]


@pytest.mark.parametrize(
    ("kwargs", "error", "message"),
    [
        ({"num_envs": 0}, ScenarioError, "num_envs must be a whole number of at least 1, not 0"),
        ({"num_envs": 2.0}, ScenarioError, "num_envs"),
        (
            {"autoreset_mode": "Never"},
            UnknownNameError,
            "no autoreset mode named 'Never'.*Disabled, NextStep, SameStep",
        ),
        ({"autoreset_mode": None}, UnknownNameError, "no autoreset mode named 'None'"),
        ({"dialect": "herme"}, UnknownNameError, "Did you mean 'hermes'"),
        ({"max_episode_steps": 1}, ScenarioError, "max_turns must be a whole number of at least 2, not 1"),
    ],
)
def test_bad_arguments_are_named(kwargs: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ToolUseVectorEnv(**{"pack": PACK, **kwargs})


@pytest.mark.parametrize("name", ["SameStep", "SAME_STEP", "same_step", AutoresetMode.SAME_STEP])
def test_a_mode_goes_by_its_value_or_name(name: Any) -> None:
    assert ToolUseVectorEnv(1, PACK, autoreset_mode=name).metadata["autoreset_mode"] is AutoresetMode.SAME_STEP
