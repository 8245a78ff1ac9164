"""One candidate in the making: decomposition, documents, integration, scaling, deployment and gates, in order.

A scenario is a pure function of its seed path `seed/split/domain/block/index/attempt/draw`, its shape, its depth and
the complexity asked for. Scenarios of a block share one world.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from random import Random
from typing import Any

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Draft, RejectedError, compile_goal
from tool_gym.generators.deploy import Deployed, deploy
from tool_gym.generators.document import REGISTERS, Catalogue, Register
from tool_gym.generators.domain import Domain, load_domain
from tool_gym.generators.expressions import Cancel, Create, Transition, Update
from tool_gym.generators.gates import prove
from tool_gym.generators.gates.g11_unsolvable import operands, serves
from tool_gym.generators.integrate import Getters, Interface, Statistics, prove_merge
from tool_gym.generators.sampling import Sampler
from tool_gym.generators.scale import Complexity, Knobs, extend_toolset, scale_view
from tool_gym.generators.seeding import stream
from tool_gym.generators.wording import realise
from tool_gym.generators.worlds import sample_world
from tool_gym.scenario import DeclineGoal, Plan, Scenario, ToolSpec
from tool_gym.world import World

GENERATOR_VERSION = "1"
"""Version of the whole pipeline: equal seeds give equal scenarios only under equal versions."""

SHAPE = "shape"
"""What drafts that come to no scenario of their shape are counted under."""

DEPTHS: dict[str, tuple[int, ...]] = {
    "single_hop": (1,),
    "parallel_single_hop": (1,),
    "multi_hop": (2, 3, 4, 5, 6),
    "parallel_multi_hop": (2, 3, 4, 5),
    "write": (2, 3, 4),
    "read_then_write": (2, 3, 4, 5, 6),
    "decline": (1, 2, 3, 4),
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
        self.knobs = Knobs.draw(self.scaling, wish.depth, wish.complexity)
        register = REGISTERS[self.scaling.randrange(len(REGISTERS))]
        self.interface = _interface(domain.name, register, self.knobs.getters, self.knobs.statistics)
        self.draft: Draft = compile_goal(Sampler(domain, world, planning).goal(base, wish.depth), world)

    def solvable(self) -> Candidate:
        needed = [self.interface.tool(call.concept) for call in self.draft.calls]
        deployed = deploy(self.draft, needed, self.interface, self.world)
        merged = prove_merge(self.interface, self.draft.calls, deployed.arguments, self.world)
        unique = list({tool.name: tool for tool in needed}.values())
        extra = extend_toolset(self.interface, unique, self.draft.calls, self.knobs.toolset, self.scaling)
        scenario = self.scenario([*unique, *extra], deployed)
        if scenario.depth != self.knobs.depth:
            raise RejectedError(SHAPE, "another depth than asked for")
        return self.proved(scenario, {"merge": {"compared": merged}})

    def decline(self) -> Candidate:
        """Hide every tool that could serve one thing the request needs."""
        targets = [target for expression in self.draft.goal for target in operands(expression)]
        target = targets[self.scaling.randrange(len(targets))]
        needed = list(
            {tool.name: tool for call in self.draft.calls for tool in [self.interface.tool(call.concept)]}.values()
        )
        level = max(1, self.knobs.toolset)
        extra = extend_toolset(self.interface, needed, self.draft.calls, level, self.scaling)
        visible = [tool for tool in (*needed, *extra) if not serves(tool, target)]
        if len(visible) < 2:
            raise RejectedError(SHAPE, "hardly a tool left")
        goal = DeclineGoal(id="g1", reason=_reason(target, self.domain))
        deployed = Deployed((), Plan(steps=()), (goal,), [])
        return self.proved(self.scenario(visible, deployed), {})

    def scenario(self, tools: list[ToolSpec], deployed: Deployed) -> Scenario:
        view = scale_view(
            tools, deployed.sub_goals, (deployed.plan,), self.knobs, self.scaling, self.interface.catalogue.base
        )
        self.origins = view.origins
        visible = list(view.tools)
        self.scaling.shuffle(visible)
        return Scenario(
            id="unproved",
            generator_version=GENERATOR_VERSION,
            seed_path="/".join(str(part) for part in self.path),
            provenance="tool-gym pipeline",
            domain=self.domain.name,
            shape=self.shape,  # type: ignore[arg-type]  # a key of MIX
            user_turns=(realise(self.draft.goal, self.domain, self.world, stream(*self.path, "words")),),
            world_ref=self.world.id,
            tools=tuple(visible),
            sub_goals=view.sub_goals,
            goals=deployed.goals,
            plans=view.plans,
            faults=view.faults,
            knobs=self.knobs.record(),
        )

    def proved(self, scenario: Scenario, certificate: dict[str, Any]) -> Candidate:
        scenario = scenario.model_copy(update={"difficulty": {"level": self.knobs.level, **_measure(scenario)}}).with_id()
        candidate = Candidate(scenario, self.world, self.domain, self.draft, origins=self.origins)
        found = prove(candidate)
        candidate.scenario = scenario.model_copy(update={"certificate": {**certificate, **found}})
        return candidate


def _unmet(depth: int, planning: Random) -> str:
    """Draw the shape of a request that is to be declined."""
    return "single_hop" if depth == 1 else planning.choice(("multi_hop", "multi_hop", "write"))


def _measure(scenario: Scenario) -> dict[str, Any]:
    parameters = [len(tool.parameters["properties"]) for tool in scenario.tools]
    needed = {sub_goal.tool for sub_goal in scenario.sub_goals}
    return {
        "calls": len(scenario.sub_goals),
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
def _interface(domain: str, register: Register, getters: Getters, statistics: Statistics) -> Interface:
    return Interface(Catalogue(load_domain(domain), register), getters, statistics)
