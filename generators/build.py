"""One candidate in the making: decomposition, documents, integration, scaling, deployment and gates, in order.

A scenario is a pure function of its seed path `seed/split/domain/block/index/attempt/draw`, its shape, its depth and
the complexity asked for. Scenarios of a block share one world.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import Any

from tool_gym.generators.alternatives import alternatives
from tool_gym.generators.calls import template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Draft, RejectedError, compile_goal
from tool_gym.generators.deploy import Deployed, deploy
from tool_gym.generators.dialogue_build import draft_of, lines_of, with_questions
from tool_gym.generators.document import Catalogue
from tool_gym.generators.domain import Domain, load_domain
from tool_gym.generators.expressions import Cancel, Create, Transition, Update
from tool_gym.generators.gates import g08_shortcut, prove
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
    """Which of the drafts of an attempt it is: the one with the least covered edges is taken."""

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


def build(path: SeedPath, wish: Wish, *, draws: int = 1, prefer: Callable[[Draft], float] | None = None) -> Candidate:
    """Build and prove one candidate: a pure function of its arguments.

    Args:
        path: Its seed path.
        wish: What it should be.
        draws: How many drafts are drawn, from the path's own `draw` on.
        prefer: The draft for which this is least is taken, the first of several; None takes the first.

    Raises:
        RejectedError: If the draft comes to nothing, or a gate rejects it.
    """
    drawn, refused = [], RejectedError(SHAPE, "nothing drawn")
    for draw in range(path.draw, path.draw + draws):
        try:
            drawn.append(_Build(replace(path, draw=draw), wish))
        except RejectedError as error:
            refused = error
    if not drawn:
        raise refused
    built = drawn[0] if prefer is None else min(drawn, key=lambda one: prefer(one.draft))
    return built.decline() if wish.shape == "decline" else built.solvable()


def world_of(path: SeedPath) -> World:
    """Return the world of a candidate."""
    return _world(path.seed, path.split, path.domain, path.block)


class _Build:
    """One candidate in the making: the five stages in order."""

    def __init__(self, seed_path: SeedPath, wish: Wish) -> None:
        domain = self.domain = load_domain(seed_path.domain)
        world = self.world = world_of(seed_path)
        path = self.path = seed_path.parts
        self.shape = wish.shape
        self.scaling = stream(*path, "scale")
        planning = stream(*path, "plan")
        base = _unmet(wish.depth, planning) if wish.shape == "decline" else wish.shape
        # One service, one documentation: scenarios of a world share their tools, unless it takes many attempts.
        surface = stream(*path[:4], "surface", seed_path.attempt // PATIENCE)
        style = surface.choice(style_names())
        self.knobs = Knobs.draw(self.scaling, wish.depth, wish.complexity, shared=surface)
        self.draft: Draft = draft_of(base, wish.depth, Sampler(domain, world, planning))
        self.knobs = replace(self.knobs, merges=suited(self.knobs.merges, self.draft))
        self.interface = _interface(domain.name, style, self.knobs.merges)
        self.untaken: list[ToolCall] = []

    def solvable(self) -> Candidate:
        plain = self.draft
        self.draft, needed = self.interface.integrate(plain)
        deployed = deploy(self.draft, needed, self.interface, self.world)
        deployed = with_questions(self.draft, deployed, self.domain, self.world, stream(*self.path, "reply"))
        merged = prove_merge(self.interface, plain, deployed.arguments, self.world)
        unique = list({tool.name: tool for tool in (*needed, *self.contrary(plain))}.values())
        extra = extend_toolset(self.interface, unique, self.draft.calls, self.knobs.toolset, self.scaling)

        def made(unneeded: list[ToolSpec]) -> Candidate:
            return self.proved(self.scenario([*unique, *unneeded], deployed), {"merge": merged})

        try:
            return made(extra)
        except RejectedError as error:
            if error.gate != g08_shortcut.GATE or not extra:
                raise
        bare = made([])  # or the shorter way is the draft's own
        for fewer in thinned(extra, self.scaling):
            with suppress(RejectedError):
                return made(fewer)
        return bare

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
        extra = extend_toolset(self.interface, needed, self.draft.calls, level, self.scaling)
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
        extra = extend_toolset(self.interface, needed, self.draft.calls, self.knobs.toolset, self.scaling)
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
        return Scenario(
            id="unproved",
            generator_version=GENERATOR_VERSION,
            seed_path="/".join(str(part) for part in self.path),
            provenance="tool-gym pipeline",
            domain=self.domain.name,
            shape=self.shape,  # type: ignore[arg-type]  # a key of MIX
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
        candidate.scenario = scenario.model_copy(update={"certificate": {**certificate, **found}})
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


@lru_cache(maxsize=1024)
def _catalogue(domain: str, style: str) -> Catalogue:
    return Catalogue(load_domain(domain), style)


@lru_cache(maxsize=4096)
def _interface(domain: str, style: str, merges: Merges) -> Interface:
    return Interface(_catalogue(domain, style), merges)
