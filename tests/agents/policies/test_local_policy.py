"""TransformersPolicy: a tiny model with random weights plays whole episodes, token by token what it wrote."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from gymnasium.vector import AutoresetMode

from tests.handmade import SCENARIOS, WORLD
from tool_gym.agents.models import Size, build_model, build_tokenizer
from tool_gym.dialects import DIALECTS
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack import MemoryPack
from tool_gym.envs.policies.base import BatchPolicy
from tool_gym.envs.rollout import episode_seed, rollout, rollout_many
from tool_gym.envs.vector import ToolUseVectorEnv
from tool_gym.envs.wrappers import TruncateHistory
from tool_gym.errors import AgentError
from tool_gym.trajectory import Trajectory

if TYPE_CHECKING:
    from tool_gym.agents.policies import TransformersPolicy
    from tool_gym.agents.sampling import Sampled

pytestmark = pytest.mark.train

CHOSEN = list(SCENARIOS.values())[:4]
PACK = MemoryPack(CHOSEN, [WORLD])
IDS = [scenario.id for scenario in CHOSEN]
TEXTUAL = [name for name in DIALECTS if name != "structured"]
TINY = Size(1, 16, 32, 2, 1)
_MADE: dict[str, Any] = {}


def parts() -> tuple[Any, Any]:
    """A tokenizer and a model with random weights, made once."""
    if not _MADE:
        texts = [ToolUseEnv(PACK, scenario=name).reset(seed=0)[0] for name in IDS]
        _MADE["tokenizer"] = build_tokenizer(texts, 400)
        _MADE["model"] = build_model(_MADE["tokenizer"], TINY)
    return _MADE["model"], _MADE["tokenizer"]


def policy_of(**settings: Any) -> TransformersPolicy:
    from tool_gym.agents.policies import TransformersPolicy

    return TransformersPolicy(*parts(), **{"max_tokens": 12, **settings})


def many(policy: TransformersPolicy, rows: int, ids: list[str], dialect: str = "hermes") -> list[Trajectory]:
    env = ToolUseVectorEnv(rows, PACK, dialect=dialect, max_turns=3, autoreset_mode=AutoresetMode.DISABLED)
    return list(rollout_many(env, policy, ids))


class TestEpisodes:
    @pytest.mark.parametrize("rows", [2, 5])
    def test_records_do_not_depend_on_how_many_are_played_side_by_side(self, rows: int) -> None:
        ids = [*IDS, IDS[0], IDS[0]]
        alone = many(policy_of(temperature=1.0, seed=3), 1, ids)
        assert many(policy_of(temperature=1.0, seed=3), rows, ids) == alone
        assert len({one.steps[0].turn.raw for one in (alone[0], *alone[-2:])}) == 3  # one scenario, three episodes

    def test_one_episode_is_as_among_many(self) -> None:
        assert isinstance(policy_of(), BatchPolicy)
        among = many(policy_of(temperature=1.0), 3, IDS[:3])
        policy, env = policy_of(temperature=1.0), ToolUseEnv(PACK, max_turns=3)
        for record in among:
            seed = episode_seed(0, record.scenario_id)
            assert rollout(env, policy, seed=seed, options={"scenario": record.scenario_id}) == record

    def test_seeds_differ_and_greed_has_none(self) -> None:
        sampled = [many(policy_of(temperature=1.0, seed=seed), 2, IDS[:2]) for seed in (1, 2)]
        greedy = [many(policy_of(seed=seed), 2, IDS[:2]) for seed in (1, 2)]
        assert sampled[0] != sampled[1]
        assert greedy[0] == greedy[1]

    def test_a_cut_turn_is_played_as_it_stands(self) -> None:
        policy = policy_of(max_tokens=1)
        played = many(policy, 2, IDS[:2])
        turns = sum(len(one.steps) for one in played)
        assert (policy.counts["turns"], policy.counts["cut"]) == (turns, turns)

    def test_a_model_is_loaded_from_a_folder(self, tmp_path: Path) -> None:
        from tool_gym.agents.policies import TransformersPolicy

        model, tokenizer = parts()
        model.save_pretrained(tmp_path)
        tokenizer.save_pretrained(tmp_path)
        policy = TransformersPolicy.load(tmp_path, max_tokens=12, device="cpu")
        records = many(policy, 2, IDS[:2])
        assert {one.policy for one in records} == {f"hf:{tmp_path}"}
        assert [one.steps for one in records] == [one.steps for one in many(policy_of(), 2, IDS[:2])]


class TestContext:
    @pytest.mark.parametrize("prompt", ["dialect", "template"])
    @pytest.mark.parametrize("dialect", TEXTUAL)
    def test_it_grows_by_just_the_tokens_the_model_wrote(
        self, dialect: str, prompt: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        policy = policy_of(dialect=dialect, prompt=prompt, temperature=1.0)
        asked: list[tuple[list[int], Sampled]] = []
        sample = policy._sampler.sample

        def watched(prefixes: Any, **options: Any) -> list[Sampled]:
            turns = sample(prefixes, **options)
            asked.extend(zip(prefixes, turns, strict=True))
            return turns

        monkeypatch.setattr(policy._sampler, "sample", watched)
        env = ToolUseEnv(PACK, dialect=dialect, max_turns=4)
        for name in IDS[:2]:
            asked.clear()
            played = rollout(env, policy, seed=0, options={"scenario": name})
            assert len(asked) == len(played.steps)
            for (prefix, turn), (following, _) in pairwise(asked):
                whole = [*prefix, *turn.ids]
                assert following[: len(whole)] == whole
                assert len(following) > len(whole)

    def test_a_conversation_that_fills_the_context_says_nothing_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        policy = policy_of()
        monkeypatch.setattr(policy, "_window", 16)
        played = many(policy, 2, IDS[:2])
        assert all(step.turn.raw == "" for one in played for step in one.steps)
        assert policy.counts["overlong"] == policy.counts["turns"] > 0

    def test_what_a_wrapper_shows_is_what_the_model_sees(self) -> None:
        policy, env = policy_of(), TruncateHistory(ToolUseEnv(PACK, max_turns=3), max_turns=1)
        _, info = env.reset(seed=0, options={"scenario": IDS[0]})
        assert policy.context(info) == policy.encoder.prompt(list(info["messages"]), info["tools"])
        assert rollout(env, policy, seed=0).steps


class TestRefusals:
    def test_time_that_is_up_is_no_turn(self) -> None:
        with pytest.raises(AgentError, match=r"did not write 2 turns within 1e-09 s") as caught:
            many(policy_of(seconds=1e-9), 2, IDS[:2])
        assert IDS[0] in caught.value.__notes__[0]
        assert many(policy_of(seconds=60), 2, IDS[:2]) == many(policy_of(), 2, IDS[:2])

    def test_a_dialect_of_objects_is_refused(self) -> None:
        with pytest.raises(AgentError, match="are no text"):
            policy_of(dialect="structured")

    def test_an_environment_of_another_dialect_is_refused(self) -> None:
        with pytest.raises(AgentError, match="the environment reads the dialect 'xml'"):
            rollout(ToolUseEnv(PACK, dialect="xml"), policy_of(), seed=0)

    @pytest.mark.parametrize("wrong", [{"max_tokens": 0}, {"seconds": 0}], ids=str)
    def test_numbers_out_of_range_are_refused(self, wrong: dict[str, float]) -> None:
        with pytest.raises(AgentError, match="must be above 0"):
            policy_of(**wrong)
