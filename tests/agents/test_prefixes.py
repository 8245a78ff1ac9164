"""Single turns behind stored beginnings: what is shown, what is learnt from, what is paid."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.agents.tokens import tokenizer
from tool_gym.agents.encoding import Encoder
from tool_gym.agents.generating import Sampled
from tool_gym.agents.prefixes import PrefixCollector, Prefixes, oracle_episodes
from tool_gym.agents.rollouts import Limits
from tool_gym.dialects import get_dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import open_pack
from tool_gym.errors import AgentError
from tool_gym.trajectory import Step, Trajectory
from tool_gym.turns import Turn

PACK = open_pack("everyday")
IDS = [entry.id for entry in {entry.shape: entry for entry in PACK.entries("test")}.values()]
"""A scenario of each shape."""

EPISODES = {one.scenario_id: one for one in oracle_episodes(PACK, IDS, get_dialect("hermes"))}
WIDE = Limits(max_turns=32, max_turn_tokens=4096, max_tokens=100_000)


class Writer:
    """Writes one turn behind everything, and remembers the prefixes."""

    def __init__(self, encoder: Encoder, turn: Turn) -> None:
        self._ids = encoder.written(turn)
        self.prefixes: list[list[int]] = []

    def __call__(self, prefixes: Sequence[Sequence[int]]) -> list[Sampled]:
        self.prefixes += [list(prefix) for prefix in prefixes]
        return [Sampled(list(self._ids), stopped=True) for _ in prefixes]


def collector_of(encoder: Encoder, limits: Limits = WIDE, **more: Any) -> PrefixCollector:
    settings = {"rows": 5, "reward": "solve", **more}
    return PrefixCollector(PACK, encoder, Prefixes(EPISODES.values()), limits=limits, **settings)


def stored(turns: int, name: str = "here") -> Trajectory:
    return Trajectory(name, tuple(Step(Turn(str(number))) for number in range(turns)))


@given(st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any), st.integers(), st.integers(0, 5))
def test_a_beginning_is_of_a_stored_episode_and_follows_from_the_seed(lengths: list[int], seed: int, most: int) -> None:
    prefixes = Prefixes([stored(turns) for turns in lengths])
    found = prefixes.choose("here", seed, most=most)
    assert found == prefixes.choose("here", seed, most=most)
    assert len(found) <= min(most, max(lengths) - 1)
    assert any(found == stored(turns).steps[: len(found)] for turns in lengths if turns > len(found))


def test_every_beginning_is_as_likely() -> None:
    prefixes = Prefixes([stored(4), stored(1), stored(0)])
    found = Counter(len(prefixes.choose("here", seed, most=9)) for seed in range(5000))
    assert {turns: round(count / 1000) for turns, count in found.items()} == {0: 2, 1: 1, 2: 1, 3: 1}


def test_scenarios_without_an_episode_are_told() -> None:
    prefixes = Prefixes([stored(2), stored(0, "empty")])
    assert prefixes.scenarios == {"here"}
    for scenario in ("empty", "nowhere"):
        with pytest.raises(AgentError, match=f"no episode of the scenario '{scenario}' is stored, but of 1 others"):
            prefixes.choose(scenario, 0, most=3)


@pytest.mark.train
@settings(max_examples=12)
@given(st.lists(st.tuples(st.sampled_from(sorted(EPISODES)), st.integers(0, 99)), max_size=9), st.integers(1, 6))
@pytest.mark.parametrize("reward", ["solve", "ftrl_f1"])
def test_one_turn_is_learnt_from_and_paid_as_the_environment_pays_it(
    reward: str, wanted: list[tuple[str, int]], rows: int
) -> None:
    encoder = Encoder(tokenizer())
    writer = Writer(encoder, Turn("Answer: 12"))
    scenarios, seeds = [name for name, _ in wanted], [seed for _, seed in wanted]
    played = collector_of(encoder, rows=rows, reward=reward).collect(scenarios, writer, seeds=seeds)
    assert sorted(writer.prefixes) == sorted(one.prompt_ids for one in played)  # asked once for each
    for (scenario, seed), one in zip(wanted, played, strict=True):
        assert one.turns == [(0, len(one.completion_ids))]
        assert one.mask == [1] * len(one.completion_ids)
        before = Prefixes(EPISODES.values()).choose(scenario, seed, most=31)
        env = ToolUseEnv(PACK, reward=reward)
        _, info = env.reset(options={"scenario": scenario})
        opening, tools = list(info["messages"]), info["tools"]
        for step in before:
            env.step(step.turn.raw)
        paid = env.step("Answer: 12")[1]
        assert one.rewards == [paid]
        assert one.trajectory._replace(seed=None) == env.trajectory
        assert one.trajectory.seed == seed
        whole = encoder.encode(opening, tools, [*before, Step(Turn("Answer: 12"))])
        start = whole.turns[-1][0]
        assert one.prompt_ids == whole.prompt_ids + whole.completion_ids[:start]
        assert one.completion_ids == whole.completion_ids[start:]


@pytest.mark.train
def test_a_group_shares_its_beginning_and_others_have_others() -> None:
    encoder = Encoder(tokenizer())
    longest = max(EPISODES, key=lambda name: len(EPISODES[name].steps))
    seeds = [seed for seed in range(12) for _ in range(3)]
    played = collector_of(encoder).collect([longest] * 36, Writer(encoder, Turn("Answer: 1")), seeds=seeds)
    groups = [{tuple(one.prompt_ids) for one in played[start : start + 3]} for start in range(0, 36, 3)]
    assert all(len(group) == 1 for group in groups)
    assert len(set.union(*groups)) > 1
    assert played[0].prompt_ids is not played[1].prompt_ids


@pytest.mark.train
def test_an_oracles_turn_behind_the_oracles_beginning_solves() -> None:
    encoder = Encoder(tokenizer())
    for scenario, episode in EPISODES.items():
        turns = len(Prefixes([episode]).choose(scenario, 5, most=31))
        writer = Writer(encoder, episode.steps[turns].turn)
        [one] = collector_of(encoder).collect([scenario], writer, seeds=[5])
        assert one.rewards == [episode.steps[turns].reward]


@pytest.mark.train
@given(st.integers(0, 60), st.integers(0, 30))
@settings(max_examples=25)
def test_a_beginning_that_fills_the_context_is_shortened(room: int, seed: int) -> None:
    encoder = Encoder(tokenizer())
    longest = max(EPISODES, key=lambda name: len(EPISODES[name].steps))
    writer = Writer(encoder, Turn("Answer: 1"))
    [whole] = collector_of(encoder).collect([longest], writer, seeds=[seed])
    info = ToolUseEnv(PACK).reset(options={"scenario": longest})[1]
    opening = len(encoder.prompt(list(info["messages"]), info["tools"]))
    limits = WIDE.model_copy(update={"max_context": max(opening + 1, len(whole.prompt_ids) - 30 + room)})
    [one] = collector_of(encoder, limits).collect([longest], writer, seeds=[seed])
    assert one.prompt_ids == whole.prompt_ids[: len(one.prompt_ids)]
    assert len(one.prompt_ids) + len(one.completion_ids) <= (limits.max_context or 0)
    assert (len(one.prompt_ids) == len(whole.prompt_ids)) == (len(whole.prompt_ids) < (limits.max_context or 0))


@pytest.mark.train
def test_turns_count_towards_the_cap_of_the_episode() -> None:
    encoder = Encoder(tokenizer())
    limits = Limits(max_turns=2, max_turn_tokens=4096, max_tokens=100_000)
    longest = max(EPISODES, key=lambda name: len(EPISODES[name].steps))
    played = collector_of(encoder, limits).collect([longest] * 30, Writer(encoder, Turn("Answer: 1")), seeds=range(30))
    assert {len(one.trajectory.steps) for one in played} == {1, 2}


@pytest.mark.train
def test_an_episode_of_another_pack_is_told() -> None:
    encoder = Encoder(tokenizer())
    scenario, episode = next((name, one) for name, one in EPISODES.items() if len(one.steps) > 1)
    result = episode.steps[0].results[0]._replace(value={"another": "world"})
    other = episode._replace(steps=(episode.steps[0]._replace(results=(result,)), *episode.steps[1:]))
    seed = next(number for number in range(99) if Prefixes([other]).choose(scenario, number, most=31))
    collector = PrefixCollector(PACK, encoder, Prefixes([other]), limits=WIDE, rows=2)
    with pytest.raises(AgentError, match="does not play again as it was played, in its turn 1"):
        collector.collect([scenario], Writer(encoder, Turn("Answer: 1")), seeds=[seed])
