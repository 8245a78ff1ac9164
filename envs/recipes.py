"""Packs that ship as a recipe: a card that pins seed, generator version and content hash; built once, on first use.

    <pack>/recipe.json     the card of the pack, without files

The built pack lies in the user's cache folder (TOOL_GYM_CACHE, if set) and is an ordinary pack from then on. What comes
out is compared with the hash in the recipe, so everyone has the same scenarios.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from pydantic import ValidationError

from tool_gym.envs.card import Card
from tool_gym.errors import GenerationError, PackError

FILE = "recipe.json"
CACHE_VARIABLE = "TOOL_GYM_CACHE"
"""Environment variable: where built packs are kept."""

_BUILDER = "tool_gym.generators.pinned"
_IS_CHECKOUT = Path(__file__).resolve().parent.parent.name != "tool_gym"


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
                _build(recipe, card, folder)
    except OSError as error:
        msg = f"cannot keep the pack {card.id!r} in {folder.parent}: {error}; set {CACHE_VARIABLE} to another folder"
        raise PackError(msg) from None
    return folder


def _build(recipe: Path, card: Card, folder: Path) -> None:
    """Build a pack in a process of its own: whatever this one is, that one may share the work out to others."""
    sys.stderr.write(f"building the pack {card.id} ({sum(card.splits.values()):,} scenarios) once, into {folder}\n")
    sys.stderr.flush()
    paths = [str(Path(__file__).resolve().parents[1 if _IS_CHECKOUT else 2]), os.environ.get("PYTHONPATH", "")]
    ran = subprocess.run(  # noqa: S603 - our own module, in our own interpreter
        [sys.executable, "-m", _BUILDER, str(recipe), str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in paths if path)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        msg = ran.stdout.strip() or f"building the pack {card.id!r} ended early, with status {ran.returncode}"
        raise GenerationError(msg)
