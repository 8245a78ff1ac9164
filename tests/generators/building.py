"""Good candidates to start from, and ways to damage them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

from tool_gym.generators.alternatives import alternatives
from tool_gym.generators.build import DEPTHS, SeedPath, Wish, build
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Concept, Goal, RejectedError, compile_goal
from tool_gym.generators.deploy import deploy
from tool_gym.generators.dialogue import SHAPES as DIALOGUES
from tool_gym.generators.document import Catalogue
from tool_gym.generators.domain import domain_names, load_domain
from tool_gym.generators.expressions import Attr, ByName, Expression, walk
from tool_gym.generators.gates.g01_schema import SHAPES as SHAPES_OF_SCENARIOS
from tool_gym.generators.integrate import Interface
from tool_gym.generators.merges import PLAIN, Getters, Merges, Statistics
from tool_gym.generators.plan import MIX
from tool_gym.generators.seeding import stream
from tool_gym.generators.wording import realise
from tool_gym.generators.worlds import sample_world
from tool_gym.scenario import DeclineGoal, Plan, Scenario, SubGoal, ToolSpec
from tool_gym.world import World

SHAPES = tuple(MIX)


@cache
def world_of(domain: str, number: int = 0) -> World:
    return sample_world(load_domain(domain), stream("tests", domain, number))


@cache
def built(domain: str, shape: str, number: int = 0) -> Candidate:
    """A candidate of a domain and shape that the pipeline has proved; of what is to be declined, for want of a tool."""
    split = load_domain(domain).split
    for attempt in range(400):
        try:
            depth = DEPTHS[shape][attempt % len(DEPTHS[shape])]
            found = build(SeedPath(number, split, domain, 0, 0, attempt), Wish(shape, depth))
        except RejectedError:
            continue
        if found.draft.missing is None:
            return found
    msg = f"no {shape} in {domain}"
    raise AssertionError(msg)


@cache
def made(domain: str, shape: str, depth: int, number: int = 0) -> Candidate:
    """A candidate of a domain, shape and depth that the pipeline has proved."""
    split = load_domain(domain).split
    for attempt in range(100):
        try:
            return build(SeedPath(number, split, domain, 0, 0, attempt), Wish(shape, depth))
        except RejectedError:
            continue
    msg = f"no {shape} of depth {depth} in {domain}"
    raise AssertionError(msg)


@cache
def interface_of(domain: str, merges: Merges = PLAIN, style: str = "prose-1") -> Interface:
    """The tools of a domain, in plain prose unless told otherwise."""
    return Interface(Catalogue(load_domain(domain), style), merges)


def all_built() -> Iterator[Candidate]:
    """One candidate of every domain and shape in which the user speaks once."""
    for domain in domain_names():
        for shape in (shape for shape in SHAPES if shape not in DIALOGUES):
            yield built(domain, shape)


def assemble(  # noqa: PLR0913 - each says something else about the candidate
    goal: Goal,
    world: World,
    *,
    getters: Getters = "atomic",
    statistics: Statistics = "atomic",
    merges: Merges = PLAIN,
    extra: Iterable[Concept | ToolSpec] = (),
) -> Candidate:
    """A candidate for a goal chosen by hand, gates aside."""
    domain = load_domain(world.domain)
    interface = interface_of(domain.name, replace(merges, getters=getters, statistics=statistics))
    plain = compile_goal(goal, world)
    draft, needed = interface.integrate(plain)
    deployed = deploy(draft, needed, interface, world)
    if plain.contrary is not None:
        draft.contrary, others = interface.integrate(plain.contrary)
        deploy(draft.contrary, others, interface, world)
        needed = [*needed, *others]
    more = [item if isinstance(item, ToolSpec) else interface.tool(item) for item in extra]
    tools = {tool.name: tool for tool in (*needed, *more)}
    routes = alternatives(draft, deployed, list(tools.values()), world)
    scenario = Scenario(
        id="unproved",
        domain=domain.name,
        shape="multi_hop",
        user_turns=(realise(goal, domain, world, stream("words")),),
        world_ref=world.id,
        tools=tuple(tools.values()),
        sub_goals=routes.sub_goals,
        goals=routes.goals,
        plans=routes.plans,
    )
    shape = next((name for name, has in SHAPES_OF_SCENARIOS.items() if has(scenario)), scenario.shape)
    scenario = scenario.model_copy(update={"shape": shape})
    return Candidate(scenario.with_id(), world, domain, draft, interface=interface)


def refusal(  # noqa: PLR0913 - as for assemble
    goal: Goal,
    world: World,
    tools: Iterable[Concept],
    *,
    getters: Getters = "atomic",
    statistics: Statistics = "atomic",
    merges: Merges = PLAIN,
) -> Candidate:
    """A candidate that is to be declined, with only these tools to see."""
    domain = load_domain(world.domain)
    interface = interface_of(domain.name, replace(merges, getters=getters, statistics=statistics))
    visible = {tool.name: tool for tool in map(interface.tool, tools)}
    scenario = Scenario(
        id="unproved",
        domain=domain.name,
        shape="decline",
        user_turns=(realise(goal, domain, world, stream("words")),),
        world_ref=world.id,
        tools=tuple(visible.values()),
        goals=(DeclineGoal(id="g1", reason="none of the tools does it."),),
        plans=(Plan(steps=()),),
    )
    return Candidate(scenario.with_id(), world, domain, compile_goal(goal, world))


def altered(candidate: Candidate, world: World | None = None, **changes: Any) -> Candidate:
    """The candidate with fields of its scenario changed and its id made to fit."""
    if world is not None:
        changes["world_ref"] = world.id
    scenario = candidate.scenario.model_copy(update=changes).with_id()
    return Candidate(
        scenario,
        world or candidate.world,
        candidate.domain,
        candidate.draft,
        origins=candidate.origins,
        interface=candidate.interface,
    )


def with_goal(candidate: Candidate, **changes: Any) -> Candidate:
    """The candidate with fields of its one goal changed."""
    return altered(candidate, goals=(candidate.scenario.goals[0].model_copy(update=changes),))


def with_sub_goal(candidate: Candidate, number: int, **changes: Any) -> Candidate:
    """The candidate with fields of one sub-goal changed."""
    sub_goals = list(candidate.scenario.sub_goals)
    sub_goals[number] = sub_goals[number].model_copy(update=changes)
    return altered(candidate, sub_goals=tuple(sub_goals))


def with_tool(candidate: Candidate, change: Callable[[ToolSpec], ToolSpec], number: int = 0) -> Candidate:
    """The candidate with one tool changed."""
    tools = list(candidate.scenario.tools)
    tools[number] = change(tools[number])
    return altered(candidate, tools=tuple(tools))


def with_words(candidate: Candidate, text: str) -> Candidate:
    """The candidate with something added to its request."""
    return altered(candidate, user_turns=(f"{candidate.scenario.user_turns[0]} By the way: {text}.",))


def with_cells(world: World, cells: dict[tuple[str, str, str], Any]) -> World:
    """The world with cells changed, each by (table, row, column)."""
    tables = dict(world.tables)
    for (table, row_id, column), value in cells.items():
        rows = dict(tables[table].rows)
        rows[row_id] = {**rows[row_id], column: value}
        tables[table] = tables[table].model_copy(update={"rows": rows})
    return World(domain=world.domain, tables=tables)


def without_rows(world: World, table: str, row_ids: Iterable[str]) -> World:
    """The world without some rows that nothing refers to."""
    gone = set(row_ids)
    rows = {row_id: row for row_id, row in world.tables[table].rows.items() if row_id not in gone}
    tables = {**world.tables, table: world.tables[table].model_copy(update={"rows": rows})}
    return World(domain=world.domain, tables=tables)


def parts_of(candidate: Candidate, *kinds: type) -> list[Any]:
    """The nodes of some kinds in a candidate's goal."""
    found = [part for expression in candidate.draft.goal for part in walk(expression)]
    return [part for part in found if isinstance(part, kinds)]


def reads(candidate: Candidate) -> list[SubGoal]:
    """The sub-goals that find something out."""
    return [sub_goal for sub_goal in candidate.scenario.sub_goals if sub_goal.gold is not None]


def named(world: World, entity: str, number: int = 0) -> ByName:
    """A row called by its name."""
    return ByName(entity, list(world.tables[entity].rows)[number])


def cell(source: Any, column: str) -> Expression:
    """A cell of a row."""
    return Attr(source, column)
