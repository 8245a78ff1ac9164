"""A small pack of every shape, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tool_gym.generators.llm.rebuilt import Source
from tool_gym.generators.pipeline import build_pack
from tool_gym.generators.plan import MIX, PackPlan


@pytest.fixture(scope="session")
def pack_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packs") / "small"
    plan = PackPlan("small", {"train": 24, "test": 6}, {"train": ("hotels",), "test": ("energy",)}, shapes=tuple(MIX))
    build_pack(plan, folder)
    return folder


@pytest.fixture(scope="session")
def source(pack_folder: Path) -> Source:
    return Source.open(pack_folder)
