"""Schedules: who is drawn how often, promotion, what failure does, and going on from a state."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Callable, Sequence
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tests.handmade import SCENARIOS, WORLD
from tool_gym.agents.curriculum import (
    DifficultyConfig,
    DifficultySchedule,
    FailureConfig,
    FailureSchedule,
    FailureTally,
    GroupResult,
    LevelConfig,
    LevelSchedule,
    Row,
    Schedule,
    ScheduleConfig,
    UniformSchedule,
    make_schedule,
    read_rows,
)
from tool_gym.agents.union import Selection
from tool_gym.envs.pack import MemoryPack, open_pack
from tool_gym.errors import AgentError

SIMPLE = next(iter(SCENARIOS.values()))
SHAPES = ("single_hop", "multi_hop", "ask")


def row(number: int, depth: int = 1, shape: str = "single_hop", level: float = 0.0) -> Row:
    return Row(f"s{number:03d}", "clinic", shape, depth, {"depth": depth, "level": level})


def some_rows(count: int = 60) -> list[Row]:
    return [row(n, depth=1 + n % 4, shape=SHAPES[n % 3], level=(n % 7) / 2) for n in range(count)]


def uniform(rows: Sequence[Row], name: str) -> Schedule:
    return UniformSchedule([one.id for one in rows], len(name))


def result(scenario: str, *solved: int) -> GroupResult:
    return GroupResult(scenario, tuple(map(float, solved)), tuple(map(bool, solved)))


def played(drawn: Sequence[str], chance: Callable[[str], float], rng: Random, size: int = 4) -> list[GroupResult]:
    """What a learner makes of scenarios that solves each with some chance."""
    return [result(one, *(rng.random() < chance(one) for _ in range(size))) for one in drawn]


KINDS: dict[str, ScheduleConfig] = {
    "uniform": ScheduleConfig(),
    "levels": ScheduleConfig(levels=LevelConfig(groups=4, least=2, threshold=0.5)),
    "bands": ScheduleConfig(levels=LevelConfig(key="level", most=3, groups=4, least=2, threshold=0.5)),
    "failures": ScheduleConfig(failures=FailureConfig(keys=("shape",), groups=3)),
    "success": ScheduleConfig(difficulty=DifficultyConfig(half_life=3)),
    "spread": ScheduleConfig(difficulty=DifficultyConfig(estimate="spread", half_life=3)),
    "all": ScheduleConfig(
        levels=LevelConfig(groups=4, least=2, threshold=0.5),
        failures=FailureConfig(keys=("shape",)),
        difficulty=DifficultyConfig(),
    ),
}


def pack_of(rows: Sequence[Row]) -> MemoryPack:
    """A pack whose scenarios are what the rows say."""
    scenarios = [
        SIMPLE.model_copy(
            update={"id": one.id, "domain": one.domain, "shape": one.shape, "knobs": dict(one.measures)},
        )
        for one in rows
    ]
    return MemoryPack(scenarios, [WORLD], split="train")


class TestState:
    @pytest.mark.parametrize("kind", KINDS)
    @settings(max_examples=20)
    @given(seed=st.integers(0, 1000), sizes=st.lists(st.integers(0, 9), min_size=2, max_size=12), data=st.data())
    def test_interrupted_is_as_uninterrupted(self, kind: str, seed: int, sizes: list[int], data: st.DataObject) -> None:
        pack, cut = pack_of(some_rows()), data.draw(st.integers(0, len(sizes)))

        def chance(scenario: str) -> float:
            return int(scenario[1:]) / 60

        whole, part = (make_schedule(pack, KINDS[kind], seed=seed) for _ in range(2))
        rng, again = Random(seed), Random(seed)
        for number, size in enumerate(sizes):
            if number == cut:
                saved = json.loads(json.dumps(part.state()))
                part = make_schedule(pack, KINDS[kind], seed=seed)
                part.load(saved)
            first, second = whole.draw(size), part.draw(size)
            assert first == second
            assert len(first) == size
            whole.observe(played(first, chance, rng))
            part.observe(played(second, chance, again))
        assert whole.state() == part.state()

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_state_is_taken_up_by_a_pack_that_has_grown(self, kind: str) -> None:
        rows = some_rows()
        small, large = (make_schedule(pack_of(some), KINDS[kind]) for some in (rows[:40], rows))
        small.observe(played(small.draw(12), lambda _: 0.4, Random(1)))
        large.load(small.state())
        drawn = {scenario for _ in range(80) for scenario in _step(large)}
        assert drawn & {one.id for one in rows[40:]}

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_state_of_other_scenarios_is_refused(self, kind: str) -> None:
        state = make_schedule(pack_of(some_rows(30)), KINDS[kind]).state()
        others = pack_of([one._replace(id=f"x{one.id}") for one in some_rows(30)])
        with pytest.raises(AgentError, match="other scenarios"):
            make_schedule(others, KINDS[kind]).load(state)

    @pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "uniform"])
    def test_a_state_of_another_kind_is_refused(self, kind: str) -> None:
        pack = pack_of(some_rows())
        with pytest.raises(AgentError, match="resume with the settings it was made with"):
            make_schedule(pack, KINDS["uniform"]).load(make_schedule(pack, KINDS[kind]).state())

    @pytest.mark.parametrize("kind", KINDS)
    def test_a_damaged_state_is_told(self, kind: str) -> None:
        schedule = make_schedule(pack_of(some_rows()), KINDS[kind])
        for key in schedule.state().keys() - {"kind"}:
            damaged = {name: value for name, value in schedule.state().items() if name != key}
            with pytest.raises(AgentError, match="is damaged"):
                schedule.load(damaged)


def _step(schedule: Schedule) -> list[str]:
    drawn = schedule.draw(6)
    schedule.observe([result(one, 1, 0) for one in drawn])
    return drawn


class TestUniform:
    @given(count=st.integers(1, 40), sizes=st.lists(st.integers(0, 15), max_size=20), seed=st.integers(0, 99))
    def test_every_epoch_has_every_scenario_once(self, count: int, sizes: list[int], seed: int) -> None:
        schedule = UniformSchedule([f"s{n}" for n in range(count)], seed)
        drawn = [one for size in sizes for one in schedule.draw(size)]
        epochs = [drawn[start : start + count] for start in range(0, len(drawn), count)]
        assert all(len(set(epoch)) == len(epoch) for epoch in epochs)
        assert all(set(epoch) == set(epochs[0]) for epoch in epochs[:-1])

    def test_epochs_and_seeds_have_orders_of_their_own(self) -> None:
        ids = [f"s{n}" for n in range(30)]
        one, other = UniformSchedule(ids, 1), UniformSchedule(ids, 2)
        orders = [one.draw(30), one.draw(30), other.draw(30)]
        assert len(set(map(tuple, orders))) == 3

    def test_without_scenarios_there_is_no_schedule(self) -> None:
        with pytest.raises(AgentError, match="at least one"):
            UniformSchedule([])
        with pytest.raises(AgentError, match="0 or more"):
            UniformSchedule(["s"]).draw(-1)


class TestLevels:
    @given(
        results=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 4)), max_size=80),
        threshold=st.sampled_from([0.25, 0.5, 0.7, 1.0]),
        groups=st.integers(1, 8),
        data=st.data(),
    )
    def test_promotion_is_exactly_when_rolling_success_reaches_the_threshold(
        self, results: list[tuple[int, int]], threshold: float, groups: int, data: st.DataObject
    ) -> None:
        least = data.draw(st.integers(1, groups))
        config = LevelConfig(threshold=threshold, groups=groups, least=least)
        schedule = LevelSchedule([row(n, depth=n + 1) for n in range(3)], config, uniform)
        top, last = 0, deque[float](maxlen=groups)
        for level, solved in results:
            schedule.observe([result(f"s{level:03d}", *(number < solved for number in range(4)))])
            if level == top:
                last.append(solved / 4)
                if len(last) >= least and fmean(last) >= threshold and top < 2:
                    top += 1
                    last.clear()
            assert schedule.top == top

    def test_results_of_one_batch_count_in_their_order(self) -> None:
        config = LevelConfig(groups=2, least=2, threshold=1.0)
        schedule = LevelSchedule([row(n, depth=n + 1) for n in range(3)], config, uniform)
        schedule.observe([result(name, 1) for name in ("s001", "s000", "s000", "s001", "s000")])
        assert (schedule.top, schedule.success) == (1, 1.0)

    @given(top=st.integers(0, 4), window=st.integers(1, 6), review=st.floats(0, 0.9), fade=st.floats(0.1, 1))
    def test_shares_are_of_the_window_and_the_review(self, top: int, window: int, review: float, fade: float) -> None:
        config = LevelConfig(window=window, review=review, fade=fade, groups=1, least=1)
        schedule = LevelSchedule([row(n, depth=n + 1) for n in range(5)], config, uniform)
        schedule.top = top
        shares = schedule.shares()
        old = shares[: max(0, top - window + 1)]
        assert sum(shares) == pytest.approx(1)
        assert sum(old) == pytest.approx(review if old else 0)
        assert shares[top + 1 :] == [0.0] * (4 - top)
        window_shares = shares[len(old) : top + 1]
        assert window_shares == sorted(window_shares)

    def test_what_is_drawn_keeps_to_the_shares(self) -> None:
        config = LevelConfig(window=2, review=0.2, fade=0.5)
        rows = [row(n, depth=1 + n % 5) for n in range(50)]
        depth = {one.id: one.depth for one in rows}
        schedule = LevelSchedule(rows, config, uniform)
        schedule.top = 3
        drawn = Counter(depth[one] for _ in range(30) for one in schedule.draw(7))
        for level, share in enumerate(schedule.shares(), 1):
            assert abs(drawn[level] - 210 * share) <= 2

    def test_many_values_become_bands_of_about_equally_many(self) -> None:
        rows = [row(n, level=n / 10) for n in range(40)]
        schedule = LevelSchedule(rows, LevelConfig(key="level", most=4), uniform)
        assert schedule.levels == [0.9, 1.9, 2.9, 3.9]

    def test_a_key_without_numbers_is_refused(self) -> None:
        with pytest.raises(AgentError, match="need numbers"):
            LevelSchedule([row(1)], LevelConfig(key="shape"), uniform)
        with pytest.raises(AgentError, match="has no 'tolset', but domain, shape"):
            LevelSchedule([row(1)], LevelConfig(key="tolset"), uniform)

    @pytest.mark.parametrize("wrong", [{"least": 9, "groups": 8}, {"windw": 1}, {"threshold": 0}], ids=str)
    def test_configs_are_checked(self, wrong: dict[str, float]) -> None:
        with pytest.raises(ValidationError):
            LevelConfig.model_validate(wrong)


class TestFailures:
    @pytest.mark.parametrize("others", [8, 6], ids=["others solved", "others mostly"])
    @pytest.mark.parametrize("k", [3, 5, 10])
    def test_what_is_failed_gains_share_and_loses_it_once_fixed(self, k: int, others: int) -> None:
        rows = [row(n, shape=f"f{n % k}") for n in range(20 * k)]
        shape = {one.id: one.shape for one in rows}
        schedule = FailureSchedule(rows, FailureConfig(keys=("shape",)), uniform)
        assert max(schedule.shares().values()) == pytest.approx(1 / k)

        def go_round(solves: int) -> None:
            """Play a batch with a learner that solves one family in so many of 8 attempts, the others in `others`."""
            drawn = schedule.draw(16 * k)
            counts = [solves if shape[one] == "f0" else others for one in drawn]
            schedule.observe([result(one, *(n < c for n in range(8))) for one, c in zip(drawn, counts, strict=True)])

        for _ in range(3):
            go_round(0)
        assert schedule.shares()["f0",] >= 2 / k
        for _ in range(3):
            go_round(others)
        assert schedule.shares()["f0",] <= 1.2 / k

    def test_losses_count_beside_failures(self) -> None:
        rows = [row(n, shape=f"f{n}") for n in range(3)]
        tally = FailureTally(rows, FailureConfig(keys=("shape",), loss_weight=0.5))
        tally.observe(
            [result(one.id, 1, 0)._replace(loss=loss) for one, loss in zip(rows, (2.0, 1.0, None), strict=True)]
        )
        assert tally.failures() == {("f0",): 0.75, ("f1",): 0.5, ("f2",): 0.5}

    def test_the_most_failed_scenarios_come_first(self) -> None:
        rows = [row(n) for n in range(4)]
        tally = FailureTally(rows, FailureConfig(keys=("shape",)))
        tally.observe([result("s000", 1), result("s001", 1, 0), result("s003", 0), result("s002", 0)])
        assert [(one.id, failure) for one, failure in tally.failed()["single_hop",]] == [
            ("s002", 1.0),
            ("s003", 1.0),
            ("s001", 0.5),
        ]

    def test_an_unknown_scenario_is_refused(self) -> None:
        with pytest.raises(AgentError, match="no scenario 'nobody'"):
            FailureTally([row(1)], FailureConfig()).observe([result("nobody", 1)])


class TestDifficulty:
    @pytest.mark.parametrize("estimate", ["success", "spread"])
    def test_groups_without_spread_are_drawn_less_but_never_given_up(self, estimate: str) -> None:
        rows = [row(n, shape=SHAPES[n % 3]) for n in range(90)]
        chance = {one.id: {"single_hop": 1.0, "multi_hop": 0.5, "ask": 0.0}[one.shape] for one in rows}
        config = DifficultyConfig.model_validate({"estimate": estimate, "keys": ("shape",)})
        schedule, rng, drawn = DifficultySchedule(rows, config, seed=4), Random(4), Counter[str]()
        for _ in range(60):
            batch = schedule.draw(8)
            assert len(set(batch)) == 8
            drawn.update(batch)
            schedule.observe(played(batch, chance.__getitem__, rng, size=8))
        by_chance = Counter[float]()
        for scenario, count in drawn.items():
            by_chance[chance[scenario]] += count
        assert by_chance[0.5] > 0.75 * 480
        weights = schedule.weights()
        assert weights.sum() == pytest.approx(1)
        assert weights.min() >= config.explore / 90 * 0.999

    def test_what_was_flat_comes_back_when_it_is_not(self) -> None:
        rows = [row(n, shape=SHAPES[n % 2]) for n in range(40)]
        schedule = DifficultySchedule(rows, DifficultyConfig(half_life=5, explore=0.2), seed=1)
        first = {one.id for one in rows if one.shape == SHAPES[0]}

        def share() -> float:
            return float(sum(w for one, w in zip(rows, schedule.weights(), strict=True) if one.id in first))

        rng = Random(0)
        for chance in (0.0, 0.5):
            for _ in range(40):
                schedule.observe(
                    played(schedule.draw(8), lambda name, c=chance: c if name in first else 0.5, rng, size=8)  # type: ignore[misc]
                )
            if chance == 0.0:
                assert share() < 0.25
        assert 0.4 < share() < 0.6

    def test_more_groups_than_scenarios_repeat_them_as_evenly_as_can_be(self) -> None:
        schedule = DifficultySchedule([row(n) for n in range(3)], DifficultyConfig())
        assert sorted(Counter(schedule.draw(7)).values()) == [2, 2, 3]


class TestRows:
    def test_a_folder_says_of_its_scenarios_what_loading_them_would(self) -> None:
        pack = open_pack("everyday")
        rows = read_rows(pack, "validation")
        assert [one.id for one in rows] == [entry.id for entry in pack.entries("validation")]
        for one in rows[::40]:
            scenario = pack.task(one.id).scenario
            assert (one.domain, one.shape, one.depth) == (scenario.domain, scenario.shape, scenario.knobs["depth"])
            assert one.measures == {**scenario.difficulty, **scenario.knobs}

    def test_a_part_of_a_folder_is_read_without_loading_a_scenario(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pack = open_pack("everyday")
        some = [entry.id for entry in pack.entries("train")[:5]]
        monkeypatch.setattr(type(pack), "task", lambda *_: pytest.fail("loaded"))
        assert [one.id for one in read_rows(Selection(pack, some))] == some

    def test_unneeded_tools_make_a_curriculum_from_none_to_many(self) -> None:
        pack = open_pack("everyday")
        config = LevelConfig(key="toolset", groups=4, least=4, threshold=1.0, window=1, review=0.0)
        schedule = make_schedule(pack, ScheduleConfig(levels=config))
        for level in sorted({one.measures["toolset"] for one in read_rows(pack)}, key=str):
            drawn = schedule.draw(4)
            assert {pack.task(one).scenario.knobs["toolset"] for one in drawn} == {level}
            schedule.observe([result(one, 1) for one in drawn])

    def test_scenarios_without_knobs_have_the_depth_of_their_calls(self) -> None:
        pack = MemoryPack(list(SCENARIOS.values()), [WORLD], split="train")
        assert [one.depth for one in read_rows(pack)] == [scenario.depth for scenario in SCENARIOS.values()]
        assert make_schedule(pack, ScheduleConfig(levels=LevelConfig())).draw(1)

    def test_a_split_without_scenarios_is_refused(self) -> None:
        pack = MemoryPack(list(SCENARIOS.values()), [WORLD], split="test")
        for config in (None, KINDS["levels"]):
            with pytest.raises(AgentError, match="no scenario in the split 'train'"):
                make_schedule(pack, config)

    def test_a_family_has_a_band_of_complexity(self) -> None:
        assert row(1, depth=3, level=1.85).family() == ("clinic", "single_hop", 3, 1)
        assert row(1)._replace(measures={}).family() == ("clinic", "single_hop", 1, 0)
