import copy
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tool_gym.messages import Conversation, assistant_message, tool_messages
from tool_gym.trajectory import Step
from tool_gym.turns import BrokenCall, Outcome, ToolCall, ToolResult, Turn, failed

GOOD = ToolCall("get_order", {"order_id": "O-1", "note": "é"})
NAMED = ToolCall("get_order", {}, "call_abc")
BROKEN = BrokenCall("bad_json", "not valid JSON", '{"name": ')
FOUND = ToolResult(Outcome.OK, {"status": "sent"})
STEPS = [
    Step(Turn("", (GOOD, BROKEN), "Which order?"), (FOUND, failed(Outcome.MALFORMED_CALL, "not valid JSON"))),
    Step(Turn("One more.", (NAMED,)), (FOUND,)),
    Step(Turn("Ask: which day?"), (), 0, "Tomorrow."),
    Step(Turn("Answer: sent")),
]
MESSAGES: list[dict[str, Any]] = [
    {"role": "user", "content": "Where is O-1?"},
    {
        "role": "assistant",
        "content": "",
        "reasoning_content": "Which order?",
        "tool_calls": [
            {
                "id": "call_0_0",
                "type": "function",
                "function": {"name": "get_order", "arguments": '{"order_id": "O-1", "note": "é"}'},
            },
            {"id": "call_0_1", "type": "function", "function": {"name": "malformed_call", "arguments": '{"name": '}},
        ],
    },
    {"role": "tool", "tool_call_id": "call_0_0", "content": '{"status":"sent"}'},
    {
        "role": "tool",
        "tool_call_id": "call_0_1",
        "content": '{"error":"malformed_call","message":"not valid JSON"}',
    },
    {
        "role": "assistant",
        "content": "One more.",
        "tool_calls": [{"id": "call_abc", "type": "function", "function": {"name": "get_order", "arguments": "{}"}}],
    },
    {"role": "tool", "tool_call_id": "call_abc", "content": '{"status":"sent"}'},
    {"role": "assistant", "content": "Ask: which day?"},
    {"role": "user", "content": "Tomorrow."},
    {"role": "assistant", "content": "Answer: sent"},
]


def test_an_episode_reads_as_chat_messages() -> None:
    conversation = Conversation("Where is O-1?", STEPS)
    assert list(conversation) == MESSAGES
    assert conversation == MESSAGES
    assert len(conversation) == len(MESSAGES)


def test_indexing_and_slicing_are_those_of_a_list() -> None:
    conversation = Conversation("Where is O-1?", tuple(STEPS))
    for index in range(-len(MESSAGES), len(MESSAGES)):
        assert conversation[index] == MESSAGES[index]
    assert conversation[1:4] == MESSAGES[1:4]
    assert list(reversed(conversation)) == MESSAGES[::-1]
    with pytest.raises(IndexError):
        conversation[len(MESSAGES)]


def test_a_view_does_not_see_later_steps() -> None:
    steps = STEPS[:1]
    conversation = Conversation("Where is O-1?", steps)
    before = list(conversation)
    steps.append(STEPS[1])
    assert list(conversation) == before
    assert conversation == Conversation("Where is O-1?", STEPS, 1)
    assert conversation != Conversation("Where is O-1?", STEPS, 2)


def test_each_access_makes_fresh_messages() -> None:
    conversation = Conversation("Where is O-1?", STEPS)
    conversation[1]["tool_calls"].clear()
    conversation[0]["content"] = "something else"
    assert conversation == MESSAGES
    assert GOOD.arguments == {"order_id": "O-1", "note": "é"}


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])  # noqa: S301 - our own bytes
def test_copies_are_equal(duplicate: Any) -> None:
    conversation = Conversation("Where is O-1?", STEPS, 2)
    assert duplicate(conversation) == conversation
    assert type(duplicate(conversation)) is Conversation


def test_repr_is_short() -> None:
    assert repr(Conversation("x" * 1000, STEPS)) == "<Conversation of 9 messages>"


def test_every_tool_message_answers_a_call() -> None:
    ids = [call["id"] for message in MESSAGES for call in message.get("tool_calls", ())]
    assert ids == [message["tool_call_id"] for message in MESSAGES if message["role"] == "tool"]


calls = st.builds(ToolCall, st.text(min_size=1), st.dictionaries(st.text(), st.integers())) | st.builds(
    BrokenCall, st.text(), st.text(), st.text()
)


@given(st.text(), st.lists(calls, max_size=4), st.text())
def test_any_turn_becomes_messages(text: str, made: list[ToolCall | BrokenCall], reasoning: str) -> None:
    turn = Turn(text, tuple(made), reasoning)
    message = assistant_message(turn, 3)
    answers = tool_messages(turn, [FOUND] * len(made), 3)
    assert [call["id"] for call in message.get("tool_calls", ())] == [answer["tool_call_id"] for answer in answers]
    assert json.loads(json.dumps([message, *answers])) == [message, *answers]
