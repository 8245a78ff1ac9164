"""What `import tool_gym` brings in, and what the distribution puts on the import path."""

import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

HEAVY = ("torch", "transformers", "trl", "typer", "rich")


def test_importing_the_package_imports_nothing_heavy(tmp_path: Path) -> None:
    code = f"import sys, tool_gym; print(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.split() == []


@pytest.mark.parametrize("wing", ["envs", "generators", "agents"])
def test_the_distribution_claims_no_top_level_name_of_a_wing(wing: str) -> None:
    assert "tool-gym" not in metadata.packages_distributions().get(wing, [])


def test_the_package_and_its_distribution_agree_on_the_version(tmp_path: Path) -> None:
    code = "import tool_gym; print(tool_gym.__version__)"
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == metadata.version("tool-gym")
