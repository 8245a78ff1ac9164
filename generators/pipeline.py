"""The pipeline: decomposition, documents, integration, scaling, deployment, gates; a pack from one seed.

A scenario is a pure function of its seed path `seed/split/domain/block/index/attempt`. Drafts that fail are counted by
gate and reason and never kept; duplicates are settled in order of index. Scenarios of a block share one world.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from tool_gym.envs.pack import SPLITS, Card, check_pack_name
from tool_gym.envs.pack_writer import write_pack
from tool_gym.errors import GenerationError, UnknownNameError
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Draft, RejectedError, compile_goal
from tool_gym.generators.deploy import Deployed, deploy
from tool_gym.generators.document import REGISTERS, Catalogue, Register
from tool_gym.generators.domain import Domain, domain_names, load_domain
from tool_gym.generators.expressions import Cancel, Create, Transition, Update
from tool_gym.generators.gates import g05_guess, g13_determinism, g14_duplicates, prove
from tool_gym.generators.gates.g11_unsolvable import operands, serves
from tool_gym.generators.integrate import Getters, Interface, Statistics, prove_merge
from tool_gym.generators.sampling import Sampler
from tool_gym.generators.scale import MAX_LEVEL, Knobs, expand_parameters, extend_toolset
from tool_gym.generators.seeding import stream
from tool_gym.generators.wording import realise
from tool_gym.generators.worlds import sample_world
from tool_gym.scenario import AnswerGoal, DeclineGoal, Plan, Scenario, ToolSpec
from tool_gym.values import display
from tool_gym.world import World

GENERATOR_VERSION = "1"
"""Version of the whole pipeline: equal seeds give equal scenarios only under equal versions."""

MIX = {
    "single_hop": 12,
    "parallel_single_hop": 14,
    "multi_hop": 28,
    "parallel_multi_hop": 20,
    "write": 16,
    "decline": 10,
}
"""Shapes and their shares, in percent."""

SHAPE = "shape"
"""What drafts that come to no scenario of their shape are counted under."""

MAX_DEPTH = 6
BLOCK = 16
"""Scenarios that share a world."""

MAX_ATTEMPTS = 400
MAX_ANSWER_SHARE = 0.005
"""Largest share of a split that one answer may have (never fewer than 3 scenarios)."""


@dataclass(frozen=True)
class PackPlan:
    """What pack is to be made.

    Args:
        name: The pack's id: lower-case letters, digits, `-` and `_`.
        sizes: Split → number of scenarios.
        domains: Split → names of the domains it draws on; None for the bundled domains of that split.
        seed: Root seed.
        complexity: Level 0 to 4 of both scaling operators; None draws them for each scenario.
    """

    name: str
    sizes: dict[str, int]
    domains: dict[str, tuple[str, ...]] | None = None
    seed: int = 0
    complexity: int | None = None

    def __post_init__(self) -> None:
        """Check the plan.

        Raises:
            PackError: If the name will not do.
            UnknownNameError: If a split or domain does not exist.
            GenerationError: If a number is out of range.
        """
        check_pack_name(self.name)
        for split in (*self.sizes, *(self.domains or ())):
            if split not in SPLITS:
                error = UnknownNameError.of("split", split, SPLITS)
                raise error
        if any(size < 0 for size in self.sizes.values()) or not any(self.sizes.values()):
            msg = f"sizes must be 0 or more and not all 0, not {self.sizes}"
            raise GenerationError(msg)
        if self.complexity is not None and not 0 <= self.complexity <= MAX_LEVEL:
            msg = f"complexity must be 0 to {MAX_LEVEL}, not {self.complexity}"
            raise GenerationError(msg)
        for names in (self.domains or {}).values():
            for name in names:
                load_domain(name)

    def domains_of(self, split: str) -> tuple[str, ...]:
        """Return the domains a split draws on."""
        return (self.domains or {}).get(split) or domain_names(split)


@dataclass
class Report:
    """What building a pack took."""

    accepted: int = 0
    attempts: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """Drafts rejected, by "gate: reason"."""
    rebuilt: int = 0
    """Scenarios built twice and found equal."""


def build_pack(
    plan: PackPlan, folder: Path, *, overwrite: bool = False, progress: Callable[[int], None] | None = None
) -> tuple[Card, Report]:
    """Build a pack and write it to `folder`, whole or not at all.

    Args:
        plan: What pack.
        folder: Where; its parent must exist.
        overwrite: Whether an existing pack there is replaced.
        progress: Called with the number of scenarios accepted so far.

    Raises:
        GenerationError: If a scenario cannot be found, or does not come out the same twice.
        PackError: If the folder is in the way.
    """
    report = Report()
    scenarios: list[tuple[str, Scenario]] = []
    for split in (split for split in SPLITS if plan.sizes.get(split)):
        for scenario in generate(plan, split, report):
            scenarios.append((split, scenario))
            if progress is not None:
                progress(len(scenarios))
    report.rebuilt = g13_determinism.check([s for _, s in scenarios], lambda s: rebuild(plan, s))
    worlds = {s.world_ref: _world_of(s) for _, s in scenarios}
    card = write_pack(
        folder,
        scenarios,
        list(worlds.values()),
        overwrite=overwrite,
        id=plan.name,
        version="1.0.0",
        title=f"tool-gym pack {plan.name}",
        description=f"{len(scenarios)} proved scenarios over {len(worlds)} worlds.",
        licence="Apache-2.0",
        how_built={
            "generator_version": GENERATOR_VERSION,
            "seed": plan.seed,
            "sizes": plan.sizes,
            "complexity": plan.complexity,
            "domains": {split: plan.domains_of(split) for split in plan.sizes},
        },
    )
    return card, report


def generate(plan: PackPlan, split: str, report: Report | None = None) -> Iterator[Scenario]:
    """Yield the scenarios of a split, proved and without duplicates.

    Raises:
        GenerationError: If `MAX_ATTEMPTS` drafts in a row are rejected.
    """
    report = report if report is not None else Report()
    register = g14_duplicates.Register()
    answers: Counter[str] = Counter()
    size = plan.sizes.get(split, 0)
    cap = max(3, round(size * MAX_ANSWER_SHARE))
    shapes = _shapes(plan, split)
    for index in range(size):
        for attempt in range(MAX_ATTEMPTS):
            report.attempts += 1
            try:
                candidate = build(plan, split, index, attempt, shapes[index % len(shapes)])
                answer = _answer(candidate.scenario)
                if answers[answer] >= cap and answer:
                    raise RejectedError(g05_guess.GATE, "an answer that is too common")  # noqa: TRY301 - counted as all
                register.check(candidate, candidate.scenario.user_turns[0])
            except RejectedError as rejected:
                report.rejected[f"{rejected.gate}: {rejected.reason}"] += 1
                continue
            answers[answer] += 1
            report.accepted += 1
            yield candidate.scenario
            break
        else:
            common = ", ".join(reason for reason, _ in report.rejected.most_common(3))
            msg = f"no scenario found for {split}/{index} in {MAX_ATTEMPTS} attempts; most were rejected for: {common}"
            raise GenerationError(msg)


def rebuild(plan: PackPlan, scenario: Scenario) -> Scenario | None:
    """Build a scenario again from its seed path."""
    _, split, _, _, index, attempt = scenario.seed_path.split("/")
    shapes = _shapes(plan, split)
    return build(plan, split, int(index), int(attempt), shapes[int(index) % len(shapes)]).scenario


def build(plan: PackPlan, split: str, index: int, attempt: int, shape: str) -> Candidate:
    """Build and prove one candidate: a pure function of its arguments.

    Raises:
        RejectedError: If the draft comes to nothing, or a gate rejects it.
    """
    names = plan.domains_of(split)
    block = index // BLOCK
    domain = load_domain(names[block % len(names)])
    world = _world(plan.seed, split, domain.name, block)
    path = (plan.seed, split, domain.name, block, index, attempt)
    built = _Build(plan, domain, world, path, shape)
    return built.decline() if shape == "decline" else built.solvable()


class _Build:
    """One candidate in the making: the five stages in order."""

    def __init__(self, plan: PackPlan, domain: Domain, world: World, path: tuple[str | int, ...], shape: str) -> None:
        self.domain = domain
        self.world = world
        self.path = path
        self.shape = shape
        self.scaling = stream(*path, "scale")
        planning = stream(*path, "plan")
        base = planning.choice(("single_hop", "multi_hop", "multi_hop", "write")) if shape == "decline" else shape
        depth = _depth(base, stream(*path[:-1], "depth"))
        self.knobs = Knobs.draw(self.scaling, depth, plan.complexity)
        register = REGISTERS[self.scaling.randrange(len(REGISTERS))]
        self.interface = _interface(domain.name, register, self.knobs.getters, self.knobs.statistics)
        self.draft: Draft = compile_goal(Sampler(domain, world, planning).goal(base, depth), world)

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
        expanded = expand_parameters(tools, self.knobs.parameters, self.scaling)
        self.scaling.shuffle(expanded)
        return Scenario(
            id="unproved",
            generator_version=GENERATOR_VERSION,
            seed_path="/".join(str(part) for part in self.path),
            provenance="tool-gym pipeline",
            domain=self.domain.name,
            shape=self.shape,  # type: ignore[arg-type]  # a key of MIX
            user_turns=(realise(self.draft.goal, self.domain, self.world, stream(*self.path, "words")),),
            world_ref=self.world.id,
            tools=tuple(expanded),
            sub_goals=deployed.sub_goals,
            goals=deployed.goals,
            plans=(deployed.plan,),
            knobs={
                "depth": self.knobs.depth,
                "getters": self.knobs.getters,
                "statistics": self.knobs.statistics,
                "toolset": self.knobs.toolset,
                "parameters": self.knobs.parameters,
            },
        )

    def proved(self, scenario: Scenario, certificate: dict[str, Any]) -> Candidate:
        scenario = scenario.model_copy(update={"difficulty": _measure(scenario)}).with_id()
        candidate = Candidate(scenario, self.world, self.domain, self.draft)
        found = prove(candidate)
        candidate.scenario = scenario.model_copy(update={"certificate": {**certificate, **found}})
        return candidate


def _depth(shape: str, planning: Any) -> int:
    if shape in ("single_hop", "parallel_single_hop"):
        return 1
    if shape == "write":
        return int(planning.choice((2, 2, 3, 4)))
    return int(planning.randint(2, MAX_DEPTH if shape == "multi_hop" else 5))


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


def _answer(scenario: Scenario) -> str:
    goal = scenario.goals[0]
    return display(goal.gold) if isinstance(goal, AnswerGoal) else ""


def _reason(target: Any, domain: Domain) -> str:
    entity = (
        target.target.entity if isinstance(target, Update | Transition | Cancel) else getattr(target, "entity", None)
    )
    entity = entity if entity is not None else target.source.entity
    doing = "changes" if isinstance(target, Update | Transition | Cancel | Create) else "gives this figure of"
    return f"none of the tools {doing} {domain.entities[entity].plural}."


def _shapes(plan: PackPlan, split: str) -> list[str]:
    """Return the order in which shapes come up: the mix, shuffled once for the split."""
    shapes = [shape for shape, share in MIX.items() for _ in range(share)]
    stream(plan.seed, split, "shapes").shuffle(shapes)
    return shapes


@lru_cache(maxsize=64)
def _world(seed: int, split: str, domain: str, block: int) -> World:
    return sample_world(load_domain(domain), stream(seed, split, domain, block, "world"))


def _world_of(scenario: Scenario) -> World:
    seed, split, domain, block, *_ = scenario.seed_path.split("/")
    return _world(int(seed), split, domain, int(block))


@lru_cache(maxsize=256)
def _interface(domain: str, register: Register, getters: Getters, statistics: Statistics) -> Interface:
    return Interface(Catalogue(load_domain(domain), register), getters, statistics)
