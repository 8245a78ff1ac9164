"""Scenarios written by hand over one small harbour: at least one of every shape, golds and all.

The scenarios are what the tests and docs/reward.md start from. `play` runs turns through the in-process runtime and a
scorer, without an environment; `oracle_turns` writes the turns of a plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tool_gym.rewards import Reward, SolveReward
from tool_gym.runtime import InProcessRuntime, Session
from tool_gym.scenario import (
    AnswerGoal,
    AskGoal,
    Binding,
    CellEffect,
    DeclineGoal,
    Fault,
    Goal,
    Parent,
    Plan,
    PlanStep,
    Reference,
    Scenario,
    StateGoal,
    SubGoal,
    TemplateImpl,
    ToolSpec,
)
from tool_gym.tools import FAMILIES
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import ActKind, Outcome, ToolCall, ToolResult, Turn, failed
from tool_gym.values import (
    BooleanValue,
    DateValue,
    EnumValue,
    NameValue,
    NumberValue,
    SequenceValue,
    TextValue,
    Value,
    display,
)
from tool_gym.world import Column, Row, Table, World

IDLE_REPLY = "Nothing to add."
"""What the user says to a question nobody expected."""


# --- the world -------------------------------------------------------------------------------------------------------


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


# --- the tools -------------------------------------------------------------------------------------------------------


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
    tool(
        "get_owner", "get", {"tables": {"owner": ["name", "home_port", "fleet_budget"]}}, renames={"owner_id": "id"}
    ),
    tool(
        "get_berth", "get", {"tables": {"berth": ["name", "quay", "depth", "daily_fee"]}}, renames={"berth_id": "id"}
    ),
    tool(
        "get_booking",
        "get",
        {"tables": {"booking": _BOOKING_FIELDS}, "by_field": False},
        renames={"booking_id": "id"},
        inert={"verbose": {"type": "boolean", "default": False}},
    ),
    tool("list_bookings", "list", {"table": "booking", "by": "ship_id"}),
    tool("search_berths", "search", {"table": "berth", "filters": ["quay", "daily_fee"], "sort": ["depth", "daily_fee"]}),
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


# --- the scenarios ---------------------------------------------------------------------------------------------------


def read(  # noqa: PLR0913 - what a read is
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


def _single_hop() -> Scenario:
    crew = read("crew", "get_ship", {"ship_id": "SH3", "field": "crew"}, cell("ship", "SH3", "crew"), "crew", _count(48))
    return scenario("single_hop", "How large is the crew of ship SH3?", [crew], [answer(_count(48), "crew")], [plan([crew])])


def _parallel_single_hop() -> Scenario:
    crew = read("crew", "get_ship", {"ship_id": "SH1", "field": "crew"}, cell("ship", "SH1", "crew"), "crew", _count(21))
    fee = read(
        "fee",
        "get_berth",
        {"berth_id": "BE5", "field": "daily_fee"},
        cell("berth", "BE5", "daily_fee"),
        "daily_fee",
        NumberValue(value=4700, unit="USD"),
    )
    gold = SequenceValue(items=(_count(21), NumberValue(value=4700, unit="USD")))
    text = "How large is the crew of ship SH1, and what is the daily fee of berth BE5?"
    return scenario("parallel_single_hop", text, [crew, fee], [answer(gold, "crew", "fee")], [plan([crew, fee])])


def _owner_of(ship: str, owner: str, *parents: str, name: str = "owner") -> SubGoal:
    arguments = {"ship_id": ship, "field": "owner_id"}
    return read(name, "get_ship", arguments, cell("ship", ship, "owner_id"), "owner_id", TextValue(value=owner), *parents)


def _home_port(owner: str, port: str, *parents: str) -> SubGoal:
    arguments = {"owner_id": owner, "field": "home_port"}
    return read(
        "port", "get_owner", arguments, cell("owner", owner, "home_port"), "home_port", NameValue(value=port), *parents
    )


def _multi_hop(**fields: Any) -> Scenario:
    hops = [_owner_of("SH1", "OW2"), _home_port("OW2", "Rotterdam", "owner")]
    chain = plan(hops, {"port": {"owner_id": ("owner", "owner_id")}})
    goal = answer(NameValue(value="Rotterdam"), "owner", "port")
    return scenario("multi_hop", "What is the home port of the owner of ship SH1?", hops, [goal], [chain], **fields)


def _three_hops() -> Scenario:
    ship = read("ship", "find_ship", {"name": "Fulmar"}, found("ship", "Fulmar"), "id", TextValue(value="SH6"))
    hops = [ship, _owner_of("SH6", "OW5", "ship"), _home_port("OW5", "Gdansk", "owner")]
    links = {"owner": {"ship_id": ("ship", "id")}, "port": {"owner_id": ("owner", "owner_id")}}
    goal = answer(NameValue(value="Gdansk", aliases=("Danzig",)), "ship", "owner", "port")
    return scenario("multi_hop", "What is the home port of the Fulmar's owner?", hops, [goal], [plan(hops, links)])


def _join() -> Scenario:
    def budget(name: str, owner: str, value: int, parent: str) -> SubGoal:
        arguments = {"owner_id": owner, "field": "fleet_budget"}
        key = cell("owner", owner, "fleet_budget")
        return read(name, "get_owner", arguments, key, "fleet_budget", NumberValue(value=value, unit="USD"), parent)

    hops = [
        _owner_of("SH1", "OW2", name="first_owner"),
        _owner_of("SH3", "OW3", name="second_owner"),
        budget("first", "OW2", 310_000, "first_owner"),
        budget("second", "OW3", 505_000, "second_owner"),
        read(
            "total",
            "calculate",
            {"operation": "add", "a": 310_000, "b": 505_000},
            computed("calculate", "add", 310_000, 505_000),
            "value",
            NumberValue(value=815_000, unit="USD"),
            "first",
            "second",
        ),
    ]
    links = {
        "first": {"owner_id": ("first_owner", "owner_id")},
        "second": {"owner_id": ("second_owner", "owner_id")},
        "total": {"a": ("first", "fleet_budget"), "b": ("second", "fleet_budget")},
    }
    goal = answer(NumberValue(value=815_000, unit="USD"), *(hop.id for hop in hops))
    text = "What are the fleet budgets of the owners of ships SH1 and SH3 together?"
    return scenario("parallel_multi_hop", text, hops, [goal], [plan(hops, links)])


def _compare() -> Scenario:
    hops = [
        read("first", "find_ship", {"name": "Aurora"}, found("ship", "Aurora"), "id", TextValue(value="SH1")),
        read("second", "find_ship", {"name": "Fulmar"}, found("ship", "Fulmar"), "id", TextValue(value="SH6")),
        read(
            "deeper",
            "compare_ships",
            {"first_id": "SH1", "second_id": "SH6", "field": "draft"},
            Binding(operation="compare", entity="ship", field="draft", inputs=("higher", "SH1", "SH6")),
            "higher_id",
            TextValue(value="SH6"),
            "first",
            "second",
        ),
    ]
    links = {"deeper": {"first_id": ("first", "id"), "second_id": ("second", "id")}}
    goal = answer(NameValue(value="Fulmar"), "first", "second", "deeper")
    text = "Which of the Aurora and the Fulmar has the deeper draft?"
    return scenario("parallel_multi_hop", text, hops, [goal], [plan(hops, links)])


def _two_plans() -> Scenario:
    def step(name: str, call: str, arguments: dict[str, Any], key: Binding, value: float, unit: str, parent: str) -> SubGoal:
        return read(name, call, arguments, key, "value", NumberValue(value=value, unit=unit), parent)

    cargo = read(
        "cargo",
        "get_booking",
        {"booking_id": "BK3"},
        cell("booking", "BK3", "tonnes"),
        "tonnes",
        NumberValue(value=640, unit="t"),
    )
    halve = {"operation": "divide", "b": 2}
    to_kg = {"from_unit": "t", "to_unit": "kg"}
    half = step("half", "calculate", {**halve, "a": 640}, computed("calculate", "divide", 640, 2), 320, "t", "cargo")
    half_kg = step("half_kg", "convert_unit", {**to_kg, "value": 320}, computed("convert", 320, "t", "kg"), 320_000, "kg", "half")
    kg = step("kg", "convert_unit", {**to_kg, "value": 640}, computed("convert", 640, "t", "kg"), 640_000, "kg", "cargo")
    kg_half = step("kg_half", "calculate", {**halve, "a": 640_000}, computed("calculate", "divide", 640_000, 2), 320_000, "kg", "kg")
    plans = [
        plan([cargo, half, half_kg], {"half": {"a": ("cargo", "tonnes")}, "half_kg": {"value": ("half", "value")}}),
        plan([cargo, kg, kg_half], {"kg": {"value": ("cargo", "tonnes")}, "kg_half": {"a": ("kg", "value")}}),
    ]
    sub_goals = [cargo, half, half_kg, kg, kg_half]
    goal = answer(NumberValue(value=320_000, unit="kg"), *(item.id for item in sub_goals))
    return scenario("multi_hop", "What is half the cargo of booking BK3, in kilograms?", sub_goals, [goal], plans)


def _cancelled(row: str) -> CellEffect:
    return CellEffect(table="booking", row=row, field="state", after="cancelled")


def _cancel(row: str, *parents: Parent) -> SubGoal:
    arguments = {"booking_id": row}
    return SubGoal(id="cancel", tool="cancel_booking", arguments=arguments, effects=(_cancelled(row),), parents=parents)


def _crew_of(ship: str, crew: int, *, user_turn: int = 0) -> SubGoal:
    cells = (CellEffect(table="ship", row=ship, field="crew", after=crew),)
    arguments = {"ship_id": ship, "field": "crew", "value": crew}
    return SubGoal(id="crew", tool="update_ship", arguments=arguments, effects=cells, user_turn=user_turn)


def _state(sub_goal: SubGoal) -> StateGoal:
    return StateGoal(id="state", required=sub_goal.effects, rests_on=(sub_goal.id,), user_turn=sub_goal.user_turn)


def _write() -> Scenario:
    crew = _crew_of("SH5", 8)
    return scenario("write", "The crew of ship SH5 is now 8: please set it.", [crew], [_state(crew)], [plan([crew])])


def _read_then_write() -> Scenario:
    latest = read(
        "latest",
        "top_booking",
        {"ship_id": "SH1", "order_by": "date", "direction": "descending"},
        Binding(operation="top", entity="booking", field="date", filter=(("ship_id", "SH1"),), inputs=("descending",)),
        "id",
        TextValue(value="BK9"),
    )
    cancel = _cancel("BK9", Parent(id="latest"))
    chain = plan([latest, cancel], {"cancel": {"booking_id": ("latest", "id")}})
    text = "Cancel the latest booking of ship SH1."
    return scenario("read_then_write", text, [latest, cancel], [_state(cancel)], [chain])


def _conditional() -> Scenario:
    free = read(
        "free",
        "check_berth",
        {"berth_id": "BE2", "date": "2025-03-18"},
        Binding(operation="availability", entity="berth", row="BE2", inputs=("2025-03-18",)),
        "available",
        BooleanValue(value=False),
    )
    cancel = _cancel("BK4", Parent(id="free", kind="control"))
    text = "If berth BE2 is free on 2025-03-18, set booking BK4 to docked, else cancel booking BK4."
    return scenario("conditional", text, [free, cancel], [_state(cancel)], [plan([free, cancel])])


def _multi_turn() -> Scenario:
    gold = NumberValue(value=8.7, unit="m")
    draft = read("draft", "get_ship", {"ship_id": "SH4", "field": "draft"}, cell("ship", "SH4", "draft"), "draft", gold)
    crew = _crew_of("SH4", 20, user_turn=1)
    texts = ("What is the draft of ship SH4?", "Thanks. Set the crew of the same ship to 20.")
    return scenario("multi_turn", texts, [draft, crew], [answer(gold, "draft"), _state(crew)], [plan([draft, crew])])


def _decline() -> Scenario:
    goal = DeclineGoal(id="decline", reason="no tool reads the wind.")
    return scenario("decline", "How strong is the wind at the East Pier?", [], [goal], [Plan(steps=())])


def _checked_decline() -> Scenario:
    gold = EnumValue(value="left", allowed=("planned", "docked", "left", "cancelled"))
    state = read("state", "get_booking", {"booking_id": "BK7"}, cell("booking", "BK7", "state"), "state", gold)
    goal = DeclineGoal(id="decline", reason="the ship has left.", rests_on=("state",))
    return scenario("decline", "Cancel booking BK7, if it still can be.", [state], [goal], [plan([state])])


def _ask() -> Scenario:
    arguments = {"ship_id": "SH5", "berth_id": "BE3", "date": "2025-04-02", "tonnes": 15}
    cells = {**arguments, "state": "planned", "name": "BK-11"}
    book = SubGoal(
        id="book",
        tool="create_booking",
        arguments=arguments,
        effects=tuple(CellEffect(table="booking", field=field, after=after) for field, after in cells.items()),
        parents=(Parent(id="which_day"),),
    )
    ask = AskGoal(id="which_day", slot="date", keywords=("date", "day", "when"), reply="On 2025-04-02.")
    text = "Book berth BE3 for ship SH5, 15 tonnes."
    return scenario("ask", text, [book], [ask, _state(book)], [plan([book])])


def _imported() -> Scenario:
    sub_goals = [
        SubGoal(id="owner", tool="get_ship", gold=TextValue(value="OW2")),
        SubGoal(id="port", tool="get_owner", gold=NameValue(value="Rotterdam")),
    ]
    goal = answer(NameValue(value="Rotterdam"), "owner", "port")
    return scenario("multi_hop", "What is the home port of the owner of ship SH1?", sub_goals, [goal], [])


def _days() -> Scenario:
    def date(name: str, row: str, day: str) -> SubGoal:
        arguments = {"booking_id": row}
        return read(name, "get_booking", arguments, cell("booking", row, "date"), "date", DateValue(value=day))

    hops = [
        date("first", "BK1", "2025-03-04"),
        date("second", "BK6", "2025-03-11"),
        read(
            "days",
            "days_between",
            {"start": "2025-03-04", "end": "2025-03-11"},
            computed("days", "2025-03-04", "2025-03-11"),
            "days",
            _count(7),
            "first",
            "second",
        ),
    ]
    links = {"days": {"start": ("first", "date"), "end": ("second", "date")}}
    goal = answer(_count(7), "first", "second", "days")
    return scenario("parallel_multi_hop", "How many days after booking BK1 is booking BK6?", hops, [goal], [plan(hops, links)])


def _count(value: int) -> NumberValue:
    return NumberValue(value=value)


SCENARIOS: dict[str, Scenario] = {
    "single_hop": _single_hop(),
    "parallel_single_hop": _parallel_single_hop(),
    "multi_hop": _multi_hop(),
    "three_hops": _three_hops(),
    "join": _join(),
    "compare": _compare(),
    "days": _days(),
    "two_plans": _two_plans(),
    "write": _write(),
    "read_then_write": _read_then_write(),
    "conditional": _conditional(),
    "multi_turn": _multi_turn(),
    "decline": _decline(),
    "checked_decline": _checked_decline(),
    "ask": _ask(),
    "fault": _multi_hop(faults=(Fault(tool="get_owner", times=1),)),
    "imported": _imported(),
}
"""Name → scenario."""

WITH_ORACLE = sorted(name for name, item in SCENARIOS.items() if item.plans)


# --- playing ---------------------------------------------------------------------------------------------------------


def call(name: str, /, **arguments: Any) -> ToolCall:
    """Return a call."""
    return ToolCall(name, arguments)


def calls(*made: ToolCall) -> Turn:
    """Return the turn that makes some calls."""
    return Turn(calls=made)


def oracle_turns(scenario: Scenario, number: int = 0, order: Sequence[str] | None = None) -> list[Turn]:
    """Return a plan as turns: in each user turn the questions, then one call a turn, then the act.

    Args:
        scenario: Must carry a plan.
        number: Which plan.
        order: The sub-goals in another order its graph allows.
    """
    steps = order or [step.sub_goal for step in scenario.plans[number].steps]
    faults = {fault.tool: fault.times for fault in scenario.faults}
    turns: list[Turn] = []
    for user_turn in range(len(scenario.user_turns)):
        goals = scenario.goals_of(user_turn)
        turns += [Turn(f"Ask: {goal.keywords[0]}?") for goal in goals if goal.kind == "ask"]
        for name in steps:
            sub_goal = scenario.sub_goal_by_id[name]
            if sub_goal.user_turn == user_turn:
                tries = 1 + faults.pop(sub_goal.tool, 0)
                turns += [calls(ToolCall(sub_goal.tool, dict(sub_goal.arguments or {})))] * tries
        turns.append(closing(scenario, user_turn))
    return turns


def closing(scenario: Scenario, user_turn: int) -> Turn:
    """Return the right act at the end of a user turn."""
    for goal in scenario.goals_of(user_turn):
        if goal.kind == "decline":
            return Turn(f"Decline: {goal.reason}")
        if goal.kind == "answer":
            return Turn(f"Answer: {display(goal.gold)}")
    return Turn("Answer: done")


def play(
    scenario: Scenario, turns: Iterable[Turn], reward: Reward | None = None, world: World = WORLD
) -> Trajectory:
    """Play turns from the start to the end of the episode or of the turns; each step carries its reward."""
    session = InProcessRuntime(scenario.tools, world, scenario.faults).start()
    scorer = (reward or SolveReward()).start(scenario)
    steps: list[Step] = []
    user_turn, asked = 0, set[str]()
    for turn in turns:
        if user_turn == len(scenario.user_turns):
            break
        step = Step(turn, run(session, turn), user_turn)
        act = turn.act
        if act is not None and act.kind is ActKind.ASK:
            step = step._replace(reply=_reply(scenario, user_turn, act.text, asked))
        elif act is not None:
            user_turn += 1
            step = step._replace(reply=scenario.user_turns[user_turn] if user_turn < len(scenario.user_turns) else "")
        delta, _, parts = scorer.step(step)
        steps.append(step._replace(reward=delta, parts=parts))
    return Trajectory(scenario.id, tuple(steps), terminated=user_turn == len(scenario.user_turns))


def run(session: Session, turn: Turn) -> tuple[ToolResult, ...]:
    """Run the calls of a turn."""
    return tuple(
        session.call(item.name, item.arguments)
        if isinstance(item, ToolCall)
        else failed(Outcome.MALFORMED_CALL, item.message)
        for item in turn.calls
    )


def _reply(scenario: Scenario, user_turn: int, text: str, asked: set[str]) -> str:
    for goal in scenario.goals_of(user_turn):
        if goal.kind == "ask" and goal.id not in asked and goal.is_asked_by(text):
            asked.add(goal.id)
            return goal.reply
    return IDLE_REPLY
