"""The scripted policies: what they may see, that they repeat, and how they rank."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack, Pack, open_pack
from tool_gym.envs.policies import POLICIES, GreedyLexicalPolicy, Policy, RandomValidPolicy, get_policy
from tool_gym.envs.policies.lexical import Mention, abbreviates, looks_like_id, mentions, parts, words
from tool_gym.envs.policies.slots import choice_by_prefix, fits, read_tool, value_of
from tool_gym.envs.rollout import rollout
from tool_gym.errors import UnknownNameError
from tool_gym.evaluate import Summary, summarize
from tool_gym.spaces import StructuredTurn
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import Blame, Outcome, ToolCall, ToolResult, Turn
from tool_gym.validation import ArgumentValidator

BLIND = ("greedy", "random")
"""Policies that see only what a model sees."""


def hand_env() -> ToolUseEnv:
    return ToolUseEnv(MemoryPack(list(SCENARIOS.values()), [WORLD]), dialect="structured")


@pytest.fixture(scope="module")
def pack() -> Pack:
    """Return every fifth scenario of the default suite's test split."""
    everyday = open_pack("everyday")
    tasks = [everyday.task(entry.id) for entry in everyday.entries("test")[::5]]
    return MemoryPack([task.scenario for task in tasks], [task.world for task in tasks])


def play(pack: Pack, name: str) -> list[Trajectory]:
    env, policy = ToolUseEnv(pack, dialect="structured"), get_policy(name)
    return [rollout(env, policy, seed=7, options={"scenario": entry.id}) for entry in pack.entries()]


class Blindfold:
    """A policy that is given no environment and a copy of what a model is shown."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self.name = policy.name

    def reset(self, env: ToolUseEnv, seed: int) -> None:
        del env
        self._policy.reset(None, seed)  # type: ignore[arg-type]  # to show that it is not looked at

    def act(self, observation: str, info: dict[str, Any]) -> Any:
        del observation
        shown: dict[str, Any] = {name: info[name] for name in ("messages", "tools", "step") if name in info}
        return self._policy.act("", shown)


# --- all of them


def test_policies_are_known_by_their_own_name() -> None:
    assert {name: get_policy(name).name for name in POLICIES} == {name: name for name in POLICIES}


def test_unknown_name_suggests_the_closest() -> None:
    with pytest.raises(UnknownNameError, match="Did you mean 'greedy'"):
        get_policy("gredy")


@pytest.mark.parametrize("name", POLICIES)
def test_equal_seeds_give_equal_episodes(name: str) -> None:
    env = hand_env()
    for scenario in (SCENARIOS[key] for key in WITH_ORACLE):
        options = {"scenario": scenario.id}
        first = rollout(env, get_policy(name), seed=3, options=options)
        policy = get_policy(name)
        rollout(env, policy, seed=4)
        assert rollout(env, policy, seed=3, options=options) == first


@pytest.mark.parametrize("name", BLIND)
@pytest.mark.parametrize("key", SCENARIOS)
def test_skill_less_policies_see_only_what_a_model_sees(name: str, key: str) -> None:
    env, options = hand_env(), {"scenario": SCENARIOS[key].id}
    open_eyed = rollout(env, get_policy(name), seed=3, options=options)
    assert rollout(env, Blindfold(get_policy(name)), seed=3, options=options) == open_eyed


@pytest.mark.parametrize("name", BLIND)
def test_their_turns_are_actions_of_the_space(name: str, pack: Pack) -> None:
    space = StructuredTurn()
    for trajectory in play(pack, name):
        assert all(space.contains(step.turn) for step in trajectory.steps)
        assert trajectory.terminated


@pytest.mark.parametrize("name", BLIND)
def test_their_calls_fit_the_schemas(name: str, pack: Pack) -> None:
    for trajectory in play(pack, name):
        tools = pack.task(trajectory.scenario_id).scenario.tool_by_name
        for call in (call for step in trajectory.steps for call in step.turn.calls):
            assert isinstance(call, ToolCall)
            assert ArgumentValidator.of(tools[call.name].parameters).is_valid(call.arguments), call


def test_greedy_ranks_between_oracle_and_random(pack: Pack) -> None:
    scores: dict[str, Summary] = {name: summarize(name, play(pack, name)) for name in ("oracle", *BLIND)}
    oracle, greedy, random = scores["oracle"], scores["greedy"], scores["random"]
    assert oracle.mean_return == pytest.approx(1)
    assert random.solve_f1 < 0.25 < greedy.solve_f1 < 0.8
    assert random.mean_return + 0.1 < greedy.mean_return < 0.7
    assert random.answer_accuracy < greedy.answer_accuracy


# --- greedy


def conversation(policy: GreedyLexicalPolicy | RandomValidPolicy, text: str, *tools: dict[str, Any]) -> Any:
    """Begin an episode; returns the function that gives the policy a result and returns its next turn."""
    policy.reset(None, 0)  # type: ignore[arg-type]  # not looked at
    shown = {"messages": [{"role": "user", "content": text}], "tools": [{"function": tool} for tool in tools]}
    state: dict[str, Turn] = {"turn": policy.act("", shown)}

    def go_on(*results: ToolResult, reply: str = "") -> Turn:
        state["turn"] = policy.act("", shown | {"step": Step(state["turn"], results, reply=reply)})
        return state["turn"]

    return state["turn"], go_on


def tool(name: str, description: str, /, **properties: dict[str, Any]) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": list(properties)}
    return {"name": name, "description": description, "parameters": parameters}


TEXT = {"type": "string"}
FIND = tool("find_ship", "Look up the id of a ship by its name.", name=TEXT)
CREW = tool("get_ship", "Read one field of a ship.", ship_id=TEXT, field={"enum": ["crew", "draft"]})
SET = tool("update_ship", "Set a field.", ship_id=TEXT, field={"enum": ["crew", "draft"]}, value={"type": "number"})


def served(value: Any) -> ToolResult:
    return ToolResult(Outcome.OK, value)


def test_greedy_follows_a_name_to_an_id_to_a_value() -> None:
    first, go_on = conversation(GreedyLexicalPolicy(), "How large is the crew of the ship Aurora?", FIND, CREW)
    assert first.calls == (ToolCall("find_ship", {"name": "Aurora"}),)
    second = go_on(served({"id": "SH1", "name": "Aurora"}))
    assert second.calls == (ToolCall("get_ship", {"ship_id": "SH1", "field": "crew"}),)
    assert go_on(served({"id": "SH1", "crew": 21})).text == "Answer: 21"


def test_greedy_tries_a_transient_fault_again() -> None:
    first, go_on = conversation(GreedyLexicalPolicy(), "How large is the crew of the ship Aurora?", FIND, CREW)
    assert go_on(ToolResult(Outcome.TRANSIENT_FAULT)) == first


def test_greedy_writes_only_when_asked_to() -> None:
    asked, _ = conversation(GreedyLexicalPolicy(), "What is the crew of ship SH1?", SET)
    assert asked.text.startswith("Decline: ")
    told, go_on = conversation(GreedyLexicalPolicy(), "Set the crew of ship SH1 to 8.", SET, CREW)
    assert told.calls == (ToolCall("update_ship", {"ship_id": "SH1", "value": 8, "field": "crew"}),)
    assert go_on(served({"id": "SH1"})).text == "Answer: done"


def test_greedy_declines_when_no_tool_has_the_words() -> None:
    turn, _ = conversation(GreedyLexicalPolicy(), "How strong is the wind?", FIND, CREW)
    assert turn.text.startswith("Decline: ")


def test_greedy_answers_part_by_part() -> None:
    text = "Two questions: (1) What is the crew of ship SH1? (2) What is the draft of ship SH2?"
    first, go_on = conversation(GreedyLexicalPolicy(), text, CREW)
    assert first.calls[0].arguments["ship_id"] == "SH1"
    second = go_on(served({"id": "SH1", "crew": 21}))
    assert second.calls[0].arguments == {"ship_id": "SH2", "field": "draft"}
    assert go_on(served({"id": "SH2", "draft": 9.4})).text == "Answer: 21; 9.4"


def test_greedy_takes_in_what_the_user_says_next() -> None:
    _, go_on = conversation(GreedyLexicalPolicy(), "What is the crew of ship SH1?", CREW)
    assert go_on(served({"id": "SH1", "crew": 21})).text == "Answer: 21"
    following = go_on(reply="And what is the draft of ship SH2?")
    assert following.calls == (ToolCall("get_ship", {"ship_id": "SH2", "field": "draft"}),)


# --- random


def test_random_is_never_blamed_for_the_form_of_a_call(pack: Pack) -> None:
    odd = {Outcome.MALFORMED_CALL, Outcome.UNKNOWN_TOOL, Outcome.INVALID_ARGUMENTS}
    results = [result for trajectory in play(pack, "random") for step in trajectory.steps for result in step.results]
    assert not odd & {result.outcome for result in results}
    assert any(result.ok for result in results)
    assert any(result.outcome.blame is Blame.MODEL for result in results)


STRANGE = tool(
    "strange",
    "Takes all sorts.",
    count={"type": "integer", "minimum": 3, "maximum": 5},
    share={"type": "number", "maximum": -1},
    flag={"type": "boolean"},
    nothing={"type": "null"},
    word={"type": "string", "minLength": 6, "maxLength": 8},
    fixed={"const": [1]},
    either={"anyOf": [{"type": "integer"}, {"enum": ["a"]}]},
    kinds={"type": ["string", "integer"]},
    many={"type": "array", "items": {"type": "boolean"}, "minItems": 2},
    inner={"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]},
    anything={},
)


def test_random_fills_schemas_of_every_kind() -> None:
    validator = ArgumentValidator.of(STRANGE["parameters"])
    for seed in range(40):
        policy = RandomValidPolicy()
        policy.reset(None, seed)  # type: ignore[arg-type]  # not looked at
        shown = {"messages": [{"role": "user", "content": "Go to Rotterdam on 2025-03-01, 12 times."}]}
        turn = policy.act("", shown | {"tools": [{"function": STRANGE}]})
        assert isinstance(turn.calls[0], ToolCall)
        assert validator.is_valid(turn.calls[0].arguments), turn.calls[0]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "minLength": 10**9},
        {"type": "array", "minItems": 10**9},
        {"type": "integer", "minimum": 0.5},
        {"type": "integer", "minimum": 1e308},
        {"type": "integer", "minimum": 5, "maximum": 1},
        {"type": "number", "minimum": 5, "maximum": 1},
    ],
    ids=str,
)
def test_random_makes_a_modest_call_of_any_schema(schema: dict[str, Any]) -> None:
    turn, _ = conversation(RandomValidPolicy(), "Hello?", tool("get_x", "Get x.", x=schema))
    assert isinstance(turn.calls[0], ToolCall)
    assert len(str(turn.calls[0].arguments["x"])) <= 1000


def test_random_without_tools_only_talks() -> None:
    turn, _ = conversation(RandomValidPolicy(), "Hello?")
    assert not turn.calls
    assert turn.text.startswith(("Answer: ", "Decline: "))


# --- reading


def texts(found: list[Mention]) -> list[str]:
    return [mention.text for mention in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Take the recipient of RXP-51308.", ["RXP-51308"]),
        ("Find Valeria Ibarra's doctor, then doctor DR8795.", ["Valeria Ibarra", "DR8795"]),
        ('The book "An Atlas of the Sea" was lent on 2026-03-24.', ["An Atlas of the Sea", "2026-03-24"]),
        ("Set it to 2,114.5 kg.", ["2,114.5"]),
        ("Who runs the Port of Brundle?", ["Port of Brundle"]),
        ("Is Noémie Żelazny in?", ["Noémie Żelazny"]),
        ("What is it?", []),
        ("", []),
    ],
)
def test_mentions_are_what_a_text_names(text: str, found: list[str]) -> None:
    assert texts(mentions(text)) == found


def test_reading_takes_time_in_proportion_to_the_text() -> None:
    for text in ("A " * 20_000, "1," * 20_000, '"' * 40_000, "O'" * 20_000, "Aa of " * 10_000, " " * 40_000):
        mentions(text)
        parts(text)
        words(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One thing.", ["One thing."]),
        ("1. One. 2. Two.", ["One. ", "Two."]),
        ("Hello: first, one; second, two.", ["one; ", "two."]),
        ("Then, one. Last, two.", ["Then, one. Last, two."]),
    ],
)
def test_parts_are_split_only_where_an_order_is_given(text: str, found: list[str]) -> None:
    assert parts(text) == found


def test_ids_are_told_from_codes_and_names() -> None:
    assert looks_like_id("SH12")
    assert not any(map(looks_like_id, ("Sh12", "12", "SH", 12, None)))
    assert abbreviates("BB", "bank_branch")
    assert not abbreviates("PT", "appointment")


def test_slots_take_what_fits_them() -> None:
    read = read_tool(SET)
    ship, _, value = read.slots
    assert (ship.kind, value.kind, read.writes) == ("id", "number", True)
    assert fits("SH1", ship, read)
    assert not fits("OW1", ship, read)
    assert value_of(mentions("to 2,114.5 kg")[0], value) == 2114.5
    assert value_of(mentions("to 8 kg")[0], value) == 8
    assert value.takes(8)
    assert not value.takes(True)  # noqa: FBT003 - the value in question


def test_the_kind_of_a_record_is_read_off_its_id() -> None:
    union = read_tool(tool("get_record", "One field of a record.", type={"enum": ["ship", "owner"]}, record_id=TEXT))
    assert choice_by_prefix(union, ["OW3"]) == {"type": "owner"}
    assert choice_by_prefix(union, ["Aurora"]) == {}
