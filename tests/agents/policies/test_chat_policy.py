"""ChatPolicy against a real server on the loopback interface: dialects, trouble, and what a model may reply."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from gymnasium.vector import AutoresetMode

from tests.handmade import SCENARIOS, WITH_ORACLE, WORLD
from tests.playing import oracle_turns
from tool_gym.agents.policies import ChatPolicy
from tool_gym.dialects import DIALECTS, get_dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack
from tool_gym.envs.policies.base import BatchPolicy
from tool_gym.envs.rollout import rollout, rollout_many
from tool_gym.envs.vector import ToolUseVectorEnv
from tool_gym.envs.wrappers import TruncateHistory
from tool_gym.errors import AgentError, EndpointError
from tool_gym.llm.client import Client
from tool_gym.llm.fake import FakeEndpoint
from tool_gym.trajectory import Trajectory
from tool_gym.turns import BrokenCall, Outcome, ToolCall, Turn

CHOSEN = list({(item := SCENARIOS[name]).user_turns[0]: item for name in WITH_ORACLE if name != "fault"}.values())
"""One scenario for each request, for the scripted model goes by that."""
PACK = MemoryPack(CHOSEN, [WORLD])
IDS = [scenario.id for scenario in CHOSEN]
HOPS = SCENARIOS["multi_hop"].id
NATIVE = ("openai", "structured")


def scripted(dialect: str) -> Callable[[dict[str, Any]], str | dict[str, Any]]:
    """A model that knows the plans by heart."""
    plans = {scenario.user_turns[0]: oracle_turns(scenario) for scenario in CHOSEN}

    def answer(body: dict[str, Any]) -> str | dict[str, Any]:
        messages = body["messages"]
        asked = next(message["content"] for message in messages if message["role"] == "user")
        said = sum(message["role"] == "assistant" for message in messages)
        turn = plans[asked][said] if said < len(plans[asked]) else Turn("Answer: nothing more")
        if dialect in NATIVE:
            message: dict[str, Any] = json.loads(get_dialect("openai").write(turn))
            for number, call in enumerate(message.get("tool_calls", ())):
                call["id"] = f"chatcmpl-{said}-{number}"
            return message
        return f" {get_dialect(dialect).write(turn)}\n"

    return answer


@contextmanager
def playing(
    *script: str, dialect: str = "openai", endpoint: dict[str, Any] | None = None, **settings: Any
) -> Iterator[tuple[ChatPolicy, FakeEndpoint]]:
    answer = settings.pop("answer", None) or scripted(dialect)
    with FakeEndpoint(answer, script or ("valid",)) as fake, Client(fake.endpoint(**(endpoint or {}))) as client:
        yield ChatPolicy(client, dialect=dialect, **settings), fake


def many(policy: ChatPolicy, rows: int, ids: list[str]) -> list[Trajectory]:
    env = ToolUseVectorEnv(rows, PACK, dialect=policy.dialect, autoreset_mode=AutoresetMode.DISABLED)
    return list(rollout_many(env, policy, ids))


def once(policy: ChatPolicy, scenario: str = HOPS) -> Trajectory:
    env = ToolUseEnv(PACK, dialect=policy.dialect, max_turns=6)
    return rollout(env, policy, seed=0, options={"scenario": scenario})


class TestDialects:
    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_a_model_that_knows_the_plan_solves_everything(self, dialect: str) -> None:
        with playing(dialect=dialect) as (policy, fake):
            assert isinstance(policy, BatchPolicy)
            records = many(policy, 4, IDS)
        assert [record.scenario_id for record in records] == IDS
        assert [record.episode_return for record in records] == [1.0] * len(IDS)
        assert {record.policy for record in records} == {"openai:fake"}
        assert {"tools" in body for body in fake.requests} == {dialect in NATIVE}
        assert policy.counts == {"turns": len(fake.requests)}

    @pytest.mark.parametrize("dialect", ["openai", "hermes"])
    def test_records_do_not_depend_on_how_many_are_played_side_by_side(self, dialect: str) -> None:
        with playing(dialect=dialect) as (policy, _):
            assert many(policy, 1, IDS[:5]) == many(policy, 5, IDS[:5])

    def test_a_model_reads_its_own_turns_exactly_as_it_wrote_them(self) -> None:
        with playing(dialect="hermes") as (policy, fake):
            record = once(policy)
        messages = fake.requests[-1]["messages"]
        assert [message["role"] for message in messages] == ["system", "user"] + ["assistant", "user"] * 2
        own = [message["content"] for message in messages if message["role"] == "assistant"]
        assert own == [step.turn.raw for step in record.steps[:-1]]
        assert own[0].startswith(" <tool_call>")

    def test_calls_keep_the_ids_an_endpoint_gave_them(self) -> None:
        with playing() as (policy, fake):
            once(policy)
        roles = [message["role"] for message in fake.requests[-1]["messages"]]
        assert roles == ["system", "user", "assistant", "tool", "assistant", "tool"]
        sent = fake.requests[-1]["messages"]
        assert [sent[2]["tool_calls"][0]["id"], sent[3]["tool_call_id"]] == ["chatcmpl-0-0"] * 2

    def test_thinking_is_recorded_and_not_sent_back(self) -> None:
        def answer(body: dict[str, Any]) -> dict[str, Any]:
            message = scripted("openai")(body)
            assert isinstance(message, dict)
            return {**message, "reasoning_content": "Let me see."}

        with playing(answer=answer) as (policy, fake):
            record = once(policy)
        assert {step.turn.reasoning for step in record.steps} == {"Let me see."}
        assert "Let me see." not in json.dumps(fake.requests)

    @pytest.mark.parametrize(("dialect", "roles"), [("openai", "system user assistant tool"), ("hermes", "user")])
    def test_what_a_wrapper_shows_is_what_the_model_sees(self, dialect: str, roles: str) -> None:
        call = Turn(calls=(ToolCall("get_ship", {"ship_id": "SH1"}),))

        def said(_: dict[str, Any]) -> Any:
            written = get_dialect(dialect).write(call)
            return json.loads(written) if dialect == "openai" else written

        with playing(dialect=dialect, answer=said) as (policy, fake):
            env = TruncateHistory(ToolUseEnv(PACK, dialect=dialect, max_turns=4), max_turns=1)
            rollout(env, policy, seed=0, options={"scenario": HOPS})
        shown = fake.requests[-1]["messages"]
        assert " ".join(message["role"] for message in shown) == roles
        assert len({len(body["messages"]) for body in fake.requests[1:]}) == 1

    def test_requests_say_what_was_asked_for(self) -> None:
        with playing(max_tokens=77, temperature=0.25, top_p=0.5) as (policy, fake):
            once(policy)
        asked = {(body["max_tokens"], body["temperature"], body["top_p"]) for body in fake.requests}
        assert asked == {(77, 0.25, 0.5)}

    def test_turns_are_asked_for_side_by_side(self) -> None:
        together = threading.Barrier(3)

        def answer(_: dict[str, Any]) -> str:
            together.wait(timeout=10)
            return "Answer: 1"

        with playing(answer=answer, endpoint={"read_seconds": 30.0}) as (policy, _):
            assert len(many(policy, 3, [HOPS] * 3)) == 3


class TestTrouble:
    @pytest.mark.parametrize("trouble", ["429", "500", "garbage", "hangup"])
    def test_what_passes_does_not_show(self, trouble: str) -> None:
        with playing("valid", trouble, "valid") as (policy, _), playing() as (untroubled, _):
            assert once(policy) == once(untroubled)

    @pytest.mark.parametrize("trouble", ["500", "hangup", "garbage", "slow"])
    def test_what_does_not_pass_is_no_turn_of_the_model(self, trouble: str) -> None:
        quick = {"read_seconds": 0.1, "retries": 1}
        with playing("valid", trouble, endpoint=quick) as (policy, fake):
            with pytest.raises(EndpointError, match=rf"^scenario {HOPS}, turn 2: http://127.0.0.1.* does not answer"):
                once(policy)
            assert len(fake.requests) == 3
            assert policy.counts == {"turns": 1}

    def test_among_many_the_episode_is_named(self) -> None:
        def answer(body: dict[str, Any]) -> str | dict[str, Any]:
            if body["messages"][1]["content"] == SCENARIOS["multi_hop"].user_turns[0]:
                raise ConnectionAbortedError
            return scripted("openai")(body)

        class Aborting(FakeEndpoint):
            def deliver(self, body: dict[str, Any], key: str) -> tuple[int, dict[str, str], bytes]:
                try:
                    return super().deliver(body, key)
                except ConnectionAbortedError:
                    return 0, {}, b""

        ids = [HOPS, *(name for name in IDS if name != HOPS)][::-1]
        with Aborting(answer) as fake, Client(fake.endpoint(retries=0)) as client:
            policy = ChatPolicy(client)
            with pytest.raises(EndpointError, match=f"scenario {HOPS}, turn 1"):
                many(policy, len(ids), ids)

    def test_a_request_that_is_refused_is_no_turn_either(self) -> None:
        with (
            playing("unsupported") as (policy, _),
            pytest.raises(EndpointError, match=r"scenario .*, turn 1: .* refuses the request"),
        ):
            once(policy)


class TestReplies:
    """What a model may reply; each is its turn."""

    def test_arguments_that_are_no_json_are_a_broken_call(self) -> None:
        with playing("malformed", "valid") as (policy, fake):
            record = once(policy)
        step = record.steps[0]
        assert isinstance(step.turn.calls[0], BrokenCall)
        assert step.results[0].outcome is Outcome.MALFORMED_CALL
        resent = fake.requests[1]["messages"][2]["tool_calls"][0]["function"]["arguments"]
        assert isinstance(json.loads(resent), dict)
        assert policy.counts == {"turns": len(record.steps)}

    def test_a_call_that_is_cut_is_a_broken_call(self) -> None:
        with playing("truncated", "valid") as (policy, _):
            record = once(policy)
        assert record.steps[0].results[0].outcome is Outcome.MALFORMED_CALL
        assert policy.counts["cut"] == 1

    @pytest.mark.parametrize(
        ("how", "noted", "text"),
        [
            ("empty", {"empty"}, ""),
            ("filtered", {"filtered", "empty"}, ""),
            ("refusing", {"refused"}, "I'm sorry, I can't help with that."),
            ("too_long", {"overlong"}, ""),
        ],
    )
    @pytest.mark.parametrize("dialect", ["openai", "structured", "hermes"])
    def test_what_is_not_said_is_an_act_that_solves_nothing(
        self, dialect: str, how: str, noted: set[str], text: str
    ) -> None:
        turn = "Answer: 5" if dialect == "hermes" else {"content": "Answer: 5"}
        with playing(how, dialect=dialect, answer=lambda _: turn) as (policy, _):
            record = once(policy)
        assert [step.turn.text for step in record.steps] == [text]
        assert record.terminated
        assert record.episode_return == 0
        assert policy.counts == dict.fromkeys({"turns", *noted}, 1)

    def test_tool_calls_that_a_server_reads_out_of_text_are_still_the_turn(self) -> None:
        with playing(dialect="hermes", answer=scripted("openai")) as (policy, _):
            assert once(policy).episode_return == 1.0

    @pytest.mark.parametrize(
        "message",
        [
            {"content": [{"type": "text", "text": "Answer: 1"}], "tool_calls": "none"},
            {"content": None, "tool_calls": [None, {"function": None}, {"function": {"name": 3}}]},
            {"content": "", "tool_calls": {"name": "get_ship"}},
        ],
        ids=["no list", "no calls", "an object"],
    )
    def test_nonsense_is_read_and_never_raised(self, message: dict[str, Any]) -> None:
        message = {**message, "content": "x" if isinstance(message["content"], list) else message["content"]}
        with playing(answer=lambda _: message) as (policy, _):
            record = once(policy)
        assert all(isinstance(one, BrokenCall) for one in record.steps[0].turn.calls)
        assert record.truncated


class TestRefusals:
    def test_an_environment_of_another_dialect_is_refused(self) -> None:
        with playing() as (policy, _), pytest.raises(AgentError, match="reads the dialect 'hermes'"):
            rollout(ToolUseEnv(PACK), policy, seed=0)

    @pytest.mark.parametrize("wrong", [{"max_tokens": 0}, {"concurrency": 0}, {"temperature": -1}], ids=str)
    def test_numbers_out_of_range_are_refused(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(AgentError, match="must be"), playing(**wrong):
            pass
