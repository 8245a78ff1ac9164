"""ToolUseEnv: Gymnasium's contract, determinism, caps, hostile actions, snapshots."""

from __future__ import annotations

import json
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
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium.wrappers import RecordEpisodeStatistics, TransformReward
from hypothesis import given, settings
from hypothesis import strategies as st

import tool_gym
from tests.handmade import SCENARIOS, WORLD
from tool_gym.dialects import DIALECTS
from tool_gym.envs.env import IDLE_REPLY, ToolUseEnv
from tool_gym.envs.pack import MemoryPack
from tool_gym.envs.policies import OraclePolicy
from tool_gym.envs.rollout import rollout
from tool_gym.errors import EpisodeError, ScenarioError, UnknownNameError
from tool_gym.rewards import SolveReward, get_reward, score
from tool_gym.scenario import Scenario, TemplateImpl
from tool_gym.turns import BrokenCall, Outcome, ToolCall, Turn

PACK = MemoryPack(list(SCENARIOS.values()), [WORLD], name="handmade")
SOLVABLE = [name for name, scenario in SCENARIOS.items() if scenario.plans]
BUNDLED = "ToolUse/everyday-v0"


def env_of(name: str, **kwargs: Any) -> ToolUseEnv:
    env = ToolUseEnv(PACK, scenario=SCENARIOS[name].id, **kwargs)
    env.reset(seed=0)
    return env


def a_scenario_id() -> str:
    return next(name for name in gym.registry if name.startswith("ToolUse/everyday."))


@pytest.mark.parametrize("env_id", ["ToolUse-v0", BUNDLED, "tool_gym:ToolUse-v0"])
def test_check_env_passes_without_a_warning(env_id: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gym.make(env_id).unwrapped)


def test_check_env_passes_for_one_scenario_and_every_dialect() -> None:
    for dialect in DIALECTS:
        check_env(gym.make(a_scenario_id(), dialect=dialect).unwrapped)


def test_a_spec_survives_json() -> None:
    spec = EnvSpec.from_json(gym.spec(BUNDLED).to_json())
    first, second = gym.make(spec).reset(seed=3), gym.make(BUNDLED).reset(seed=3)
    assert first[0] == second[0]


def test_register_envs_accepts_the_package() -> None:
    gym.register_envs(tool_gym)
    assert {"ToolUse-v0", BUNDLED} <= gym.registry.keys()


def test_an_unknown_id_names_the_nearest() -> None:
    with pytest.raises(gym.error.NameNotFound, match="everyday"):
        gym.make("ToolUse/everydya-v0")


@pytest.mark.parametrize("mode", ["sync", "async"])
def test_vector_envs_play_like_single_ones(mode: str) -> None:
    kwargs = {"shared_memory": False} if mode == "async" else {}
    vector = gym.make_vec(BUNDLED, 3, vectorization_mode=mode, vector_kwargs=kwargs, split="test")
    try:
        observations, infos = vector.reset(seed=[1, 2, 3])  # type: ignore[arg-type]  # the base class's type; both modes take lists
        actions = ("Answer: 5", "<tool_call>{}</tool_call>", "hello")
        after, rewards, terminated, *_ = vector.step(actions)
    finally:
        vector.close()
    for number, action in enumerate(actions):
        env = gym.make(BUNDLED, split="test")
        observation, info = env.reset(seed=number + 1)
        assert (observation, info["scenario_id"]) == (observations[number], infos["scenario_id"][number])
        single = env.step(action)
        assert (single[0], single[1], single[2]) == (after[number], rewards[number], terminated[number])


@pytest.mark.parametrize("mode", list(AutoresetMode))
def test_infos_keep_their_types_in_every_autoreset_mode(mode: AutoresetMode) -> None:
    vector = SyncVectorEnv([lambda: gym.make(BUNDLED, split="test")] * 3, autoreset_mode=mode)
    vector.reset(seed=1)
    for _ in range(3):
        *_, terminated, truncated, info = vector.step(("Answer: 5", "<tool_call>{}</tool_call>", "Ask: x?"))
        last = info.get("final_info", info)
        assert last["score"].dtype == last["parts"]["charged"].dtype == np.float64
        if mode is AutoresetMode.DISABLED:
            vector.reset(options={"reset_mask": terminated | truncated})


def test_gymnasium_s_wrappers_go_around_it() -> None:
    env = TransformReward(
        RecordEpisodeStatistics(gym.make(BUNDLED, max_episode_steps=2)), lambda reward: 2 * float(reward)
    )
    env.reset(seed=1)
    assert env.step("<tool_call>{}</tool_call>")[2:4] == (False, False)
    *_, truncated, info = env.step("<tool_call>{}</tool_call>")
    assert truncated
    assert (info["episode"]["r"], info["episode"]["l"]) == (0.0, 2)


def test_shared_memory_is_refused_with_a_way_out() -> None:
    with pytest.raises(ValueError, match="shared_memory=False"):
        gym.make_vec(BUNDLED, 2, vectorization_mode="async")


def test_equal_seeds_give_equal_episodes_and_different_seeds_differ() -> None:
    env = gym.make(BUNDLED, split="train")
    ids = [env.reset(seed=seed)[1]["scenario_id"] for seed in (5, 5, 6, 7, 8)]
    assert ids[0] == ids[1]
    assert len(set(ids)) > 2


def test_the_seed_starts_a_sequence() -> None:
    env = gym.make(BUNDLED, split="train")
    drawn = [env.reset(seed=11)[1]["scenario_id"], *(env.reset()[1]["scenario_id"] for _ in range(3))]
    again = [env.reset(seed=11)[1]["scenario_id"], *(env.reset()[1]["scenario_id"] for _ in range(3))]
    assert drawn == again


SCRIPT = """
import json, sys, gymnasium as gym, tool_gym
env = gym.make("ToolUse-v0", split="validation")
policy = tool_gym.get_policy("random")
print(json.dumps([tool_gym.rollout(env, policy, seed=s).to_json() for s in range(6)]))
"""


def test_episodes_are_the_same_in_every_process() -> None:
    outputs = set()
    for hash_seed in ("0", "1", "4242"):
        env = {**os.environ, "PYTHONHASHSEED": hash_seed}
        run = subprocess.run([sys.executable, "-c", SCRIPT], env=env, capture_output=True, text=True, check=True)
        outputs.add(run.stdout)
    assert len(outputs) == 1
    assert len(json.loads(outputs.pop())) == 6


def test_reset_options_choose_scenario_and_split() -> None:
    env = ToolUseEnv(PACK)
    wanted = SCENARIOS[SOLVABLE[0]].id
    assert env.reset(options={"scenario": wanted})[1]["scenario_id"] == wanted
    assert env.reset(seed=1, options={"split": "test"})[1]["scenario_id"] in {s.id for s in SCENARIOS.values()}


@pytest.mark.parametrize(
    "options", [{"scenario": "nope"}, {"split": "tset"}, {"scenraio": "x"}], ids=["scenario", "split", "key"]
)
def test_bad_reset_options_are_named(options: dict[str, str]) -> None:
    with pytest.raises(UnknownNameError, match=r"no (scenario|split|reset option) named"):
        ToolUseEnv(PACK).reset(options=options)


@pytest.mark.parametrize(
    "kwargs",
    [
        {"pack": "everydayy"},
        {"dialect": "herme"},
        {"reward": "solv"},
        {"scenario": "abc"},
        {"split": "trains"},
        {"render_mode": "human"},
    ],
    ids=lambda kwargs: next(iter(kwargs)),
)
def test_bad_constructor_arguments_are_named(kwargs: dict[str, str]) -> None:
    with pytest.raises(UnknownNameError, match="Known: "):
        ToolUseEnv(**kwargs)  # type: ignore[arg-type]  # names come from the table above


def test_caps_out_of_range_are_refused() -> None:
    with pytest.raises(ScenarioError, match="max_turns"):
        ToolUseEnv(PACK, max_turns=1)


def test_stepping_out_of_order_is_refused() -> None:
    env = ToolUseEnv(PACK)
    for early in (lambda: env.step("x"), env.snapshot, env.state_digest, lambda: env.messages):
        with pytest.raises(EpisodeError, match="no episode has begun"):
            early()
    env = env_of("single_hop")
    env.step("Answer: 1")
    with pytest.raises(EpisodeError, match="the episode is over"):
        env.step("x")


def test_truncates_at_the_turn_cap() -> None:
    env = env_of("single_hop", max_turns=3, dialect="structured")
    ends = [env.step(Turn(calls=(ToolCall("nope", {}),)))[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]
    assert env.trajectory.truncated


def test_calls_beyond_the_cap_are_not_run_but_cost() -> None:
    env = env_of("single_hop", max_calls_per_turn=2, dialect="structured")
    *_, info = env.step(Turn(calls=(ToolCall("nope", {}),) * 4))
    outcomes = [result.outcome for result in info["step"].results]
    assert outcomes == [Outcome.UNKNOWN_TOOL] * 2 + [Outcome.CALL_BUDGET] * 2
    assert info["parts"]["charged"] == 4


HOSTILE = {
    "50 MB": "x" * 50_000_000,
    "50 MB of tags": "<tool_call>" * 4_500_000,
    "deep JSON": '<tool_call>{"name": "f", "arguments": ' + "[" * 10_000 + "]" * 10_000 + "}</tool_call>",
    "NaN": '<tool_call>{"name": "f", "arguments": {"a": NaN}}</tool_call>',
    "lone surrogate": '<tool_call>{"name": "f\ud800", "arguments": {"a": "\\ud800"}}</tool_call>\udfff',
    "wrong types": '<tool_call>{"name": 3, "arguments": "x"}</tool_call>',
    "unclosed": '<tool_call>{"name": "f"',
    "huge integer": '<tool_call>{"name": "f", "arguments": {"a": ' + "9" * 5000 + "}}</tool_call>",
    "null bytes": "\0\0\0",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_turn_is_an_observation(name: str) -> None:
    env = ToolUseEnv(PACK, render_mode="ansi")
    env.reset(seed=0)
    observation, reward, terminated, truncated, _ = env.step(HOSTILE[name])
    assert isinstance(observation, str)
    assert observation in env.observation_space
    assert reward <= 0
    assert terminated or not truncated
    assert "Traceback" not in observation
    rendered = env.render()
    assert rendered is not None
    rendered.encode()
    json.loads(env.trajectory.to_json())


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("action", [None, 3, b"x", [], {}, {"calls": 3}, object, "\ud800", float("nan")], ids=repr)
def test_an_action_of_any_type_is_an_observation(dialect: str, action: Any) -> None:
    env = env_of("single_hop", dialect=dialect)
    assert isinstance(env.step(action)[0], str)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=60) | st.sampled_from(sorted(HOSTILE.values(), key=len)[:6]), max_size=8))
def test_any_turns_give_a_score_in_range_that_the_rewards_sum_to(turns: list[str]) -> None:
    env = env_of("multi_hop")
    total = 0.0
    for turn in turns:
        _, reward, terminated, truncated, info = env.step(turn)
        total += reward
        assert 0 <= info["score"] <= 1
        assert total == pytest.approx(info["score"], abs=1e-9)
        if terminated or truncated:
            break


@pytest.mark.parametrize("name", SOLVABLE)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_oracle_earns_one_in_every_dialect(name: str, dialect: str) -> None:
    trajectory = rollout(env_of(name, dialect=dialect), OraclePolicy(), seed=0)
    assert trajectory.terminated
    assert trajectory.episode_return == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("name", SOLVABLE)
def test_rescoring_a_stored_trajectory_agrees(name: str) -> None:
    trajectory = rollout(env_of(name), OraclePolicy(), seed=0)
    stored = type(trajectory).from_json(trajectory.to_json())
    assert score(get_reward("solve"), SCENARIOS[name], stored).value == pytest.approx(trajectory.episode_return)


@pytest.mark.parametrize("name", SOLVABLE)
def test_snapshots_branch_and_travel_between_environments(name: str) -> None:
    turns = [step.turn for step in rollout(env_of(name, dialect="structured"), OraclePolicy(), seed=0).steps]
    env, other = env_of(name, dialect="structured"), ToolUseEnv(PACK, dialect="structured")
    middle = len(turns) // 2
    for turn in turns[:middle]:
        env.step(turn)
    state = env.snapshot()
    env.step(Turn(calls=(ToolCall("junk", {}),)))
    for place in (env, other):
        place.restore(state)
        for turn in turns[middle:]:
            place.step(turn)
        assert place.trajectory.episode_return == pytest.approx(1.0, abs=1e-9)
    assert env.state_digest() == other.state_digest()


def test_a_snapshot_travels_between_processes_and_keeps_the_seed() -> None:
    env, other = ToolUseEnv(PACK), ToolUseEnv(PACK, dialect="openai")
    env.reset(seed=7)
    env.step("<tool_call>{}</tool_call>")
    other.restore(pickle.loads(pickle.dumps(env.snapshot())))  # noqa: S301 - written a moment ago
    assert other.trajectory == env.trajectory
    assert env.step("Answer: 1")[1] == other.step("Answer: 1")[1]


@pytest.mark.parametrize("reward", ["ftrl_f1", SolveReward(weight=0.3)], ids=str)
def test_a_snapshot_scored_by_another_reward_is_refused(reward: Any) -> None:
    env = ToolUseEnv(PACK, reward=reward)
    env.reset(seed=0)
    env.step("<tool_call>{}</tool_call>")
    before = env.trajectory
    with pytest.raises(EpisodeError, match="scored by"):
        env.restore(env_of("single_hop").snapshot())
    assert env.trajectory == before


def test_a_reset_that_fails_leaves_the_episode_as_it_was() -> None:
    good, bad = SCENARIOS["single_hop"], SCENARIOS["multi_hop"]
    broken = bad.tools[0].model_copy(update={"impl": TemplateImpl(family="nothing")})
    env = ToolUseEnv(MemoryPack([good, bad.model_copy(update={"tools": (broken, *bad.tools[1:])})], [WORLD]))
    env.reset(options={"scenario": good.id})
    with pytest.raises(ScenarioError, match="nothing"):
        env.reset(options={"scenario": bad.id})
    assert env.scenario == good
    assert rollout(env, OraclePolicy(), options={"scenario": good.id}).episode_return == pytest.approx(1.0)


def test_what_is_rendered_moves_no_cursor() -> None:
    evil = "\x1b[2J\x9b31m\x07\x7f\u202e\r\ud800"
    scenario = SCENARIOS["single_hop"].model_copy(update={"domain": evil, "user_turns": (evil,)})
    env = ToolUseEnv(MemoryPack([scenario], [WORLD]), dialect="structured", render_mode="ansi")
    env.reset(seed=0)
    env.step(
        Turn("said " + evil.replace("\ud800", ""), (ToolCall(evil[:4], {"x": evil[:-1]}), BrokenCall("x", evil, evil)))
    )
    shown = env.render()
    assert shown is not None
    assert "said" in shown
    assert all(letter.isprintable() or letter == "\n" for letter in shown)


def test_a_question_out_of_place_gets_an_idle_reply_and_the_turn_goes_on() -> None:
    env = env_of("single_hop")
    observation, _, terminated, *_ = env.step("Ask: what is the weather?")
    assert IDLE_REPLY in observation
    assert not terminated


def test_messages_are_what_a_chat_model_needs() -> None:
    env = env_of("multi_hop")
    rollout(env, OraclePolicy(), seed=0, options={"scenario": SCENARIOS["multi_hop"].id})
    roles = [message["role"] for message in env.messages]
    assert roles[:2] == ["system", "user"]
    assert roles[-1] == "assistant"
    assert roles.count("tool") == len(SCENARIOS["multi_hop"].sub_goals)
    json.dumps(list(env.messages))


def test_the_shared_world_is_never_changed() -> None:
    scenario: Scenario = SCENARIOS["write"]
    world = PACK.task(scenario.id).world
    before = world.to_json()
    env = env_of("write")
    first = env.state_digest()
    rollout(env, OraclePolicy(), seed=0)
    assert env.state_digest() != first
    assert world.to_json() == before
    assert env_of("write").state_digest() == first


def test_spaces_sample_within_themselves_and_batch() -> None:
    env = ToolUseEnv(PACK)
    env.action_space.seed(1)
    assert all(env.action_space.contains(env.action_space.sample()) for _ in range(50))
    batched = gym.vector.utils.batch_space(env.action_space, 3)
    assert batched.contains(batched.sample())
    assert np.dtype(env.action_space.dtype).kind == "U"


def test_a_reward_for_stored_trajectories_is_refused() -> None:
    with pytest.raises(ScenarioError, match="stored trajectories"):
        ToolUseEnv(reward="step_grained:mode=mean")


@pytest.mark.parametrize("options", [{1: 2, "b": 3}, {"split": ["test"]}, {"split": 3}])
def test_options_of_any_kind_get_an_answer(options: dict[Any, Any]) -> None:
    with pytest.raises(UnknownNameError, match="Known"):
        ToolUseEnv(PACK).reset(options=options)


@pytest.mark.parametrize("what", ["dialect", "reward"])
@pytest.mark.parametrize("given", [3, object(), SolveReward])
def test_what_is_neither_a_name_nor_of_use_is_refused(what: str, given: Any) -> None:
    with pytest.raises(ScenarioError, match=f"{what} must be a name or an object"):
        ToolUseEnv(PACK, **{what: given})
