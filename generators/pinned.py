"""Recipes: packs pinned by seed, generator version and content hash, to be built anew wherever they are used.

    python -m tool_gym.generators.pinned RECIPE FOLDER

builds the pack of a recipe; what goes wrong is told on standard output.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tool_gym.envs.card import Card
from tool_gym.envs.recipes import read_recipe
from tool_gym.errors import GenerationError, ToolGymError
from tool_gym.generators.build import GENERATOR_VERSION
from tool_gym.generators.domain import domain_from
from tool_gym.generators.pipeline import build_pack
from tool_gym.generators.plan import PackPlan
from tool_gym.generators.shards import Report
from tool_gym.progress import progress as bar


def recipe_of(card: Card) -> str:
    """Return the recipe of a generated pack, as the text of its file."""
    return card.model_copy(update={"files": {}}).model_dump_json(indent=2) + "\n"


def plan_of(card: Card) -> PackPlan:
    """Return the plan that a generated pack was made by.

    Raises:
        GenerationError: If it was made by another version of the generator, or not by the generator.
    """
    how = dict(card.how_built)
    version = how.pop("generator_version", None)
    how.pop("took", None)
    if version != GENERATOR_VERSION:
        msg = (
            f"the pack {card.id!r} was made by generator version {version!r}; this release has {GENERATOR_VERSION!r}. "
            "Install the release it was made with, or take a recipe made with this one"
        )
        raise GenerationError(msg)
    try:
        domains = {split: tuple(names) for split, names in how.pop("domains").items()}
        chosen: Any = {name: tuple(how.pop(name, ())) for name in ("depths", "registers")}
        shapes = tuple(how.pop("shapes"))
        own = tuple(domain_from(data, f"the pack {card.id!r}") for data in how.pop("own", ()))
        return PackPlan(name=card.id, domains=domains, shapes=shapes, own=own, **chosen, **how)
    except (KeyError, TypeError, AttributeError) as error:
        msg = f"how the pack {card.id!r} was built is not a plan of this generator: {error}"
        raise GenerationError(msg) from None


def build(card: Card, folder: Path, progress: Callable[[Report], None] = lambda _: None) -> None:
    """Build the pack of a recipe, with one process per processor.

    Args:
        card: The recipe.
        folder: Where to.
        progress: Called again and again with the report so far.

    Raises:
        GenerationError: If it cannot be built, or comes out otherwise than the recipe says.
    """
    made, _ = build_pack(plan_of(card), folder, workers=os.cpu_count() or 1, progress=progress)
    if made.content_hash != card.content_hash:
        shutil.rmtree(folder)
        msg = (
            f"the pack {card.id!r} came out with the content hash {made.content_hash}, but its recipe says "
            f"{card.content_hash}: the recipe is altered, or belongs to another release"
        )
        raise GenerationError(msg)


def main(recipe: str, folder: str) -> int:
    """Build the pack of a recipe, with a progress bar; return the exit code."""
    try:
        card = read_recipe(Path(recipe))
        total = sum(card.splits.values())
        with bar(f"building {card.id}", total) as done:
            build(card, Path(folder), lambda report: done(min(report.accepted, total)))
    except ToolGymError as error:
        sys.stdout.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
