"""Introspective feedback on the real generator: what is failed is made more of, played more, and let go once fixed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.handmade import SCENARIOS, WORLD
from tool_gym.agents.curriculum import FailureConfig, GroupResult, ScheduleConfig, make_schedule, read_rows
from tool_gym.agents.introspection import Introspection, IntrospectionConfig, IntrospectiveSchedule
from tool_gym.agents.union import Selection, UnionPack
from tool_gym.envs.checker import check_scenario
from tool_gym.envs.pack import FolderPack, MemoryPack, Pack
from tool_gym.envs.policies import OraclePolicy
from tool_gym.envs.rollout import rollout_many
from tool_gym.envs.vector import ToolUseVectorEnv
from tool_gym.errors import AgentError, PackError, UnknownNameError
from tool_gym.generators import domain
from tool_gym.generators.domain import load_domain
from tool_gym.generators.pipeline import build_pack
from tool_gym.generators.plan import PackPlan

KEYS = ("domain", "shape", "depth")
BAD = ("hotels", "multi_hop", 2)
CONFIG = IntrospectionConfig(size=10, failures=FailureConfig(keys=KEYS))


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> FolderPack:
    """Two domains to train on, a third held out."""
    folder = tmp_path_factory.mktemp("packs") / "small"
    domains = {"train": ("hotels", "clinic"), "test": ("museum",)}
    shapes = ("single_hop", "multi_hop")
    build_pack(PackPlan("small", {"train": 64, "test": 16}, domains, shapes=shapes, depths=(1, 2)), folder)
    return FolderPack(folder)


def learner(pack: Pack, fails: Sequence[tuple[object, ...]]) -> Callable[[Sequence[str]], list[GroupResult]]:
    """What a learner makes of scenarios that never solves some families and always all others."""
    family = {row.id: row.family(KEYS) for row in read_rows(pack)}

    def results(drawn: Sequence[str]) -> list[GroupResult]:
        found = [(one, family[one] not in fails) for one in drawn]
        return [GroupResult(one, (float(solved),) * 4, (solved,) * 4) for one, solved in found]

    return results


def grown(pack: Pack, folder: Path, fails: Sequence[tuple[object, ...]] = (BAD,), seed: int = 5) -> Introspection:
    feedback = Introspection(pack, folder, CONFIG, seed=seed)
    feedback.observe(learner(pack, fails)([entry.id for entry in pack.entries("train")]))
    assert feedback.grow()
    return feedback


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


class TestRounds:
    def test_new_scenarios_are_like_those_that_were_failed(self, pack: FolderPack, tmp_path: Path) -> None:
        grown(pack, tmp_path)
        new = FolderPack(tmp_path / "round-0001")
        assert Counter(row.family(KEYS) for row in read_rows(new)) == {BAD: CONFIG.size}
        failed = [row for row in read_rows(pack) if row.family(KEYS) == BAD]
        vectors = {(row.measures["level"], row.measures["style"]) for row in failed}
        assert {(row.measures["level"], row.measures["style"]) for row in read_rows(new)} <= vectors
        assert {name for name, _ in new.card.how_built["like"]} <= {row.id for row in failed}

    def test_new_scenarios_are_proved_and_solvable(self, pack: FolderPack, tmp_path: Path) -> None:
        feedback = grown(pack, tmp_path)
        ids = [entry.id for entry in FolderPack(tmp_path / "round-0001").entries()]
        for name in ids:
            task = feedback.pack.task(name)
            check_scenario(task.scenario, task.world)
        played = rollout_many(ToolUseVectorEnv(4, feedback.pack), OraclePolicy, ids)
        assert [record.episode_return for record in played] == [1.0] * len(ids)

    def test_nothing_held_out_is_touched(self, pack: FolderPack, tmp_path: Path) -> None:
        feedback = grown(pack, tmp_path)
        new = FolderPack(tmp_path / "round-0001")
        assert {entry.split for entry in new.entries()} == {"train"}
        assert {entry.domain for entry in new.entries()} <= {entry.domain for entry in pack.entries("train")}
        worlds = {feedback.pack.task(entry.id).world.id for entry in pack.entries()}
        assert worlds.isdisjoint(new.task(entry.id).world.id for entry in new.entries())
        assert list(feedback.pack.entries("test")) == list(pack.entries("test"))

    def test_shares_follow_failure(self, pack: FolderPack, tmp_path: Path) -> None:
        families = sorted({row.family(KEYS) for row in read_rows(pack)})
        feedback = Introspection(pack, tmp_path, CONFIG.model_copy(update={"size": 50}))
        solved = {family: number for number, family in enumerate(families)}
        results = [
            GroupResult(row.id, (0.0,) * 4, tuple(place < solved[row.family(KEYS)] for place in range(4)))
            for row in read_rows(pack)
        ]
        feedback.observe(results)
        found = Counter[tuple[object, ...]]()
        for one in feedback.wanted():
            found[one.row.family(KEYS)] += one.number
        squares = [max(0, 4 - number) ** 2 for number in range(len(families))]
        for family, square in zip(families, squares, strict=True):
            assert abs(found[family] - 50 * square / sum(squares)) < 1
        assert found.total() == 50

    def test_where_nothing_is_failed_nothing_is_made(self, pack: FolderPack, tmp_path: Path) -> None:
        feedback = Introspection(pack, tmp_path / "rounds", CONFIG)
        assert not feedback.grow()
        feedback.observe(learner(pack, ())([entry.id for entry in pack.entries("train")]))
        assert not feedback.grow()
        assert not (tmp_path / "rounds").exists()

    def test_what_the_generator_does_not_know_is_left_out(self, tmp_path: Path) -> None:
        by_hand = MemoryPack(list(SCENARIOS.values()), [WORLD], split="train")
        feedback = Introspection(by_hand, tmp_path, CONFIG)
        feedback.observe([GroupResult(name.id, (0.0,), (False,)) for name in SCENARIOS.values()])
        assert not feedback.grow()


class TestGoingOn:
    def test_equal_runs_make_equal_packs_and_other_seeds_others(self, pack: FolderPack, tmp_path: Path) -> None:
        for name, seed in (("one", 5), ("two", 5), ("three", 6)):
            grown(pack, tmp_path / name, seed=seed)
        assert content(tmp_path / "one") == content(tmp_path / "two")
        first, third = (FolderPack(tmp_path / name / "round-0001") for name in ("one", "three"))
        assert {entry.id for entry in first.entries()}.isdisjoint(entry.id for entry in third.entries())

    def test_a_run_goes_on_from_its_state(self, pack: FolderPack, tmp_path: Path) -> None:
        whole, part = (grown(pack, tmp_path / name) for name in ("whole", "part"))
        resumed = Introspection(pack, tmp_path / "part", CONFIG, seed=5)
        resumed.load(json.loads(json.dumps(part.state())))
        for feedback in (whole, resumed):
            feedback.observe(learner(feedback.pack, [BAD])([entry.id for entry in feedback.pack.entries("train")]))
            assert feedback.grow()
        assert content(tmp_path / "whole") == content(tmp_path / "part")
        assert whole.state() == resumed.state()
        assert len(whole.pack.entries("train")) == 64 + 20

    def test_a_round_that_is_there_from_a_killed_run_is_taken_as_it_is(self, pack: FolderPack, tmp_path: Path) -> None:
        grown(pack, tmp_path)
        stamps = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
        grown(pack, tmp_path)
        assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")} == stamps
        before = content(tmp_path)
        grown(pack, tmp_path, [("clinic", "multi_hop", 2)])
        assert content(tmp_path) != before

    def test_a_missing_round_is_told(self, pack: FolderPack, tmp_path: Path) -> None:
        state = grown(pack, tmp_path / "a").state()
        with pytest.raises(PackError, match="round-0001"):
            Introspection(pack, tmp_path / "b", CONFIG).load(state)
        with pytest.raises(AgentError, match="no state of the schedule 'introspection'"):
            Introspection(pack, tmp_path / "b", CONFIG).load({"kind": "uniform"})

    @pytest.mark.parametrize("whole", [True, False], ids=["whole", "filtered"])
    def test_domains_of_one_s_own_are_drawn_on_too(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        whole: bool,  # noqa: FBT001 - a parameter
    ) -> None:
        own = load_domain("hotels").model_copy(update={"name": "inns"})
        plan = PackPlan("mine", {"train": 6}, own=(own,), shapes=("multi_hop",), depths=(2,))
        build_pack(plan, tmp_path / "mine")
        monkeypatch.setattr(domain, "_OWN", {})  # as in a process that did not build the pack
        pack: Pack = FolderPack(tmp_path / "mine")
        if not whole:
            pack = Selection(pack, [entry.id for entry in pack.entries()][:4])
        feedback = grown(pack, tmp_path / "rounds", [("inns", "multi_hop", 2)])
        assert {entry.domain for entry in feedback.pack.entries()} == {"inns"}


SETTINGS = ScheduleConfig(failures=FailureConfig(keys=KEYS, groups=8))


def schedule_of(pack: Pack, folder: Path, **config: int) -> IntrospectiveSchedule:
    feedback = Introspection(pack, folder, CONFIG.model_copy(update=config))
    return IntrospectiveSchedule(feedback, lambda grown: make_schedule(grown, SETTINGS))


class TestSchedule:
    def test_what_is_failed_gains_share_within_three_rounds_and_loses_it_once_fixed(
        self, pack: FolderPack, tmp_path: Path
    ) -> None:
        schedule = schedule_of(pack, tmp_path, every=1)
        grown = schedule.feedback.pack
        k = len({row.family(KEYS) for row in read_rows(pack)})

        def shares(fails: Sequence[tuple[object, ...]]) -> list[float]:
            """Play three batches, and return the share of the bad family in each."""
            found = []
            for _ in range(3):
                drawn = schedule.draw(12 * k)
                family = {row.id: row.family(KEYS) for row in read_rows(grown)}
                found.append(sum(family[one] == BAD for one in drawn) / len(drawn))
                schedule.observe(learner(grown, fails)(drawn))
            return found

        first, *later = shares([BAD])
        assert first == pytest.approx(1 / k)
        assert max(later) >= 2 / k
        made = Counter(row.family(KEYS) for row in read_rows(grown))
        assert made[BAD] - made["hotels", "single_hop", 1] > CONFIG.size
        assert shares([])[-1] <= 1.2 / k
        assert schedule.feedback.rounds == 3

    def test_interrupted_is_as_uninterrupted(self, pack: FolderPack, tmp_path: Path) -> None:
        whole, part = (schedule_of(pack, tmp_path / name, every=2) for name in ("whole", "part"))
        for number in range(7):
            if number in (3, 4):
                state = json.loads(json.dumps(part.state()))
                part = schedule_of(pack, tmp_path / "part", every=2)
                part.load(state)
            drawn = [schedule.draw(9) for schedule in (whole, part)]
            assert drawn[0] == drawn[1]
            for schedule in (whole, part):
                schedule.observe(learner(schedule.feedback.pack, [BAD])(drawn[0]))
        assert whole.state() == part.state()
        assert whole.feedback.rounds == 3

    def test_there_are_no_more_rounds_than_asked_for(self, pack: FolderPack, tmp_path: Path) -> None:
        schedule = schedule_of(pack, tmp_path, every=1, rounds=2)
        for _ in range(5):
            drawn = schedule.draw(8)
            schedule.observe(learner(schedule.feedback.pack, [BAD])(drawn))
        assert schedule.feedback.rounds == 2

    def test_processes_that_train_together_make_a_round_once(self, pack: FolderPack, tmp_path: Path) -> None:
        schedules = [schedule_of(pack, tmp_path, every=1) for _ in range(3)]
        for schedule in schedules:
            schedule.observe(learner(pack, [BAD])(schedule.draw(8)))
        with ThreadPoolExecutor(3) as pool:
            drawn = list(pool.map(lambda schedule: schedule.draw(30), schedules))
        assert drawn[0] == drawn[1] == drawn[2]
        assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == ["round-0001"]

    def test_what_plays_the_pack_goes_on_with_what_is_added(self, pack: FolderPack, tmp_path: Path) -> None:
        feedback = Introspection(pack, tmp_path, CONFIG)
        env = ToolUseVectorEnv(2, feedback.pack)
        feedback.observe(learner(pack, [BAD])([entry.id for entry in pack.entries("train")]))
        feedback.grow()
        new = [entry.id for entry in feedback.pack.parts[1].entries()]
        assert [record.scenario_id for record in rollout_many(env, OraclePolicy, new)] == new


class TestUnion:
    def test_it_has_the_scenarios_of_all_in_order(self, pack: FolderPack) -> None:
        by_hand = MemoryPack(list(SCENARIOS.values()), [WORLD])
        union = UnionPack(pack, by_hand)
        assert list(union.entries()) == [*pack.entries(), *by_hand.entries()]
        assert union.entries("train") == pack.entries("train")
        name = SCENARIOS["multi_hop"].id
        assert union.task(name) == by_hand.task(name)
        union.keep(1)
        assert list(union.entries()) == list(pack.entries())

    def test_what_it_has_not_is_told(self, pack: FolderPack) -> None:
        with pytest.raises(UnknownNameError, match=r"no split named 'trains'\. Did you mean 'train'"):
            UnionPack(pack).entries("trains")
        with pytest.raises(UnknownNameError, match="no scenario named"):
            UnionPack(pack).task("nobody")
        task = pack.task(pack.entries()[0].id)
        with pytest.raises(PackError, match="is in both 'small' and 'memory'"):
            UnionPack(pack, MemoryPack([task.scenario], [task.world]))
