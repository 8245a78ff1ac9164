"""Making one shard: proved candidates, as lines that are cheap to hand from process to process and to keep on disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from operator import itemgetter
from typing import Any

from tool_gym import jsonio
from tool_gym.errors import GenerationError
from tool_gym.generators.build import SeedPath, Wish, drawn, finished, world_of
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.coverage import Coverage
from tool_gym.generators.decompose import Draft, RejectedError
from tool_gym.generators.gates.g14_duplicates import Fingerprint, fingerprint
from tool_gym.generators.plan import PackPlan, Shard, wish
from tool_gym.scenario import AnswerGoal, Scenario
from tool_gym.values import display

MAX_ATTEMPTS = 400
"""Most attempts at one scenario."""

DRAWS = 4
"""Most drafts of one attempt: as many as it takes to cover something new, or else the least covered edges."""


@dataclass
class Report:
    """What building a pack took."""

    accepted: int = 0
    attempts: int = 0
    rejected: Counter[str] = field(default_factory=Counter)
    """Drafts rejected, by "gate: reason"."""
    rebuilt: int = 0
    """Scenarios built twice and found equal."""

    def add(self, other: Report) -> None:
        """Add what another part of the pack took."""
        self.accepted += other.accepted
        self.attempts += other.attempts
        self.rejected.update(other.rejected)


@dataclass(frozen=True, slots=True)
class Made:
    """A proved scenario, and what the whole pack has to compare it by."""

    index: int
    attempt: int
    id: str
    shape: str
    depth: int
    """The depth asked for."""
    domain: str
    world: str
    seed_path: str
    answer: str
    """The answer as text; empty where none is asked for."""
    fingerprint: Fingerprint
    line: str
    """The scenario as JSON."""

    @classmethod
    def of(cls, candidate: Candidate, index: int, attempt: int, depth: int) -> Made:
        """Describe a candidate that passed its gates."""
        scenario = candidate.scenario
        found = fingerprint(candidate, " ".join(scenario.user_turns))
        known = (scenario.id, scenario.shape, depth, scenario.domain, candidate.world.id, scenario.seed_path)
        return cls(index, attempt, *known, _answer(scenario), found, scenario.to_json())

    def dump(self) -> bytes:
        """Return it as one line of JSON."""
        return jsonio.dump_bytes([getattr(self, name) for name in self.__slots__])

    @classmethod
    def load(cls, line: bytes) -> Made:
        """Read what `dump` wrote.

        Raises:
            ValueError: If it is something else.
        """
        values = dict(zip(cls.__slots__, jsonio.loads(line.decode()), strict=True))
        domain, goal, shingles = values["fingerprint"]
        return cls(**{**values, "fingerprint": Fingerprint(domain, goal, tuple(shingles))})


def make_shard(plan: PackPlan, shard: Shard, report: Report) -> Iterator[Made]:
    """Yield a shard's scenarios in order; each follows from the plan and its shard alone.

    Raises:
        GenerationError: If `MAX_ATTEMPTS` drafts in a row are rejected.
    """
    coverage, shapes = Coverage(), plan.shapes_of(shard.split)
    for index in plan.indices(shard):
        shape = shapes[index % len(shapes)]
        depth = coverage.next_depth(shape, plan.depths_of(shape))
        made, candidate = _make(plan, shard.split, index, shape, depth, coverage, report)
        coverage.add(shape, depth, candidate.draft)
        yield made


def make_again(plan: PackPlan, split: str, made: Made, report: Report) -> Made:
    """Return another scenario in place of one that the pack has already: from the attempts after it.

    Raises:
        GenerationError: If all of them are rejected.
    """
    return _make(plan, split, made.index, made.shape, made.depth, None, report, made.attempt + 1)[0]


def world_line(plan: PackPlan, split: str, index: int) -> str:
    """Return the world of a scenario as JSON."""
    return world_of(plan.path(split, index, 0)).to_json()


def _make(  # noqa: PLR0913, PLR0917 - all of it says which scenario
    plan: PackPlan,
    split: str,
    index: int,
    shape: str,
    depth: int,
    coverage: Coverage | None,
    report: Report,
    first: int = 0,
) -> tuple[Made, Candidate]:
    asked = wish(plan, shape, depth)
    for attempt in range(first, MAX_ATTEMPTS):
        for path, draft in _drafts(plan.path(split, index, attempt), asked, coverage, report):
            report.attempts += 1
            try:
                candidate = finished(path, asked, draft)
            except RejectedError as rejected:
                report.rejected[f"{rejected.gate}: {rejected.reason}"] += 1
                continue
            return Made.of(candidate, index, attempt, depth), candidate
    common = ", ".join(reason for reason, _ in report.rejected.most_common(3))
    msg = f"no scenario found for {split}/{index} in {MAX_ATTEMPTS} attempts; most were rejected for: {common}"
    raise GenerationError(msg)


def _drafts(path: SeedPath, asked: Wish, coverage: Coverage | None, report: Report) -> Iterator[tuple[SeedPath, Draft]]:
    """Yield the drafts of an attempt: one that covers something new at once, then those that cover the rarest."""
    others: list[tuple[float, SeedPath, Draft]] = []
    for draw in range(DRAWS if coverage is not None else 1):
        one = replace(path, draw=draw)
        try:
            draft = drawn(one, asked)
        except RejectedError as refused:
            report.attempts += 1
            report.rejected[f"{refused.gate}: {refused.reason}"] += 1
            continue
        score = coverage.score(draft) if coverage is not None else 0
        if score < 1:
            yield one, draft
        else:
            others.append((score, one, draft))
    for _, one, draft in sorted(others, key=itemgetter(0)):
        yield one, draft


def _answer(scenario: Scenario) -> str:
    golds: list[Any] = [goal.gold for goal in scenario.goals if isinstance(goal, AnswerGoal)]
    return "; ".join(map(display, golds))
