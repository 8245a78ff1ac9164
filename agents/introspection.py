"""Introspective feedback: what the policy fails most seeds new scenarios, and training goes on with both.

Confucius (arXiv 2308.14034) looks every few epochs for the instances its model does worst on, and has a language model
write new ones like them (ISIF). Here scenarios are generated and proved, so "like them" is exact: a new scenario has
the domain, shape, depth, complexity vector and style of documentation of one that was failed, and a world, a wording
and values of its own.

A round makes one pack folder beside the others; what is played is the union of the first pack and all rounds, one
object that grows, so that whoever plays it by scenario need not be made anew. `IntrospectiveSchedule` does all of it:

    feedback = Introspection(pack, folder, config, seed=seed)
    collector = Collector(feedback.pack, ...)
    schedule = IntrospectiveSchedule(feedback, lambda grown: make_schedule(grown, settings, seed=seed))
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field

from tool_gym.agents.curriculum.base import GroupResult, Schedule, reading
from tool_gym.agents.curriculum.failures import FailureConfig, FailureTally, named
from tool_gym.agents.curriculum.rows import Row, read_rows
from tool_gym.agents.union import UnionPack
from tool_gym.envs.card import Card
from tool_gym.envs.pack import Entry, FolderPack, Pack
from tool_gym.envs.pack_writer import write_lines
from tool_gym.errors import UnknownNameError
from tool_gym.generators.build import DEPTHS, GENERATOR_VERSION, SeedPath, Wish, build
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.domain import domain_from, load_domain, use_domain
from tool_gym.generators.gates import g05_guess, g14_duplicates
from tool_gym.generators.gates.g14_duplicates import Register
from tool_gym.generators.pipeline import MAX_ANSWER_SHARE
from tool_gym.generators.plan import BLOCK
from tool_gym.generators.registers import style_names
from tool_gym.generators.scale import OPERATORS
from tool_gym.generators.seeding import stream
from tool_gym.generators.shards import MAX_ATTEMPTS, Made
from tool_gym.world import World

SPLIT = "train"
"""The split that is failed in, and that new scenarios and their worlds are drawn for."""

_KIND = "introspection"


class IntrospectionConfig(BaseModel):
    """What a round makes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    size: Annotated[int, Field(ge=1, le=100_000)] = 64
    """New scenarios a round."""
    every: Annotated[int, Field(ge=1)] = 25
    """Batches between rounds."""
    rounds: Annotated[int, Field(ge=1, le=9999)] = 9999
    """Most rounds."""
    failures: FailureConfig = FailureConfig()
    """How failure is measured; `floor` is for schedules and counts for nothing here."""


@dataclass(frozen=True)
class Wanted:
    """A scenario that was failed, and how many like it are wanted."""

    row: Row
    number: int

    @property
    def wish(self) -> Wish:
        """What is asked of the generator."""
        known = self.row.measures
        levels = [f"{name}={known[name]}" for name in OPERATORS if isinstance(known.get(name), int)]
        style = str(known.get("style", ""))
        styles = (style,) if style in style_names() else ()
        return Wish(self.row.shape, self.row.depth, ",".join(levels) or None, styles)


class Introspection:
    """Rounds of new scenarios for what is failed, and the pack that they make with the one they began with.

    A round follows from the seed, its number and what was observed: equal runs make equal packs, byte for byte. Its
    folder `round-0001` … appears whole or not at all; one that is there already and follows from the same is taken as
    it is, so a run that was killed goes on where it was. New scenarios are proved by every gate of the generator, and
    are new: their worlds are drawn for this round, no id is taken twice, and no two of a round are nearly the same.

    Only domains of the pack's training split are drawn on, and only worlds of that split: what is held out stays so.

    Args:
        pack: The pack that training begins with; it must have a split `train`.
        folder: Where the rounds' packs are kept; made when the first is.
        config: What a round makes.
        seed: Seed of the rounds.

    Raises:
        AgentError: If the pack has nothing to train on.
    """

    def __init__(self, pack: Pack, folder: Path, config: IntrospectionConfig | None = None, *, seed: int = 0) -> None:
        self.config = config or IntrospectionConfig()
        self.pack = UnionPack(pack)
        """What is to be played: what training began with, and all rounds."""
        self._folder = folder
        self._seed = seed
        _know_domains(pack)
        self._tally = self._counting()

    @property
    def rounds(self) -> int:
        """How many rounds there were."""
        return len(self.pack.parts) - 1

    @property
    def tally(self) -> FailureTally:
        """What was failed of late."""
        return self._tally

    def observe(self, results: Sequence[GroupResult]) -> None:
        """Take in how groups of training scenarios went."""
        self._tally.observe(results)

    def wanted(self) -> list[Wanted]:
        """Return what the next round would make: a family's part is failure^power over the sum of all.

        Within a family, the scenarios that were failed take turns, the most failed first. Families of which nothing was
        failed, and those the generator does not make (imported or written by hand), have no part.
        """
        failures, failed = self._tally.failures(), self._tally.failed()
        able = {family: [row for row, _ in rows if _can_be_made(row)] for family, rows in failed.items()}
        weights = {family: failures[family] ** self.config.failures.power for family, rows in able.items() if rows}
        counts = _shared_out(self.config.size, {named(family): weight for family, weight in weights.items()})
        wanted = []
        for family in weights:
            rows, count = able[family], counts[named(family)]
            wanted += [Wanted(row, -(-(count - place) // len(rows))) for place, row in enumerate(rows[:count])]
        return wanted

    def grow(self) -> bool:
        """Make the next round and add it to `pack`; return False if nothing was failed of which more can be made.

        Processes that train together each call it, with the same observed: the first makes the round, and the others
        wait and take it up.

        Raises:
            PackError: If something else is in the round's place.
        """
        wanted = self.wanted()
        if not wanted:
            return False
        self._folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self._folder / ".lock"):
            made = self._round(self.rounds + 1, wanted)
        if made is None:
            return False
        self.pack.add(made)
        self._count_on(self._tally.state())
        return True

    def state(self) -> dict[str, Any]:
        """Return what `load` needs to go on from here: plain JSON data."""
        return {"kind": _KIND, "rounds": self.rounds, "tally": self._tally.state()}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state; its rounds must be in the folder.

        Raises:
            AgentError: If it is the state of something else, or of other scenarios.
            PackError: If a round is missing or damaged.
        """
        with reading(state, _KIND) as found:
            rounds = [FolderPack(self._place(number)) for number in range(1, found["rounds"] + 1)]
            self.pack.keep(1)
            for one in rounds:
                self.pack.add(one)
            self._count_on(found["tally"])

    def _counting(self) -> FailureTally:
        return FailureTally(read_rows(self.pack, SPLIT), self.config.failures)

    def _count_on(self, counted: dict[str, Any]) -> None:
        """Go on counting, over all that there is now, from the state of a tally."""
        self._tally = self._counting()
        self._tally.load(counted)

    def _place(self, number: int) -> Path:
        return self._folder / f"round-{number:04d}"

    def _round(self, number: int, wanted: Sequence[Wanted]) -> FolderPack | None:
        """Make a round, or take the one that is there; None if nothing that is wanted can be found."""
        place = self._place(number)
        how: dict[str, Any] = {
            "generator_version": GENERATOR_VERSION,
            "seed": self._round_seed(number),
            "like": [[one.row.id, one.number] for one in wanted],
        }
        if (place / "card.json").is_file():
            before = FolderPack(place)
            if {**how, "took": None} == {**before.card.how_built, "took": None}:
                return before
        made = list(_made(how["seed"], wanted, {entry.id for entry in self.pack.entries()}, how))
        if not made:
            return None
        worlds = {world.id: world for _, world in made}
        write_lines(
            place,
            ((Entry(one.id, SPLIT, one.shape, one.domain), one.line.encode()) for one, _ in made),
            ((name, world.to_json().encode()) for name, world in worlds.items()),
            overwrite=True,
            id=place.name,
            version="1.0.0",
            title=f"Round {number} of introspective feedback on {self.pack.name}",
            licence="Apache-2.0",
            how_built=how,
        )
        return FolderPack(place)

    def _round_seed(self, number: int) -> int:
        """Return a seed that no part of the pack was made from: its worlds are new."""
        rng = stream(self._seed, _KIND, number)
        taken = {_how_built(part).get("seed") for part in self.pack.parts}
        return next(seed for seed in iter(lambda: rng.getrandbits(31), None) if seed not in taken)


class IntrospectiveSchedule:
    """Draws from a pack that grows: every so many batches a round is made, and what is drawn from is the whole.

    Args:
        feedback: Makes the rounds.
        make: Makes the schedule that draws, from the pack as it is then; what it knew is carried over.
    """

    def __init__(self, feedback: Introspection, make: Callable[[Pack], Schedule]) -> None:
        self.feedback = feedback
        self._make = make
        self._inner = make(feedback.pack)
        self._batches = 0

    def draw(self, groups: int) -> list[str]:
        """Return scenarios, of the next round too if it is time for it."""
        config = self.feedback.config
        if self._batches >= config.every and self.feedback.rounds < config.rounds:
            self._batches = 0
            if self.feedback.grow():
                before, self._inner = self._inner, self._make(self.feedback.pack)
                self._inner.load(before.state())
        self._batches += 1
        return self._inner.draw(groups)

    def observe(self, results: Sequence[GroupResult]) -> None:
        """Take in results."""
        self.feedback.observe(results)
        self._inner.observe(results)

    def state(self) -> dict[str, Any]:
        """Return what `load` needs to go on from here, the rounds' folders apart: plain JSON data."""
        parts = {"feedback": self.feedback.state(), "inner": self._inner.state()}
        return {"kind": "introspective", "batches": self._batches, **parts}

    def load(self, state: dict[str, Any]) -> None:
        """Go on from a state; its rounds must be in the folder.

        Raises:
            AgentError: If it is the state of something else, or of other scenarios.
            PackError: If a round is missing or damaged.
        """
        with reading(state, "introspective") as found:
            self.feedback.load(found["feedback"])
            self._inner = self._make(self.feedback.pack)
            self._inner.load(found["inner"])
            self._batches = found["batches"]


def _made(seed: int, wanted: Sequence[Wanted], known: set[str], how: dict[str, Any]) -> Iterator[tuple[Made, World]]:
    """Yield new scenarios with their worlds, and note in `how` what that took."""
    rejected, answers, register = Counter[str](), Counter[str](), Register()
    cap = max(3, round(sum(one.number for one in wanted) * MAX_ANSWER_SHARE))
    placed, missed, attempts = Counter[str](), 0, 0
    for number, one in enumerate(each for each in wanted for _ in range(each.number)):
        domain = one.row.domain
        path = SeedPath(seed, SPLIT, domain, placed[domain] // BLOCK, number, 0)
        placed[domain] += 1
        for attempt in range(MAX_ATTEMPTS):
            attempts += 1
            try:
                candidate = build(replace(path, attempt=attempt), one.wish)
                made = Made.of(candidate, number, attempt, one.row.depth)
                _check_new(made, known, answers, cap)
                register.check(made.fingerprint)
            except RejectedError as error:
                rejected[f"{error.gate}: {error.reason}"] += 1
                continue
            known.add(made.id)
            answers[made.answer] += 1
            yield made, candidate.world
            break
        else:
            missed += 1
    how["took"] = {"attempts": attempts, "rejected": dict(rejected.most_common()), "not found": missed}


def _check_new(made: Made, known: set[str], answers: Mapping[str, int], cap: int) -> None:
    if made.id in known:
        raise RejectedError(g14_duplicates.GATE, "a scenario that the pack has")
    if made.answer and answers[made.answer] >= cap:
        raise RejectedError(g05_guess.GATE, "an answer that is too common")


def _shared_out(size: int, weights: Mapping[str, float]) -> dict[str, int]:
    """Return whole numbers that add up to `size`, in proportion to the weights: the largest remainders go up."""
    total = sum(weights.values())
    exact = {name: size * weight / total for name, weight in weights.items()}
    counts = {name: int(part) for name, part in exact.items()}
    left = sorted(exact, key=lambda name: (counts[name] - exact[name], name))
    for name in left[: size - sum(counts.values())]:
        counts[name] += 1
    return counts


def _can_be_made(row: Row) -> bool:
    try:
        load_domain(row.domain)
    except UnknownNameError:
        return False
    return row.depth in DEPTHS.get(row.shape, ())


def _know_domains(pack: Pack) -> None:
    """Make the domains known that the pack brought along."""
    for data in _how_built(pack).get("own", ()):
        use_domain(domain_from(data, f"the pack {pack.name!r}"))


def _how_built(pack: Pack) -> Mapping[str, Any]:
    """Return what a pack says of how it was built: nothing where it has no card."""
    card = getattr(pack, "card", None)
    return card.how_built if isinstance(card, Card) else {}
