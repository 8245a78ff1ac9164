"""Which packs ship with tool-gym."""

from __future__ import annotations

from pathlib import Path


def bundled_packs() -> dict[str, Path]:
    """Return the packs that ship with tool-gym: name → folder."""
    root = Path(__file__).resolve().parent / "packs"
    return {card.parent.name: card.parent for card in sorted(root.glob("*/card.json"))}
