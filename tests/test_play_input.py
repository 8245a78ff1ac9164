"""What a person's line means to `tool-gym play`, and that no turn is taken from it by mistake."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialogue import arguments, hostile_texts, surrogates
from tests.handmade import SCENARIOS, calls
from tool_gym import jsonio
from tool_gym.cli.play_input import COMMANDS, Command, Draft, read_draft, read_line
from tool_gym.dialects import get_dialect
from tool_gym.dialects.literals import write_call
from tool_gym.turns import BrokenCall, ToolCall, Turn

TOOLS = SCENARIOS["multi_hop"].tools
FIRST = 'get_ship(ship_id="SH1", field="owner_id")'
FORMS: dict[str, Callable[[ToolCall, int], str]] = {
    "python": lambda made, _: write_call(made.name, made.arguments),
    "number": lambda made, number: write_call("f", made.arguments).replace("f", str(number), 1),
    "json arguments": lambda made, _: f"{made.name} {jsonio.dumps(made.arguments)}",
    "number and json": lambda made, number: f" {number}{jsonio.dumps(made.arguments)} ",
    "json object": lambda made, _: jsonio.dumps({"name": made.name, "arguments": made.arguments}),
    "hermes": lambda made, _: str(get_dialect("hermes").write(calls(made))),
    "openai": lambda made, _: str(get_dialect("openai").write(calls(made))),
}


@pytest.mark.parametrize("form", FORMS)
@given(arguments, st.integers(1, len(TOOLS)))
def test_a_call_is_read_in_every_form(form: str, given_arguments: dict[str, Any], number: int) -> None:
    made = ToolCall(TOOLS[number - 1].name, given_arguments)
    draft = read_draft(FORMS[form](made, number).strip(), TOOLS)
    assert draft.turn.calls == (made,)


def test_several_calls_are_one_turn() -> None:
    for between in ("; ", ", ", " ", ""):
        draft = read_draft(f"{FIRST}{between}4(owner_id='OW2', field='name')", TOOLS)
        assert [made.name for made in draft.turn.calls if isinstance(made, ToolCall)] == ["get_ship", "get_owner"]
        assert not draft.doubt


@pytest.mark.parametrize("text", ["Answer: 42", "decline: no tool", "ASK: which?", "**Answer:** x", "Answer: f(x) {"])
def test_an_act_begins_with_its_word(text: str) -> None:
    assert read_line(text, TOOLS) == Draft(Turn(text, raw=text))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_its_word_alone(command: str) -> None:
    assert read_line(f" {command.upper()} ", TOOLS) == Command(command)
    assert isinstance(read_line(f"{command}: it was", TOOLS), Draft)
    assert isinstance(read_line(f"{command}(a=1)", TOOLS), Draft)


@pytest.mark.parametrize("line", ["3", "get_ship", "tools 3", "tools get_ship"])
def test_a_tool_s_name_or_number_alone_asks_about_it(line: str) -> None:
    assert read_line(line, TOOLS) == Command("tools", line.removeprefix("tools "))


@pytest.mark.parametrize(
    ("line", "doubt"),
    [
        ("Rotterdam", "no call, no command, and no act"),
        ("The answer is Rotterdam", "no call, no command, and no act"),
        ('{"a": 1}', "no call, no command, and no act"),
        ("<think>hm</think> well", "no call, no command, and no act"),
        ("99", "no call, no command, and no act"),
        ("get_ship(SH1)", "cannot be read as a call"),
        ("get_ship(ship_id=SH1)", "strings in quotes"),
        ("get_ship(ship_id='SH1'", "cannot be read as a call"),
        ('get_ship {"ship_id": }', "cannot be read as a call: not valid JSON"),
        (f"{FIRST} and then", "a call is expected, not 'and then'"),
        ("1(a=1)" * 65, "more than 64"),
        ('get_shop(ship_id="SH1")', "Did you mean 'get_ship'"),
        ('99(ship_id="SH1")', "no tool named '99'"),
        ('get_ship(ship="SH1")', "would refuse this: unexpected argument 'ship'; did you mean 'ship_id'"),
        ('get_ship(ship_id=1, field="crew")', "must be string"),
        ("<tool_call>{</tool_call>", "count as a broken call: not valid JSON"),
        ('{"name": "get_ship"', "no call"),
        ('{"role": "user"}', "count as a broken call"),
        ("x" * 70_000, "longer than a turn may be"),
    ],
)
def test_what_is_not_clear_is_doubted_with_a_reason(line: str, doubt: str) -> None:
    draft = read_line(line, TOOLS)
    assert isinstance(draft, Draft)
    assert doubt in draft.doubt


@settings(max_examples=200)
@given(hostile_texts | surrogates | st.text(max_size=40))
def test_any_line_is_read_and_none_is_taken_for_a_turn_by_mistake(line: str) -> None:
    meant = read_line(line or "x", TOOLS)
    if isinstance(meant, Draft) and not meant.doubt:
        assert meant.turn.calls or re.match(r"\**(answer|decline|ask)\**:", meant.turn.text, re.IGNORECASE)
        assert not any(isinstance(made, BrokenCall) for made in meant.turn.calls)
