"""A small harbour written by hand: its tables, tools of every family over them, and what scenarios are built from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tool_gym.scenario import (
    AnswerGoal,
    Binding,
    Goal,
    Parent,
    Plan,
    PlanStep,
    Reference,
    Scenario,
    SubGoal,
    TemplateImpl,
    ToolSpec,
)
from tool_gym.tools import FAMILIES
from tool_gym.values import Value
from tool_gym.world import Column, Row, Table, World


def _rows(fields: str, *lines: str) -> dict[str, Row]:
    """Return a table's rows: fields and cells are divided by bars; a cell of digits is a number."""
    names = [name.strip() for name in fields.split("|")]
    rows = [dict(zip(names, [_cell(cell.strip()) for cell in line.split("|")], strict=True)) for line in lines]
    return {row["id"]: row for row in rows}


def _cell(text: str) -> Any:
    return (float(text) if "." in text else int(text)) if text.replace(".", "").isdigit() else text


OWNERS = _rows(
    "id  | name            | home_port | fleet_budget",
    "OW1 | Hansen Lines    | Bergen    | 420000",
    "OW2 | Blue Anchor     | Rotterdam | 310000",
    "OW3 | Marino Shipping | Genoa     | 505000",
    "OW4 | Kestrel Freight | Dublin    | 268000",
    "OW5 | Baltic Star     | Gdansk    | 390000",
    "OW6 | Nordkap Lines   | Tromso    | 275000",
)
SHIPS = _rows(
    "id  | name      | owner_id | type   | length | draft | crew | built_on",
    "SH1 | Aurora    | OW2      | cargo  | 182.5  | 9.4   | 21   | 2009-05-14",
    "SH2 | Borealis  | OW1      | tanker | 229.0  | 12.1  | 26   | 2014-11-02",
    "SH3 | Cormorant | OW3      | ferry  | 141.2  | 6.3   | 48   | 2018-03-27",
    "SH4 | Dagmar    | OW1      | cargo  | 166.8  | 8.7   | 18   | 2003-08-19",
    "SH5 | Esperanza | OW4      | tug    | 32.4   | 4.1   | 7    | 2016-01-30",
    "SH6 | Fulmar    | OW5      | cargo  | 199.9  | 10.2  | 23   | 2011-07-08",
    "SH7 | Gudrun    | OW6      | ferry  | 118.7  | 5.6   | 35   | 1999-12-05",
    "SH8 | Halcyon   | OW3      | tanker | 244.6  | 13.5  | 29   | 2020-09-16",
)
BERTHS = _rows(
    "id  | name          | quay  | depth | daily_fee",
    "BE1 | Upper North   | north | 14.0  | 5200",
    "BE2 | Lower North   | north | 11.5  | 4300",
    "BE3 | Upper South   | south | 9.0   | 2900",
    "BE4 | Lower South   | south | 7.5   | 2100",
    "BE5 | East Pier     | east  | 12.5  | 4700",
    "BE6 | Tug Basin     | east  | 5.0   | 900",
)
BOOKINGS = _rows(
    "id   | name   | ship_id | berth_id | date       | state     | tonnes",
    "BK1  | BK-501 | SH1     | BE2      | 2025-03-04 | planned   | 5400",
    "BK2  | BK-502 | SH2     | BE1      | 2025-03-04 | docked    | 18200",
    "BK3  | BK-503 | SH3     | BE4      | 2025-03-05 | planned   | 640",
    "BK4  | BK-504 | SH4     | BE3      | 2025-03-06 | planned   | 4100",
    "BK5  | BK-505 | SH6     | BE5      | 2025-03-06 | planned   | 7300",
    "BK6  | BK-506 | SH1     | BE5      | 2025-03-11 | planned   | 6100",
    "BK7  | BK-507 | SH8     | BE1      | 2025-03-08 | left      | 21500",
    "BK8  | BK-508 | SH7     | BE4      | 2025-03-09 | cancelled | 380",
    "BK9  | BK-509 | SH1     | BE2      | 2025-03-18 | planned   | 4900",
    "BK10 | BK-510 | SH5     | BE6      | 2025-03-03 | left      | 12",
)

_NAME = Column(type="name")
WORLD = World(
    domain="harbour",
    tables={
        "owner": Table(
            noun="owner",
            prefix="OW",
            columns={
                "name": _NAME,
                "home_port": Column(type="text"),
                "fleet_budget": Column(type="integer", unit="USD", low=1000, high=900_000),
            },
            rows=OWNERS,
        ),
        "ship": Table(
            noun="ship",
            prefix="SH",
            columns={
                "name": _NAME,
                "owner_id": Column(type="ref", table="owner"),
                "type": Column(type="enum", values=("cargo", "tanker", "ferry", "tug")),
                "length": Column(type="number", unit="m", low=10, high=400, decimals=1),
                "draft": Column(type="number", unit="m", low=1, high=25, decimals=1),
                "crew": Column(type="integer", low=1, high=200),
                "built_on": Column(type="date", low="1950-01-01", high="2025-01-01"),
            },
            rows=SHIPS,
        ),
        "berth": Table(
            noun="berth",
            prefix="BE",
            columns={
                "name": _NAME,
                "quay": Column(type="enum", values=("north", "south", "east")),
                "depth": Column(type="number", unit="m", low=1, high=30, decimals=1),
                "daily_fee": Column(type="integer", unit="USD", low=100, high=9000),
            },
            rows=BERTHS,
        ),
        "booking": Table(
            noun="booking",
            prefix="BK",
            code="BK",
            columns={
                "name": _NAME,
                "ship_id": Column(type="ref", table="ship"),
                "berth_id": Column(type="ref", table="berth"),
                "date": Column(type="date", low="2025-01-01", high="2025-12-31"),
                "state": Column(
                    type="state",
                    values=("planned", "docked", "left", "cancelled"),
                    transitions={"planned": ("docked", "cancelled"), "docked": ("left",)},
                    initial="planned",
                    cancel="cancelled",
                ),
                "tonnes": Column(type="integer", unit="t", low=1, high=50_000),
            },
            rows=BOOKINGS,
        ),
    },
)


def tool(name: str, family: str, bindings: dict[str, Any] | None = None, **impl: Any) -> ToolSpec:
    """Return a tool of a family; `impl` takes `renames`, `constants` and `inert` (name → schema)."""
    bindings, template = bindings or {}, FAMILIES[family]
    inert: dict[str, Any] = impl.pop("inert", {})
    constants, renames = impl.get("constants", {}), impl.get("renames", {})
    roles = template.parameters(template.bindings.model_validate(bindings), WORLD.base)
    public = {role: name for name, role in renames.items()}
    parameters = {
        "type": "object",
        "properties": {
            **{public.get(role, role): schema for role, schema in roles.properties.items() if role not in constants},
            **inert,
        },
        "required": [public.get(role, role) for role in roles.required if role not in constants],
        "additionalProperties": False,
    }
    text = f"{name.replace('_', ' ').capitalize()}."
    what = TemplateImpl(family=family, bindings=bindings, inert=tuple(inert), **impl)
    return ToolSpec(name=name, description=text, parameters=parameters, impl=what)


_BOOKING_FIELDS = ["name", "ship_id", "berth_id", "date", "state", "tonnes"]
TOOLS = (
    tool("find_ship", "find", {"table": "ship"}),
    tool("find_berth", "find", {"table": "berth"}),
    tool(
        "get_ship",
        "get",
        {"tables": {"ship": ["name", "owner_id", "type", "length", "draft", "crew", "built_on"]}},
        renames={"ship_id": "id"},
    ),
    tool("get_owner", "get", {"tables": {"owner": ["name", "home_port", "fleet_budget"]}}, renames={"owner_id": "id"}),
    tool("get_berth", "get", {"tables": {"berth": ["name", "quay", "depth", "daily_fee"]}}, renames={"berth_id": "id"}),
    tool(
        "get_booking",
        "get",
        {"tables": {"booking": _BOOKING_FIELDS}, "by_field": False},
        renames={"booking_id": "id"},
        inert={"verbose": {"type": "boolean", "default": False}},
    ),
    tool("list_bookings", "list", {"table": "booking", "by": "ship_id"}),
    tool(
        "search_berths", "search", {"table": "berth", "filters": ["quay", "daily_fee"], "sort": ["depth", "daily_fee"]}
    ),
    tool("top_booking", "top", {"table": "booking", "by": "ship_id", "order_by": ["date", "tonnes"]}),
    tool(
        "summarize_bookings",
        "summarize",
        {"table": "booking", "by": "ship_id", "fields": ["tonnes"], "filters": ["state"]},
    ),
    tool("compare_ships", "compare", {"table": "ship", "fields": ["length", "draft", "crew"]}),
    tool("calculate", "calculate"),
    tool("convert_unit", "convert_unit"),
    tool("days_between", "days_between"),
    tool(
        "check_berth",
        "check_availability",
        {
            "table": "berth",
            "bookings": "booking",
            "ref": "berth_id",
            "date": "date",
            "state": "state",
            "blocking": ["planned", "docked"],
        },
        renames={"berth_id": "id"},
    ),
    tool("create_booking", "create", {"table": "booking", "fields": ["ship_id", "berth_id", "date", "tonnes"]}),
    tool("update_ship", "update", {"table": "ship", "fields": ["draft", "crew"]}, renames={"ship_id": "id"}),
    tool("set_booking_state", "transition", {"table": "booking", "column": "state"}, renames={"booking_id": "id"}),
    tool("cancel_booking", "cancel", {"table": "booking", "column": "state"}, renames={"booking_id": "id"}),
)


MORE_TOOLS = (
    tool("all_ships", "list", {"table": "ship", "page_size": 3}),
    tool("search_ships", "search", {"table": "ship", "filters": ["type", "name"], "sort": ["crew", "built_on"]}),
    tool("search_plain", "search", {"table": "ship"}),
    tool("record", "get", {"tables": {"ship": ["name", "crew"], "owner": ["name", "home_port"]}}),
    tool("top_ship", "top", {"table": "ship", "order_by": ["length", "built_on"]}),
    tool("count_ships", "summarize", {"table": "ship", "filters": ["type"]}, constants={"operation": "count"}),
    tool("ship_numbers", "summarize", {"table": "ship", "fields": ["length", "crew"], "filters": ["type", "name"]}),
    tool("north_or_south", "list", {"table": "berth", "by": "quay"}),
    tool("update_draft", "update", {"table": "ship", "fields": ["draft"]}, constants={"field": "draft"}),
    tool("create_ship", "create", {"table": "ship", "fields": [key for key in SHIPS["SH1"] if key != "id"]}),
    tool("bookings", "list", {"table": "booking", "groups": ["ship_id", "berth_id"]}),
    tool("first_booking", "top", {"table": "booking", "groups": ["ship_id"], "order_by": ["date"]}),
    tool("tonnage", "summarize", {"table": "booking", "groups": ["ship_id", "berth_id"], "fields": ["tonnes"]}),
    tool("match_berth", "match", {"table": "berth"}),
    tool("ship_length", "measure", {"table": "ship", "field": "length", "stored": "m", "units": ["m", "km"]}),
    tool("records", "choose", {"selector": "kind", "parts": {
        "ship": {"family": "search", "bindings": {"table": "ship", "filters": ["type"], "sort": ["crew"]}},
        "owner": {"family": "search", "bindings": {"table": "owner", "sort": ["fleet_budget"]}},
        "berth": {"family": "find", "bindings": {"table": "berth"}},
        "tug": {"family": "summarize", "bindings": {"table": "ship"}, "constants": {"operation": "count"}},
    }}),
    tool("save_ship", "choose_write", {"selector": "mode", "parts": {
        "create": {"family": "create", "bindings": {"table": "ship", "fields": list(SHIPS["SH1"])[1:]}},
        "update": {"family": "update", "bindings": {"table": "ship", "fields": ["draft", "crew"], "by_column": True}},
    }}),
)  # fmt: skip
"""More tools of every family, for the tests of the families themselves."""

NEW_SHIP = {
    "name": "Ingrid",
    "owner_id": "OW1",
    "type": "tug",
    "length": 30.5,
    "draft": 4.0,
    "crew": 6,
    "built_on": "2024-12-24",
}


def read(  # noqa: PLR0913, PLR0917 - what a read is
    name: str,
    call: str,
    arguments: dict[str, Any],
    binding: Binding | None,
    path: str,
    gold: Value,
    *parents: str | Parent,
    user_turn: int = 0,
) -> SubGoal:
    """Return a sub-goal that finds something out; a parent given by its id alone is a data parent."""
    edges = tuple(Parent(id=parent) if isinstance(parent, str) else parent for parent in parents)
    return SubGoal(
        id=name,
        tool=call,
        arguments=arguments,
        binding=binding,
        result_path=(path,),
        gold=gold,
        parents=edges,
        user_turn=user_turn,
    )


def cell(table: str, row: str, field: str) -> Binding:
    """Return the question for one cell."""
    return Binding(operation="read", entity=table, row=row, field=field)


def found(table: str, name: str) -> Binding:
    """Return the question for the row of a name."""
    return Binding(operation="find", entity=table, filter=(("name", name),))


def computed(operation: str, *inputs: float | str) -> Binding:
    """Return the question for something computed."""
    return Binding(operation=operation, inputs=inputs)


def plan(sub_goals: Iterable[SubGoal], references: dict[str, dict[str, tuple[str, str]]] | None = None) -> Plan:
    """Return the plan that makes the sub-goals' calls in order.

    Args:
        sub_goals: What it solves.
        references: Sub-goal → argument → (earlier sub-goal, key in its result).
    """
    steps = []
    for sub_goal in sub_goals:
        links = (references or {}).get(sub_goal.id, {})
        literals = {name: value for name, value in (sub_goal.arguments or {}).items() if name not in links}
        taken = {name: Reference(sub_goal=source, path=(key,)) for name, (source, key) in links.items()}
        steps.append(PlanStep(sub_goal=sub_goal.id, literals=literals, references=taken))
    return Plan(steps=tuple(steps))


def scenario(
    shape: Any,
    user_turns: str | tuple[str, ...],
    sub_goals: Sequence[SubGoal],
    goals: Sequence[Goal],
    plans: Sequence[Plan],
    **fields: Any,
) -> Scenario:
    """Return a scenario over the harbour with all its tools."""
    return Scenario(
        id="draft",
        domain="harbour",
        shape=shape,
        user_turns=(user_turns,) if isinstance(user_turns, str) else user_turns,
        world_ref=WORLD.id,
        tools=TOOLS,
        sub_goals=tuple(sub_goals),
        goals=tuple(goals),
        plans=tuple(plans),
        **fields,
    ).with_id()


def answer(gold: Value, *rests_on: str, user_turn: int = 0) -> AnswerGoal:
    """Return the goal to say `gold` at the end of a user turn."""
    return AnswerGoal(id=f"answer{user_turn}", gold=gold, rests_on=rests_on, user_turn=user_turn)
