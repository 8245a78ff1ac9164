"""Complexity scaling: what is asked for is what comes out, the task stays what it was, and harder is harder."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import islice, pairwise
from typing import Any

import pytest

from tests.generators.building import world_of
from tests.generators.mutations_scaled import mutations
from tool_gym.envs.checker import check_scenario
from tool_gym.errors import GenerationError, UnknownNameError
from tool_gym.generators.build import SeedPath, Wish, build
from tool_gym.generators.build import world_of as world_at
from tool_gym.generators.calls import Caller, Stock, is_write, template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.document import Catalogue
from tool_gym.generators.domain import load_domain
from tool_gym.generators.gates import g12_scaled, prove
from tool_gym.generators.integrate import Interface
from tool_gym.generators.merges import PLAIN
from tool_gym.generators.registers import style_names
from tool_gym.generators.scale import MAX_LEVEL, OPERATORS, Knobs, asked_for
from tool_gym.generators.scale.docs import wear_documents
from tool_gym.generators.scale.faults import draw_faults
from tool_gym.generators.scale.knobs import VARIANTS
from tool_gym.generators.scale.noise import perturb_names, perturb_parameters
from tool_gym.generators.scale.parameters import expand_parameters
from tool_gym.generators.scale.results import wrap_results
from tool_gym.generators.scale.toolset import EXTRA_TOOLS, RETIRED_TWINS, retired_twins, thinned
from tool_gym.generators.scale.types import generalise_types
from tool_gym.runtime import InProcessRuntime
from tool_gym.scenario import Scenario, ToolSpec
from tool_gym.turns import Outcome

LEVELS = range(MAX_LEVEL + 1)
SHAPES = (("single_hop", 1), ("multi_hop", 3), ("write", 2), ("parallel_single_hop", 1), ("decline", 2))
OFF = ",".join(f"{name}=0" for name in OPERATORS)


@cache
def made(domain: str, shape: str, depth: int, complexity: str, number: int = 0) -> Candidate:
    """The first candidate of a kind that passes every gate."""
    for attempt in range(200):
        try:
            return build(SeedPath(number, "train", domain, 0, 0, attempt), Wish(shape, depth, complexity))
        except RejectedError:
            continue
    msg = f"no {shape} in {domain} at {complexity}"
    raise AssertionError(msg)


@cache
def documented() -> tuple[ToolSpec, ...]:
    """Tools of one domain as they are documented, one a concept."""
    interface = Interface(Catalogue(load_domain("energy"), style_names()[0]), PLAIN)
    return tuple({tool.name: tool for tool in map(interface.tool, interface.concepts)}.values())


def base() -> Any:
    return world_of("energy").base


class TestKnobs:
    @pytest.mark.parametrize("level", LEVELS)
    def test_one_level_is_every_operator_at_it(self, level: int) -> None:
        knobs = Knobs.draw(random.Random(1), 3, level)
        assert set(knobs.vector.values()) == {level}
        assert knobs.level == level

    def test_a_vector_fixes_what_it_names_and_draws_the_rest(self) -> None:
        drawn = [Knobs.draw(random.Random(seed), 3, "toolset=2, noise=0") for seed in range(60)]
        assert {(knobs.toolset, knobs.noise) for knobs in drawn} == {(2, 0)}
        assert len({knobs.parameters for knobs in drawn}) > 3

    def test_unasked_most_scenarios_are_modest_and_faults_are_one_in_five(self) -> None:
        drawn = [Knobs.draw(random.Random(seed), 3, None) for seed in range(2000)]
        assert sum(knobs.level < 2 for knobs in drawn) > 0.9 * len(drawn)
        assert 0.17 < sum(knobs.faults > 0 for knobs in drawn) / len(drawn) < 0.23
        assert 0 < sum(knobs.noise > 2 for knobs in drawn) < 0.06 * len(drawn)

    def test_weights_make_a_mean_and_shares_a_whole(self) -> None:
        assert sum(weight for weight, _ in OPERATORS.values()) == pytest.approx(1)
        assert all(sum(shares) == 100 for _, shares in OPERATORS.values())

    @pytest.mark.parametrize("text", ["5", "-1", "toolset=9", "toolset", "", "1.5"])
    def test_levels_have_a_range(self, text: str) -> None:
        with pytest.raises(GenerationError, match="complexity must be 0 to 4"):
            asked_for(text)

    def test_operators_have_names(self) -> None:
        with pytest.raises(UnknownNameError, match="toolset"):
            asked_for("tolset=2")


class TestOperators:
    def test_equal_scalings_are_one_object(self) -> None:
        for tool in documented():
            assert expand_parameters(tool, 3, 1) is expand_parameters(tool, 3, 1)
            assert perturb_parameters(tool, tool, 2, 1) is perturb_parameters(tool, tool, 2, 1)

    def test_level_0_changes_nothing(self) -> None:
        tools = list(documented())
        for tool in tools:
            assert expand_parameters(tool, 0, 1) is tool
            assert generalise_types(tool, 0, 1, base()) is tool
            assert wrap_results(tool, 0, 1) is tool
            assert perturb_parameters(tool, tool, 0, 1) is tool
            assert wear_documents(tool, tool, 0, 1) is tool
        assert perturb_names(tools, 0, 1) == tools

    @pytest.mark.parametrize("level", LEVELS)
    def test_every_scaled_tool_still_fits_its_family(self, level: int) -> None:
        world = world_of("energy")
        for variant in range(VARIANTS):
            tools = []
            for tool in documented():
                scaled = generalise_types(expand_parameters(tool, level, variant), level, variant, world.base)
                scaled = perturb_parameters(wrap_results(scaled, level, variant), tool, level, variant)
                tools.append(wear_documents(scaled, tool, level, variant))
            tools = perturb_names(tools, level, variant)
            assert len({tool.name for tool in tools}) == len(tools)
            InProcessRuntime((*tools, *retired_twins(tools, level, variant)), world)

    @pytest.mark.parametrize("level", LEVELS[1:])
    def test_scaled_tools_do_what_they_did(self, level: int) -> None:
        """Whatever is asked, the scaled tool's value, effects and failures are those of the tool it was."""
        world = world_of("energy")
        stock = Stock.of(world, names=["nobody"])
        for table in world.tables.values():
            for row in list(table.rows.values())[:2]:
                stock.names[row["name"]] = None
                for value in row.values():
                    stock.add(world, value)
        compared = 0
        for tool in documented():
            scaled = generalise_types(expand_parameters(tool, level, level), level, level, world.base)
            scaled = perturb_parameters(wrap_results(scaled, level, level), tool, level, level)
            before, after = (InProcessRuntime((one,), world) for one in (tool, scaled))
            for family in islice(self.calls(tool, stock), 6):
                was = before.start().call(tool.name, template(tool).public(family))
                now = after.start().call(scaled.name, template(scaled).public(family))
                assert now.outcome is was.outcome, (tool.name, family, now)
                assert now.effects == was.effects
                assert not was.ok or template(scaled).served(now.value) == was.value
                compared += was.ok
        assert compared > 2 * len(documented())

    def calls(self, tool: ToolSpec, stock: Stock) -> Iterator[dict[str, Any]]:
        caller = Caller(world_of("energy"))
        if is_write(tool):
            yield from caller.attempts(tool, list(stock.ids[template(tool).bindings["table"]])[:2])
        else:
            calls = caller.arguments(tool, stock)
            yield from (call for call in calls if stock.names.keys().isdisjoint((call.get("start"), call.get("end"))))

    @pytest.mark.parametrize("operator", ["parameters", "types", "results", "noise", "docs"])
    def test_higher_levels_change_more(self, operator: str) -> None:
        changed = [sum(self.changed(operator, tool, level) for tool in documented()) for level in LEVELS]
        assert all(fewer <= more for fewer, more in pairwise(changed[:4])), changed
        assert changed[0] == 0 < changed[1]

    def changed(self, operator: str, tool: ToolSpec, level: int) -> int:
        """In how many variants the tool is not as it was, or by how much it has grown."""
        found = 0
        for variant in range(VARIANTS):
            if operator == "parameters":
                found += len(expand_parameters(tool, level, variant).parameters["properties"])
                found -= len(tool.parameters["properties"])
            elif operator == "types":
                found += len(template(generalise_types(tool, level, variant, base())).codecs)
            elif operator == "results":
                found += template(wrap_results(tool, level, variant)).envelope is not None
            elif operator == "noise":
                found += perturb_parameters(tool, tool, min(level, 2), variant) != tool
            else:
                before, after = len(str(tool.parameters)), wear_documents(tool, tool, level, variant)
                found += max(0, before - len(str(after.parameters))) + len(tool.description) - len(after.description)
        return found

    def test_heavy_noise_lets_tools_bear_each_others_names(self) -> None:
        tools = list(documented())
        names = [tool.name for tool in perturb_names(tools, 3, 3)]
        assert sorted(names) == sorted(tool.name for tool in tools)
        moved = [tool for tool, name in zip(tools, names, strict=True) if tool.name != name]
        assert 0.4 * len(tools) < len(moved) < len(tools)

    def test_a_tool_nothing_describes_keeps_its_name(self) -> None:
        bare = [tool.model_copy(update={"description": ""}) for tool in documented()]
        for level in LEVELS:
            assert perturb_names(bare, level, 1) == bare

    def test_units_are_never_worn_away(self) -> None:
        for tool in documented():
            for variant in range(VARIANTS):
                worn = wear_documents(tool, tool, 4, variant)
                assert set(self.units(worn)) == set(self.units(tool))

    def units(self, tool: ToolSpec) -> list[str]:
        texts = [tool.description, *(of.get("description", "") for of in tool.parameters["properties"].values())]
        return [word.strip(".,()") for text in texts for word in text.split() if word.strip(".,()") in ("MW", "USD")]

    def test_twins_refuse_and_say_so(self) -> None:
        tools = list(documented())
        for level in LEVELS:
            twins = retired_twins(tools, level, level)
            assert len(twins) == RETIRED_TWINS[level]
            assert all("switched off" in twin.description and template(twin).retired for twin in twins)

    def test_thinning_keeps_half_each_time(self) -> None:
        sizes = [len(kept) for kept in thinned(list(documented()[:16]), random.Random(1))]
        assert sizes == [8, 4, 2, 1]

    @pytest.mark.parametrize("level", LEVELS)
    def test_faults_stay_within_an_episode(self, level: int) -> None:
        faults = draw_faults((f"tool_{number}" for number in range(9)), level, random.Random(level))
        assert (level > 0) == bool(faults)
        assert sum(fault.times for fault in faults) <= 12

    def test_levels_of_extension_are_ordered(self) -> None:
        assert all(fewer < more for fewer, more in pairwise(EXTRA_TOOLS))


class TestScenarios:
    @pytest.mark.parametrize("complexity", ["1", "3", "4", "noise=4,docs=4", "types=4,results=4"])
    @pytest.mark.parametrize(("shape", "depth"), SHAPES)
    def test_scaled_scenarios_conform(self, shape: str, depth: int, complexity: str) -> None:
        candidate = made("energy", shape, depth, complexity)
        assert check_scenario(candidate.scenario, candidate.world) == []
        assert prove(candidate)

    @pytest.mark.parametrize("operators", ["toolset=3", "docs=4", "faults=4", "parameters=1"])
    @pytest.mark.parametrize(("shape", "depth"), SHAPES)
    def test_preserving_operators_leave_the_oracle_as_it_was(self, shape: str, depth: int, operators: str) -> None:
        name = operators.partition("=")[0]
        complexity = OFF.replace(f"{name}=0", operators)
        for attempt in range(60):
            path = SeedPath(5, "train", "energy", 0, 0, attempt)
            try:
                low, high = (build(path, Wish(shape, depth, one)).scenario for one in (OFF, complexity))
            except RejectedError:
                continue
            assert (low.user_turns, low.goals) == (high.user_turns, high.goals)
            assert (low.sub_goals, low.plans) == (high.sub_goals, high.plans)
            return
        msg = "no draft passes at both"
        raise AssertionError(msg)

    def test_rewriting_operators_rewrite_it(self) -> None:
        kinds: Counter[str] = Counter()
        for number in range(6):
            scenario = made("energy", "multi_hop", 3, "4", number).scenario
            for sub_goal in scenario.sub_goals:
                impl = template(scenario.tool_by_name[sub_goal.tool])
                kinds.update(codecs=bool(impl.codecs), expected=bool(impl.expected), renames=bool(impl.renames))
                kinds.update(envelope=impl.envelope is not None)
        assert all(kinds[kind] > 0 for kind in ("codecs", "expected", "renames", "envelope")), kinds

    def test_complexity_0_is_plain(self) -> None:
        for shape, depth in SHAPES:
            scenario = made("energy", shape, depth, "0").scenario
            assert scenario.difficulty["level"] == 0
            assert not scenario.faults
            for tool in scenario.tools:
                impl = template(tool)
                assert not any((impl.codecs, impl.expected, impl.envelope, impl.retired, impl.inert))

    def test_the_vector_is_written_down(self) -> None:
        scenario = made("energy", "multi_hop", 3, "3").scenario
        assert {name: scenario.knobs[name] for name in OPERATORS} == dict.fromkeys(OPERATORS, 3)
        assert scenario.difficulty["level"] == 3

    def test_a_seed_path_gives_one_scenario_whatever_was_built_before(self) -> None:
        scenario: Scenario = made("energy", "multi_hop", 3, "4").scenario
        path = SeedPath.parse(scenario.seed_path)
        build(SeedPath(99, "train", "energy", 0, 1, 0), Wish("single_hop", 1, OFF))
        again = build(path, Wish("multi_hop", 3, "4")).scenario
        assert again.to_json() == scenario.to_json()
        assert world_at(path).id == scenario.world_ref

    def test_faults_are_overcome_by_trying_again(self) -> None:
        scenario = made("energy", "multi_hop", 3, "faults=4").scenario
        world = world_at(SeedPath.parse(scenario.seed_path))
        session = InProcessRuntime(scenario.tools, world, scenario.faults).start()
        fault = scenario.faults[0]
        sub_goal = next(one for one in scenario.sub_goals if one.tool == fault.tool)
        outcomes = [session.call(fault.tool, sub_goal.arguments or {}).outcome for _ in range(fault.times + 1)]
        assert outcomes == [Outcome.TRANSIENT_FAULT] * fault.times + [Outcome.OK]


@pytest.mark.parametrize("name", mutations)
def test_bad_scalings_are_caught(name: str) -> None:
    gate, make, least = mutations[name]
    caught = 0
    for number in range(2):
        for shape, depth in SHAPES:
            for complexity in ("0", "3"):
                mutant = make(made("energy", shape, depth, complexity, number))
                if mutant is not None:
                    with pytest.raises(RejectedError) as rejection:
                        gate.check(mutant)
                    assert rejection.value.gate == g12_scaled.GATE
                    caught += 1
    assert caught >= least
