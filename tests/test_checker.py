"""The checker: sound scenarios pass, each fault is found by the check it is for, and no scenario stops it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD
from tool_gym.envs.checker import MAX_SIZE, Finding, check_pack, check_scenario
from tool_gym.envs.pack import MemoryPack
from tool_gym.scenario import Scenario

SHIP = "SH3"
"""The ship that the scenario `single_hop` asks about."""


@pytest.mark.parametrize("name", WITH_ORACLE)
def test_a_sound_scenario_has_no_findings(name: str) -> None:
    assert check_scenario(SCENARIOS[name].with_id(), WORLD) == []


def altered(change: Callable[[dict[str, Any]], Any], name: str = "single_hop") -> Scenario:
    """Return a scenario with its world inside and something changed, under the id it then has."""
    scenario = SCENARIOS[name].model_copy(update={"world": WORLD, "world_ref": None})
    data = json.loads(scenario.to_json())
    change(data)
    return Scenario.from_json(json.dumps(data), check_id=False).with_id()


def tool_of(data: dict[str, Any]) -> dict[str, Any]:
    name = data["sub_goals"][0]["tool"]
    found: dict[str, Any] = next(tool for tool in data["tools"] if tool["name"] == name)
    return found


def add_parameter(data: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Give the oracle's tool a required parameter that changes nothing."""
    tool = tool_of(data)
    tool["impl"]["inert"] = ["extra"]
    tool["parameters"]["properties"]["extra"] = schema
    tool["parameters"]["required"].append("extra")
    data["sub_goals"][0]["arguments"]["extra"] = data["plans"][0]["steps"][0]["literals"]["extra"] = value


def gold_of(data: dict[str, Any]) -> Any:
    return data["goals"][0]["gold"]["value"]


def want(data: dict[str, Any], value: int) -> None:
    data["sub_goals"][0]["gold"]["value"] = data["goals"][0]["gold"]["value"] = value


def ask_of_first_ship(data: dict[str, Any]) -> None:
    """Make the placeholder "1" the id of the ship asked about."""
    ships = data["world"]["tables"]["ship"]["rows"]
    ships["test"] = {**ships[SHIP], "id": "test", "name": "Test"}
    tool = tool_of(data)
    tool["impl"]["constants"] = {"field": "crew"}
    tool["parameters"]["properties"].pop("field")
    tool["parameters"]["required"].remove("field")
    data["sub_goals"][0]["arguments"] = data["plans"][0]["steps"][0]["literals"] = {"ship_id": "test"}
    data["sub_goals"][0]["binding"]["row"] = "test"


FAULTS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "a gold the tools do not serve": (lambda d: want(d, 47), "oracle"),
    "an answer that rests on nothing": (lambda d: d["goals"][0].update(rests_on=[]), "guess"),
    "the same, called a decline": (lambda d: (d["goals"][0].update(rests_on=[]), d.update(shape="decline")), "guess"),
    "an answer that no call serves": (lambda d: d["goals"][0]["gold"].update(value=4711), "answer"),
    "an answer told in the request": (lambda d: d["user_turns"].__setitem__(0, f"Is it {gold_of(d)}?"), "leak"),
    "a request that says nothing": (lambda d: d["user_turns"].__setitem__(0, " ?"), "request"),
    "a gold that a placeholder finds": (ask_of_first_ship, "placeholders"),
    "more plans than are played": (lambda d: d.update(plans=d["plans"] * (MAX_SIZE + 1)), "size"),
    "more user turns than are played": (lambda d: d.update(user_turns=["x"] * (MAX_SIZE + 1)), "size"),
    "a request longer than the space": (lambda d: d.update(user_turns=["x y " * 300_000]), "opening"),
    "a tool of no family": (lambda d: tool_of(d)["impl"].update(family="exec"), "loads"),
    "foreign source": (lambda d: tool_of(d).update(impl={"kind": "python", "source": "1", "entry": "f"}), "loads"),
    "no schema": (lambda d: tool_of(d)["parameters"].update(required=3), "loads"),
    "a schema that refers to itself": (lambda d: add_parameter(d, {"$ref": "#/properties/extra"}, 1), "loads"),
    "a schema elsewhere": (lambda d: add_parameter(d, {"$ref": "http://127.0.0.1:9/x"}, 1), "loads"),
    "a number no float holds": (lambda d: want(d, 10**400), "oracle"),
    "arguments beyond any depth": (lambda d: add_parameter(d, {}, json.loads("[" * 90 + "]" * 90)), "oracle"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found(name: str) -> None:
    change, check = FAULTS[name]
    assert check in {finding.check for finding in check_scenario(altered(change))}


def test_an_altered_id_is_found() -> None:
    findings = check_scenario(SCENARIOS["single_hop"].model_copy(update={"id": "0" * 16}), WORLD)
    assert [finding.check for finding in findings] == ["id"]


def test_a_world_of_odd_rows_is_found() -> None:
    ship = WORLD.tables["ship"]
    odd = ship.model_copy(update={"rows": {**ship.rows, SHIP: {"id": SHIP}}})
    world = WORLD.model_copy(update={"tables": {**WORLD.tables, "ship": odd}})
    scenario = SCENARIOS["single_hop"].model_copy(update={"world": world, "world_ref": None})
    assert [finding.check for finding in check_scenario(scenario)] == ["loads"]


ODD: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a pattern that backtracks for ever": lambda d: add_parameter(
        d, {"type": "string", "pattern": "^(a+)+$|!"}, "a" * 60 + "!"
    ),
    "a pattern that is not Python's": lambda d: add_parameter(d, {"type": "string", "pattern": r"^\p{L}+$"}, "ä"),
    "items that cannot be sorted": lambda d: add_parameter(
        d, {"type": "array", "uniqueItems": True}, [{"a": number} for number in range(4000)]
    ),
    "more acts than goals": lambda d: d.update(user_turns=d["user_turns"] + ["Thanks."] * 30),
    "a terminal's codes": lambda d: d.update(domain="\x1b[2J"),
    "a cell of a megabyte": lambda d: d["world"]["tables"]["ship"]["rows"][SHIP].update(name="x" * 1_000_000),
    "a row's number beyond reading": lambda d: d["world"]["tables"]["ship"]["rows"].update(
        {"SH" + "9" * 5000: d["world"]["tables"]["ship"]["rows"][SHIP] | {"id": "SH" + "9" * 5000}}
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_but_sound_scenario_is_played(name: str) -> None:
    assert check_scenario(altered(ODD[name])) == []


def test_a_pack_s_findings_stand_under_their_scenario() -> None:
    good, bad = SCENARIOS["multi_hop"].with_id(), altered(FAULTS["an answer that rests on nothing"][0])
    told: list[int] = []
    report = check_pack(MemoryPack([good, bad], [WORLD]), progress=told.append)
    assert (report.checked, report.ok, told) == (2, False, [1, 2])
    assert report.findings == {bad.id: [Finding("guess", "the last act alone earns something")]}
    assert check_pack(MemoryPack([good, bad], [WORLD]), limit=1).ok
