"""Scenarios of a pack as the candidates they were, to be proved again with other words.

A generated scenario is a pure function of its seed path: built again, it comes with the goal and the hop graph that
the gates need. Only words may differ from what the pack holds: user turns, and the descriptions of tools.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from tool_gym.envs.card import Card
from tool_gym.envs.pack import Entry, FolderPack, read_card
from tool_gym.envs.pack_writer import write_pack
from tool_gym.errors import GenerationError
from tool_gym.generators.build import SeedPath, build
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.gates import prove
from tool_gym.generators.pinned import plan_of
from tool_gym.generators.plan import PackPlan, wish
from tool_gym.scenario import Scenario, ToolSpec
from tool_gym.world import World

HOW = "llm"
"""Where a card's `how_built` notes what a model had to do with a pack: one entry for each run, the earliest first."""


@dataclass(frozen=True)
class Source:
    """A generated pack, whose scenarios can be built again."""

    pack: FolderPack
    card: Card
    plan: PackPlan

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
        return said_otherwise(found, scenario.user_turns, scenario.tools)

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
