"""What a policy may know of an episode: tools, what the user said, what results served.

Everything here comes from `info["tools"]`, the user's words, and the calls and results of the steps so far. No plan,
no sub-goal, no gold value and no cell of the world is ever in reach.
"""

from __future__ import annotations

import copy
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from math import sqrt
from typing import Any, NamedTuple

from tool_gym import jsonio, units
from tool_gym.envs.policies.greedy import SAID as SYNONYMS  # one list of synonyms for all that read words
from tool_gym.envs.policies.lexical import Mention, looks_like_id, mentions, parts, words
from tool_gym.envs.wrappers.discrete_forms import key_stems, read_form
from tool_gym.trajectory import Step
from tool_gym.turns import ActKind, Blame, Outcome, ToolCall
from tool_gym.values import Scalar

MAX_ITEMS = 6
"""Items of a served list that are looked at."""

MAX_SCALARS = 64
"""Scalars of one result that are looked at."""

_LETTERS = re.compile(r"[^\W\d_]+")
_SENTENCE_END = ".!?:;"
_SHARED = 5
"""Letters two stems must share to be taken for one word: "renovat" and "renovation"."""


class Named(NamedTuple):
    """A value the user named, with the stems of the words around it."""

    mention: Mention
    before: frozenset[str]
    after: frozenset[str]


class Served(NamedTuple):
    """A scalar of an ok result."""

    value: Scalar
    text: str
    key: str
    """The key it stands under."""
    place: int
    """How many scalars of the result stand before it."""
    item: int
    """Its number in the list it stands in, from 0; 0 outside of lists."""
    result: int
    """Number of the result in the episode, from 0."""

    @property
    def is_id(self) -> bool:
        """Whether it has the form of an id and is no name."""
        return looks_like_id(self.value) and self.key != "name"


class Result(NamedTuple):
    """An ok result."""

    call: ToolCall
    served: tuple[Served, ...]
    given: frozenset[str]
    """The arguments of its call, as texts."""


class Reading:
    """What is known at one moment of an episode; `take` adds a step.

    A word is *said* if the request of this user turn has it: itself, a synonym, a unit spelled out, or a word that
    begins the same.
    """

    def __init__(self, request: str, tools: Sequence[dict[str, Any]]) -> None:
        """Begin an episode.

        Args:
            request: What the user said first.
            tools: The tools in OpenAI's form.
        """
        self.forms = tuple(read_form(tool["function"]) for tool in tools)
        self.by_name = {form.tool.name: form.tool for form in self.forms}
        counts = Counter(one for form in self.forms for one in form.tool.all_stems)
        self.weight = {one: 1 / sqrt(count) for one, count in sorted(counts.items())}
        """Stem of a tool → its weight, in (0, 1]: the fewer tools share it, the more."""
        self.named: list[Named] = []
        self.results: list[Result] = []
        self.names: set[str] = set()
        """What results served under the key "name"."""
        self.outcome: Outcome | None = None
        """How the latest call ended; None after an act and at the start."""
        self.steps = 0
        self._begin(request)

    def copy(self) -> Reading:
        """Return a reading that goes on by itself."""
        twin = copy.copy(self)
        for name in ("results", "names", "texts", "made", "used", "covered", "tried"):
            setattr(twin, name, copy.copy(getattr(self, name)))
        return twin

    def take(self, step: Step) -> None:
        """Take in a step: its calls with their results, or the act and what the user replied."""
        self.steps += 1
        self.outcome = step.results[-1].outcome if step.results else None
        for call, result in zip(step.turn.calls, step.results, strict=True):
            if isinstance(call, ToolCall) and result.outcome.blame in (Blame.NONE, Blame.MODEL):
                self.made.add(identity(call))
                self.tried[call.name] += 1
                if result.ok:
                    self._serve(call, result.value)
        act = step.turn.act
        if act is not None and act.kind is ActKind.ASK:
            self._hear(step.reply)
        elif act is not None:
            self._begin(step.reply)

    @property
    def latest(self) -> Result | None:
        """The latest ok result of this user turn."""
        return self.results[-1] if len(self.results) > self.first else None

    def says(self, one: str) -> bool:
        """Return whether a stem is said."""
        return one in self._said or (len(one) >= _SHARED and one[:_SHARED] in self._beginnings)

    def says_key(self, key: str) -> bool:
        """Return whether a word of a key is said."""
        if key not in self._said_keys:
            self._said_keys[key] = any(map(self.says, key_stems(key)))
        return self._said_keys[key]

    def says_all(self, stems: tuple[str, ...]) -> float:
        """Return how far stems are said: 1 for all, −0.5 for none, 0 if there are no stems."""
        if stems not in self._said_all:
            said = sum(map(self.says, stems))
            self._said_all[stems] = (1.5 * said / len(stems) - 0.5) if stems else 0.0
        return self._said_all[stems]

    def loose_ends(self) -> list[Result]:
        """Return the results of this user turn that no later call took a value from, in order."""
        found: list[Result] = []
        later: set[str] = set()
        for result in reversed(self.results[self.first :]):
            if all(one.text not in later or one.text in result.given for one in result.served):
                found.append(result)
            later |= result.given
        return found[::-1]

    def _begin(self, request: str) -> None:
        """Begin a user turn."""
        self.first = len(self.results)
        """Number of the first result of this user turn."""
        self.texts: list[str] = []
        self.made: set[str] = set()
        """Identities of the calls made in this user turn that need not be made again."""
        self.used: set[str] = set()
        """Values that were arguments of ok calls in this user turn, as texts."""
        self.covered: set[str] = set()
        """Stems that ok calls of this user turn were about."""
        self.tried: Counter[str] = Counter()
        """Name of a tool → calls to it in this user turn."""
        self._hear(request)

    def _hear(self, text: str) -> None:
        """Take in what the user says."""
        self.texts.append(text)
        known = {named.mention.text: named for named in self.named}
        for mention in _all_mentions(text):
            end = mention.start + len(mention.text)
            before, after = words(text[max(0, mention.start - 40) : mention.start]), words(text[end : end + 20])
            known[mention.text] = Named(mention, frozenset(before[-3:]), frozenset(after[:2]))
        self.named = list(known.values())
        self.parts = sum(len(parts(heard)) for heard in self.texts)
        """How many things the request asks for, if it numbers them; else 1."""
        self.stems = frozenset(one for heard in self.texts for one in words(heard))
        meant = {one for one, saying in SYNONYMS.items() if saying & self.stems}
        self._said = self.stems | meant | {one for heard in self.texts for one in _units(heard)}
        self._beginnings = {one[:_SHARED] for one in self.stems if len(one) >= _SHARED}
        self._said_keys: dict[str, bool] = {}
        self._said_all: dict[tuple[str, ...], float] = {}

    def _serve(self, call: ToolCall, value: Any) -> None:
        number = len(self.results)
        served = tuple(
            Served(scalar, str(scalar), key, place, item, number)
            for place, (scalar, key, item) in enumerate(_scalars(value))
        )
        given = frozenset(map(str, call.arguments.values()))
        self.results.append(Result(call, served[:MAX_SCALARS], given))
        self.names.update(one.text for one in served if one.key == "name")
        self.used |= given
        self.covered |= self.by_name[call.name].named if call.name in self.by_name else frozenset()
        self.covered.update(one for argument in given for one in words(argument))


def identity(call: ToolCall) -> str:
    """Return a text that equal calls share."""
    return call.name + jsonio.dumps(call.arguments, sort_keys=True)


def _all_mentions(text: str) -> Iterator[Mention]:
    """Yield what a text names, and for names that may end elsewhere also how else they may be read."""
    found = mentions(text)
    for mention, after in zip_longest(found, found[1:]):
        yield mention
        if mention.kind != "name":
            continue
        end = mention.start + len(mention.text)
        if after is not None and after.kind == "name" and text[end : after.start] == "'s ":
            yield mention._replace(text=text[mention.start : after.start + len(after.text)])
        opener, _, rest = mention.text.partition(" ")
        if " " in rest and text[: mention.start].rstrip()[-1:] in _SENTENCE_END:
            yield mention._replace(text=rest, start=mention.start + len(opener) + 1)


def _units(text: str) -> Iterator[str]:
    """Yield the stems of the units a text spells out."""
    spoken = _LETTERS.findall(text)
    for first, second in zip_longest(spoken, spoken[1:], fillvalue=""):
        for written in (first.lower(), f"{first} {second}"):
            unit = units.spelled(written)
            if unit is not None and unit != units.OTHER:
                yield from words(unit)


def _scalars(value: Any) -> Iterator[tuple[Scalar, str, int]]:
    """Yield the scalars of a result, each with the key it stands under and its number in the list around it."""
    left: list[tuple[Any, str, int]] = [(value, "value", 0)]
    while left:
        found, key, item = left.pop()
        if isinstance(found, dict):
            left.extend((inner, name, item) for name, inner in reversed(found.items()))
        elif isinstance(found, list):
            left.extend((inner, key, number) for number, inner in reversed([*enumerate(found[:MAX_ITEMS])]))
        elif isinstance(found, str | int | float):
            yield found, key, item
