"""The examples in the docstrings of every module are true.

pytest's own `--doctest-modules` would import the wings as `envs`, `generators` and `agents`: a second copy of each
module. So the modules are listed here under their one real name.
"""

import doctest
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

WINGS = ("tool_gym.envs", "tool_gym.generators", "tool_gym.agents")
TRAIN_EXTRA = {"accelerate", "datasets", "peft", "torch", "transformers", "trl"}
OWN_ENVIRONMENT = {"openenv", "verifiers", "verl"}
"""Packages whose pins exclude other extras: what needs them is run where they are installed (docs/interop.md)."""
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules_of(package: str) -> set[str]:
    """Return the dotted names of the modules in the package's own folder, without importing them."""
    spec = find_spec(package)
    assert spec is not None, f"{package} is not installed"
    assert spec.origin is not None, f"{package} has no __init__.py"
    folder = Path(spec.origin).parent
    paths = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py"))
    dotted = (".".join((package, *path.parts)).removesuffix(".__init__") for path in paths)
    return {name for name in dotted if not name.endswith(".__main__")}


MODULES = sorted(set().union(*map(modules_of, ("tool_gym", *WINGS))))
AGENTS = [name for name in MODULES if name.startswith("tool_gym.agents")]


def assert_examples_hold(name: str) -> None:
    failures, _ = doctest.testmod(import_module(name), optionflags=FLAGS)
    assert failures == 0, f"{failures} examples in {name} print something else: see the captured output"


def test_the_core_and_every_wing_are_covered() -> None:
    assert {"tool_gym", "tool_gym.errors", *WINGS} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_examples_of_a_module_hold(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        assert_examples_hold(name)
    except ModuleNotFoundError as error:
        if name not in AGENTS or error.name not in TRAIN_EXTRA | OWN_ENVIRONMENT:
            raise
        pytest.skip(f"{error.name} is not installed: the second stage runs these examples")


@pytest.mark.train
@pytest.mark.parametrize("name", AGENTS)
def test_examples_of_an_agent_module_hold(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        assert_examples_hold(name)
    except ModuleNotFoundError as error:
        if error.name not in OWN_ENVIRONMENT:
            raise
        pytest.skip(f"{error.name} needs an environment of its own")
