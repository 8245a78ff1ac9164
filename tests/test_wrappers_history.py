"""TruncateHistory: what is always shown is, what is shown is whole, and budgets hold."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialogue import turns
from tests.handmade import SCENARIOS, WORLD, call, calls
from tool_gym import jsonio
from tool_gym.dialects import DIALECTS
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack
from tool_gym.envs.wrappers import TruncateHistory
from tool_gym.envs.wrappers.history import NOTE_CHARS
from tool_gym.errors import ScenarioError
from tool_gym.turns import Turn

PACK = MemoryPack(list(SCENARIOS.values()), [WORLD], name="handmade")
LONG_CALL = calls(call("list_bookings", ship_id="SH1"), call("get_booking", booking_id="BK1"))
dialogues = st.lists(turns | st.sampled_from([LONG_CALL, Turn("Ask: when?"), Turn("Answer: 5")]), max_size=9)


def base(name: str = "multi_hop", dialect: str = "structured") -> ToolUseEnv:
    return ToolUseEnv(PACK, scenario=SCENARIOS[name].id, dialect=dialect)


@settings(max_examples=120)
@given(
    dialogues,
    st.sampled_from(["multi_turn", "multi_hop", "ask"]),
    st.none() | st.integers(1, 4),
    st.none() | st.integers(1, 4000),
    st.integers(64, 300),
)
def test_a_budget_holds(
    actions: list[Turn], name: str, max_turns: int | None, max_chars: int | None, max_result_chars: int
) -> None:
    env = TruncateHistory(base(name), max_turns=max_turns, max_chars=max_chars, max_result_chars=max_result_chars)
    env.reset(seed=0)
    for action in actions:
        *_, terminated, truncated, info = env.step(action)
        whole = list(env.unwrapped.messages)  # type: ignore[attr-defined]  # the base class knows no messages
        check_history(info["messages"], whole, max_turns, max_chars, max_result_chars)
        if terminated or truncated:
            break


def check_history(
    shown: list[dict[str, Any]],
    whole: list[dict[str, Any]],
    max_turns: int | None,
    max_chars: int | None,
    max_result_chars: int,
) -> None:
    roles = [message["role"] for message in shown]
    assert shown[0] == whole[0]
    said = [message["content"] for message in shown if message["role"] == "user"]
    assert all(message["content"] in "\n".join(said) for message in whole if message["role"] == "user")
    assert ("user", "user") not in pairwise(roles)
    count = roles.count("assistant")
    spoken = [message for message in whole if message["role"] == "assistant"]
    assert [message for message in shown if message["role"] == "assistant"] == spoken[len(spoken) - count :]
    assert 1 <= count <= (max_turns or len(spoken))
    assert sum("left out here]" in text for text in said) == (count < len(spoken))
    last = max(at for at, message in enumerate(whole) if message["role"] == "assistant")
    always = sum(size(message) + NOTE_CHARS for message in whole if message["role"] in ("system", "user"))
    always += sum(min(size(message), max_result_chars) for message in whole[last:] if message["role"] == "tool")
    always += size(whole[last])
    assert max_chars is None or sum(map(size, shown)) <= max(max_chars, always)
    for at, message in enumerate(shown):
        if message["role"] == "tool":
            before = next(one for one in reversed(shown[:at]) if one["role"] != "tool")
            assert message["tool_call_id"] in [made["id"] for made in before["tool_calls"]]
            assert len(message["content"]) <= max_result_chars
        if message["role"] == "assistant":
            after = [one["tool_call_id"] for one in shown[at + 1 : at + 1 + len(message.get("tool_calls", ()))]]
            assert after == [made["id"] for made in message.get("tool_calls", ())]


def size(message: dict[str, Any]) -> int:
    functions = [made["function"] for made in message.get("tool_calls", ())]
    texts = [
        message["content"],
        message.get("reasoning_content", ""),
        *(of["name"] + of["arguments"] for of in functions),
    ]
    return sum(map(len, texts))


def test_wide_limits_change_nothing() -> None:
    env = TruncateHistory(base("multi_turn"), max_turns=99, max_chars=10**6, max_result_chars=10**6)
    bare = base("multi_turn")
    assert env.reset(seed=0) == bare.reset(seed=0)
    for action in (LONG_CALL, Turn("Ask: when?"), LONG_CALL, Turn("Answer: 5"), LONG_CALL):
        assert env.step(action) == bare.step(action)


def test_the_user_is_told_how_many_turns_are_left_out_and_where() -> None:
    env = TruncateHistory(base("multi_turn"), max_turns=1)
    env.reset(seed=0)
    for _ in range(3):
        env.step(LONG_CALL)
    env.step(Turn("Answer: 1"))
    *_, info = env.step(calls(call("get_ship", ship_id="SH4")))
    first, second = SCENARIOS["multi_turn"].user_turns
    roles = [message["role"] for message in info["messages"]]
    assert roles == ["system", "user", "assistant", "tool"]
    assert info["messages"][1]["content"] == f"{first}\n\n[4 earlier turns are left out here]\n\n{second}"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_long_result_is_cut_alike_in_messages_and_observation(dialect: str) -> None:
    env = TruncateHistory(base(dialect=dialect), max_result_chars=64)
    env.reset(seed=0)
    observation, *_, info = env.step(DIALECTS[dialect].write(LONG_CALL))
    whole = info["step"].results[0].text
    cut = info["messages"][-2]["content"]
    assert len(cut) == 64 < len(whole)
    assert whole.startswith(cut.partition("…")[0])
    assert f"{len(whole)} characters in all" in cut
    assert cut in observation or jsonio.dumps(cut)[1:-1] in observation
    assert whole not in observation


@pytest.mark.parametrize(
    "limits", [{}, {"max_turns": 0}, {"max_chars": True}, {"max_result_chars": 63}, {"max_turns": 2.0}], ids=str
)
def test_limits_out_of_range_are_refused(limits: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match=r"give at least one|must be a whole number"):
        TruncateHistory(base(), **limits)
