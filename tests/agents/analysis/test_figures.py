"""The pictures of an analysis (needs the train extra)."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tool_gym.agents.analysis.bootstrap import Estimate
from tool_gym.agents.analysis.figures import heat_map, sweep_plot
from tool_gym.agents.analysis.names import Place

pytestmark = pytest.mark.train


def drawn(folder: Path) -> dict[str, str]:
    """Return the texts of each SVG in a folder; raises for what is no XML."""
    return {path.name: "".join(ET.parse(path).getroot().itertext()) for path in folder.glob("*.svg")}  # noqa: S314 - written above


def test_a_heat_map_names_layers_modules_and_what_is_in_no_layer(tmp_path: Path) -> None:
    values: dict[Place, float | None] = {
        Place(layer, module, "mlp"): (layer + 1) / 100 for layer in range(50) for module in ("up", "down")
    }
    values |= {Place(3, "odd", "other"): None, Place(None, "lm_head", "head"): 0.5}
    files = heat_map(tmp_path, "map", values, title="Title", unit="relative change")
    assert [path.name for path in files] == ["map.png", "map.svg"]
    assert files[0].read_bytes().startswith(b"\x89PNG")
    shown = drawn(tmp_path)["map.svg"]
    for word in ("up", "down", "odd", "lm_head", "layer", "in no layer", "Title", "relative change"):
        assert word in shown


def test_equal_figures_give_equal_pictures(tmp_path: Path) -> None:
    values = {Place(0, "up", "mlp"): 0.1, Place(1, "up", "mlp"): 0.0}
    one, other = (heat_map(tmp_path, name, values, title="Title", unit="unit") for name in ("one", "other"))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in other]


def test_a_sweep_without_shares_is_drawn_too(tmp_path: Path) -> None:
    rows = [("0", Estimate(0.4, 0.1, 0.9), Estimate(-0.2)), ("outside", Estimate(None), Estimate(1.2, 1.0, 1.5))]
    sweep_plot(tmp_path, "some", rows, title="Title", dots=[(0, 0.3, None)])
    sweep_plot(tmp_path, "none", [("0", Estimate(None), Estimate(None))], title="Title")
    shown = drawn(tmp_path)
    assert "share of the gain" in shown["none.svg"]
    assert "outside" in shown["some.svg"]
