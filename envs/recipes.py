"""Packs that ship as a recipe: a card that pins seed, generator version and content hash; built once, on first use.

    <pack>/recipe.json     the card of the pack, without files

The built pack lies in the user's cache folder (TOOL_GYM_CACHE, if set) and is an ordinary pack from then on. What comes
out is compared with the hash in the recipe, so everyone has the same scenarios.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

from pydantic import ValidationError

from tool_gym.envs.card import Card
from tool_gym.errors import PackError
from tool_gym.progress import progress

FILE = "recipe.json"
CACHE_VARIABLE = "TOOL_GYM_CACHE"
"""Environment variable: where built packs are kept."""

_BUILDER = "tool_gym.generators.pinned"  # by name: environments stand below generators, and most never need them


def read_recipe(path: Path) -> Card:
    """Read a recipe.

    Raises:
        PackError: If it is missing or broken.
    """
    try:
        card = Card.model_validate_json(path.read_bytes())
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise PackError(msg) from None
    except ValidationError as error:
        first = error.errors()[0]
        msg = f"{path} is no recipe of a pack: {first['msg']} (at {'.'.join(map(str, first['loc']))})"
        raise PackError(msg) from None
    if card.files:
        msg = f"{path} is no recipe but the card of a pack: it lists files"
        raise PackError(msg)
    return card


def cache_folder() -> Path:
    """Return where built packs are kept."""
    from platformdirs import user_cache_path

    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else user_cache_path("tool-gym", appauthor=False)


def built(recipe: Path) -> Path:
    """Return the folder of a recipe's pack, building it if this is the first use; other processes wait meanwhile.

    Raises:
        PackError: If the recipe is broken, or the cache folder cannot be written to.
        GenerationError: If this release cannot build it, or builds something else than the recipe says.
    """
    from filelock import FileLock

    card = read_recipe(recipe)
    folder = cache_folder() / f"{card.id}-{card.content_hash}"
    if (folder / "card.json").is_file():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            if not (folder / "card.json").is_file():
                _build(card, folder)
    except OSError as error:
        msg = f"cannot keep the pack {card.id!r} in {folder.parent}: {error}; set {CACHE_VARIABLE} to another folder"
        raise PackError(msg) from None
    return folder


def _build(card: Card, folder: Path) -> None:
    total = sum(card.splits.values())
    sys.stderr.write(f"building the pack {card.id} ({total:,} scenarios) once, into {folder}\n")
    with progress(f"building {card.id}", total) as done:
        importlib.import_module(_BUILDER).build(card, folder, lambda report: done(min(report.accepted, total)))
