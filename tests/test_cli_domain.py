"""`tool-gym domain`: the bundled domains, and what is wrong with a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from tool_gym.cli import main
from tool_gym.generators.domain import FOLDER, domain_names

if TYPE_CHECKING:
    import pytest


def test_list_tells_every_domain(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["domain", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [row["domain"] for row in told] == list(domain_names())
    assert main(["domain", "list"]) == 0
    assert "hotel stays" in capsys.readouterr().out


def test_check_passes_a_sound_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["domain", "check", str(FOLDER / "hotels.json")]) == 0
    assert capsys.readouterr().out == "1 file checked: 0 errors, 0 to consider\n"


def test_check_fails_on_an_error_and_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    domain = json.loads((FOLDER / "hotels.json").read_text(encoding="utf-8"))
    domain["entities"]["room"]["attributes"]["size"]["unit"] = "furlong"
    path = tmp_path / "hotels.json"
    path.write_text(json.dumps(domain), encoding="utf-8")
    assert main(["domain", "check", str(path)]) == 1
    out = capsys.readouterr().out
    assert "room.size" in out
    assert "the unit 'furlong' is unknown; known are" in out
    assert main(["domain", "check", str(path), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert not told["ok"]
    (problem,) = told["files"][str(path)]
    assert (problem["place"], problem["rule"], problem["error"]) == ("room.size", "unit", True)


def test_check_of_a_missing_file_is_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["domain", "check", str(tmp_path / "none.json")]) == 1
    assert "cannot be read" in capsys.readouterr().out
