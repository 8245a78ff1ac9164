"""The in-process runtime: every call ends in a typed result, and a tool that does not fit is refused before it runs."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.handmade import SCENARIOS, TOOLS, WORLD, tool
from tool_gym.errors import ScenarioError
from tool_gym.runtime import InProcessRuntime
from tool_gym.runtime.inprocess import check_tool
from tool_gym.scenario import Fault, PythonImpl, TemplateImpl, ToolSpec
from tool_gym.tools import FAMILIES
from tool_gym.tools.base import Bindings, Family, Parameters, Run, no_facts
from tool_gym.turns import Outcome, ToolResult
from tool_gym.world import BaseTables, WorldView

RUNTIME = InProcessRuntime(TOOLS, WORLD)
CREW = {"ship_id": "SH1", "field": "crew"}
ANY_OBJECT: dict[str, Any] = {"type": "object"}


def spec(family: str, bindings: dict[str, Any], parameters: dict[str, Any] | None = None, **impl: Any) -> ToolSpec:
    what = TemplateImpl(family=family, bindings=bindings, **impl)
    return ToolSpec(name="tool", description="", parameters=parameters or ANY_OBJECT, impl=what)


def test_an_unknown_tool_is_told_the_nearest_name() -> None:
    result = RUNTIME.start().call("get_shop", {})
    assert result.outcome is Outcome.UNKNOWN_TOOL
    assert result.message == "no tool is named 'get_shop'. Did you mean 'get_ship'?"
    assert RUNTIME.start().call("weather", {}).message == "no tool is named 'weather'."


def test_a_name_of_any_length_is_answered_in_a_line() -> None:
    result = RUNTIME.start().call("get_ship" * 100_000, {})
    assert result.outcome is Outcome.UNKNOWN_TOOL
    assert len(result.message) <= 300


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"ship_id": "SH1"},
        {**CREW, "answer": "21"},
        {**CREW, "field": "age"},
        {**CREW, "ship_id": 1},
        {**CREW, "ship_id": None},
        {**CREW, "ship_id": ["SH1"]},
        {**CREW, "ship_id": ""},
        {**CREW, "ship_id": "S" * 10**6},
        {**CREW, "ship_id": {"id": "SH1"}},
    ],
)
def test_arguments_that_do_not_fit_are_refused_before_anything_runs(arguments: dict[str, Any]) -> None:
    result = RUNTIME.start().call("get_ship", arguments)
    assert result.outcome is Outcome.INVALID_ARGUMENTS
    assert 0 < len(result.message) <= 300


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["SH1", "BK1", "crew", 5]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
NAMES = {item.name: list(item.parameters["properties"]) for item in TOOLS}


@settings(max_examples=300)
@given(st.data())
def test_no_call_raises_and_none_breaks_a_tool(data: st.DataObject) -> None:
    session = RUNTIME.start()
    name = data.draw(st.sampled_from(sorted(NAMES)))
    arguments = data.draw(st.dictionaries(st.sampled_from(NAMES[name]) | st.text(), JSON, max_size=5))
    before = session.digest()
    result = session.call(name, arguments)
    assert result.outcome.charged, result
    assert result.ok or session.digest() == before
    assert isinstance(result.text, str)


NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.integers(1, 12)
TEXTS = st.text(min_size=1, max_size=10) | st.sampled_from(["SH1", "BE2", "BK1", "OW1", "2025-03-04", "2025-13-01"])


def fitting(schema: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw arguments that fit a tool's schema, or nearly."""

    def value(part: dict[str, Any]) -> st.SearchStrategy[Any]:
        if "enum" in part:
            return st.sampled_from(part["enum"])
        return {"string": TEXTS, "boolean": st.booleans()}.get(part["type"], NUMBERS)

    required = {name: value(schema["properties"][name]) for name in schema["required"]}
    optional = {name: value(part) for name, part in schema["properties"].items() if name not in required}
    return st.fixed_dictionaries(required, optional=optional)


@settings(max_examples=300)
@given(st.data())
def test_no_call_that_fits_the_schema_breaks_a_tool(data: st.DataObject) -> None:
    item = data.draw(st.sampled_from(TOOLS))
    session = RUNTIME.start()
    for _ in range(3):
        result = session.call(item.name, data.draw(fitting(item.parameters)))
        assert result.outcome.charged, result


# --- broken tools ----------------------------------------------------------------------------------------------------


def _half_done(_: Bindings, __: BaseTables) -> Run:
    def run(view: WorldView, arguments: dict[str, Any]) -> Any:
        view.update("ship", "SH1", {"crew": 99})
        if "stop" in arguments:
            raise KeyboardInterrupt
        if arguments:
            raise RecursionError
        return 1 // 0

    return run


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> ToolSpec:
    family = Family(
        "broken",
        Bindings,
        lambda *_: Parameters({"deep": {}, "stop": {}}, ()),
        _half_done,
        no_facts,
        lambda _: (),
        writes=True,
    )
    monkeypatch.setitem(FAMILIES, "broken", family)
    return spec("broken", {}, {"type": "object", "properties": {"deep": {}, "stop": {}}})


@pytest.mark.parametrize("arguments", [{}, {"deep": True}])
def test_a_tool_that_breaks_is_an_observation_and_is_undone(
    broken: ToolSpec, arguments: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    session = InProcessRuntime((*TOOLS, broken), WORLD).start()
    before = session.digest()
    with caplog.at_level(logging.ERROR):
        result = session.call("tool", arguments)
    assert result == ToolResult(Outcome.TOOL_ERROR, None, "tool failed")
    assert "tool 'tool' failed" in caplog.text
    assert "Traceback" not in result.text
    assert session.digest() == before
    after = session.call("update_ship", {**CREW, "value": 22})
    assert [effect.field for effect in after.effects] == ["crew"], "no effect is left over"


def test_a_call_that_is_interrupted_leaves_nothing_behind(broken: ToolSpec) -> None:
    session = InProcessRuntime((*TOOLS, broken), WORLD).start()
    before = session.digest()
    with pytest.raises(KeyboardInterrupt):
        session.call("tool", {"stop": True})
    assert session.digest() == before
    assert session.call("get_ship", CREW).effects == ()


# --- faults, snapshots -----------------------------------------------------------------------------------------------


def test_a_fault_takes_valid_calls_only_and_is_undone_by_a_restore() -> None:
    session = InProcessRuntime(TOOLS, WORLD, (Fault(tool="get_ship", times=2),)).start()

    def outcomes(count: int) -> list[str]:
        return [session.call("get_ship", CREW).outcome.label for _ in range(count)]

    assert session.call("get_ship", {}).outcome is Outcome.INVALID_ARGUMENTS
    assert session.call("get_owner", {"owner_id": "OW1", "field": "name"}).ok
    kept = session.snapshot()
    assert outcomes(4) == ["transient_fault", "transient_fault", "ok", "ok"]
    session.restore(kept)
    assert outcomes(1) == ["transient_fault"]
    later = session.snapshot()
    assert outcomes(2) == ["transient_fault", "ok"]
    session.restore(later)
    assert outcomes(2) == ["transient_fault", "ok"]


def test_a_fault_leaves_a_write_undone() -> None:
    session = InProcessRuntime(TOOLS, WORLD, (Fault(tool="update_ship", times=1),)).start()
    before = session.digest()
    result = session.call("update_ship", {**CREW, "value": 5})
    assert (result.outcome.blame.value, result.effects, session.digest()) == ("infra", (), before)
    assert "may be tried again" in result.message


def test_sessions_do_not_see_each_other() -> None:
    one, other = RUNTIME.start(), RUNTIME.start()
    before = other.digest()
    assert one.call("update_ship", {**CREW, "value": 5}).ok
    assert other.digest() == before
    assert other.call("get_ship", CREW).value == {"id": "SH1", "crew": 21}
    other.restore(one.snapshot())
    assert other.digest() == one.digest()
    one.close()
    one.close()


def test_tools_are_compiled_once_for_a_world() -> None:
    size = len(WORLD.base.compiled)
    InProcessRuntime(TOOLS, WORLD)
    assert len(WORLD.base.compiled) == size
    other = tool("get_ship", "get", {"tables": {"ship": ["crew"]}}, renames={"ship_id": "id"})
    runtime = InProcessRuntime((other,), WORLD)
    assert runtime.start().call("get_ship", {"ship_id": "SH1", "field": "draft"}).outcome is Outcome.INVALID_ARGUMENTS
    assert RUNTIME.start().call("get_ship", {"ship_id": "SH1", "field": "draft"}).ok


# --- tools that do not fit -------------------------------------------------------------------------------------------


def availability(bookings: str, ref: str, date: str) -> ToolSpec:
    return spec("check_availability", {"table": "berth", "bookings": bookings, "ref": ref, "date": date})


_ID = {"type": "string"}
_ONE = {"type": "object", "properties": {"id": _ID}, "required": ["id"]}
_TWO = {"type": "object", "properties": {"id": _ID, "field": _ID}, "required": ["id", "field"]}


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (spec("teleport", {}), "no tool family named 'teleport'"),
        (spec("gte", {}), "Did you mean 'get'"),
        (spec("get", {}), "bindings do not fit"),
        (spec("get", {"tables": {}}), "bindings do not fit"),
        (spec("get", {"tables": {"ship": ["crew"]}, "colour": 1}), "bindings do not fit"),
        (spec("get", {"tables": "ship"}), "bindings do not fit"),
        (spec("get", {"tables": {"plane": ["crew"]}}, _TWO), "no table 'plane'"),
        (spec("get", {"tables": {"ship": ["wings"]}}, _TWO), "'ship' has no column 'wings'"),
        (spec("find", {"table": "plane"}), "no table 'plane'"),
        (spec("find", {"table": "ship", "column": "wings"}), "no column 'wings'"),
        (spec("list", {"table": "ship", "by": "wings"}), "no column 'wings'"),
        (spec("list", {"table": "ship", "page_size": 0}), "bindings do not fit"),
        (spec("list", {"table": "ship", "page_size": 21}), "bindings do not fit"),
        (spec("search", {"table": "ship", "filters": ["wings"]}), "no column 'wings'"),
        (spec("search", {"table": "ship", "sort": ["type"]}), "of type integer or number or date"),
        (spec("top", {"table": "ship", "order_by": ["name"]}), "of type integer or number or date"),
        (spec("top", {"table": "ship", "by": "wings", "order_by": []}), "no column 'wings'"),
        (spec("summarize", {"table": "ship", "fields": ["built_on"]}), "of type integer or number"),
        (spec("summarize", {"table": "ship", "filters": ["wings"]}), "no column 'wings'"),
        (spec("compare", {"table": "ship", "fields": ["name"]}), "of type integer or number"),
        (spec("calculate", {"operations": ["power"]}), "bindings do not fit"),
        (spec("convert_unit", {"units": ["kg", "stone"]}), "nothing converts the units ['stone']"),
        (availability("booking", "date", "date"), "of type ref"),
        (availability("booking", "berth_id", "state"), "of type date"),
        (availability("ship", "berth_id", "date"), "no column 'berth_id'"),
        (spec("create", {"table": "booking", "fields": ["ship_id"]}), "would lack ['berth_id', 'date', 'tonnes']"),
        (spec("create", {"table": "booking", "fields": ["wings"]}), "no column 'wings'"),
        (spec("update", {"table": "ship", "fields": ["type"]}), "of type integer or number"),
        (spec("transition", {"table": "ship", "column": "type"}), "of type state"),
        (spec("cancel", {"table": "booking", "column": "date"}), "of type state"),
        (spec("get", {"tables": {"ship": ["crew"]}}, _ONE), "takes, once each: id, field"),
        (spec("get", {"tables": {"ship": ["crew"]}}, {**_TWO, "required": ["id"]}), "takes, once each"),
        (spec("get", {"tables": {"ship": ["crew"]}}, _TWO, renames={"id": "ship"}), "takes, once each"),
        (spec("get", {"tables": {"ship": ["crew"]}}, _TWO, renames={"field": "id"}), "takes, once each"),
        (spec("get", {"tables": {"ship": ["crew"]}}, _TWO, constants={"field": "crew"}), "takes, once each"),
        (spec("get", {"tables": {"ship": ["crew"]}}, _ONE, constants={"field": "wings"}), "constant 'field'"),
        (spec("get", {"tables": {"ship": ["crew"]}}, _ONE, constants={"field": 5}), "constant 'field'"),
        (spec("get", {"tables": {"ship": ["crew"]}}, _TWO, inert=("id",)), "takes, once each"),
        (spec("get", {"tables": {"ship": ["crew"]}}, {"type": 5}), "not a JSON Schema"),
        (spec("get", {"tables": {"ship": ["crew"]}}, {"properties": [1]}), "not a JSON Schema"),
    ],
)  # fmt: skip
def test_a_tool_that_does_not_fit_is_refused(made: ToolSpec, problem: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        InProcessRuntime((made,), WORLD)
    assert problem in str(caught.value)
    assert "'tool'" in str(caught.value)


def test_a_table_without_a_cancelled_state_cannot_be_cancelled_in() -> None:
    booking = WORLD.tables["booking"]
    columns = {**booking.columns, "state": booking.columns["state"].model_copy(update={"cancel": None})}
    table = booking.model_copy(update={"columns": columns})
    world = WORLD.model_copy(update={"tables": {**WORLD.tables, "booking": table}})
    with pytest.raises(ScenarioError, match="has no cancelled state"):
        check_tool(spec("cancel", {"table": "booking", "column": "state"}, _ONE), world.base)


def test_foreign_source_is_refused() -> None:
    foreign = ToolSpec(name="tool", description="", parameters=ANY_OBJECT, impl=PythonImpl(source="1/0", entry="f"))
    with pytest.raises(ScenarioError, match="Python source"):
        InProcessRuntime((foreign,), WORLD)


def test_the_runtime_is_given_no_answers() -> None:
    """Wall 1: a session holds tools, faults and the world, and nothing else of the scenario."""
    scenario = SCENARIOS["multi_hop"]
    session = InProcessRuntime(scenario.tools, WORLD, scenario.faults).start()
    held = {getattr(session, name).__class__.__name__ for name in session.__slots__}
    assert held == {"WorldView", "_Tools", "dict"}
