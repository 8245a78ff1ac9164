"""A text in the making: what has been said so far, and what can be referred back to."""

from __future__ import annotations

import random
from typing import Any, NamedTuple

from tool_gym.generators.domain import Attribute, Domain, Entity
from tool_gym.generators.expressions import ById, ByName, Ent, Follow, Top
from tool_gym.generators.wording.lexicon import Lexicon, lexicon_of
from tool_gym.generators.wording.text import draw, frames, pick
from tool_gym.world import World


class Phrase(NamedTuple):
    """A noun phrase for one row."""

    text: str
    head: str
    """The noun to take it up with."""
    named: bool = False
    """A bare name ends it, so that what follows can't be taken to belong to its inside."""


class Step(NamedTuple):
    """A sentence that prepares the question, without capital and mark."""

    text: str
    joinable: bool
    """Whether it may share a sentence with the step before it: both tell what to do."""


class Draft:
    """The state of one text."""

    def __init__(self, domain: Domain, world: World, rng: random.Random) -> None:
        """Start an empty text in a register drawn from `rng`."""
        self.domain = domain
        self.world = world
        self.rng = rng
        self.words: Lexicon = lexicon_of(domain)
        self.register: str = pick(rng, _registers())
        self.steps: list[Step] = []
        self.known: dict[Ent, Phrase] = {}
        """What sentences before have introduced."""
        self.named: set[str] = set()
        """Names that have been said with their noun; only ever asked for membership."""
        self.last: Ent | None = None
        """What the last step introduced."""
        self.leading: list[str] = []
        """Sentences that come before the steps."""
        self.nested = False
        """Whether figures are made of figures, so that 'the first' would not say which."""
        self.naming = False
        """Whether sentences give names to rows or figures."""
        self.letters = 0
        """Letters given to rows, so that no two rows share one."""
        self.figures = 0
        """Letters given to figures."""
        self.inner = False
        """Whether a step would come after other words in its sentence."""

    def pick(self, purpose: str) -> str:
        """Draw a frame."""
        return draw(self.rng, frames()[purpose])

    def pick_in_register(self, purpose: str) -> str:
        """Draw a frame of this text's register."""
        return draw(self.rng, frames()[purpose][self.register])

    def chance(self, probability: float) -> bool:
        """Draw whether to."""
        return self.rng.random() < probability

    def say(self, text: str, *, joinable: bool = False) -> None:
        """Add a preparing sentence."""
        self.steps.append(Step(text, joinable))

    def restart(self) -> None:
        """Begin another question of the same request."""
        self.steps, self.leading = [], []
        self.forget()

    def forget(self) -> None:
        """Close a train of thought: what it introduced is no longer 'that' one."""
        self.known = {}
        self.last = None

    def entity(self, ent: Ent) -> Entity:
        """Return the kind of row an expression names."""
        return self.domain.entities[ent.entity]

    def attribute(self, ent: Ent, column: str) -> Attribute:
        """Return an attribute of the row an expression names."""
        return self.domain.entities[ent.entity].columns[column]

    def pronoun(self, ent: Ent, noun: str) -> str | None:
        """Return 'its' or 'their' if that can only mean the row introduced last, else None."""
        if ent is not self.last:
            return None
        owners, inner = self.words.owners[noun], _inside(ent)
        while inner is not None:
            if inner.entity in owners:
                return None
            inner = None if inner in self.known else _inside(inner)
        return "their" if is_person(self.entity(ent)) else "its"

    def mark(self) -> tuple[Any, ...]:
        """Return where the text stands, for `back_to`."""
        return (list(self.steps), dict(self.known), set(self.named), self.last, self.letters, self.figures)

    def back_to(self, mark: tuple[Any, ...]) -> None:
        """Take back what was said since the mark."""
        self.steps, self.known, self.named, self.last, self.letters, self.figures = mark


def is_person(entity: Entity) -> bool:
    """Return whether the rows of an entity are people."""
    return entity.label.pool == "person"


def is_label(ent: Ent) -> bool:
    """Return whether an expression names its row outright."""
    return isinstance(ent, ByName | ById)


def _inside(ent: Ent) -> Ent | None:
    if isinstance(ent, Follow):
        return ent.source
    return ent.parent if isinstance(ent, Top) else None


def _registers() -> list[str]:
    weights: dict[str, int] = frames()["registers"]
    return [name for name, weight in weights.items() for _ in range(weight)]
