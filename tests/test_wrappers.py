"""The wrappers that change what is shown: nothing else changes, any order shows the same, and budgets hold."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium as gym
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv
from gymnasium.wrappers import Autoreset, TransformObservation
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialogue import turns
from tests.handmade import SCENARIOS, WORLD, call, calls, oracle_turns
from tool_gym import jsonio
from tool_gym.dialects import DIALECTS
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack
from tool_gym.envs.policies import POLICIES, get_policy
from tool_gym.envs.rollout import rollout
from tool_gym.envs.vector import ToolUseVectorEnv
from tool_gym.envs.wrappers import HideDocumentation, PromptObservation, ShuffleTools, TruncateHistory
from tool_gym.envs.wrappers.documentation import _without_annotations
from tool_gym.envs.wrappers.prompt import LEFT_OUT
from tool_gym.errors import EpisodeError, ScenarioError, UnknownNameError
from tool_gym.spaces import UnicodeText
from tool_gym.turns import Turn
from tool_gym.validation import ArgumentValidator

PACK = MemoryPack(list(SCENARIOS.values()), [WORLD], name="handmade")
Env = gym.Env[str, Any]
Wrap = Callable[[Env], Env]


def truncate(env: Env) -> Env:
    return TruncateHistory(env, max_turns=2, max_chars=1500, max_result_chars=80)


def hide(env: Env) -> Env:
    return HideDocumentation(env, probability=0.5)


WRAPS: list[Wrap] = [truncate, hide, ShuffleTools, PromptObservation]
NAMES = ["TruncateHistory", "HideDocumentation", "ShuffleTools", "PromptObservation"]
every_wrap = pytest.mark.parametrize("wrap", WRAPS, ids=NAMES)
LONG_CALL = calls(call("list_bookings", ship_id="SH1"), call("get_booking", booking_id="BK1"))
dialogues = st.lists(turns | st.sampled_from([LONG_CALL, Turn("Ask: when?"), Turn("Answer: 5")]), max_size=9)


def base(name: str = "multi_hop", **kwargs: Any) -> ToolUseEnv:
    return ToolUseEnv(PACK, scenario=SCENARIOS[name].id, **{"dialect": "structured", **kwargs})


def wrapped(wraps: Sequence[Wrap], env: Env) -> Env:
    for wrap in wraps:
        env = wrap(env)
    return env


def seen(env: Env, actions: Sequence[Any], seed: int = 0) -> list[tuple[Any, ...]]:
    """Play actions, and again from the start after each end; return all that is shown and earned."""
    observation, info = env.reset(seed=seed)
    found: list[tuple[Any, ...]] = [(observation, list(info["messages"]), info["tools"])]
    for action in actions:
        observation, reward, terminated, truncated, info = env.step(action)
        assert env.observation_space.contains(observation)
        found.append((observation, list(info["messages"]), info["tools"], reward, info["score"], terminated))
        if terminated or truncated:
            observation, info = env.reset()
            found.append((observation, list(info["messages"]), info["tools"]))
    return found


def names_of(tools: Sequence[dict[str, Any]]) -> list[str]:
    return [tool["function"]["name"] for tool in tools]


# --- what holds for all


@settings(max_examples=40)
@given(st.permutations(WRAPS), dialogues, st.sampled_from(sorted(SCENARIOS)))
def test_any_order_shows_the_same(order: list[Wrap], actions: list[Turn], name: str) -> None:
    assert seen(wrapped(order, base(name)), actions) == seen(wrapped(WRAPS, base(name)), actions)


@settings(max_examples=40)
@given(st.lists(st.sampled_from(WRAPS), max_size=4), dialogues)
def test_scores_and_records_are_those_of_the_bare_environment(order: list[Wrap], actions: list[Turn]) -> None:
    env, bare = wrapped(order, base("multi_turn")), base("multi_turn")
    env.reset(seed=3)
    bare.reset(seed=3)
    for action in actions:
        mine, plain = env.step(action), bare.step(action)
        assert mine[1:4] == plain[1:4]
        assert (mine[4]["step"], mine[4]["parts"]) == (plain[4]["step"], plain[4]["parts"])
        if mine[2] or mine[3]:
            break
    assert isinstance(env.unwrapped, ToolUseEnv)
    assert env.unwrapped.trajectory == bare.trajectory
    assert env.unwrapped.state_digest() == bare.state_digest()


@every_wrap
def test_the_same_scenarios_are_drawn(wrap: Wrap) -> None:
    env, bare = wrap(ToolUseEnv(PACK)), ToolUseEnv(PACK)
    drawn = [[one.reset(seed=seed)[1]["scenario_id"] for seed in (5, None, None, 6)] for one in (env, bare)]
    assert drawn[0] == drawn[1]


@every_wrap
@pytest.mark.parametrize("policy", sorted(POLICIES))
def test_policies_play_through_it(wrap: Wrap, policy: str) -> None:
    trajectory = rollout(wrap(base("three_hops", dialect="hermes")), get_policy(policy), seed=1)
    assert trajectory.terminated or trajectory.truncated
    if policy == "oracle":
        assert trajectory.episode_return == pytest.approx(1)


@every_wrap
def test_check_env_passes(wrap: Wrap) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        check_env(wrap(gym.make("ToolUse-v0")))
    assert len(caught) == 1
    assert "different from the unwrapped version" in str(caught[0].message)  # said of every wrapper


def test_a_spec_makes_them_again() -> None:
    env = wrapped(WRAPS, gym.make("ToolUse-v0", split="test"))
    assert env.spec is not None
    again = gym.make(EnvSpec.from_json(env.spec.to_json()))
    assert str(again) == str(env)
    assert seen(again, ["<tool_call>{}</tool_call>"], seed=4) == seen(env, ["<tool_call>{}</tool_call>"], seed=4)


def test_rows_of_vector_environments_see_what_single_ones_see() -> None:
    actions = ['<tool_call>{"name": "x", "arguments": {}}</tool_call>', "Ask: what?"]

    def make() -> Env:
        return wrapped(WRAPS, gym.make("ToolUse-v0", split="test"))

    singles = [seen(make(), actions[:1], seed=seed) for seed in (1, 2)]
    vectors: list[gym.vector.VectorEnv[Any, Any, Any]] = [
        SyncVectorEnv([make] * 2),
        AsyncVectorEnv([make] * 2, shared_memory=False),
        ToolUseVectorEnv(2, split="test", env_wrappers=WRAPS),
    ]
    for vector in vectors:
        try:
            first, infos = vector.reset(seed=[1, 2])  # type: ignore[arg-type]  # the base class's type; all three take lists
            second, *_, after = vector.step([actions[0]] * 2)
        finally:
            vector.close()
        for row, single in enumerate(singles):
            assert (first[row], infos["tools"][row]) == (single[0][0], single[0][2])
            assert (second[row], list(after["messages"][row])) == (single[1][0], single[1][1])


def test_an_episode_begun_by_a_wrapper_inside_is_a_new_episode() -> None:
    env = ShuffleTools(Autoreset(base("single_hop")))
    orders = [names_of(env.reset(seed=1)[1]["tools"])]
    for action in ("Answer: 1", "begins the next", "Answer: 1", "begins the next"):
        observation, *_, info = env.step(action)
        if "step" not in info:
            orders.append(names_of(info["tools"]))
            assert jsonio.loads(observation)["tools"] == info["tools"]
    assert len({tuple(order) for order in orders}) == 3


@every_wrap
def test_a_restored_episode_is_shown_with_its_own_tools(wrap: Wrap) -> None:
    other = SCENARIOS["write"].model_copy(update={"id": "other", "tools": SCENARIOS["write"].tools[:3]})
    env = wrap(ToolUseEnv(MemoryPack([SCENARIOS["single_hop"], other], [WORLD])))
    env.reset(options={"scenario": "other"})
    assert isinstance(env.unwrapped, ToolUseEnv)
    state = env.unwrapped.snapshot()
    env.reset(options={"scenario": SCENARIOS["single_hop"].id})
    env.unwrapped.restore(state)
    assert set(names_of(env.step("Ask: x?")[4]["tools"])) == {tool.name for tool in other.tools}


@every_wrap
def test_what_is_no_tool_use_environment_is_refused(wrap: Wrap) -> None:
    with pytest.raises(EpisodeError, match="goes around a ToolUseEnv"):
        wrap(gym.make("CartPole-v1"))
    numbers: Any = TransformObservation(base(), lambda _: 0, gym.spaces.Discrete(2))
    with pytest.raises(EpisodeError, match="wrap it first"):
        wrap(numbers)


# --- hidden documentation


def documented(env: Env) -> dict[str, dict[str, Any]]:
    tools = env.reset(seed=0)[1]["tools"]
    return {tool["function"]["name"]: tool["function"] for tool in tools}


@pytest.mark.parametrize("what", ["parameters", "tools", "all"])
def test_each_level_hides_what_it_says_and_keeps_names_and_types(what: Any) -> None:
    env = gym.make("ToolUse-v0", split="train")
    plain, shown = documented(env), documented(HideDocumentation(env, what))
    assert list(shown) == list(plain)
    for name, function in shown.items():
        before = plain[name]
        assert function["description"] == (before["description"] if what == "parameters" else "")
        assert list(function["parameters"]["properties"]) == list(before["parameters"]["properties"])
        assert ("description" in jsonio.dumps(function["parameters"])) == (
            what == "tools" and "description" in jsonio.dumps(before["parameters"])
        )
        for key, schema in function["parameters"]["properties"].items():
            assert {**before["parameters"]["properties"][key], **schema} == before["parameters"]["properties"][key]


SCHEMA: dict[str, Any] = {
    "type": "object",
    "title": "Search",
    "description": "Looks for rows.",
    "$defs": {"day": {"type": "string", "description": "A day.", "maxLength": 4}},
    "properties": {
        "description": {"type": "string", "description": "Words of the description.", "examples": ["x"]},
        "title": {"enum": ["description", "title"]},
        "when": {"anyOf": [{"$ref": "#/$defs/day"}, {"type": "integer", "$comment": "days from now"}]},
        "kind": {"const": {"description": "kept: this is data"}},
    },
    "required": ["title"],
    "dependentRequired": {"description": ["title"]},
    "additionalProperties": False,
}
values = st.sampled_from(["description", "abcd", "abcde", 5, {"description": "kept: this is data"}, None])


@given(st.dictionaries(st.sampled_from(["description", "title", "when", "kind", "other"]), values))
def test_a_schema_without_its_documentation_accepts_the_same(arguments: dict[str, Any]) -> None:
    bare = _without_annotations(SCHEMA)
    assert ArgumentValidator.of(bare).is_valid(arguments) == ArgumentValidator.of(SCHEMA).is_valid(arguments)


def test_of_a_schema_only_what_is_data_may_speak_of_descriptions() -> None:
    bare = _without_annotations(SCHEMA)
    assert list(bare["properties"]) == list(SCHEMA["properties"])
    assert bare["properties"]["description"] == {"type": "string"}
    assert bare["properties"]["when"] == {"anyOf": [{"$ref": "#/$defs/day"}, {"type": "integer"}]}
    assert bare["$defs"] == {"day": {"type": "string", "maxLength": 4}}
    assert {key: bare[key] for key in bare if key not in ("$defs", "properties")} == {
        key: SCHEMA[key] for key in ("type", "required", "dependentRequired", "additionalProperties")
    }


def test_a_share_of_the_tools_is_drawn_anew_in_each_episode() -> None:
    env = HideDocumentation(base(), probability=0.3)
    hidden = []
    for seed in (8, *[None] * 99):
        tools = env.reset(seed=seed)[1]["tools"]
        hidden.append([not tool["function"]["description"] for tool in tools])
    count = sum(map(sum, hidden))
    assert 0.25 < count / (100 * len(hidden[0])) < 0.35
    assert len(set(map(tuple, hidden))) > 80


def test_the_opening_observation_hides_what_info_hides() -> None:
    env = HideDocumentation(gym.make("ToolUse-v0"))
    observation, info = env.reset(seed=0)
    plain, unhidden = gym.make("ToolUse-v0").reset(seed=0)
    for before, after in zip(unhidden["tools"], info["tools"], strict=True):
        description = before["function"]["description"]
        assert description in plain
        assert description not in observation
        assert jsonio.dumps(after["function"]["name"]) in observation


@pytest.mark.parametrize("probability", [-0.1, 1.5, float("nan")])
def test_a_probability_out_of_range_is_refused(probability: float) -> None:
    with pytest.raises(ScenarioError, match="between 0 and 1"):
        HideDocumentation(base(), probability=probability)


def test_an_unknown_kind_of_documentation_is_named() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'tools'"):
        HideDocumentation(base(), "tool")  # type: ignore[arg-type]  # the mistake is the test


# --- shuffled tools


def test_the_order_is_drawn_anew_from_the_seed_and_nothing_is_lost() -> None:
    env, again = ShuffleTools(base()), ShuffleTools(base())
    orders = [names_of(env.reset(seed=seed)[1]["tools"]) for seed in (1, None, None, 2, 1)]
    plain = names_of(base().reset(seed=1)[1]["tools"])
    assert all(sorted(order) == sorted(plain) != order for order in orders)
    assert len(set(map(tuple, orders))) == 4
    assert orders[0] == orders[4] == names_of(again.reset(seed=1)[1]["tools"])


def test_every_tool_comes_first_at_times() -> None:
    env = ShuffleTools(base())
    firsts = {names_of(env.reset(seed=None if number else 0)[1]["tools"])[0] for number in range(200)}
    assert firsts == {tool.name for tool in SCENARIOS["multi_hop"].tools}


def test_the_opening_observation_has_the_order_of_info() -> None:
    observation, info = ShuffleTools(base(dialect="hermes")).reset(seed=0)
    places = [observation.index(f'"name": "{name}"') for name in names_of(info["tools"])]
    assert places == sorted(places)


def test_without_a_seed_the_order_follows_the_seed_the_environment_drew() -> None:
    env = ShuffleTools(base())
    order = names_of(env.reset()[1]["tools"])
    assert order == names_of(ShuffleTools(base()).reset(seed=env.np_random_seed)[1]["tools"])


# --- the prompt as observation


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_observation_is_the_prompt_of_what_info_shows(dialect: str) -> None:
    env = PromptObservation(base("three_hops", dialect=dialect))
    observation, info = env.reset(seed=0)
    write, render = DIALECTS[dialect].write, DIALECTS[dialect].render
    for turn in oracle_turns(SCENARIOS["three_hops"]):
        assert observation == render(list(info["messages"]), info["tools"])
        observation, *_, info = env.step(write(turn))
    assert observation == render(list(info["messages"]), info["tools"])


def test_a_prompt_beyond_the_space_is_cut_in_its_middle() -> None:
    env = PromptObservation(base(dialect="hermes"), max_chars=1000)
    assert env.observation_space == UnicodeText(1000)
    observation, info = env.reset(seed=0)
    whole = DIALECTS["hermes"].render(list(info["messages"]), info["tools"])
    assert 990 < len(observation) <= 1000
    head, _, tail = observation.partition(LEFT_OUT)
    assert whole.startswith(head)
    assert whole.endswith(tail)


def test_a_bound_too_small_is_refused() -> None:
    with pytest.raises(ScenarioError, match="at least 1000"):
        PromptObservation(base(), max_chars=999)
