"""The pipeline: decomposition, documents, integration, scaling, deployment, gates; a pack from one seed.

A scenario is a pure function of its seed path `seed/split/domain/block/index/attempt`. Drafts that fail are counted by
gate and reason and never kept; duplicates are settled in order of index. Scenarios of a block share one world.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tool_gym.envs.pack import SPLITS, Card, check_pack_name
from tool_gym.envs.pack_writer import write_pack
from tool_gym.errors import GenerationError, UnknownNameError
from tool_gym.generators.build import GENERATOR_VERSION, SeedPath, build, world_of
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.domain import domain_names, load_domain
from tool_gym.generators.gates import g05_guess, g13_determinism, g14_duplicates
from tool_gym.generators.scale import MAX_LEVEL
from tool_gym.generators.seeding import stream
from tool_gym.scenario import AnswerGoal, Scenario
from tool_gym.values import display

MIX = {
    "single_hop": 12,
    "parallel_single_hop": 14,
    "multi_hop": 28,
    "parallel_multi_hop": 20,
    "write": 16,
    "decline": 10,
}
"""Shapes and their shares, in percent."""

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
    worlds = {s.world_ref: world_of(SeedPath.parse(s.seed_path)) for _, s in scenarios}
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
                candidate = build(_path(plan, split, index, attempt), shapes[index % len(shapes)], plan.complexity)
                answer = _answer(candidate.scenario)
                if answers[answer] >= cap and answer:
                    raise RejectedError(g05_guess.GATE, "an answer that is too common")  # noqa: TRY301 - counted as all
                register.check(g14_duplicates.fingerprint(candidate, " ".join(candidate.scenario.user_turns)))
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
    path = SeedPath.parse(scenario.seed_path)
    shapes = _shapes(plan, path.split)
    return build(path, shapes[path.index % len(shapes)], plan.complexity).scenario


def _path(plan: PackPlan, split: str, index: int, attempt: int) -> SeedPath:
    names = plan.domains_of(split)
    block = index // BLOCK
    return SeedPath(plan.seed, split, names[block % len(names)], block, index, attempt)


def _answer(scenario: Scenario) -> str:
    goal = scenario.goals[0]
    return display(goal.gold) if isinstance(goal, AnswerGoal) else ""


def _shapes(plan: PackPlan, split: str) -> list[str]:
    """Return the order in which shapes come up: the mix, shuffled once for the split."""
    shapes = [shape for shape, share in MIX.items() for _ in range(share)]
    stream(plan.seed, split, "shapes").shuffle(shapes)
    return shapes
