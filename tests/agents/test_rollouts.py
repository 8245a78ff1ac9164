"""What a collector plays and keeps, with writers that are scripted (needs the train extra, for tokenizers)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.agents.tokens import Script, replay, tokenizer
from tool_gym.agents.encoding import Encoded, Encoder
from tool_gym.agents.generating import Sampled
from tool_gym.agents.rollouts import Collector, Limits, Rollout, Timing
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import open_pack
from tool_gym.envs.policies import OraclePolicy
from tool_gym.envs.rollout import episode_seed, rollout
from tool_gym.errors import AgentError, UnknownNameError
from tool_gym.turns import Turn

pytestmark = pytest.mark.train

PACK = open_pack("everyday")
IDS = [entry.id for entry in {entry.shape: entry for entry in PACK.entries("test")}.values()]
"""A scenario of each shape."""

WIDE = Limits(max_turns=32, max_turn_tokens=4096, max_tokens=100_000)


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(tokenizer())


def demonstration(scenario: str, encoder: Encoder) -> Encoded:
    env = ToolUseEnv(PACK)
    steps = rollout(env, OraclePolicy(), seed=0, options={"scenario": scenario}).steps
    info = env.reset(options={"scenario": scenario})[1]
    return encoder.encode(list(info["messages"]), info["tools"], steps)


def oracle(scenarios: Iterable[str], encoder: Encoder) -> Script:
    turns: dict[Sequence[int], Sampled] = {}
    for scenario in scenarios:
        turns |= replay(demonstration(scenario, encoder))
    return Script(turns)


def collector_of(encoder: Encoder, limits: Limits = WIDE, **more: Any) -> Collector:
    return Collector(PACK, encoder, limits=limits, **{"rows": 8, **more})


def test_the_oracle_earns_everything_in_every_shape(encoder: Encoder) -> None:
    played = collector_of(encoder).collect(IDS, oracle(IDS, encoder))
    for scenario, one in zip(IDS, played, strict=True):
        assert one.trajectory.scenario_id == scenario
        assert sum(one.rewards) == pytest.approx(1)
        assert one.rewards == [step.reward for step in one.trajectory.steps]
        assert one.trajectory.terminated
        assert not one.trajectory.truncated
        assert not one.overlong
        assert one.trajectory.pack == PACK.name


@settings(max_examples=8)
@given(st.lists(st.sampled_from(IDS), max_size=12), st.integers(1, 6))
def test_records_come_in_order_and_do_not_depend_on_the_rows(scenarios: list[str], rows: int) -> None:
    encoder = Encoder(tokenizer())
    script = oracle(set(scenarios), encoder)
    collector = collector_of(encoder, rows=rows)
    played = collector.collect(scenarios, script)
    assert [one.trajectory.scenario_id for one in played] == scenarios
    for one in played:
        expected = demonstration(one.trajectory.scenario_id, encoder)
        assert (one.prompt_ids, one.completion_ids, one.mask, one.turns) == expected
    turns = sum(len(one.turns) for one in played)
    assert sum(script.asked) == turns  # an episode that is over is asked nothing
    assert all(asked <= rows for asked in script.asked)
    assert collector.timing[3:] == (turns, sum(sum(one.mask) for one in played), len(scenarios))


def test_a_row_takes_up_the_next_scenario_at_once(encoder: Encoder) -> None:
    script = oracle(IDS, encoder)
    lengths = [len(one.turns) for one in collector_of(encoder, rows=2).collect(IDS, script)]
    assert script.asked[:-1] == [2] * (len(script.asked) - 1) or sum(asked == 1 for asked in script.asked) < max(
        lengths
    )
    assert len(script.asked) < sum(max(lengths[at : at + 2]) for at in range(0, len(lengths), 2))


def test_a_group_shares_scenario_prompt_and_seed(encoder: Encoder) -> None:
    scenarios = [IDS[0]] * 3 + [IDS[1]] * 3
    played = collector_of(encoder, rows=4).collect(scenarios, oracle(IDS[:2], encoder), seeds=7)
    assert [one.trajectory.seed for one in played] == [episode_seed(7, scenario) for scenario in scenarios]
    assert played[0].prompt_ids == played[2].prompt_ids != played[3].prompt_ids
    assert played[0].prompt_ids is not played[1].prompt_ids
    played = collector_of(encoder).collect(scenarios, oracle(IDS[:2], encoder), seeds=range(6))
    assert [one.trajectory.seed for one in played] == list(range(6))


def test_each_scenario_has_its_own_tools(encoder: Encoder) -> None:
    played = collector_of(encoder).collect(IDS, oracle(IDS, encoder))
    for one in played:
        names = {tool.name for tool in PACK.task(one.trajectory.scenario_id).scenario.tools}
        prompt = encoder.tokenizer.decode(one.prompt_ids)
        assert all(f'"name": "{name}"' in prompt for name in names)


class Rambler:
    """Writes one word for ever, or asks for ever."""

    def __init__(self, ids: list[int], *, stopped: bool) -> None:
        self._turn = Sampled(ids, stopped)
        self.asked = 0

    def __call__(self, prefixes: Sequence[Sequence[int]]) -> list[Sampled]:
        self.asked += len(prefixes)
        return [self._turn for _ in prefixes]


def asking(encoder: Encoder) -> Rambler:
    return Rambler(encoder.written(Turn("Ask: which one of them all?")), stopped=True)


def test_a_turn_is_cut_and_its_end_is_not_the_models(encoder: Encoder) -> None:
    word = encoder.tokenizer.encode(" Ask: which", add_special_tokens=False)
    [one] = collector_of(encoder, Limits(max_turns=2, max_turn_tokens=7)).collect(
        IDS[:1], Rambler(word * 9, stopped=False)
    )
    assert [end - start for start, end in one.turns] == [7, 7]
    end = encoder.tokenizer.convert_tokens_to_ids("<|im_end|>")
    assert one.completion_ids[7] == end
    assert one.mask[6:8] == [1, 0]
    assert one.trajectory.truncated
    assert not one.overlong


def test_an_episode_that_runs_out_of_turns_is_truncated_and_not_overlong(encoder: Encoder) -> None:
    [one] = collector_of(encoder, Limits(max_turns=3)).collect(IDS[:1], asking(encoder))
    assert len(one.turns) == 3
    assert one.trajectory.truncated
    assert not one.overlong


@settings(max_examples=25)
@given(st.integers(1, 200))
def test_an_episode_whose_context_is_full_ends_there(max_tokens: int) -> None:
    encoder = Encoder(tokenizer())
    writer = asking(encoder)
    [whole] = collector_of(encoder, WIDE).collect(IDS[:1], writer)
    for limits in (
        Limits(max_turns=32, max_tokens=max_tokens),
        Limits(max_turns=32, max_tokens=10**6, max_context=len(whole.prompt_ids) + max_tokens),
    ):
        [one] = collector_of(encoder, limits, rows=1).collect(IDS[:1], writer)
        size = len(one.completion_ids)
        assert 0 < size <= max_tokens
        assert one.completion_ids == whole.completion_ids[:size]
        assert one.mask == whole.mask[:size]
        assert one.overlong
        assert one.trajectory.truncated != one.trajectory.terminated  # a turn that is cut may be an answer
        assert one.turns[-1][1] == size
        assert len(one.turns) == len(one.rewards) == len(one.trajectory.steps)
        assert size == max_tokens or whole.turns[len(one.turns)][0] >= max_tokens


def test_an_answer_in_the_last_token_there_is_room_for_counts(encoder: Encoder) -> None:
    expected = demonstration(IDS[0], encoder)
    limits = WIDE.model_copy(update={"max_tokens": len(expected.completion_ids)})
    [one] = collector_of(encoder, limits).collect(IDS[:1], oracle(IDS[:1], encoder))
    assert one.trajectory.terminated
    assert not one.overlong


def test_a_turn_of_nothing_but_its_end_is_a_turn(encoder: Encoder) -> None:
    stop = min(encoder.stop_ids)
    [one] = collector_of(encoder).collect(IDS[:1], Rambler([stop], stopped=True))
    assert [end - start for start, end in one.turns] == [1] * len(one.turns)
    assert one.trajectory.steps[0].turn.raw == ""
    assert one.trajectory.terminated


def test_what_a_writer_owes_is_told(encoder: Encoder) -> None:
    collector = collector_of(encoder)
    with pytest.raises(AgentError, match="gave 1 turns, 0 of them without a token, for 2 prefixes"):
        collector.collect(IDS[:2], lambda _: [Sampled([5], stopped=True)])
    with pytest.raises(AgentError, match="gave 2 turns, 2 of them without a token, for 2 prefixes"):
        collector.collect(IDS[:2], lambda prefixes: [Sampled([], stopped=False) for _ in prefixes])
    script = oracle(IDS[:3], encoder)
    assert len(collector.collect(IDS[:3], script)) == 3  # it goes on with new episodes


def test_what_cannot_be_played_is_told(encoder: Encoder) -> None:
    collector = collector_of(encoder, Limits(max_context=20))
    with pytest.raises(AgentError, match=r"the prompt of the scenario .* has \d+ tokens, and the context holds 20"):
        collector.collect(IDS[:1], asking(encoder))
    with pytest.raises(UnknownNameError, match="no scenario named 'nowhere'"):
        collector.collect([IDS[0], "nowhere"], asking(encoder))
    with pytest.raises(AgentError, match="1 seeds for 2 scenarios"):
        collector.collect(IDS[:2], asking(encoder), seeds=[3])
    with pytest.raises(ValidationError, match="greater than or equal to 2"):
        Limits(max_turns=1)
    with pytest.raises(ValidationError, match="Extra inputs"):
        Limits(max_token=3)  # type: ignore[call-arg]  # a slip of the pen


def test_time_is_measured_and_nothing_takes_none(encoder: Encoder) -> None:
    collector = collector_of(encoder)
    collector.collect(IDS[:2], oracle(IDS[:2], encoder))
    assert min(collector.timing) > 0
    assert collector.collect([], oracle(IDS[:1], encoder)) == []
    assert collector.timing == Timing()


def test_another_reward_is_earned(encoder: Encoder) -> None:
    def played(reward: str) -> Rollout:
        return collector_of(encoder, reward=reward).collect(IDS[:1], oracle(IDS[:1], encoder))[0]

    assert played("step_grained").trajectory.reward == "step_grained"
    assert played("step_grained").rewards != played("solve").rewards
