"""The data model: written and read back without loss, identified by content, refused when it contradicts itself."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any, get_args

import jsonschema
import pytest

from tests.handmade import SCENARIOS, WORLD, oracle_turns, play
from tool_gym.errors import NoOracleError, ScenarioError, VersionError
from tool_gym.scenario import (
    SCHEMA_VERSION,
    AskGoal,
    Binding,
    Scenario,
    Shape,
    SubGoal,
    ToolSpec,
    scenario_schema,
)
from tool_gym.values import SequenceValue

Data = dict[str, Any]
JOIN = SCENARIOS["join"]


def dump(scenario: Scenario) -> Data:
    return dict(json.loads(scenario.to_json()))


def load(data: Data, *, check_id: bool = False) -> Scenario:
    return Scenario.from_json(json.dumps(data), check_id=check_id)


def backwards(value: Any) -> Any:
    """Return JSON with the keys of every object in reverse order."""
    if isinstance(value, dict):
        return {key: backwards(value[key]) for key in reversed(value)}
    return [backwards(item) for item in value] if isinstance(value, list) else value


def test_there_is_one_of_every_shape() -> None:
    assert {scenario.shape for scenario in SCENARIOS.values()} == set(get_args(Shape))
    assert len({scenario.id for scenario in SCENARIOS.values()}) == len(SCENARIOS)


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_scenario_is_read_back_as_it_was_written(name: str) -> None:
    scenario = SCENARIOS[name]
    read = Scenario.from_json(scenario.to_json())
    assert read == scenario
    assert read.to_json() == scenario.to_json()
    assert "\n" not in scenario.to_json()


@pytest.mark.parametrize("name", sorted(SCENARIOS))
def test_a_scenario_fits_the_published_schema(name: str) -> None:
    schema = scenario_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(dump(SCENARIOS[name]), schema)


def test_arguments_may_hold_null_and_nested_json() -> None:
    strange: Data = {"none": None, "nested": {"list": [None, [], {}, 1.0, 1, True]}, "": "", "é": "\u2028"}
    sub_goal = JOIN.sub_goals[0].model_copy(update={"arguments": strange})
    scenario = JOIN.model_copy(update={"sub_goals": (sub_goal, *JOIN.sub_goals[1:]), "plans": ()}).with_id()
    read = Scenario.from_json(scenario.to_json())
    assert read == scenario
    assert json.dumps(read.sub_goals[0].arguments) == json.dumps(strange)


def test_a_scenario_may_carry_its_own_world() -> None:
    alone = JOIN.model_copy(update={"world": WORLD, "world_ref": None}).with_id()
    assert alone.id == JOIN.id, "a world is its content, wherever it stands"
    assert Scenario.from_json(alone.to_json()).world == WORLD
    data = dump(alone)
    data["world"]["tables"]["ship"]["rows"]["SH1"]["owner_id"] = "OW99"
    with pytest.raises(ScenarioError, match="leads to no row"):
        load(data)


def test_the_id_does_not_depend_on_the_order_of_keys() -> None:
    alone = JOIN.model_copy(update={"world": WORLD, "world_ref": None}).with_id()
    for scenario in (*SCENARIOS.values(), alone):
        read = load(backwards(dump(scenario)), check_id=True)
        assert read.content_id == scenario.id
        turns = oracle_turns(scenario) if scenario.plans else []
        assert play(read, turns, world=read.world or WORLD).to_json() == play(scenario, turns).to_json()


@pytest.mark.parametrize(
    "change",
    [
        {"certificate": {"gate": 1}},
        {"difficulty": {"depth": 9}},
        {"provenance": "elsewhere"},
        {"licence": "MIT"},
        {"generator_version": "9"},
        {"seed_path": "1/2"},
    ],
)
def test_the_id_does_not_depend_on_what_is_no_content(change: Data) -> None:
    assert load({**dump(JOIN), **change}, check_id=True).content_id == JOIN.id


@pytest.mark.parametrize(
    "change",
    [
        {"user_turns": ["Something else?"]},
        {"domain": "airport"},
        {"shape": "multi_hop"},
        {"knobs": {"depth": 3}},
        {"world_ref": "0" * 16},
        {"tools": [*dump(JOIN)["tools"], {**dump(JOIN)["tools"][0], "name": "another"}]},
        {"faults": [{"tool": "get_ship", "times": 1}]},
        {"plans": []},
    ],
)
def test_altered_content_is_refused(change: Data) -> None:
    with pytest.raises(ScenarioError, match="was altered"):
        load({**dump(JOIN), **change}, check_id=True)
    assert load({**dump(JOIN), **change}).content_id != JOIN.id


@pytest.mark.parametrize("version", [0, 2, "1.5", None, [1]])
def test_another_schema_version_is_refused_by_name(version: Any) -> None:
    with pytest.raises(VersionError, match="this release reads version"):
        load({**dump(JOIN), "schema_version": version, "a_new_field": 1})


def test_the_version_is_written_even_though_it_is_the_default() -> None:
    assert dump(JOIN)["schema_version"] == SCHEMA_VERSION


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[]", "{}", '"scenario"', b"\xff\xfe", "[" * 10_000, '{"id": "x"}', "1" * 5000]
)
def test_what_is_no_scenario_is_refused(text: str | bytes) -> None:
    with pytest.raises(ScenarioError, match="not a scenario"):
        Scenario.from_json(text)


def at(*path: str | int) -> Callable[[Data], Any]:
    """Return what fetches a part of the data."""

    def fetch(data: Any) -> Any:
        for key in path:
            data = data[key]
        return data

    return fetch


ANSWER = {"kind": "answer", "id": "a", "gold": {"kind": "number", "value": 1}}
FIRST = at("sub_goals", 0)
PLAN, GOAL = at("plans", 0, "steps"), at("goals", 0)


@pytest.mark.parametrize(
    ("part", "change", "problem"),
    [
        (at(), {"colour": "red"}, "Extra inputs"),
        (at(), {"id": "no spaces please"}, "pattern"),
        (at(), {"shape": "zigzag"}, "single_hop"),
        (at(), {"user_turns": []}, "at least 1"),
        (at(), {"goals": []}, "at least 1"),
        (at(), {"world_ref": None}, "either a world or a world_ref"),
        (at(), {"tools": []}, "no tool named"),
        (at(), {"faults": [{"tool": "get_sihp", "times": 1}]}, "Did you mean 'get_ship'"),
        (at(), {"faults": [{"tool": "get_ship", "times": 0}]}, "greater than or equal to 1"),
        (at(), {"faults": [{"tool": "get_ship", "times": 1}] * 2}, "two faults are named 'get_ship'"),
        (at(), {"sub_goals": [], "plans": [], "goals": [ANSWER]}, "nothing to do"),
        (at("tools", 1), {"name": "find_ship"}, "two tools are named 'find_ship'"),
        (FIRST, {"id": "second"}, "two sub-goal or goals are named 'second'"),
        (FIRST, {"id": "answer0"}, "two sub-goal or goals are named 'answer0'"),
        (FIRST, {"tool": "get_shop"}, "Did you mean 'get_ship'"),
        (FIRST, {"user_turn": 1}, "there are only 1"),
        (FIRST, {"user_turn": -1}, "greater than or equal to 0"),
        (FIRST, {"gold": None}, "needs either a gold value or effects"),
        (FIRST, {"effects": [{"table": "ship", "field": "crew"}]}, "needs either a gold value or effects"),
        (FIRST, {"parents": [{"id": "total"}]}, "no earlier sub-goal"),
        (FIRST, {"parents": [{"id": "first_owner"}]}, "no earlier sub-goal"),
        (FIRST, {"parents": [{"id": "answer0"}]}, "no earlier sub-goal"),
        (FIRST, {"parents": [{"id": "x", "kind": "blood"}]}, "'data' or 'control'"),
        (GOAL, {"rests_on": ["nothing"]}, "rests on unknown sub-goals"),
        (GOAL, {"user_turn": 3}, "there are only 1"),
        (GOAL, {"kind": "wish"}, "does not match any of the expected tags"),
        (at("plans", 0), {"steps": [{"sub_goal": "nothing"}]}, "no sub-goal with arguments"),
        (PLAN, slice(1, None), "without having done its parent"),
        (PLAN, slice(None, None, -1), "without having done its parent"),
        (at("plans", 0, "steps", 2), {"references": {"owner_id": {"sub_goal": "total", "path": []}}}, "not done yet"),
        (at("plans", 0, "steps", 0), {"literals": {}}, "differ from the sub-goal's"),
        (at("plans", 0, "steps", 0), {"literals": {"ship_id": "SH1", "field": "owner_id", "x": 1}}, "differ from"),
        (at("plans", 0, "steps", 0), {"literals": {"ship_id": "SH2", "field": "owner_id"}}, "differ from"),
    ],
)  # fmt: skip
def test_a_contradiction_is_refused_and_named(part: Callable[[Data], Any], change: Any, problem: str) -> None:
    data = dump(JOIN)
    target = part(data)
    if isinstance(change, slice):
        target[:] = target[change]
    else:
        target.update(change)
    with pytest.raises(ScenarioError, match=problem):
        load(data)


def test_a_plan_makes_no_call_twice() -> None:
    data = dump(SCENARIOS["single_hop"])
    data["sub_goals"].append({**data["sub_goals"][0], "id": "again"})
    data["plans"][0]["steps"].append({**data["plans"][0]["steps"][0], "sub_goal": "again"})
    with pytest.raises(ScenarioError, match="makes the call of 'again' twice"):
        load(data)


@pytest.mark.parametrize(
    ("name", "goal", "problem"),
    [
        ("single_hop", {"kind": "decline", "reason": "no"}, "ends by one act"),
        ("single_hop", {"kind": "answer", "gold": {"kind": "number", "value": 1}}, "ends by one act"),
        ("write", {"kind": "decline", "reason": "no"}, "ends by one act"),
        (
            "write",
            {"kind": "ask", "slot": "x", "keywords": ["x"], "reply": "y", "rests_on": ["crew"]},
            "rest on nothing",
        ),
        ("write", {"kind": "ask", "slot": "x", "keywords": [], "reply": "y"}, "at least 1"),
        ("write", {"kind": "ask", "slot": "x", "keywords": [""], "reply": "y"}, "pattern"),
        ("write", {"kind": "ask", "slot": "x", "keywords": ["?"], "reply": "y"}, "pattern"),
        ("write", {"kind": "state", "required": []}, "at least 1"),
    ],
)
def test_goals_that_cannot_be_met_together_are_refused(name: str, goal: Data, problem: str) -> None:
    data = dump(SCENARIOS[name])
    data["goals"].append({"id": "more", **goal})
    with pytest.raises(ScenarioError, match=problem):
        load(data)


def test_a_parent_of_a_later_user_turn_is_refused() -> None:
    data = dump(SCENARIOS["multi_turn"])
    data["sub_goals"].reverse()
    data["sub_goals"][1]["parents"] = [{"id": "crew"}]
    with pytest.raises(ScenarioError, match="no earlier sub-goal"):
        load(data)


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("For which day?", True),
        ("which DAYS suit you", True),
        ("When?", True),
        ("Give me the date.", True),
        ("update me", False),
        ("A candidate?", False),
        ("Today?", False),
        ("", False),
    ],
)
def test_a_question_asks_by_words_not_by_letters(question: str, asks: bool) -> None:  # noqa: FBT001 - a table
    goal = next(goal for goal in SCENARIOS["ask"].goals if isinstance(goal, AskGoal))
    assert goal.is_asked_by(question) is asks


def test_a_binding_has_one_key_whatever_the_order_and_case_of_its_filter() -> None:
    one = Binding(operation="aggregate", filter=(("b", "X y"), ("a", 1)))
    other = Binding(operation="aggregate", filter=(("a", 1.0), ("b", "x  Y")))
    assert one.key == other.key
    assert hash(one.key) == hash(other.key)


def test_a_copy_computes_its_own() -> None:
    """What is cached on a scenario must not follow its copies, its pickles or its altered versions."""
    scenario = load(dump(JOIN))
    scenario.derived["key"] = object()
    assert scenario.tool_by_name
    assert scenario.content_id == scenario.id
    fewer = scenario.model_copy(update={"tools": scenario.tools[:3]})
    assert len(fewer.tool_by_name) == 3
    assert fewer.content_id != scenario.content_id
    scenario.derived["key"] = lambda: None  # what can be neither pickled nor copied
    for copied in (
        fewer,
        copy.copy(scenario),
        copy.deepcopy(scenario),
        scenario.model_copy(deep=True),
        pickle.loads(pickle.dumps(scenario)),  # noqa: S301 - our own
    ):
        assert copied.derived == {}
    assert scenario.derived != {}
    assert copy.deepcopy(scenario) == scenario


def test_a_played_scenario_can_be_copied_and_sent_to_another_process() -> None:
    scenario = load(dump(SCENARIOS["write"]))
    play(scenario, oracle_turns(scenario))
    again = pickle.loads(pickle.dumps((scenario, WORLD)))[0]  # noqa: S301 - our own
    assert play(again, oracle_turns(again)).episode_return == pytest.approx(1)


def test_an_oracle_needs_a_plan() -> None:
    assert JOIN.oracle() is JOIN.plans[0]
    with pytest.raises(NoOracleError, match="carries no plan"):
        SCENARIOS["imported"].oracle()


@pytest.mark.parametrize(
    ("name", "depth"), [("single_hop", 1), ("three_hops", 3), ("join", 3), ("decline", 0), ("ask", 1)]
)
def test_depth_is_the_longest_chain(name: str, depth: int) -> None:
    assert SCENARIOS[name].depth == depth


def test_a_tool_is_shown_in_openai_form() -> None:
    spec: ToolSpec = JOIN.tools[0]
    assert spec.schema == {
        "type": "function",
        "function": {"name": "find_ship", "description": "Find ship.", "parameters": spec.parameters},
    }
    assert spec.schema is not spec.schema


def test_models_are_frozen() -> None:
    with pytest.raises(ValueError, match="frozen"):
        JOIN.domain = "airport"
    with pytest.raises(ValueError, match="at least 1"):
        SequenceValue(items=())
    assert isinstance(JOIN.sub_goals[0], SubGoal)
