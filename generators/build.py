"""One candidate in the making: decomposition, documents, integration, scaling, deployment and gates, in order.

A scenario is a pure function of its seed path `seed/split/domain/block/index/attempt/draw`, its shape, its depth and
the complexity asked for. Scenarios of a block share one world.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import Any, NamedTuple

from tool_gym.generators.alternatives import alternatives
from tool_gym.generators.calls import template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Concept, Draft, RejectedError, compile_goal
from tool_gym.generators.deploy import Deployed, deploy
from tool_gym.generators.dialogue_build import draft_of, lines_of, with_questions
from tool_gym.generators.document import Catalogue
from tool_gym.generators.domain import Domain, load_domain
from tool_gym.generators.expressions import Cancel, Create, Transition, Update
from tool_gym.generators.gates import check, check_goal, g08_shortcut, prove
from tool_gym.generators.gates.g11_unsolvable import operands, serves
from tool_gym.generators.integrate import Interface, suited
from tool_gym.generators.merge_proof import prove_merge
from tool_gym.generators.merges import Merges
from tool_gym.generators.missing import LOOKS, Missing, goal_of, meant
from tool_gym.generators.registers import style_names
from tool_gym.generators.sampling import Sampler
from tool_gym.generators.scale import Complexity, Knobs, Oracle, View, extend_toolset, scale_view, thinned
from tool_gym.generators.seeding import stream
from tool_gym.generators.worlds import sample_world
from tool_gym.scenario import DeclineGoal, Plan, Scenario, ToolSpec
from tool_gym.turns import ToolCall
from tool_gym.world import World

GENERATOR_VERSION = "2"
"""Version of the whole pipeline: equal seeds give equal scenarios only under equal versions."""

SHAPE = "shape"
"""What drafts that come to no scenario of their shape are counted under."""

PATIENCE = 20
"""Attempts at a scenario after which its world's documentation and merges are drawn anew."""

VECTORS = 3
"""Complexity vectors that the scenarios of a world share out."""

_ABSENT = 0.5
"""Share of the short requests to be declined for which a row is missing and no tool."""

DEPTHS: dict[str, tuple[int, ...]] = {
    "single_hop": (1,),
    "parallel_single_hop": (1,),
    "multi_hop": (2, 3, 4, 5, 6),
    "parallel_multi_hop": (2, 3, 4, 5),
    "write": (2, 3, 4),
    "read_then_write": (2, 3, 4, 5, 6),
    "conditional": (2, 3, 4, 5, 6),
    "decline": (1, 2, 3, 4),
    "multi_turn": (2, 3, 4, 5),
    "ask": (1, 2, 3, 4),
}
"""Shape → the depths it is made in: calls of the longest chain; of a decline, of the request that cannot be met."""


@dataclass(frozen=True, slots=True)
class SeedPath:
    """Where a candidate comes from: equal paths give equal candidates."""

    seed: int
    split: str
    domain: str
    block: int
    index: int
    attempt: int
    draw: int = 0
    """Which of the drafts of an attempt it is."""

    @classmethod
    def parse(cls, text: str) -> SeedPath:
        """Read a scenario's `seed_path`."""
        seed, split, domain, *numbers = text.split("/")
        return cls(int(seed), split, domain, *map(int, numbers))

    @property
    def parts(self) -> tuple[str | int, ...]:
        """The path as names for `stream`."""
        return (self.seed, self.split, self.domain, self.block, self.index, self.attempt, self.draw)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a candidate."""

    shape: str
    depth: int
    """One of the shape's `DEPTHS`."""
    complexity: Complexity = None
    """How far the scaling operators go."""
    styles: tuple[str, ...] = ()
    """Styles of documentation to draw from; none for all."""


def build(path: SeedPath, wish: Wish) -> Candidate:
    """Build and prove one candidate: a pure function of its arguments.

    Args:
        path: Its seed path.
        wish: What it should be.

    Raises:
        RejectedError: If the draft comes to nothing, or a gate rejects it.
    """
    return finished(path, wish, drawn(path, wish))


def drawn(path: SeedPath, wish: Wish) -> Draft:
    """Draw the goal of a candidate, with the calls that reach it: a pure function of its arguments, and a cheap one.

    Raises:
        RejectedError: If this draw leads nowhere.
    """
    planning = stream(*path.parts, "plan")
    base = _unmet(wish.depth, planning) if wish.shape == "decline" else wish.shape
    return draft_of(base, wish.depth, Sampler(load_domain(path.domain), world_of(path), planning))


def finished(path: SeedPath, wish: Wish, draft: Draft) -> Candidate:
    """Make a draft a candidate and prove it.

    Args:
        path: Its seed path.
        wish: What it should be.
        draft: What `drawn` returned for these.

    Raises:
        RejectedError: If the draft comes to nothing, or a gate rejects it.
    """
    if draft.missing is None and not draft.links:  # nothing is made of what the gates would reject anyway
        check_goal(draft.goal, world_of(path))
    built = _Build(path, wish, draft)
    return built.decline() if wish.shape == "decline" else built.solvable()


def world_of(path: SeedPath) -> World:
    """Return the world of a candidate."""
    return _world(path.seed, path.split, path.domain, path.block)


class _Service(NamedTuple):
    """What the scenarios of a world share, so that they share tools; drawn anew for one that takes many attempts."""

    style: str
    knobs: tuple[Knobs, ...]
    """The complexity vectors among which each scenario draws its own."""
    seed: int
    """What the order is drawn from in which tools that are not needed are preferred."""


class _Build:
    """One candidate in the making: the five stages in order."""

    def __init__(self, seed_path: SeedPath, wish: Wish, draft: Draft) -> None:
        domain = self.domain = load_domain(seed_path.domain)
        self.world = world_of(seed_path)
        path = self.path = seed_path.parts
        self.shape = wish.shape
        self.draft = draft
        self.scaling = stream(*path, "scale")
        service = self.service = _service(path[:4], seed_path.attempt // PATIENCE, wish)
        knobs = replace(self.scaling.choice(service.knobs), depth=wish.depth)
        self.knobs = replace(knobs, merges=suited(knobs.merges, draft))
        self.interface = _interface(domain.name, service.style, self.knobs.merges)
        self.untaken: list[ToolCall] = []

    def solvable(self) -> Candidate:
        plain = self.draft
        self.draft, needed = self.interface.integrate(plain)
        deployed = deploy(self.draft, needed, self.interface, self.world)
        if self.draft.gap is not None:
            deployed = with_questions(self.draft, deployed, self.domain, self.world, stream(*self.path, "reply"))
        unique = list({tool.name: tool for tool in (*needed, *self.contrary(plain))}.values())
        extra = self.unneeded(unique, self.knobs.toolset)
        if extra:
            self.check_shortcuts(unique, deployed)  # the draft's own, before more is made of it
        merged = prove_merge(self.interface, plain, deployed.arguments, self.world)

        def made(unneeded: list[ToolSpec]) -> Candidate:
            return self.proved(self.scenario([*unique, *unneeded], deployed), {"merge": merged})

        try:
            return made(extra)
        except RejectedError as error:
            if error.gate != g08_shortcut.GATE or not extra:
                raise
        for fewer in thinned(extra, self.scaling):
            with suppress(RejectedError):
                self.check_shortcuts([*unique, *fewer], deployed)
                return made(fewer)
        return made([])

    def check_shortcuts(self, tools: list[ToolSpec], deployed: Deployed) -> None:
        """Run the gate that looks for shorter ways on the tools as they are documented: not scaled, without words."""
        bare = Scenario.model_construct(
            id="unproved",
            domain=self.domain.name,
            shape=self.shape,
            user_turns=("",) * max(1, len(self.draft.links)),
            world_ref=self.world.id,
            tools=tuple(tools),
            sub_goals=deployed.sub_goals,
            goals=deployed.goals,
            plans=(deployed.plan,),
        )
        check(g08_shortcut, Candidate(bare, self.world, self.domain, self.draft, interface=self.interface))

    def unneeded(self, needed: list[ToolSpec], level: int) -> list[ToolSpec]:
        """Return tools that are not needed; scenarios that need alike tools get much the same."""
        order = _order(self.interface, self.service.seed)
        return extend_toolset(self.interface, needed, self.draft.calls, level, order, self.scaling)

    def contrary(self, plain: Draft) -> list[ToolSpec]:
        """Return the tools of the branch not taken, which must be there too; its calls are tried out."""
        if plain.contrary is None:
            return []
        self.draft.contrary, tools = self.interface.integrate(plain.contrary)
        deploy(self.draft.contrary, tools, self.interface, self.world)
        self.untaken = list(self.draft.contrary.turns)
        return tools

    def decline(self) -> Candidate:
        """Hide every tool that could serve one thing the request needs, unless what it speaks of is not there."""
        if self.draft.missing is not None:
            return self.missing(self.draft.missing)
        targets = [target for expression in self.draft.goal for target in operands(expression)]
        target = targets[self.scaling.randrange(len(targets))]
        self.draft, tools = self.interface.integrate(self.draft)
        needed = list({tool.name: tool for tool in tools}.values())
        level = max(1, self.knobs.toolset)
        extra = self.unneeded(needed, level)
        visible = [tool for tool in (*needed, *extra) if not serves(tool, target)]
        if len(visible) < 2:
            raise RejectedError(SHAPE, "hardly a tool left")
        goal = DeclineGoal(id="g1", reason=_reason(target, self.domain))
        deployed = Deployed((), Plan(steps=()), (goal,), [])
        return self.proved(self.scenario(visible, deployed), {})

    def missing(self, missing: Missing) -> Candidate:
        """Show what looks, and what would meet the request if there were something to find."""
        wanted = self.interface.integrate(compile_goal(meant(missing), missing.shadow)).tools
        self.draft, looking = self.interface.integrate(self.draft)
        deployed = deploy(self.draft, looking, self.interface, self.world)
        deployed = deployed._replace(goals=(goal_of(self.draft, missing, self.world),))
        needed = list({tool.name: tool for tool in (*looking, *wanted)}.values())
        extra = self.unneeded(needed, self.knobs.toolset)
        visible = [*needed, *(tool for tool in extra if not missing.refuses(tool))]
        return self.proved(self.scenario(visible, deployed), {})

    def scenario(self, tools: list[ToolSpec], deployed: Deployed) -> Scenario:
        routes = alternatives(self.draft, deployed, tools, self.world)
        oracle = Oracle(routes.sub_goals, routes.plans)
        view = scale_view(tools, oracle, self.knobs, self.scaling, self.interface.catalogue.base)
        self.origins = view.origins
        if self.draft.contrary is not None:
            self.draft.contrary.turns = [_scaled(call, view) for call in self.untaken]
        visible = list(view.tools)
        self.scaling.shuffle(visible)
        return Scenario.model_construct(  # gate G1 reads it back, and so checks it
            id="unproved",
            generator_version=GENERATOR_VERSION,
            seed_path="/".join(str(part) for part in self.path),
            provenance="tool-gym pipeline",
            domain=self.domain.name,
            shape=self.shape,
            user_turns=lines_of(self.draft, self.domain, self.world, stream(*self.path, "words")),
            world_ref=self.world.id,
            tools=tuple(visible),
            sub_goals=view.sub_goals,
            goals=routes.goals,
            plans=view.plans,
            faults=view.faults,
            knobs={**self.knobs.record(), "style": self.interface.catalogue.style.name},
        )

    def proved(self, scenario: Scenario, certificate: dict[str, Any]) -> Candidate:
        if scenario.plans[0].steps and scenario.depth != self.knobs.depth:
            raise RejectedError(SHAPE, "another depth than asked for")
        if scenario.sub_goals and scenario.depth != self.knobs.depth:
            raise RejectedError(SHAPE, "another depth than asked for")
        difficulty = {"level": self.knobs.level, **_measure(scenario)}
        scenario = scenario.model_copy(update={"difficulty": difficulty}).with_id()
        candidate = Candidate(
            scenario, self.world, self.domain, self.draft, origins=self.origins, interface=self.interface
        )
        found = prove(candidate)
        candidate.scenario = scenario.with_certificate({**certificate, **found})
        return candidate


def _scaled(call: ToolCall, view: View) -> ToolCall:
    """Return a call to a tool as it was documented, made to the scaled one."""
    after = next(tool for tool in view.tools if tool.name in view.origins and view.origins[tool.name].name == call.name)
    given = template(view.origins[after.name]).translate(call.arguments)
    return ToolCall(after.name, template(after).public(given))


def _unmet(depth: int, planning: Random) -> str:
    """Draw the shape of a request that is to be declined; half of the short ones speak of what is not there."""
    if depth <= LOOKS and planning.random() < _ABSENT:
        return "missing"
    return "single_hop" if depth == 1 else planning.choice(("multi_hop", "multi_hop", "write"))


def _measure(scenario: Scenario) -> dict[str, Any]:
    parameters = [len(tool.parameters["properties"]) for tool in scenario.tools]
    needed = {scenario.sub_goal_by_id[step.sub_goal].tool for step in scenario.oracle().steps}
    return {
        "calls": len(scenario.oracle().steps),
        "depth": scenario.depth,
        "tools": len(scenario.tools),
        "unneeded_tools": len(scenario.tools) - len(needed),
        "parameters_per_tool": round(sum(parameters) / len(parameters), 2),
    }


def _reason(target: Any, domain: Domain) -> str:
    entity = (
        target.target.entity if isinstance(target, Update | Transition | Cancel) else getattr(target, "entity", None)
    )
    entity = entity if entity is not None else target.source.entity
    doing = "changes" if isinstance(target, Update | Transition | Cancel | Create) else "gives this figure of"
    return f"none of the tools {doing} {domain.entities[entity].plural}."


@lru_cache(maxsize=64)
def _world(seed: int, split: str, domain: str, block: int) -> World:
    return sample_world(load_domain(domain), stream(seed, split, domain, block, "world"))


@lru_cache(maxsize=256)
def _service(world: tuple[str | int, ...], era: int, wish: Wish) -> _Service:
    rng = stream(*world, "surface", era)
    style = rng.choice(wish.styles or style_names())
    return _Service(style, Knobs.several(rng, wish.complexity, VECTORS), rng.getrandbits(32))


@lru_cache(maxsize=1024)
def _order(interface: Interface, seed: int) -> tuple[Concept, ...]:
    concepts = list(interface.concepts)
    stream(seed, "unneeded").shuffle(concepts)
    return tuple(concepts)


@lru_cache(maxsize=1024)
def _catalogue(domain: str, style: str) -> Catalogue:
    return Catalogue(load_domain(domain), style)


@lru_cache(maxsize=4096)
def _interface(domain: str, style: str, merges: Merges) -> Interface:
    return Interface(_catalogue(domain, style), merges)
