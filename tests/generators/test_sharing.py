"""Scenarios of a world share their tools, and a draft is drawn and checked before anything is made of it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.generators.building import assemble, interface_of, named, world_of
from tool_gym.generators import build as building
from tool_gym.generators import shards
from tool_gym.generators.batches import Batches
from tool_gym.generators.build import VECTORS, SeedPath, Wish, build, drawn, finished
from tool_gym.generators.calls import Stock
from tool_gym.generators.coverage import Coverage, edges
from tool_gym.generators.decompose import Draft, Goal, RejectedError
from tool_gym.generators.domain import load_domain
from tool_gym.generators.expressions import Attr, ById, Follow, Top
from tool_gym.generators.gates import OF_GOALS, check_goal
from tool_gym.generators.plan import PackPlan
from tool_gym.generators.scale import Knobs
from tool_gym.generators.scale.noise import perturb_names
from tool_gym.generators.scale.toolset import extend_toolset, retired_twins
from tool_gym.generators.shards import Report, make_shard
from tool_gym.scenario import Scenario, ToolSpec

WORLD = world_of("energy")
TOOLS = [interface_of("energy").tool(concept) for concept in interface_of("energy").concepts]
SETS = st.lists(st.sampled_from(TOOLS), min_size=4, max_size=14, unique_by=lambda tool: tool.name)


@pytest.fixture(scope="module")
def block() -> list[Scenario]:
    """The scenarios of one world, in the default mix."""
    plan = PackPlan("shared", {"train": 16}, {"train": ("energy",)}, seed=2)
    return [Scenario.from_json(made.line) for made in make_shard(plan, plan.shards()[0], Report())]


class TestSharing:
    def test_scenarios_of_a_world_share_out_a_few_vectors(self, block: list[Scenario]) -> None:
        operators = [name for name in Knobs.draw(random.Random(1), 1, 0).vector if name != "depth"]
        vectors = Counter(tuple(scenario.knobs[name] for name in operators) for scenario in block)
        assert 1 < len(vectors) <= VECTORS

    def test_and_tools(self, block: list[Scenario]) -> None:
        tools = Counter(tool.digest for scenario in block for tool in scenario.tools)
        assert sum(tools.values()) > 1.5 * len(tools)

    @given(st.integers(0, 2**32), st.sampled_from([None, "2", "toolset=1"]))
    def test_equal_levels_treat_a_tool_alike(self, seed: int, complexity: str | None) -> None:
        drawn_together = Knobs.several(random.Random(seed), complexity, 6)
        assert len({knobs.variant for knobs in drawn_together}) == 1
        by_level: dict[int, object] = {}
        assert all(by_level.setdefault(knobs.merge, knobs.merges) == knobs.merges for knobs in drawn_together)

    @given(SETS, st.data(), st.integers(1, 2), st.integers(0, 7))
    def test_a_tool_is_renamed_alike_whatever_stands_beside_it(
        self, tools: list[ToolSpec], data: st.DataObject, level: int, variant: int
    ) -> None:
        some = [tool for tool in tools if data.draw(st.booleans())]
        names = dict(zip((t.name for t in tools), (t.name for t in perturb_names(tools, level, variant)), strict=True))
        for tool, renamed in zip(some, perturb_names(some, level, variant), strict=True):
            assert renamed.name == names[tool.name]

    @given(SETS, st.data(), st.integers(2, 4), st.integers(0, 7))
    def test_a_tool_keeps_its_twin_among_fewer_tools(
        self, tools: list[ToolSpec], data: st.DataObject, level: int, variant: int
    ) -> None:
        twins = {twin.name for twin in retired_twins(tools, level, variant)}
        left_out = data.draw(st.sampled_from(tools))
        fewer = {twin.name for twin in retired_twins([t for t in tools if t is not left_out], level, variant)}
        assert len(twins - fewer) <= 1  # its own

    def test_unneeded_tools_follow_the_order_of_the_service(self) -> None:
        candidate = assemble((Attr(named(WORLD, "plant"), "capacity"),), WORLD)
        interface = interface_of("energy")
        order = list(interface.concepts)
        chosen = []
        for seed in range(2):
            random.Random(seed).shuffle(order)
            needed, calls = list(candidate.scenario.tools), candidate.draft.calls
            found = [extend_toolset(interface, needed, calls, 3, order, random.Random(n)) for n in range(4)]
            chosen.append({tool.name for tools in found for tool in tools})
        assert all(len(names) < 25 for names in chosen), chosen  # of 4 x 10
        assert chosen[0] != chosen[1]


class TestDrafts:
    def test_a_candidate_is_its_draft_finished(self) -> None:
        made = 0
        for attempt in range(40):
            path, wish = SeedPath(1, "train", "energy", 0, 0, attempt), Wish("multi_hop", 3)
            try:
                expected = build(path, wish).scenario
            except RejectedError:
                continue
            assert finished(path, wish, drawn(path, wish)).scenario == expected
            made += 1
        assert made > 3

    def test_what_covers_something_new_is_tried_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        paths = [SeedPath(1, "train", "energy", 0, 0, 0, draw) for draw in range(shards.DRAWS)]
        wish, coverage, report = Wish("multi_hop", 3), Coverage(), Report()
        found = {path: drawn(path, wish) for path in paths}
        for path in paths[:-1]:
            coverage.add("multi_hop", 3, found[path])
        new = [path for path in paths if coverage.score(found[path]) < 1]
        rest = sorted((path for path in paths if path not in new), key=lambda path: coverage.score(found[path]))
        monkeypatch.setattr(shards, "drawn", lambda path, _: found[path])
        assert [path for path, _ in shards._drafts(paths[0], wish, coverage, report)] == new + rest
        assert [path for path, _ in shards._drafts(paths[0], wish, None, report)] == paths[:1]
        assert report.attempts == 0

    def test_drafts_that_come_to_nothing_are_counted(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(path: SeedPath, wish: Wish) -> Draft:
            if path.draw % 2:
                gate, reason = "shape", "no such chain"
                raise RejectedError(gate, reason)
            return drawn(path, wish)

        monkeypatch.setattr(shards, "drawn", refuse)
        report = Report()
        tried = list(shards._drafts(SeedPath(1, "train", "energy", 0, 0, 0), Wish("write", 2), Coverage(), report))
        assert (len(tried), report.rejected) == (shards.DRAWS // 2, {"shape: no such chain": shards.DRAWS // 2})
        assert all(edges(draft) for _, draft in tried)


def bad_goals() -> dict[str, tuple[str, Goal]]:
    plant = named(WORLD, "plant")
    same = Attr(ById("plant", plant.row), "opened")
    operator = Follow("operator", "operator_id", plant)
    ties = Top("plant", "capacity", descending=True, by="operator_id", parent=ById("operator", "none"))
    return {
        "two_descriptions": ("G4", (Attr(plant, "capacity"), same)),
        "nobody": ("G4", (ties,)),
        "no_row": ("G4", (Attr(ById("plant", "PL0"), "capacity"), Attr(operator, "name"))),
    }


@pytest.mark.parametrize("name", bad_goals())
def test_a_bad_goal_is_refused_before_anything_is_made_of_it(name: str) -> None:
    gate, goal = bad_goals()[name]
    for _ in range(2):  # whether or not the world remembers
        with pytest.raises(RejectedError) as found:
            check_goal(goal, WORLD)
        assert found.value.gate == gate


def refused(check: Callable[..., object], *given: object) -> bool:
    try:
        check(*given)
    except RejectedError:
        return True
    return False


def test_gates_of_goals_find_the_same_on_the_candidate() -> None:
    path = SeedPath(1, "train", "energy", 0, 0, 0)
    for attempt in range(30):
        one = SeedPath(1, "train", "energy", 0, 0, attempt)
        goal = drawn(one, Wish("multi_hop", 3)).goal
        world = building.world_of(path)
        try:
            candidate = assemble(goal, world)
        except RejectedError:
            continue
        for gate in OF_GOALS:
            if refused(gate.check_goal, goal, world):
                assert refused(gate.check, candidate)


def test_a_list_says_no_more_for_certain_than_in_whole() -> None:
    interface = interface_of("energy")
    stock = Stock.of(WORLD, [*list(WORLD.tables["plant"].rows)[:3], *load_domain("energy").entities])
    listed = 0
    for concept in (("list", "inspection", None), ("search", "plant"), ("list", "plant", "operator_id")):
        for batch in Batches(interface.tool(concept), WORLD, stock).fitting(None):
            for listing in batch.lists:
                listed += 1
                assert listing.certain.values <= listing.whole.values <= batch.said
                assert listing.whole.ids.keys() <= listing.whole.values
                assert listing.size >= len(listing.items)
    assert listed
