"""Function integration: every call has one call to the merged tools that serves and changes the same."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import fields, replace
from typing import Any

import pytest

from tests.generators.building import interface_of, named, world_of
from tool_gym.generators.calls import template
from tool_gym.generators.concepts import full_concept
from tool_gym.generators.decompose import Call, Concept, RejectedError, compile_goal
from tool_gym.generators.deploy import deploy
from tool_gym.generators.domain import domain_names
from tool_gym.generators.expressions import Agg, Attr, ById, Convert, Top
from tool_gym.generators.integrate import Interface, suited
from tool_gym.generators.merge_proof import made, prove_merge
from tool_gym.generators.merges import ATOMIC, CHOICES, PLAIN, Merges
from tool_gym.generators.overlap import function_of
from tool_gym.generators.seeding import stream
from tool_gym.world import World

LEVELS = range(5)


class Sampling:
    """Calls of full concepts, with arguments drawn from a world."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self.world, self.rng = world, rng

    def call(self, concept: Concept) -> Call:
        family, *rest = concept
        literals, path = getattr(self, f"_{family}")(*rest)
        cut = CUT.get(str(family), len(concept))
        return Call(None, concept[:cut], path, literals)  # type: ignore[arg-type]  # nobody asks what it is for

    def row(self, table: str) -> str:
        return self.rng.choice(list(self.world.tables[table].rows))

    def group(self, table: str, by: str | None) -> dict[str, Any]:
        return {by: self.row(self.world.tables[table].columns[by].table or "")} if by is not None else {}

    def category(self, table: str, column: str | None) -> dict[str, Any]:
        return {column: self.rng.choice(self.world.tables[table].columns[column].values)} if column is not None else {}

    def _find(self, table: str) -> Any:
        return {"name": self.world.tables[table].rows[self.row(table)]["name"]}, ("id",)

    def _get(self, table: str, column: str) -> Any:
        return {"id": self.row(table), "field": column}, (column,)

    def _top(self, table: str, by: str | None, column: str, direction: str) -> Any:
        path = (self.rng.choice(("id", "name")),)
        return {"order_by": column, "direction": direction, **self.group(table, by)}, path

    def _list(self, table: str, by: str | None) -> Any:
        path = (self.rng.choice(("total", "items")),)
        return {"page": self.rng.choice((1, 2)), **self.group(table, by)}, path

    def _search(self, table: str, category: str | None) -> Any:
        columns = self.world.tables[table].columns.items()
        sort = self.rng.choice([name for name, column in columns if column.type in ("integer", "number", "date")])
        order, limit = self.rng.choice(("ascending", "descending")), self.rng.choice((1, 5))
        return {"sort_by": sort, "order": order, "limit": limit, **self.category(table, category)}, ("items", 0, "id")

    def _summarize(self, *concept: Any) -> Any:
        table, by, operation, column, category = concept
        field = {"field": column} if column else {}
        return {"operation": operation, **field, **self.category(table, category), **self.group(table, by)}, ("value",)

    def _compare(self, table: str, column: str) -> Any:
        pair = {"first_id": self.row(table), "second_id": self.row(table)}
        return {"field": column, **pair}, (self.rng.choice(("higher_id", "difference")),)

    def _check_availability(self, table: str) -> Any:
        return {"id": self.row(table), "date": "2025-06-02"}, ("available",)

    def _calculate(self, operation: str) -> Any:
        return {"operation": operation, "a": self.rng.randint(1, 99), "b": self.rng.randint(0, 9)}, ("value",)

    def _convert_unit(self, unit: str, target: str) -> Any:
        return {"from_unit": unit, "to_unit": target, "value": self.rng.randint(1, 99)}, ("value",)

    def _days_between(self) -> Any:
        return {"start": "2025-01-02", "end": "2025-03-04"}, ("days",)

    def _create(self, table: str) -> Any:
        columns, cells = self.world.tables[table].columns, self.world.tables[table].rows[self.row(table)]
        kept = [name for name in cells if name not in ("id", "name") and columns[name].type != "state"]
        return {name: cells[name] for name in kept}, ()

    def _update(self, table: str, column: str) -> Any:
        spec = self.world.tables[table].columns[column]
        return {"id": self.row(table), "field": column, "value": self.rng.choice((spec.low, spec.high, -1))}, ()

    def _transition(self, table: str, column: str, value: str) -> Any:
        return {"id": self.row(table), column: value}, ()

    def _cancel(self, table: str, _: str) -> Any:
        return {"id": self.row(table)}, ()


CUT = {
    "top": 3,
    "search": 2,
    "summarize": 5,
    "compare": 2,
    "update": 2,
    "transition": 3,
    "calculate": 1,
    "convert_unit": 1,
}
"""How much of a concept decomposition names."""

ALONE = [
    (name, choice) for name, levels in CHOICES.items() for choice in sorted({c for level in levels for c in level})
]


@pytest.mark.parametrize("name", domain_names())
def test_every_call_of_every_domain_has_one_call_of_equal_result_under_every_level_of_merging(name: str) -> None:
    world, plain = world_of(name), interface_of(name, ATOMIC)
    rng = random.Random(name)
    sampling = Sampling(world, rng)
    concepts = [concept for concept in plain.concepts if concept[0] != "measure"]
    compared, failed = 0, 0
    for level in LEVELS:
        merged = interface_of(name, Merges.draw(stream(name, level), level))
        for concept in rng.sample(concepts, min(len(concepts), 40)):
            call = sampling.call(concept)
            assert full_concept(call, merged.catalogue.domain) == concept
            before = made(call, plain.route(concept), call.literals, world)
            assert made(call, merged.route(concept), call.literals, world) == before, (concept, merged.merges)
            compared, failed = compared + 1, failed + (before == (None, ()))
    assert failed < compared / 4


@pytest.mark.parametrize("name", ["energy", "museum"])
@pytest.mark.parametrize("choice", ALONE, ids="-".join)
def test_each_operator_alone_keeps_every_call(name: str, choice: tuple[str, str]) -> None:
    world, plain = world_of(name), interface_of(name, ATOMIC)
    merged = interface_of(name, replace(ATOMIC, **{choice[0]: choice[1]}))  # type: ignore[arg-type]  # a choice of that operator
    sampling = Sampling(world, random.Random(1))
    for concept in plain.concepts:
        call = sampling.call(concept)
        before = made(call, plain.route(concept), call.literals, world)
        assert made(call, merged.route(concept), call.literals, world) == before, concept


def test_more_merging_makes_fewer_tools() -> None:
    counts = [len(public_tools(interface_of("energy", Merges.draw(stream("l", level), level)))) for level in LEVELS]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 5 * counts[-1]


def public_tools(interface: Interface) -> dict[str, Any]:
    return {tool.name: tool for tool in map(interface.tool, interface.concepts)}


@pytest.mark.parametrize("name", domain_names())
def test_no_two_tools_of_an_interface_share_a_name(name: str) -> None:
    for level in LEVELS:
        interface = interface_of(name, Merges.draw(stream(name, level, "names"), level))
        objects = {id(tool): tool for tool in map(interface.tool, interface.concepts)}
        counted = Counter(tool.name for tool in objects.values())
        assert not [tool for tool, count in counted.items() if count > 1]


def test_tools_that_do_the_same_are_known_whatever_they_are_called() -> None:
    plain = interface_of("energy", replace(ATOMIC, units="split"))
    base, tool = plain.catalogue.base, plain.catalogue.document
    cancel, passed = tool("cancel", "inspection"), tool("transition_one", "inspection", "passed")
    assert function_of(tool("transition_one", "inspection", "cancelled"), base) == function_of(cancel, base)
    assert function_of(passed, base) != function_of(cancel, base)
    tools = {id(one): one for one in map(plain.tool, plain.concepts)}
    twins = Counter(function_of(one, base) for one in tools.values())
    assert set(twins.values()) == {1, 2}
    assert {key[0] for key, count in twins.items() if count > 1} == {"transition"}


class TestProof:
    def ready(self, merges: Merges) -> tuple[Interface, Any, list[dict[str, Any]], World]:
        world = World(domain="energy", tables=world_of("energy").tables)  # one that remembers no proof
        plant = next(iter(world.tables["plant"].rows))
        goal = (
            Attr(named(world, "plant"), "build_cost"),
            Agg("inspection", "sum", "cost", "plant_id", ById("plant", plant)),
        )
        interface = interface_of("energy", merges)
        draft = compile_goal(goal, world)
        changed, tools = interface.integrate(draft)
        return interface, draft, deploy(changed, tools, interface, world).arguments, world

    def test_unmerged_tools_need_no_proof(self) -> None:
        assert prove_merge(*self.ready(ATOMIC)) == {"merged": 0, "compared": 0}

    @pytest.mark.parametrize("getters", ["by_field", "record", "union"])
    def test_right_merges_are_proved(self, getters: Any) -> None:
        ready = self.ready(replace(ATOMIC, getters=getters, statistics="merged", records="merged"))
        found = prove_merge(*ready)
        assert found == {"merged": 3, "compared": 3}
        assert prove_merge(*ready) == found  # whether or not the world remembers

    def test_a_wrong_merge_is_caught(self, monkeypatch: pytest.MonkeyPatch) -> None:
        interface, draft, arguments, world = self.ready(replace(ATOMIC, getters="by_field"))
        concept = ("get", "plant", "build_cost")
        wrong = interface.catalogue.document("get_field", "plant", "capacity")
        monkeypatch.setitem(interface._routes, concept, interface.route(concept)._replace(tool=wrong))
        with pytest.raises(RejectedError, match="differs from"):
            prove_merge(interface, draft, arguments, world)

    def test_a_merge_that_is_wrong_for_other_rows_only_is_caught(self, monkeypatch: pytest.MonkeyPatch) -> None:
        interface, draft, arguments, world = self.ready(replace(ATOMIC, getters="by_field"))
        right = made

        def wrong(call: Call, route: Any, given: dict[str, Any], where: World) -> Any:
            is_asked = given.get("id") == arguments[1].get("id")
            return right(call, route, given, where) if is_asked else route.tool.name

        monkeypatch.setattr("tool_gym.generators.merge_proof.made", wrong)
        with pytest.raises(RejectedError, match="differs from"):
            prove_merge(interface, draft, arguments, world)


def test_a_plan_that_converts_units_gets_no_tools_that_do_it_for_it() -> None:
    world = world_of("energy")
    read = Attr(named(world, "plant"), "capacity")
    merges = replace(PLAIN, units="merged")
    assert suited(merges, compile_goal((read,), world)).units == "merged"
    assert suited(merges, compile_goal((Convert(read, "MW", "kW"),), world)).units == "stored"


def test_integration_leaves_the_draft_alone_and_moves_what_refers_to_it() -> None:
    world = world_of("energy")
    top = Top("plant", "build_cost", descending=True)
    draft = compile_goal((Attr(top, "capacity"),), world)
    before = [replace(call) for call in draft.calls]
    changed, tools = interface_of("energy", replace(PLAIN, selection="query")).integrate(draft)
    assert draft.calls == before
    assert changed.calls[0].literals == {"sort_by": "build_cost", "order": "descending", "limit": 1}
    assert changed.calls[1].references == {"id": (0, ("items", 0, "id"))}
    assert [template(tool).family for tool in tools] == ["search", "get"]


def test_every_choice_can_be_drawn() -> None:
    drawn = [Merges.draw(stream("draws", n), n % 5) for n in range(400)]
    for field in fields(Merges):
        wanted = {choice for levels in CHOICES[field.name] for choice in levels}
        assert {getattr(merges, field.name) for merges in drawn} == wanted
