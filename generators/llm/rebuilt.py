"""Scenarios of a pack as the candidates they were, to be proved again with other words.

A generated scenario is a pure function of its seed path: built again, it comes with the goal and the hop graph that
the gates need. Only words may differ from what the pack holds: user turns, and the descriptions of tools.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tool_gym.envs.card import Card
from tool_gym.envs.pack import Entry, FolderPack, read_card
from tool_gym.envs.pack_writer import write_pack
from tool_gym.errors import GenerationError
from tool_gym.generators.build import SeedPath, build
from tool_gym.generators.calls import template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.gates import prove
from tool_gym.generators.pinned import plan_of
from tool_gym.generators.plan import PackPlan, wish
from tool_gym.scenario import Scenario, ToolSpec
from tool_gym.world import World

HOW = "llm"
"""Where a card's `how_built` notes what a model had to do with a pack: one entry for each run, the earliest first."""


ALONE = threading.RLock()
"""Held by whatever builds, proves or plays candidates beside requests: the caches they share are not for threads."""


@dataclass(frozen=True)
class Source:
    """A generated pack, whose scenarios can be built again."""

    pack: FolderPack
    card: Card
    plan: PackPlan
    derived: dict[object, Any] = field(default_factory=dict, compare=False, repr=False)
    """Room for what is computed from the pack once, by whatever computes it."""

    @classmethod
    def open(cls, folder: Path) -> Source:
        """Open a pack.

        Raises:
            PackError: If there is none.
            GenerationError: If it was not made by this version of the generator.
        """
        pack, card = FolderPack(folder), read_card(folder)
        how = {key: value for key, value in card.how_built.items() if key != HOW}
        return cls(pack, card, plan_of(card.model_copy(update={"how_built": how})))

    @cached_property
    def entries(self) -> tuple[Entry, ...]:
        """Every scenario, in the pack's order."""
        return tuple(self.pack.entries())

    def scenario(self, entry: Entry) -> Scenario:
        """Return a scenario as the pack holds it."""
        return self.pack.task(entry.id).scenario

    def candidate(self, scenario: Scenario) -> Candidate:
        """Return a scenario as a candidate, with the words it has in the pack.

        Raises:
            GenerationError: If building it again gives something else.
        """
        asked = wish(self.plan, scenario.shape, int(str(scenario.knobs["depth"])))
        try:
            found = build(SeedPath.parse(scenario.seed_path), asked)
        except RejectedError as error:
            msg = f"the scenario {scenario.id} does not pass this release's gates ({error}); make the pack anew"
            raise GenerationError(msg) from None
        if _wordless(found.scenario) != _wordless(scenario):
            msg = f"the scenario {scenario.id} is not what its seed path gives; the pack was altered"
            raise GenerationError(msg)
        pairs = zip(scenario.tools, found.scenario.tools, strict=True)
        origins = {
            told.name: with_words(found.origins[told.name], words_before(found.origins[told.name], built, told))
            for told, built in pairs
            if told.name in found.origins
        }
        return said_otherwise(replace(found, origins=origins), scenario.user_turns, scenario.tools)

    def worlds(self) -> Iterator[World]:
        """Yield each world once, in the order of the scenarios."""
        names = dict.fromkeys(self.scenario(entry).world_ref for entry in self.entries)
        yield from (self.pack.world(name) for name in names if name is not None)

    def write(
        self, folder: Path, scenarios: list[Scenario], how: dict[str, Any], description: str, *, overwrite: bool
    ) -> Card:
        """Write the pack with other scenarios in the places of its own, and note how they were made."""
        pairs = [(entry.split, scenario) for entry, scenario in zip(self.entries, scenarios, strict=True)]
        return write_pack(
            folder,
            pairs,
            list(self.worlds()),
            overwrite=overwrite,
            id=folder.name,
            version=self.card.version,
            title=f"tool-gym pack {folder.name}",
            description=f"{self.card.description} {description}",
            licence=self.card.licence,
            how_built={**self.card.how_built, HOW: [*self.card.how_built.get(HOW, ()), how]},
        )


@dataclass(frozen=True)
class Words:
    """What a tool says of itself."""

    description: str
    parameters: dict[str, str]
    """Parameter → description; without those that have none."""

    @classmethod
    def of(cls, tool: ToolSpec) -> Words:
        """Return the words of a tool."""
        told = {name: schema.get("description", "") for name, schema in tool.parameters["properties"].items()}
        return cls(tool.description, {name: text for name, text in told.items() if text})


def with_words(tool: ToolSpec, words: Words) -> ToolSpec:
    """Return a tool with other words; parameters they do not speak of keep theirs."""
    properties = {
        name: {**schema, "description": words.parameters[name]} if name in words.parameters else schema
        for name, schema in tool.parameters["properties"].items()
    }
    parameters = {**tool.parameters, "properties": properties}
    return tool.model_copy(update={"description": words.description, "parameters": parameters})


def words_after(tool: ToolSpec, origin: ToolSpec, new: Words) -> Words:
    """Return a scaled tool's words with those of its origin exchanged for new ones.

    What scaling has put behind them stays; where it has changed them beyond recognition, all of them stay.
    """
    old, told = Words.of(origin), Words.of(tool)
    first = origin_names(tool, origin)
    parameters = {
        name: _exchanged(text, old.parameters.get(first.get(name, ""), ""), new.parameters.get(first.get(name, ""), ""))
        for name, text in told.parameters.items()
    }
    return Words(_exchanged(told.description, old.description, new.description), parameters)


def words_before(origin: ToolSpec, built: ToolSpec, told: ToolSpec) -> Words:
    """Return what the words of an origin must be for a tool to tell what it does: `words_after`, undone."""
    old, scaled, new = Words.of(origin), Words.of(built), Words.of(told)
    first = origin_names(built, origin)
    parameters = dict(old.parameters)
    for name, text in new.parameters.items():
        before = old.parameters.get(first.get(name, ""), "")
        if before:
            parameters[first[name]] = _restored(scaled.parameters[name], before, text)
    return Words(_restored(scaled.description, old.description, new.description), parameters)


def origin_names(tool: ToolSpec, origin: ToolSpec) -> dict[str, str]:
    """Return a scaled tool's parameters and what they were called before."""
    roles = {template(origin).renames.get(name, name): name for name in origin.parameters["properties"]}
    renames = template(tool).renames
    pairs = {name: roles.get(renames.get(name, name)) for name in tool.parameters["properties"]}
    return {name: first for name, first in pairs.items() if first is not None}


def _exchanged(text: str, before: str, after: str) -> str:
    return after + text[len(before) :] if before and after and text.startswith(before) else text


def _restored(scaled: str, before: str, told: str) -> str:
    """Return the new beginning of `told`, which ends as `scaled` does behind `before`."""
    end = scaled[len(before) :]
    return (
        told[: len(told) - len(end)] if scaled.startswith(before) and told.endswith(end) and told != scaled else before
    )


def said_otherwise(candidate: Candidate, user_turns: tuple[str, ...], tools: tuple[ToolSpec, ...]) -> Candidate:
    """Return a candidate with other words; its scenario's id follows."""
    scenario = candidate.scenario.model_copy(update={"user_turns": user_turns, "tools": tools}).with_id()
    return replace(candidate, scenario=scenario)


def proved(candidate: Candidate, before: Scenario, certificate: dict[str, Any], provenance: str) -> Scenario:
    """Return a candidate's scenario, proved by every gate.

    Args:
        candidate: With its new words.
        before: The scenario whose words were changed; what its certificate says beyond the gates stays true.
        certificate: What else was proved.
        provenance: What a model had to do with it.

    Raises:
        RejectedError: By the first gate it fails.
    """
    found = {**before.certificate, **prove(candidate), **certificate}
    whence = f"{before.provenance}; {provenance}"
    return candidate.scenario.model_copy(update={"certificate": found, "provenance": whence})


def _wordless(scenario: Scenario) -> dict[str, Any]:
    """Return what must be the same however a scenario is worded."""
    content = scenario.model_dump(mode="json", include={"domain", "shape", "world_ref", "sub_goals", "goals", "plans"})
    tools = [[tool.name, tool.impl.model_dump(mode="json"), _undescribed(tool.parameters)] for tool in scenario.tools]
    return {**content, "tools": tools}


def _undescribed(parameters: dict[str, Any]) -> dict[str, Any]:
    properties = {
        name: {key: value for key, value in schema.items() if key != "description"}
        for name, schema in parameters["properties"].items()
    }
    return {**parameters, "properties": properties}
