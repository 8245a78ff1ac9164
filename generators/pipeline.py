"""The pipeline: a pack from one seed; neither the number of processes nor interruptions show in its bytes.

Shards are made apart and kept beside the pack until it is whole; what is then in the pack already, or nearly, is made
again from later attempts, in order of index. A scenario is a pure function of its seed path and what the plan asks of
it (`tool_gym.generators.build`). Drafts that fail a gate are counted by gate and reason and never kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tool_gym.envs.card import Card
from tool_gym.envs.pack import Entry
from tool_gym.envs.pack_writer import check_replaceable, write_lines
from tool_gym.generators import readback
from tool_gym.generators.build import SeedPath, build
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.gates import g05_guess, g13_determinism, g14_duplicates
from tool_gym.generators.plan import BLOCK, PackPlan, Shard, wish
from tool_gym.generators.shards import Made, Report, make_again, make_shard
from tool_gym.generators.workshop import Workshop
from tool_gym.scenario import Scenario

MAX_ANSWER_SHARE = 0.005
"""Largest share of a split that one answer may have (never fewer than 3 scenarios)."""


def build_pack(
    plan: PackPlan,
    folder: Path,
    *,
    workers: int = 1,
    overwrite: bool = False,
    progress: Callable[[Report], None] = lambda _: None,
) -> tuple[Card, Report]:
    """Build a pack and write it to `folder`, whole or not at all.

    An interrupted run leaves what it made in a hidden folder beside `folder`; the same plan goes on from there.

    Args:
        plan: What pack.
        folder: Where; its parent must exist.
        workers: Processes to share the work; the pack is the same for any number.
        overwrite: Whether an existing pack there is replaced.
        progress: Called again and again with the report so far.

    Raises:
        GenerationError: If a scenario cannot be found, or does not come out the same twice.
        PackError: If the folder is in the way.
    """
    check_replaceable(folder, overwrite=overwrite)
    workshop = Workshop(plan, folder.with_name(f".{folder.name}.work"))
    report = workshop.make(workers, progress)
    merged = _Merged(plan, report)
    how_built = plan.described()
    card = write_lines(
        folder,
        (
            (Entry(made.id, split, made.shape, made.domain), made.line.encode())
            for split, made in merged.all(workshop, how_built)
        ),
        workshop.worlds(),
        overwrite=overwrite,
        id=plan.name,
        version="1.0.0",
        title=f"tool-gym pack {plan.name}",
        description=f"Proved scenarios over {len({name for s in plan.sizes for name in plan.domains_of(s)})} domains.",
        licence="Apache-2.0",
        how_built=how_built,
    )
    workshop.clear()
    return card, report


def generate(plan: PackPlan, split: str, report: Report | None = None) -> Iterator[Scenario]:
    """Yield the scenarios of a split, proved and without duplicates, as they are made.

    Raises:
        GenerationError: If a scenario cannot be found.
    """
    report = report if report is not None else Report()
    streams = {shard: make_shard(plan, shard, report) for shard in plan.shards() if shard.split == split}
    for made in _Merged(plan, report).split(split, streams):
        yield Scenario.from_json(made.line, check_id=False)


def rebuild(plan: PackPlan, scenario: Scenario) -> Scenario:
    """Build a scenario again from its seed path."""
    asked = wish(plan, scenario.shape, int(str(scenario.knobs["depth"])))
    return build(SeedPath.parse(scenario.seed_path), asked).scenario


class _Merged:
    """The shards' scenarios in order, each compared with all before it."""

    def __init__(self, plan: PackPlan, report: Report) -> None:
        self._plan = plan
        self._report = report
        self._register = g14_duplicates.Register()
        self._count = 0

    def all(self, workshop: Workshop, how_built: dict[str, Any]) -> Iterator[tuple[str, Made]]:
        """Yield every scenario with its split; then note in `how_built` what that took."""
        for split in dict.fromkeys(shard.split for shard in self._plan.shards()):
            streams = {shard: workshop.read(shard) for shard in self._plan.shards() if shard.split == split}
            for made in self.split(split, streams):
                if self._count % round(1 / g13_determinism.SHARE) == 0:
                    self._rebuilt(made)
                self._count += 1
                yield split, made
        rejected = dict(sorted(self._report.rejected.items(), key=lambda item: (-item[1], item[0])))
        how_built["took"] = {"attempts": self._report.attempts, "rejected": rejected}

    def split(self, split: str, streams: Mapping[Shard, Iterator[Made]]) -> Iterator[Made]:
        """Yield the scenarios of a split; one that the pack has already is made again."""
        answers: Counter[str] = Counter()
        cap = max(3, round(self._plan.sizes[split] * MAX_ANSWER_SHARE))
        owner = {block: stream for shard, stream in streams.items() for block in shard.blocks}
        for index in range(self._plan.sizes[split]):
            made = next(owner[index // BLOCK])
            while not self._is_new(made, answers, cap):
                made = make_again(self._plan, split, made, self._report)
            answers[made.answer] += 1
            self._report.accepted += 1
            yield made

    def _is_new(self, made: Made, answers: Counter[str], cap: int) -> bool:
        try:
            if made.answer and answers[made.answer] >= cap:
                raise RejectedError(g05_guess.GATE, "an answer that is too common")  # noqa: TRY301 - counted as all
            self._register.check(made.fingerprint)
        except RejectedError as rejected:
            self._report.rejected[f"{rejected.gate}: {rejected.reason}"] += 1
            return False
        return True

    def _rebuilt(self, made: Made) -> None:
        asked = wish(self._plan, made.shape, made.depth)
        try:
            candidate = build(SeedPath.parse(made.seed_path), asked)
        except RejectedError:
            g13_determinism.check(made.seed_path, made.line, "")
            return
        g13_determinism.check(made.seed_path, made.line, candidate.scenario.to_json())
        readback.check(candidate)
        self._report.rebuilt += 1
