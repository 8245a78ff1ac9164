"""Forms of arguments and results: what is encoded comes back, what cannot be read is refused in words."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.harbour import WORLD
from tool_gym import jsonio
from tool_gym.errors import ScenarioError
from tool_gym.rewards.credit import CreditTable
from tool_gym.runtime import InProcessRuntime
from tool_gym.scenario import Fault, Reference, Scenario, TemplateImpl, ToolSpec
from tool_gym.tools.codecs import ArgumentError, Codec, DateParts, Quantity, Single, TypedId
from tool_gym.tools.envelopes import Envelope, Style
from tool_gym.turns import Effect, Outcome, ToolCall, ToolResult
from tool_gym.validation import ArgumentValidator

NUMBERS = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False, allow_infinity=False, width=64)
DATES = st.dates().map(dt.date.isoformat)
TEXTS = st.text(max_size=20)
KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,12}", fullmatch=True)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
STYLES: tuple[Style, ...] = ("snake", "camel", "kebab", "upper")
ENVELOPES = st.builds(
    Envelope,
    path=st.lists(KEYS, max_size=3, unique=True).map(tuple),
    extras=st.dictionaries(st.sampled_from(["Status", "Trace"]), TEXTS, max_size=2),
    style=st.sampled_from(STYLES),
    last=st.booleans(),
)


def coded(codec: Codec, plain: dict[str, Any], value: Any) -> None:
    """A value comes back as it was, and its form fits the schema the codec gives."""
    encoded = codec.encode(value)
    assert ArgumentValidator.of(codec.form(plain)).is_valid(encoded)
    decoded = codec.decode(jsonio.loads(jsonio.dumps(encoded)))
    assert decoded == value
    assert type(decoded) is type(value)


class TestCodecs:
    @given(NUMBERS, st.sampled_from(["", "MW", "m2", "percent"]))
    def test_a_number_comes_back(self, value: float, unit: str) -> None:
        coded(Quantity(unit=unit), {"type": "number"}, value)

    @given(DATES)
    def test_a_date_comes_back(self, value: str) -> None:
        coded(DateParts(), {"type": "string"}, value)

    @given(VALUES)
    def test_any_value_comes_back_from_a_list(self, value: Any) -> None:
        coded(Single(), {}, value)

    @given(TEXTS)
    def test_an_id_comes_back(self, value: str) -> None:
        coded(TypedId(type="ship"), {"type": "string"}, value)

    @pytest.mark.parametrize("given_text", ["12", "12 kW", "twelve MW", "1e999 MW", "12,5 MW", "MW", "", "1 2 MW"])
    def test_what_is_no_such_quantity_is_refused(self, given_text: str) -> None:
        with pytest.raises(ArgumentError):
            Quantity(unit="MW").decode(given_text)

    def test_units_are_read_whatever_their_case_and_spacing(self) -> None:
        assert Quantity(unit="MW").decode(" 12.5mw ") == 12.5

    def test_a_day_that_does_not_exist_is_refused(self) -> None:
        with pytest.raises(ArgumentError, match="no day of the calendar"):
            DateParts().decode({"year": 2025, "month": 2, "day": 30})


class TestEnvelopes:
    @given(ENVELOPES, VALUES)
    def test_a_value_comes_back(self, envelope: Envelope, value: Any) -> None:
        assert envelope.unwrap(jsonio.loads(jsonio.dumps(envelope.wrap(value)))) == value

    @given(ENVELOPES, st.dictionaries(KEYS, st.lists(st.dictionaries(KEYS, TEXTS, max_size=2), max_size=2), max_size=3))
    def test_every_part_is_where_it_is_said_to_be(self, envelope: Envelope, value: dict[str, Any]) -> None:
        for key, items in value.items():
            for number, item in enumerate(items):
                for name, text in item.items():
                    shown = envelope.wrap(value)
                    for part in envelope.place((key, number, name)):
                        shown = shown[part]
                    assert shown == text

    def test_what_no_call_can_have_shown_is_no_value(self) -> None:
        with pytest.raises((LookupError, TypeError)):
            Envelope(path=("data",)).unwrap({"error": "no"})


def scaled(**changes: Any) -> ToolSpec:
    """The crew of a ship, asked for in another form and served in an envelope."""
    impl = TemplateImpl(
        family="get",
        bindings={"tables": {"ship": ["crew"]}},
        constants={"field": "crew"},
        renames={"vessel": "id"},
        expected={"locale": "en-US"},
        codecs={"vessel": TypedId(type="ship")},
        envelope=Envelope(path=("data",), extras={"status": "ok"}, style="upper"),
    )
    vessel = {"type": "object", "properties": {"type": {"enum": ["ship"]}, "id": {"type": "string"}}}
    parameters = {
        "type": "object",
        "properties": {
            "vessel": {**vessel, "required": ["type", "id"], "additionalProperties": False},
            "locale": {"type": "string"},
        },
        "required": ["vessel", "locale"],
        "additionalProperties": False,
    }
    return ToolSpec(name="crew", description="", parameters=parameters, impl=impl.model_copy(update=changes))


ASKED = {"vessel": {"type": "ship", "id": "SH1"}, "locale": "en-US"}


class TestRuntime:
    def test_runs_the_family_and_wraps_what_it_serves(self) -> None:
        plain = TemplateImpl(family="get", bindings={"tables": {"ship": ["crew"]}}, constants={"field": "crew"})
        parameters = {"type": "object", "properties": {"id": {"type": "string"}}, "required": ["id"]}
        before = ToolSpec(name="plain", description="", parameters=parameters, impl=plain)
        served = InProcessRuntime((before,), WORLD).start().call("plain", {"id": "SH1"})
        shown = InProcessRuntime((scaled(),), WORLD).start().call("crew", ASKED)
        assert shown.value == {"data": {"ID": "SH1", "CREW": served.value["crew"]}, "status": "ok"}

    def test_a_value_that_is_expected_must_be_given(self) -> None:
        session = InProcessRuntime((scaled(),), WORLD).start()
        result = session.call("crew", {**ASKED, "locale": "de-DE"})
        assert result.outcome is Outcome.INVALID_ARGUMENTS
        assert "'locale' must be 'en-US'" in result.message

    def test_what_is_decoded_still_has_to_fit(self) -> None:
        """The family's own schema holds, whatever form the public one gives."""
        session = InProcessRuntime((scaled(),), WORLD).start()
        result = session.call("crew", {**ASKED, "vessel": {"type": "ship", "id": "x" * 300}})
        assert result.outcome is Outcome.INVALID_ARGUMENTS
        assert "'vessel'" in result.message

    def test_a_bad_form_uses_up_no_fault(self) -> None:
        session = InProcessRuntime((scaled(),), WORLD, (Fault(tool="crew", times=1),)).start()
        outcomes = [session.call("crew", arguments).outcome for arguments in ({**ASKED, "locale": "x"}, ASKED, ASKED)]
        assert outcomes == [Outcome.INVALID_ARGUMENTS, Outcome.TRANSIENT_FAULT, Outcome.OK]

    def test_a_retired_tool_refuses_every_call(self) -> None:
        session = InProcessRuntime((scaled(retired="crew is switched off"),), WORLD).start()
        result = session.call("crew", ASKED)
        assert (result.outcome, result.message) == (Outcome.PRECONDITION_FAILED, "crew is switched off")

    def test_what_is_said_of_no_parameter_is_refused(self) -> None:
        with pytest.raises(ScenarioError, match="speaks of 'nobody'"):
            InProcessRuntime((scaled(inert=("nobody",)),), WORLD)


class TestImplementation:
    def test_public_arguments_are_translated_back(self) -> None:
        impl = scaled().impl
        assert isinstance(impl, TemplateImpl)
        assert impl.public(impl.translate(ASKED)) == ASKED

    def test_survives_json_and_writes_nothing_it_has_not(self) -> None:
        assert ToolSpec.model_validate_json(scaled().model_dump_json()) == scaled()
        plain = TemplateImpl(family="get").model_dump(mode="json")
        assert not plain.keys() & {"expected", "codecs", "envelope", "retired"}
        assert "codec" not in Reference(sub_goal="s1", path=("id",)).model_dump(mode="json")

    def test_a_reference_passes_on_in_the_form_wanted(self) -> None:
        reference = Reference(sub_goal="s1", path=("data", 0), codec=Quantity(unit="t"))
        assert reference.argument({"data": [4]}) == "4 t"
        assert Reference.model_validate_json(reference.model_dump_json()) == reference


def test_credit_sees_through_forms_and_envelopes(scaled_scenario: Scenario) -> None:
    session = InProcessRuntime(scaled_scenario.tools, WORLD).start()
    table = CreditTable.of(scaled_scenario)
    mask, key = table.served(ToolCall("crew", ASKED), session.call("crew", ASKED))
    assert mask == 1
    assert key == table.key(ToolCall("crew", {**ASKED, "locale": "en-US"}))


@pytest.mark.parametrize(
    "arguments",
    [{"vessel": "SH1", "locale": "en-US"}, {"vessel": 3, "locale": "en-US"}, {"vessel": {}, "locale": "x"}],
    ids=str,
)
def test_a_stored_call_that_no_tool_took_earns_nothing(arguments: dict[str, Any], scaled_scenario: Scenario) -> None:
    served = ToolResult(Outcome.OK, {"data": {"ID": "SH1", "CREW": 21}}, "", (Effect("ship", "SH1", "crew", 1, 2),))
    table = CreditTable.of(scaled_scenario)
    assert table.served(ToolCall("crew", arguments), served)[0] == 0
    assert table.key(ToolCall("crew", arguments)) == table.key(ToolCall("crew", dict(arguments)))


@pytest.fixture
def scaled_scenario() -> Scenario:
    """One read of a crew through the scaled tool."""
    crew = WORLD.tables["ship"].rows["SH1"]["crew"]
    return Scenario.model_validate(
        {
            "id": "scaled",
            "domain": "harbour",
            "shape": "single_hop",
            "user_turns": ("How many are aboard?",),
            "world_ref": WORLD.id,
            "tools": (scaled(),),
            "sub_goals": [
                {
                    "id": "s1",
                    "tool": "crew",
                    "arguments": ASKED,
                    "binding": {"operation": "read", "entity": "ship", "row": "SH1", "field": "crew"},
                    "result_path": ["data", "CREW"],
                    "gold": {"kind": "number", "value": crew},
                }
            ],
            "goals": [{"kind": "answer", "id": "g1", "rests_on": ["s1"], "gold": {"kind": "number", "value": crew}}],
            "plans": [{"steps": [{"sub_goal": "s1", "literals": ASKED}]}],
        }
    )
