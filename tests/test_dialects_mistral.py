"""Mistral's two forms of calls, each read by both dialects."""

import pytest
from hypothesis import given

from tests.dialogue import GET, TOOL, check, plainly_named, problems, same
from tests.test_prompts import CHAT, RESULTS
from tool_gym.dialects import INSTRUCTIONS, get_dialect
from tool_gym.turns import BrokenCall, ToolCall, Turn

LISTED, NAMED = get_dialect("mistral"), get_dialect("mistral_v13")
ONE = '{"name": "get", "arguments": {"id": "A-1"}}'
WITH_ID = '{"name": "get", "arguments": {"id": "A-1"}, "id": "a1b2c3d4e"}'
IDENTIFIED = GET._replace(id="a1b2c3d4e")
V11 = '[TOOL_CALLS]get[ARGS]{"id": "A-1"}'


@given(plainly_named)
def test_each_dialect_reads_what_the_other_writes(turn: Turn) -> None:
    assert same(LISTED.parse(NAMED.write(turn)), turn)
    assert same(NAMED.parse(LISTED.write(turn)), turn)


@pytest.mark.parametrize(
    ("action", "text", "made"),
    [
        ("Answer: 4</s>", "Answer: 4", ()),
        ("Answer: 4 </s> </s>\n", "Answer: 4", ()),
        ("Answer: [4, 5]", "Answer: [4, 5]", ()),
        (f"[TOOL_CALLS][{ONE}]", "", (GET,)),
        (f"[TOOL_CALLS] [{ONE}]</s>", "", (GET,)),
        (f"[TOOL_CALLS]\n[\n{ONE},\n{WITH_ID}\n]", "", (GET, IDENTIFIED)),
        (f"[TOOL_CALLS]{ONE}", "", (GET,)),
        (f"Wait.[TOOL_CALLS][{ONE}][TOOL_CALLS][{WITH_ID}]", "Wait.", (GET, IDENTIFIED)),
        (f"[TOOL_CALLS][{ONE}] Then we see.", "Then we see.", (GET,)),
        (f"{V11}</s>", "", (GET,)),
        (f"Wait.{V11}{V11}", "Wait.", (GET, GET)),
        (f"{V11} Then we see.", "Then we see.", (GET,)),
        ('[TOOL_CALLS]get{"id": "A-1"}', "", (GET,)),
        ('[TOOL_CALLS] get [ARGS] {"id": "A-1"}', "", (GET,)),
        ('[TOOL_CALLS]get[CALL_ID]a1b2c3d4e[ARGS]{"id": "A-1"}', "", (IDENTIFIED,)),
        ("[TOOL_CALLS]list[ARGS]{}", "", (ToolCall("list", {}),)),
        (f"{V11}[TOOL_CALLS][{ONE}]", "", (GET, GET)),
        (V11.replace("A-1", "[TOOL_CALLS]f[ARGS]"), "", (ToolCall("get", {"id": "[TOOL_CALLS]f[ARGS]"}),)),
        ('[TOOL_CALLS]get{"id": "[ARGS]"}', "", (ToolCall("get", {"id": "[ARGS]"}),)),
        (f"[THINK]{V11}[/THINK]Answer: 4", "Answer: 4", ()),
        (f"<think>{V11}", "", ()),
    ],
)  # fmt: skip
def test_both_forms_are_read_and_what_stands_around_them(action: str, text: str, made: tuple[ToolCall, ...]) -> None:
    for dialect in (LISTED, NAMED):
        turn = dialect.parse(action)
        assert (turn.text, turn.calls, turn.raw) == (text, made, action)


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("[TOOL_CALLS]", ["bad_arguments"]),
        ("[TOOL_CALLS]get", ["bad_arguments"]),
        ("[TOOL_CALLS]get[ARGS]", ["bad_arguments"]),
        ('[TOOL_CALLS]get[ARGS]"A-1"', ["bad_json"]),
        ("[TOOL_CALLS]get[ARGS][1]", ["bad_arguments"]),
        ('[TOOL_CALLS]get[ARGS]{"id": ', ["bad_json"]),
        ('[TOOL_CALLS]get[ARGS]{"id": NaN}', ["non_finite"]),
        ('[TOOL_CALLS]get[ARGS]{"id": NaN} and more', ["non_finite"]),
        ("[TOOL_CALLS][ARGS]{}", ["no_name"]),
        ("[TOOL_CALLS]g\ud800t[ARGS]{}", ["lone_surrogate"]),
        ("[TOOL_CALLS]get[CALL_ID]\ud800[ARGS]{}", ["lone_surrogate"]),
        ('[TOOL_CALLS]get[ARGS]{"id": "\ud800"}', ["lone_surrogate"]),
        ('[TOOL_CALLS]{"id": "A-1"}', ["no_name"]),
        ("[TOOL_CALLS][]", ["not_object"]),
        ("[TOOL_CALLS][3, null]", ["not_object", "not_object"]),
        (f"[TOOL_CALLS][{ONE}", ["bad_json"]),
        (f"[TOOL_CALLS][{ONE}[TOOL_CALLS][{ONE}]", ["bad_json", "get"]),
        (f"[TOOL_CALLS][{ONE}, 3]", ["get", "not_object"]),
        (f"[TOOL_CALLS]{V11}", ["bad_arguments", "get"]),
        ('get[ARGS]{"id": "A-1"}', ["untagged"]),
        (f"[{ONE}]", ["untagged"]),
        (f"```json\n[{ONE}]\n```", ["untagged"]),
        ("[TOOL_RESULTS]7[/TOOL_RESULTS]Answer: 7", ["invented_result"]),
        (f"{V11}[TOOL_RESULTS]7", ["get", "invented_result"]),
        (f"{V11}\n[TOOL_RESULTS]7[/TOOL_RESULTS]", ["get", "invented_result"]),
        ("Answer: 7[/TOOL_RESULTS]", ["stray_close"]),
        ("[TOOL_CONTENT]Answer: 7", ["stray_close"]),
        (V11 * 64, ["get"] * 64),
        (V11 * 65, [*["get"] * 64, "too_many_calls"]),
        (f"[TOOL_CALLS][{', '.join([ONE] * 65)}]", [*["get"] * 64, "too_many_calls"]),
        ("[TOOL_CALLS]" * 5000, [*["bad_arguments"] * 64, "too_many_calls"]),
        ("[/TOOL_RESULTS]" * 500, [*["stray_close"] * 64, "too_many_calls"]),
        ("x" * 70_000, ["too_large"]),
    ],
)
def test_every_attempt_counts(action: str, expected: list[str]) -> None:
    for dialect in (LISTED, NAMED):
        turn = dialect.parse(action)
        check(turn)
        assert [call.problem if isinstance(call, BrokenCall) else call.name for call in turn.calls] == expected


def test_what_a_broken_call_tells_and_keeps() -> None:
    for dialect, form in ((LISTED, '[TOOL_CALLS][{"name": '), (NAMED, "[TOOL_CALLS]<tool>[ARGS]{…}")):
        call = dialect.parse(ONE).calls[0]
        assert isinstance(call, BrokenCall)
        assert form in call.message
        assert call.raw == ONE
    call = NAMED.parse('Wait.[TOOL_CALLS]get[ARGS]{"id": [TOOL_CALLS]').calls[0]
    assert isinstance(call, BrokenCall)
    assert call.raw == 'get[ARGS]{"id": '


def test_calls_are_written_in_each_dialects_form() -> None:
    turn = Turn("Wait.", (GET, IDENTIFIED, BrokenCall("bad_json", "…", '{"na')), "why")
    calls = f'[TOOL_CALLS][{ONE}][TOOL_CALLS][{WITH_ID}][TOOL_CALLS]{{"na'
    assert LISTED.write(turn) == f"<think>\nwhy\n</think>\n\nWait.{calls}"
    assert LISTED.write(turn._replace(calls=turn.calls[:2])).endswith(f"Wait.[TOOL_CALLS][{ONE}, {WITH_ID}]")
    assert NAMED.write(turn) == f'[THINK]why[/THINK]Wait.{V11}{V11}[TOOL_CALLS]{{"na'
    for dialect in (LISTED, NAMED):
        assert problems(dialect.parse(dialect.write(turn))) == ["bad_json"]


TOOLS = '[AVAILABLE_TOOLS][{"type": "function", "function": {"name": "get", "description": "Get a row.", "parameters": {"type": "object", "properties": {}}}}][/AVAILABLE_TOOLS]'  # noqa: E501 - it is one line

SYSTEM = "[SYSTEM_PROMPT]Be brief.\n\nA call looks like this, and a turn may hold several:\n"


def test_prompts_hold_the_tokens_of_the_family() -> None:
    later = [*CHAT, {"role": "user", "content": "And A-3?"}]
    calls = '{"name": "get", "arguments": {"id": "A-1"}, "id": "call_1"}, {"name": "get", "arguments": {"id": "A-2"}, "id": "call_1"}'  # noqa: E501 - it is one line
    assert LISTED.render(later, [TOOL]) == (
        f'<s>{SYSTEM}[TOOL_CALLS][{{"name": "<tool>", "arguments": {{…}}}}][/SYSTEM_PROMPT]'
        f"[INST]Where is A-1?[/INST]<think>\nIt is a row.\n</think>\n\nWait.[TOOL_CALLS][{calls}]</s>"
        "[TOOL_RESULTS]call_1[TOOL_CONTENT]{}[/TOOL_RESULTS][TOOL_RESULTS]call_2[TOOL_CONTENT][][/TOOL_RESULTS]"
        f"{TOOLS}[INST]And A-3?[/INST]"
    )
    assert NAMED.render(later, [TOOL]) == (
        f"<s>{SYSTEM}[TOOL_CALLS]<tool>[ARGS]{{…}}[/SYSTEM_PROMPT]{TOOLS}[INST]Where is A-1?[/INST]"
        f'[THINK]It is a row.[/THINK]Wait.{V11}[TOOL_CALLS]get[ARGS]{{"id": "A-2"}}</s>'
        "[TOOL_RESULTS]{}[/TOOL_RESULTS][TOOL_RESULTS][][/TOOL_RESULTS][INST]And A-3?[/INST]"
    )
    assert LISTED.render(CHAT[:2], []) == "<s>[SYSTEM_PROMPT]Be brief.[/SYSTEM_PROMPT][INST]Where is A-1?[/INST]"
    assert LISTED.render([], [TOOL]).startswith(f"<s>{TOOLS}[SYSTEM_PROMPT]{INSTRUCTIONS}")


def test_openings_and_results() -> None:
    opening = LISTED.opening("Where is A-1?", [TOOL])
    assert opening.startswith(INSTRUCTIONS)
    assert opening.endswith(f"\n\n{TOOLS}\n\nWhere is A-1?")
    shown = '{"name":"é"}', '{"error":"not_found","message":"no row \'A-2\'"}'
    assert LISTED.observe((IDENTIFIED, GET), RESULTS, "And A-3?") == (
        f"[TOOL_RESULTS]a1b2c3d4e[TOOL_CONTENT]{shown[0]}[/TOOL_RESULTS]"
        f"[TOOL_RESULTS]call_1[TOOL_CONTENT]{shown[1]}[/TOOL_RESULTS]And A-3?"
    )
    assert NAMED.observe((IDENTIFIED, GET), RESULTS, "") == (
        f"[TOOL_RESULTS]{shown[0]}[/TOOL_RESULTS][TOOL_RESULTS]{shown[1]}[/TOOL_RESULTS]"
    )
    assert NAMED.observe((), (), "And A-3?") == "And A-3?"
