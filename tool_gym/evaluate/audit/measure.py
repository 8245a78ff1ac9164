"""Auditing a pack: everything that can be counted about it, and which bars it meets."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from tool_gym.envs.card import Card
from tool_gym.envs.pack import Entry, MemoryPack, Pack, Task
from tool_gym.errors import PackError
from tool_gym.evaluate.audit import answers, structure, texts
from tool_gym.evaluate.difficulty import Band, failures_by_level, monotony
from tool_gym.generators.seeding import stream
from tool_gym.scenario import Scenario
from tool_gym.values import leaves

SAMPLES = 50
"""Scenarios shown in full words."""

PLAYED = 400
"""Scenarios that the scripted policies play, unless told otherwise."""


class Bar(NamedTuple):
    """One figure and what it should be."""

    name: str
    value: float
    bar: float
    kind: Literal["at most", "at least"]
    unit: str = ""

    @property
    def met(self) -> bool:
        """Whether the figure is as it should be."""
        return self.value <= self.bar if self.kind == "at most" else self.value >= self.bar


@dataclass
class Texts:
    """How varied the requests are; self-BLEU in percent, all else in [0, 1] but `words`."""

    words: float = 0.0
    """Mean words per request."""
    self_bleu: float = 0.0
    within: dict[str, float] = field(default_factory=dict)
    """Domain → self-BLEU-4 within it."""
    distinct_2: float = 0.0
    distinct_3: float = 0.0
    repeated: float = 0.0
    """Share of requests that nearly repeat another."""


@dataclass
class Audit:
    """What was found."""

    pack: str
    scenarios: int
    splits: dict[str, int]
    worlds: int
    texts: Texts
    structure: structure.Structure
    answers: answers.Answers
    gates: Counter[str]
    """Gate → certificates that name it."""
    uncertified: int
    """Scenarios without a certificate."""
    shortcuts: int
    """Scenarios whose answer takes fewer rounds of calls than their depth."""
    shared: dict[str, list[str]]
    """Split → domains that another split has too."""
    attempts: int | None
    """Drafts that the pack took, where its card says so."""
    rejected: dict[str, int]
    """Gate and reason → drafts rejected."""
    bands: list[Band]
    """Failures of the scripted policies by level; empty where the pack has no levels."""
    samples: list[Scenario]

    @property
    def bars(self) -> list[Bar]:
        """The figures that have a bar, in the order of importance."""
        made, total = self.structure, max(1, self.scenarios)
        within = max(self.texts.within.values(), default=0.0)
        types = max(self.answers.types.values(), default=0) / max(1, self.answers.types.total())
        common = self.answers.common[0][1] / total if self.answers.common else 0.0
        found = [
            Bar("scenarios without a certificate", self.uncertified, 0, "at most"),
            Bar("leaks", len(self.answers.leaks), 0, "at most"),
            Bar("shortcuts", self.shortcuts, 0, "at most"),
            Bar("answers that the request mentions", 100 * self.answers.mentioned / total, 2, "at most", "%"),
            Bar("requests that nearly repeat another", 100 * self.texts.repeated, 0.5, "at most", "%"),
            Bar("domains in several splits", sum(map(len, self.shared.values())), 0, "at most"),
            Bar("self-BLEU-4, whole pack", self.texts.self_bleu, 35, "at most"),
            Bar("self-BLEU-4, worst domain", within, 60, "at most"),
            Bar("distinct-2", self.texts.distinct_2, 0.35, "at least"),
            Bar("distinct-3", self.texts.distinct_3, 0.60, "at least"),
            Bar(
                "edges of the tool graph used",
                100 * structure.share_covered(made.coverage),
                95,
                "at least",
                unit="%",
            ),
            Bar("share of the commonest answer", 100 * common, 0.5, "at most", "%"),
            Bar("share of the commonest type of answer", 100 * types, 40, "at most", "%"),
        ]
        if len(self.bands) > 1:
            found.append(Bar("Spearman (level, failures)", monotony(self.bands), 0.8, "at least"))
        return found


def audit(pack: Pack, *, played: int = PLAYED, progress: Callable[[int], None] = lambda _: None) -> Audit:
    """Read a whole pack and measure it.

    Args:
        pack: The pack.
        played: How many of its scenarios the scripted policies play; 0 for none.
        progress: Called with the number of scenarios read so far.

    Raises:
        PackError: If it is empty or damaged.
    """
    entries = pack.entries()
    if not entries:
        msg = f"pack {pack.name!r} has no scenario to audit"
        raise PackError(msg)
    reader = _Reader()
    for number, entry in enumerate(entries, 1):
        reader.add(entry, pack.task(entry.id))
        progress(number)
    chosen = stream("audit", "samples").sample(list(entries), min(SAMPLES, len(entries)))
    took = _took(pack)
    return Audit(
        pack=pack.name,
        scenarios=len(entries),
        splits=dict(Counter(entry.split for entry in entries)),
        worlds=len(reader.worlds),
        texts=_texts(reader),
        structure=reader.structure.result(),
        answers=reader.answers.result(),
        gates=reader.gates,
        uncertified=reader.uncertified,
        shortcuts=reader.shortcuts,
        shared=_shared(reader.domains),
        attempts=took.get("attempts"),
        rejected=dict(took.get("rejected", {})),
        bands=_bands(pack, entries, played),
        samples=[pack.task(entry.id).scenario for entry in chosen],
    )


class _Reader:
    """Takes the scenarios of a pack one after another."""

    def __init__(self) -> None:
        self.structure = structure.Collector()
        self.answers = answers.Collector()
        self.texts: list[tuple[str, list[str]]] = []
        """Each request with the names in it."""
        self.of_domain: defaultdict[str, list[str]] = defaultdict(list)
        self.domains: defaultdict[str, set[str]] = defaultdict(set)
        self.worlds: set[str] = set()
        self.gates: Counter[str] = Counter()
        self.uncertified = 0
        self.shortcuts = 0

    def add(self, entry: Entry, task: Task) -> None:
        scenario = task.scenario
        self.structure.add(scenario)
        self.answers.add(scenario)
        text = " ".join(scenario.user_turns)
        self.texts.append((text, _names(scenario, text)))
        self.of_domain[scenario.domain].append(text)
        self.domains[entry.split].add(scenario.domain)
        self.worlds.add(task.world.id)
        self.gates.update(scenario.certificate.keys())
        self.uncertified += not scenario.certificate
        found = scenario.certificate.get("G8")
        rounds = found.get("min_rounds") if isinstance(found, dict) else None
        self.shortcuts += isinstance(rounds, int) and rounds < scenario.depth


def _names(scenario: Scenario, text: str) -> list[str]:
    """Return the names of rows that a request says."""
    given = {value for sub_goal in scenario.sub_goals for value in leaves(sub_goal.arguments or {})}
    return sorted(value for value in given if type(value) is str and value in text and " " in value)


def _texts(reader: _Reader) -> Texts:
    requests = [text for text, _ in reader.texts]
    measured = texts.sample(requests, texts.SAMPLE, "distinct")
    large = {name: found for name, found in reader.of_domain.items() if len(found) >= texts.REFERENCES}
    return Texts(
        words=sum(len(text.split()) for text in requests) / len(requests),
        self_bleu=texts.self_bleu(requests),
        within={name: texts.self_bleu(found, name) for name, found in sorted(large.items())},
        distinct_2=texts.distinct(measured, 2),
        distinct_3=texts.distinct(measured, 3),
        repeated=texts.near_duplicates(reader.texts),
    )


def _shared(domains: Mapping[str, set[str]]) -> dict[str, list[str]]:
    found = {}
    for split, names in domains.items():
        others = {name for other, theirs in domains.items() if other != split for name in theirs}
        if names & others:
            found[split] = sorted(names & others)
    return found


def _bands(pack: Pack, entries: Sequence[Entry], played: int) -> list[Band]:
    """Let the scripted policies play scenarios spread evenly over the levels there are."""
    if not played:
        return []
    chosen = stream("audit", "played").sample(list(entries), min(played, len(entries)))
    tasks = [pack.task(entry.id) for entry in chosen]
    levelled = [task for task in tasks if "level" in task.scenario.difficulty and task.scenario.plans]
    if not levelled:
        return []
    worlds = {task.world.id: task.world for task in levelled}
    return failures_by_level([MemoryPack([task.scenario for task in levelled], list(worlds.values()))])


def _took(pack: Pack) -> dict[str, Any]:
    card = getattr(pack, "card", None)
    return dict(card.how_built.get("took", {})) if isinstance(card, Card) else {}
