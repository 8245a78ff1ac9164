"""A toy task of two tools and two hops over small random worlds, and tiny models of its words."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from typing import Any

from tests.harbour import answer, found, plan, read
from tool_gym.agents.models import build_model, build_tokenizer
from tool_gym.agents.models.corpus import corpus
from tool_gym.agents.models.family import Size
from tool_gym.envs.pack import MemoryPack, Pack
from tool_gym.rewards import StepScore
from tool_gym.scenario import Binding, Scenario, TemplateImpl, ToolSpec
from tool_gym.trajectory import Step
from tool_gym.values import NumberValue, TextValue
from tool_gym.world import Column, Table, World

NAMES = ("Aurora", "Borealis", "Cormorant", "Dagmar", "Esperanza", "Fulmar", "Gudrun", "Halcyon", "Ingrid", "Juno")
FIELDS = ("crew", "berths", "decks")
SHIPS = 4
"""In a world."""

_TEXT = {"type": "string"}
TOOLS = (
    ToolSpec(
        name="find",
        description="Find.",
        parameters={
            "type": "object",
            "properties": {"name": _TEXT},
            "required": ["name"],
            "additionalProperties": False,
        },
        impl=TemplateImpl(family="find", bindings={"table": "ship"}),
    ),
    ToolSpec(
        name="read",
        description="Read.",
        parameters={
            "type": "object",
            "properties": {"id": _TEXT, "field": {"type": "string", "enum": list(FIELDS)}},
            "required": ["id", "field"],
            "additionalProperties": False,
        },
        impl=TemplateImpl(family="get", bindings={"tables": {"ship": list(FIELDS)}}),
    ),
)


def toy_pack(count: int, seed: int = 0, turns: int = 1, worlds: int | None = None) -> MemoryPack:
    """Return a pack of two-hop scenarios, each of one question or more.

    Args:
        count: How many.
        seed: Where chance comes from.
        turns: Questions in each.
        worlds: In how many worlds; each in one of its own if None.
    """
    rng = random.Random(seed)
    played = [_world(rng) for _ in range(worlds or count)]
    scenarios = [_scenario(number, played[number % len(played)], rng, turns) for number in range(count)]
    return MemoryPack(scenarios, played, split="train")


def _world(rng: random.Random) -> World:
    columns = {"name": Column(type="name"), **{name: Column(type="integer", low=10, high=99) for name in FIELDS}}
    numbers = rng.sample(range(10, 99), SHIPS)
    rows: dict[str, Any] = {
        f"SH{number}": {"id": f"SH{number}", "name": name, **{field: rng.randrange(10, 99) for field in FIELDS}}
        for number, name in zip(numbers, rng.sample(NAMES, SHIPS), strict=True)
    }
    return World(domain="harbour", tables={"ship": Table(noun="ship", prefix="SH", columns=columns, rows=rows)})


def _scenario(number: int, world: World, rng: random.Random, turns: int) -> Scenario:
    texts, hops, goals, links = [], [], [], {}
    for turn, row in enumerate(rng.sample(list(world.tables["ship"].rows.values()), turns)):
        field = rng.choice(FIELDS)
        name, key, ship, value = str(row["name"]), str(row["id"]), f"ship{turn}", f"value{turn}"
        gold = NumberValue(value=int(row[field]))
        cell = Binding(operation="read", entity="ship", row=key, field=field)
        texts.append(f"What is the {field} of {name}?")
        hops += [
            read(ship, "find", {"name": name}, found("ship", name), "id", TextValue(value=key), user_turn=turn),
            read(value, "read", {"id": key, "field": field}, cell, field, gold, ship, user_turn=turn),
        ]
        links[value] = {"id": (ship, "id")}
        goals.append(answer(gold, ship, value, user_turn=turn))
    return Scenario(
        id=f"toy{number}",
        domain="harbour",
        shape="multi_hop" if turns == 1 else "multi_turn",
        user_turns=tuple(texts),
        world_ref=world.id,
        tools=TOOLS,
        sub_goals=tuple(hops),
        goals=tuple(goals),
        plans=(plan(hops, links),),
    )


def ids_of(pack: Pack) -> list[str]:
    return [entry.id for entry in pack.entries()]


@cache
def toy_tokenizer() -> Any:
    pack = toy_pack(60, seed=99)
    return build_tokenizer(corpus(pack, ids_of(pack)), vocab_size=420)


def tiny_model(size: Size = Size(1, 16, 32, 2, 1), seed: int = 0) -> Any:  # noqa: B008 - a NamedTuple
    return build_model(toy_tokenizer(), size, seed=seed)


class LetterReward:
    """Pays each turn by its letters: of no use, but with spread, even among policies that know nothing."""

    name = "letters"

    def start(self, scenario: Scenario) -> LetterScorer:
        del scenario
        return LetterScorer()


class LetterScorer:
    def __init__(self) -> None:
        self._score = 0.0

    def step(self, step: Step) -> StepScore:
        delta = sum(map(ord, step.turn.raw)) % 7 / 7
        self._score += delta
        return StepScore(delta, self._score, self.parts())

    def parts(self) -> dict[str, float]:
        return {"letters": self._score}

    def snapshot(self) -> object:
        return self._score

    def restore(self, state: Any) -> None:
        self._score = state


class CyclicSchedule:
    """Goes through scenarios in order; keeps what it was told."""

    def __init__(self, ids: Sequence[str]) -> None:
        self._ids = list(ids)
        self.at = 0
        self.results: list[Any] = []

    def draw(self, groups: int) -> list[str]:
        self.at += groups
        return [self._ids[number % len(self._ids)] for number in range(self.at - groups, self.at)]

    def observe(self, results: Sequence[Any]) -> None:
        self.results += results

    def state(self) -> dict[str, Any]:
        return {"at": self.at, "observed": len(self.results)}

    def load(self, state: dict[str, Any]) -> None:
        self.at = state["at"]
