"""The pipeline as a whole: the same seed gives the same pack, every scenario holds, the mix is what was asked for."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.generators.building import SHAPES
from tool_gym.envs.checker import check_pack, check_scenario
from tool_gym.envs.pack import SPLITS, FolderPack
from tool_gym.errors import GenerationError, UnknownNameError
from tool_gym.generators import build as building_one
from tool_gym.generators import pipeline, shards
from tool_gym.generators.build import DEPTHS, SeedPath, Wish, build
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.domain import domain_names
from tool_gym.generators.pipeline import build_pack, generate, rebuild
from tool_gym.generators.plan import BLOCK, MIX, PackPlan
from tool_gym.generators.scale import OPERATORS
from tool_gym.generators.shards import Report
from tool_gym.scenario import Scenario, TemplateImpl
from tool_gym.tools import FAMILIES
from tool_gym.values import display
from tool_gym.world import World

PLAN = PackPlan("tests", {"train": 300, "validation": 64, "test": 64}, seed=7)


@pytest.fixture(scope="module")
def made() -> dict[str, list[Scenario]]:
    return {split: list(generate(PLAN, split)) for split in SPLITS}


@pytest.fixture(scope="module")
def scenarios(made: dict[str, list[Scenario]]) -> list[Scenario]:
    return [scenario for split in SPLITS for scenario in made[split]]


def world_of(scenario: Scenario) -> World:
    return building_one.world_of(SeedPath.parse(scenario.seed_path))


def forget() -> None:
    building_one._world.cache_clear()
    building_one._interface.cache_clear()


class TestDeterminism:
    def test_the_same_seed_gives_the_same_scenarios(self, made: dict[str, list[Scenario]]) -> None:
        forget()
        again = PackPlan("tests", {"train": 300}, seed=7)
        drawn = generate(again, "train")
        for scenario in made["train"][:40]:
            assert next(drawn).to_json() == scenario.to_json()

    def test_every_process_gives_the_same_scenarios(self, made: dict[str, list[Scenario]]) -> None:
        program = (
            "from tool_gym.generators.pipeline import generate\n"
            "from tool_gym.generators.plan import PackPlan\n"
            "plan = PackPlan('tests', {'validation': 64}, seed=7)\n"
            "scenarios = generate(plan, 'validation')\n"
            "for _ in range(24): print(next(scenarios).to_json())\n"
        )
        for seed in ("0", "1", "4711"):
            environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[2])}
            told = subprocess.run(
                [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
            )
            assert told.stdout.splitlines() == [scenario.to_json() for scenario in made["validation"][:24]]

    def test_any_scenario_can_be_built_again_from_its_seed_path(self, scenarios: list[Scenario]) -> None:
        forget()
        for scenario in scenarios[::9]:
            again = rebuild(PLAN, scenario)
            assert again is not None
            assert again.to_json() == scenario.to_json()

    def test_another_seed_gives_others(self, made: dict[str, list[Scenario]]) -> None:
        other = generate(PackPlan("tests", {"train": 300}, seed=8), "train")
        ids = {scenario.id for scenario in made["train"]}
        worlds = {scenario.world_ref for scenario in made["train"]}
        for _ in range(10):
            scenario = next(other)
            assert scenario.id not in ids
            assert scenario.world_ref not in worlds

    def test_scenarios_do_not_depend_on_how_many_are_made(self, made: dict[str, list[Scenario]]) -> None:
        few = generate(PackPlan("tests", {"train": 20}, seed=7), "train")
        assert [scenario.id for scenario in few] == [scenario.id for scenario in made["train"][:20]]


class TestMix:
    def test_shapes_meet_their_quotas(self, made: dict[str, list[Scenario]]) -> None:
        for start in range(0, 300, 100):
            assert Counter(scenario.shape for scenario in made["train"][start : start + 100]) == MIX

    def test_the_depth_asked_for_is_the_depth_there_is(self, scenarios: list[Scenario]) -> None:
        for scenario in scenarios:
            looks = [scenario.knobs["depth"]] if scenario.sub_goals else []  # before saying that there is nothing
            wanted = [0, *looks] if scenario.shape == "decline" else [scenario.knobs["depth"]]
            assert scenario.depth in wanted
            assert scenario.depth == scenario.difficulty["depth"]
            assert len(scenario.sub_goals) == scenario.difficulty["calls"]
        depths = Counter((scenario.shape, scenario.depth) for scenario in scenarios)
        assert {depth for shape, depth in depths if shape == "multi_hop"} == {2, 3, 4, 5, 6}
        assert {depth for shape, depth in depths if shape == "parallel_multi_hop"} == {2, 3, 4, 5}
        assert {depth for shape, depth in depths if shape == "write"} == {2, 3, 4}
        assert {depth for shape, depth in depths if "single" in shape} == {1}

    def test_every_tool_family_is_needed_somewhere(self, scenarios: list[Scenario]) -> None:
        needed = {_family(scenario, goal.tool) for scenario in scenarios for goal in scenario.sub_goals}
        assert needed == set(FAMILIES)

    def test_every_tool_family_is_a_distractor_somewhere(self, scenarios: list[Scenario]) -> None:
        idle = Counter(
            _family(scenario, tool.name)
            for scenario in scenarios
            for tool in scenario.tools
            if tool.name not in {goal.tool for goal in scenario.sub_goals}
        )
        assert idle.keys() == set(FAMILIES)

    def test_every_operator_occurs_at_several_levels(self, scenarios: list[Scenario]) -> None:
        for operator in OPERATORS:
            assert len({scenario.knobs[operator] for scenario in scenarios}) >= 4

    def test_no_answer_is_common(self, made: dict[str, list[Scenario]]) -> None:
        answers = Counter(
            display(goal.gold) for scenario in made["train"] for goal in scenario.goals if goal.kind == "answer"
        )
        assert answers.most_common(1)[0][1] <= 3

    def test_splits_draw_on_different_domains(self, made: dict[str, list[Scenario]]) -> None:
        of_split = {split: {scenario.domain for scenario in made[split]} for split in SPLITS}
        for split in SPLITS:
            assert of_split[split] <= set(domain_names(split))
            assert len(of_split[split]) == min(len(domain_names(split)), -(-len(made[split]) // BLOCK))

    def test_every_domain_offers_every_shape(self) -> None:
        for domain in domain_names():
            for shape in SHAPES:
                assert self.first_of(domain, shape) is not None

    def first_of(self, domain: str, shape: str) -> Scenario | None:
        for attempt in range(60):
            try:
                return build(SeedPath(0, "train", domain, 0, 0, attempt), Wish(shape, DEPTHS[shape][0])).scenario
            except RejectedError:
                continue
        return None


class TestConformance:
    def test_scenarios_of_all_domains_conform(self, scenarios: list[Scenario]) -> None:
        sample = [
            scenario
            for domain in domain_names()
            for scenario in [scenario for scenario in scenarios if scenario.domain == domain][:8]
        ]
        assert len(sample) >= 60
        for scenario in sample:
            assert check_scenario(scenario, world_of(scenario)) == []

    def test_certificates_name_every_gate(self, scenarios: list[Scenario]) -> None:
        for scenario in scenarios:
            assert {"G1", "G2", "G3", "G4", "G5", "G6", "G7", "G8", "G9", "G11"} <= scenario.certificate.keys()
            assert scenario.certificate["G2"] == {"calls": len(scenario.sub_goals)}
            found = scenario.certificate["G7"]
            turns = found.get("turns", [found]) if scenario.shape != "decline" or not scenario.sub_goals else []
            assert all("parts" in turn for turn in turns)

    def test_ids_and_texts_are_unique(self, scenarios: list[Scenario]) -> None:
        assert len({scenario.id for scenario in scenarios}) == len(scenarios)
        assert len({scenario.user_turns for scenario in scenarios}) == len(scenarios)


class TestPlans:
    def test_unknown_splits_and_domains_are_named(self) -> None:
        with pytest.raises(UnknownNameError, match=r"no split named 'trainn'\. Did you mean 'train'"):
            PackPlan("tests", {"trainn": 5})
        with pytest.raises(UnknownNameError, match="no split named 'dev'"):
            PackPlan("tests", {"train": 5}, {"dev": ("energy",)})
        with pytest.raises(UnknownNameError, match=r"no domain named 'energyy'\. Did you mean 'energy'"):
            PackPlan("tests", {"train": 5}, {"train": ("energyy",)})

    @pytest.mark.parametrize("sizes", [{}, {"train": 0}, {"train": -1}, {"train": 5, "test": -2}])
    def test_sizes_must_make_sense(self, sizes: dict[str, int]) -> None:
        with pytest.raises(GenerationError, match="sizes must be"):
            PackPlan("tests", sizes)

    @pytest.mark.parametrize("level", [-1, 5])
    def test_complexity_has_a_range(self, level: int) -> None:
        with pytest.raises(GenerationError, match="complexity must be 0 to 4"):
            PackPlan("tests", {"train": 1}, complexity=level)

    def test_a_plan_that_leads_nowhere_says_why(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(shards, "MAX_ATTEMPTS", 3)
        monkeypatch.setattr(shards, "drawn", _refuse)
        with pytest.raises(GenerationError, match=r"no scenario found for train/0 in 3 attempts.*G4: too bad"):
            list(generate(PackPlan("tests", {"train": 1}), "train"))


def _refuse(*_: object, **__: object) -> None:
    gate, reason = "G4", "too bad"
    raise RejectedError(gate, reason)


class TestPacks:
    def test_a_pack_is_built_checked_and_equal_to_itself(self, tmp_path: Path) -> None:
        plan = PackPlan("small", {"train": 20, "test": 12}, seed=3)
        seen: list[int] = []
        card, report = build_pack(plan, tmp_path / "small", progress=lambda so_far: seen.append(so_far.accepted))
        assert card.splits == {"train": 20, "test": 12}
        assert (report.accepted, report.rebuilt, seen[-1]) == (32, 1, 32)
        assert report.attempts == 32 + sum(report.rejected.values())
        assert check_pack(FolderPack(tmp_path / "small"), limit=6).ok
        build_pack(plan, tmp_path / "again")
        for file in (tmp_path / "small").iterdir():
            assert file.read_bytes() == (tmp_path / "again" / file.name).read_bytes()

    def test_a_report_counts_by_gate(self) -> None:
        report = Report()
        list(generate(PackPlan("tests", {"validation": 16}), "validation", report))
        assert report.accepted == 16
        assert all(":" in reason for reason in report.rejected)

    def test_a_generator_that_changes_its_mind_writes_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        real = build

        def moody(path: SeedPath, asked: Wish) -> Candidate:
            return real(replace(path, draw=path.draw + 1), asked)

        monkeypatch.setattr(pipeline, "build", moody)
        with pytest.raises(GenerationError, match="came out differently"):
            build_pack(PackPlan("small", {"validation": 2}), tmp_path / "small")
        assert not (tmp_path / "small").exists()

    def test_the_number_of_workers_does_not_show(self, tmp_path: Path) -> None:
        plan = PackPlan("small", {"train": 48, "test": 16}, {"train": ("energy", "library", "travel")}, seed=3)
        for workers in (1, 2):
            build_pack(plan, tmp_path / str(workers), workers=workers)
        for file in (tmp_path / "1").iterdir():
            assert file.read_bytes() == (tmp_path / "2" / file.name).read_bytes()

    @pytest.mark.parametrize("stop", [1, 17, 40])
    def test_an_interrupted_run_goes_on_where_it_was(self, tmp_path: Path, stop: int) -> None:
        plan = PackPlan("small", {"train": 48}, {"train": ("energy", "library", "travel")}, seed=3)

        def killed(so_far: Report) -> None:
            if so_far.accepted >= stop:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            build_pack(plan, tmp_path / "small", progress=killed)
        assert not (tmp_path / "small").exists()
        finished = len(list((tmp_path / ".small.work").glob("*.jsonl")))
        assert finished == (stop - 1) // 16
        first: list[int] = []
        _, report = build_pack(plan, tmp_path / "small", progress=lambda so_far: first.append(so_far.accepted))
        assert first[0] == 16 * finished
        assert report.accepted == 48
        assert not (tmp_path / ".small.work").exists()
        build_pack(plan, tmp_path / "whole")
        for file in (tmp_path / "small").iterdir():
            assert file.read_bytes() == (tmp_path / "whole" / file.name).read_bytes()

    def test_what_another_plan_left_is_not_taken_up(self, tmp_path: Path) -> None:
        shards: dict[str, tuple[str, ...]] = {"train": ("energy", "library")}
        plans = [PackPlan("small", {"train": 32}, shards, seed=seed) for seed in (1, 2)]

        def killed(so_far: Report) -> None:
            if so_far.accepted >= 20:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            build_pack(plans[0], tmp_path / "small", progress=killed)
        build_pack(plans[1], tmp_path / "small")
        build_pack(plans[1], tmp_path / "whole")
        assert (tmp_path / "small" / "card.json").read_bytes() == (tmp_path / "whole" / "card.json").read_bytes()

    def test_only_the_shapes_asked_for_are_made(self) -> None:
        made = list(generate(PackPlan("tests", {"validation": 16}, shapes=("write", "decline")), "validation"))
        assert {scenario.shape for scenario in made} == {"write", "decline"}


@pytest.mark.slow
def test_a_thousand_scenarios_conform() -> None:
    plan = PackPlan("large", {"train": 700, "validation": 150, "test": 150}, seed=11)
    for split in plan.sizes:
        for scenario in generate(plan, split):
            assert check_scenario(scenario, world_of(scenario)) == [], scenario.seed_path


def _family(scenario: Scenario, tool: str) -> str:
    impl = scenario.tool_by_name[tool].impl
    return impl.family if isinstance(impl, TemplateImpl) else ""
