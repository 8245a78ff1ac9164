"""Scenarios are written by our own writer: byte for byte what pydantic's gives, and so are their ids."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import pytest

from tool_gym import jsonio
from tool_gym.envs.pack import open_pack
from tool_gym.errors import ScenarioError
from tool_gym.implementation import PythonImpl, TemplateImpl
from tool_gym.scenario import SCHEMA_VERSION, Reference, Scenario, ToolSpec
from tool_gym.tools.codecs import DateParts, Quantity

_NOT_CONTENT = {
    "id", "schema_version", "generator_version", "seed_path", "provenance", "licence", "difficulty", "certificate",
}  # fmt: skip


def _line(scenario: Scenario) -> str:
    """The scenario as pydantic writes it."""
    written = scenario.model_dump(mode="json", exclude_defaults=True)
    return jsonio.dumps(written | {"schema_version": SCHEMA_VERSION})


def _id(scenario: Scenario) -> str:
    content = scenario.model_dump(mode="json", exclude=_NOT_CONTENT | {"world", "world_ref"})
    content["world"] = scenario.world.id if scenario.world is not None else scenario.world_ref
    return hashlib.blake2b(jsonio.dump_bytes(content, sort_keys=True), digest_size=8).hexdigest()


@cache
def _good() -> Scenario:
    pack = open_pack("everyday")
    return next(s for s in _scenarios() if s.plans and s.plans[0].steps and pack.task(s.id).world is not None)


def _scenarios() -> Iterator[Scenario]:
    pack = open_pack("everyday")
    for entry in pack.entries("test")[::7]:
        yield pack.task(entry.id).scenario


def _with_tool(**changes: Any) -> Scenario:
    tool = _good().tools[0].model_copy(update=changes)
    return _good().model_copy(update={"tools": (tool, *_good().tools[1:])})


def _unusual() -> dict[str, Scenario]:
    good = _good()
    impl = TemplateImpl(
        family="update",
        bindings={"table": "plant", "fields": ("a", "b")},
        constants={"field": "a", "value": 1e16},
        renames={"x": "id"},
        inert=("tag",),
        expected={"currency": "USD"},
        codecs={"value": Quantity(unit="MW"), "day": DateParts()},
        retired="switched off",
    )
    step = good.plans[0].steps[0]
    taken = {"a": Reference(sub_goal="s1", path=("items", 0, "id"), codec=Quantity(unit="kg"))}
    plan = good.plans[0].model_copy(update={"steps": (step.model_copy(update={"references": taken}),)})
    return {
        "a world of its own": good.model_copy(update={"world": open_pack("everyday").task(good.id).world}),
        "a scaled tool": _with_tool(impl=impl),
        "foreign source": _with_tool(impl=PythonImpl(source="def f(): ...", entry="f")),
        "an integer beyond 64 bits": _with_tool(parameters={"type": "integer", "maximum": 2**70, "minimum": 1e16}),
        "an integer beyond 64 bits elsewhere": good.model_copy(update={"knobs": {"depth": 2**70, "share": 1e16}}),
        "a lone surrogate": good.model_copy(update={"user_turns": ("caf\u00e9 \ud800",)}),
        "an encoded reference": good.model_copy(update={"plans": (plan,)}),
        "a later schema version": good.model_copy(update={"schema_version": 7}),
        "defaults spelled out": good.model_copy(update={"licence": "MIT", "certificate": {"G1": {"x": (1, None)}}}),
    }


@pytest.mark.parametrize("keeps", [False, True], ids=["tools forget", "tools keep"])
def test_scenarios_are_written_as_pydantic_does(*, keeps: bool) -> None:
    for scenario in _scenarios():
        if keeps:
            tools = tuple(tool.model_copy().keep() for tool in scenario.tools)
            scenario = scenario.model_copy(update={"tools": tools})  # noqa: PLW2901 - the same scenario
        for _ in range(2):
            assert scenario.to_json() == _line(scenario)
        assert scenario.content_id == _id(scenario) == scenario.id


@pytest.mark.parametrize("name", _unusual())
def test_unusual_scenarios_too(name: str) -> None:
    scenario = _unusual()[name]
    assert scenario.to_json() == _line(scenario)
    assert scenario.content_id == _id(scenario)


class TestKeeping:
    def test_a_tool_that_keeps_computes_once(self) -> None:
        made: list[ToolSpec] = []
        tool = _good().tools[0].model_copy().keep()
        assert [tool.kept(made.append) is None, tool.keep() is tool, len(made)] == [True, True, 1]
        assert [tool.kept(_name), tool.kept(_name)] == [tool.name, tool.name]

    def test_a_copy_keeps_nothing_of_the_original(self) -> None:
        tool = _good().tools[0].model_copy().keep()
        assert tool.kept(_name) == tool.name
        assert tool.model_copy(update={"name": "other"}).keep().kept(_name) == "other"

    def test_equality_is_of_the_content(self) -> None:
        tool = _good().tools[0].model_copy()
        other = tool.model_copy().keep()
        assert (other.kept(_name), other) == (tool.name, tool)


def _name(tool: ToolSpec) -> str:
    return tool.name


@pytest.mark.parametrize("keeps", [False, True], ids=["tools forget", "tools keep"])
def test_reading_back_is_writing_and_reading(*, keeps: bool) -> None:
    for scenario in _scenarios():
        tools = tuple(tool.model_copy().keep() if keeps else tool for tool in scenario.tools)
        whole = scenario.model_copy(update={"tools": tools})
        assert whole.read_back() == Scenario.from_json(whole.to_json()) == scenario


@pytest.mark.parametrize("name", _unusual())
def test_what_cannot_be_read_back_is_refused_as_by_reading(name: str) -> None:
    for scenario in (_unusual()[name], _unusual()[name].with_id()):
        assert _outcome(scenario.read_back) == _outcome(partial(_read_again, scenario))


def _read_again(scenario: Scenario) -> Scenario:
    return Scenario.from_json(scenario.to_json())


def _outcome(read: Callable[[], Scenario]) -> object:
    try:
        return read()
    except ScenarioError as error:
        return str(error)
