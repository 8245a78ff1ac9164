"""A world of about a megabyte, with scenarios that read and write it: what an episode costs when the world is large."""

from __future__ import annotations

import random
from typing import Any

from tool_gym.envs.pack import MemoryPack
from tool_gym.scenario import (
    AnswerGoal,
    Binding,
    CellEffect,
    Goal,
    Plan,
    PlanStep,
    Scenario,
    StateGoal,
    SubGoal,
    TemplateImpl,
    ToolSpec,
)
from tool_gym.tools import FAMILIES
from tool_gym.values import NumberValue
from tool_gym.world import Column, Table, World

ROWS = 8000
"""Parcels; a row takes about 130 bytes of JSON."""

SCENARIOS = 32
"""Half of them read a parcel's weight, the other half set it."""

_SHELVES = 40


def depot() -> World:
    """Return the world: parcels on shelves, the same at every call."""
    draw = random.Random(20)
    shelves = {f"SH{n}": {"id": f"SH{n}", "name": f"Shelf {n}"} for n in range(1, _SHELVES + 1)}
    parcels = {
        f"PC{n}": {
            "id": f"PC{n}",
            "name": f"PC-{n}",
            "shelf_id": f"SH{draw.randint(1, _SHELVES)}",
            "contents": f"Spare parts, lot {draw.randint(10_000, 99_999)}",
            "due": f"2025-{draw.randint(1, 12):02}-{draw.randint(1, 28):02}",
            "weight": draw.randint(1, 900),
        }
        for n in range(1, ROWS + 1)
    }
    columns = {
        "name": Column(type="name"),
        "shelf_id": Column(type="ref", table="shelf"),
        "contents": Column(type="text"),
        "due": Column(type="date"),
        "weight": Column(type="integer", unit="kg", low=1, high=1000),
    }
    name = {"name": Column(type="name")}
    tables = {
        "shelf": Table(noun="shelf", prefix="SH", columns=name, rows=shelves),
        "parcel": Table(noun="parcel", prefix="PC", code="PC", columns=columns, rows=parcels),
    }
    return World(domain="depot", tables=tables)


def depot_pack() -> MemoryPack:
    """Return scenarios that read or write one parcel each."""
    world = depot()
    tools = (
        _tool(world, "get_parcel", "get", {"tables": {"parcel": ["contents", "due", "weight"]}}),
        _tool(world, "update_parcel", "update", {"table": "parcel", "fields": ["weight"]}),
        _tool(world, "list_parcels", "list", {"table": "parcel", "by": "shelf_id"}),
    )
    scenarios = [(_write if n % 2 else _read)(world, tools, f"PC{n * 97 + 1}") for n in range(SCENARIOS)]
    return MemoryPack(scenarios, [world], name="depot")


def write_call(row: str, weight: int) -> str:
    """Return the turn, as Hermes text, that sets a parcel's weight."""
    return (
        '<tool_call>\n{"name": "update_parcel", "arguments": '
        f'{{"id": "{row}", "field": "weight", "value": {weight}}}}}\n</tool_call>'
    )


def _tool(world: World, name: str, family: str, bindings: dict[str, Any]) -> ToolSpec:
    template = FAMILIES[family]
    roles = template.parameters(template.bindings.model_validate(bindings), world.base)
    return ToolSpec(
        name=name,
        description=f"{name.replace('_', ' ').capitalize()}.",
        parameters={
            "type": "object",
            "properties": roles.properties,
            "required": list(roles.required),
            "additionalProperties": False,
        },
        impl=TemplateImpl(family=family, bindings=bindings),
    )


def _read(world: World, tools: tuple[ToolSpec, ...], row: str) -> Scenario:
    gold = NumberValue(value=world.tables["parcel"].rows[row]["weight"], unit="kg")
    sub_goal = SubGoal(
        id="weight",
        tool="get_parcel",
        arguments={"id": row, "field": "weight"},
        binding=Binding(operation="read", entity="parcel", row=row, field="weight"),
        result_path=("weight",),
        gold=gold,
    )
    goal = AnswerGoal(id="answer", rests_on=("weight",), gold=gold)
    return _scenario(world, tools, "single_hop", f"What is the weight of parcel {row}?", sub_goal, goal)


def _write(world: World, tools: tuple[ToolSpec, ...], row: str) -> Scenario:
    effect = CellEffect(table="parcel", row=row, field="weight", after=950)
    arguments = {"id": row, "field": "weight", "value": 950}
    sub_goal = SubGoal(id="set", tool="update_parcel", arguments=arguments, effects=(effect,))
    goal = StateGoal(id="state", rests_on=("set",), required=(effect,))
    return _scenario(world, tools, "write", f"Set the weight of parcel {row} to 950 kg.", sub_goal, goal)


def _scenario(  # noqa: PLR0913, PLR0917 - what the two kinds differ in
    world: World, tools: tuple[ToolSpec, ...], shape: Any, text: str, sub_goal: SubGoal, goal: Goal
) -> Scenario:
    step = PlanStep(sub_goal=sub_goal.id, literals=sub_goal.arguments or {})
    return Scenario(
        id="unproved",
        domain="depot",
        shape=shape,
        user_turns=(text,),
        world_ref=world.id,
        tools=tools,
        sub_goals=(sub_goal,),
        goals=(goal,),
        plans=(Plan(steps=(step,)),),
    ).with_id()
