"""The wheel, installed in a clean environment away from the checkout, is the whole product."""

import json
import os
import subprocess
import sys
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]
WINGS = ("envs", "generators", "agents")
MAIN_JOB = ("rollout", "--policy", "all", "--suite", "everyday", "--split", "test", "--episodes", "2")

pytestmark = pytest.mark.slow


def run(*command: object, cwd: Path) -> str:
    """Return what the command printed; it inherits nothing that could lead it back to the checkout."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=cwd, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, f"{' '.join(words)} exited {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def bin_folder(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clean")
    venv.create(folder, with_pip=True)
    run(folder / "bin" / "python", "-m", "pip", "install", "--quiet", wheel, cwd=folder)
    return folder / "bin"


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    places = {"tool_gym": ROOT / "tool_gym"} | {f"tool_gym/{wing}": ROOT / wing for wing in WINGS}
    wanted = {
        f"{inside}/{path.relative_to(folder).as_posix()}"
        for inside, folder in places.items()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {name for name in ZipFile(wheel).namelist() if name.startswith("tool_gym/")}
    assert packed == wanted
    assert "tool_gym/py.typed" in packed
    assert any(name.startswith("tool_gym/envs/packs/") and name.endswith("/card.json") for name in packed)
    assert any(name.startswith("tool_gym/generators/domains/") for name in packed)


def test_one_import_package_is_installed(bin_folder: Path, tmp_path: Path) -> None:
    code = (
        "import json, importlib.metadata as m;"
        "print(json.dumps([m.version('tool-gym'), sorted({p.parts[0] for p in m.files('tool-gym')} - {'..'})]))"
    )
    version, names = json.loads(run(bin_folder / "python", "-c", code, cwd=tmp_path))
    assert names == ["tool_gym", f"tool_gym-{version}.dist-info"]


def test_the_wings_import_from_inside_the_package(bin_folder: Path, tmp_path: Path) -> None:
    code = (
        "import sys, tool_gym, tool_gym.envs, tool_gym.generators, tool_gym.agents as last;"
        "print(last.__file__, *({'torch', 'transformers', 'trl'} & set(sys.modules)))"
    )
    (file,) = run(bin_folder / "python", "-W", "error", "-c", code, cwd=tmp_path).split()
    assert Path(file).parts[-4:] == ("site-packages", "tool_gym", "agents", "__init__.py")
    assert Path(file).is_relative_to(bin_folder.parent)


def test_the_command_explains_itself(bin_folder: Path, tmp_path: Path) -> None:
    assert "rollout" in run(bin_folder / "tool-gym", "--help", cwd=tmp_path)


def test_the_main_job_runs(bin_folder: Path, tmp_path: Path) -> None:
    assert "oracle" in run(bin_folder / "tool-gym", *MAIN_JOB, cwd=tmp_path)
