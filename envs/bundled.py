"""Which packs ship with tool-gym."""

from __future__ import annotations

from pathlib import Path


def bundled_packs() -> dict[str, Path]:
    """Return the packs that ship with tool-gym, whole or as a recipe: name → folder."""
    root = Path(__file__).resolve().parent / "packs"
    found = {path.parent for file in ("card.json", "recipe.json") for path in root.glob(f"*/{file}")}
    return {folder.name: folder for folder in sorted(found)}
