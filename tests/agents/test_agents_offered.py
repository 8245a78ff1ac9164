"""What `tool_gym.agents` offers: by name, in order, and without the training stack until it is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tool_gym import agents


def test_the_names_are_sorted_and_have_a_home() -> None:
    assert sorted(agents.__all__) == agents.__all__ == dir(agents)
    assert set(agents.__all__) == set(agents._HOMES)


def test_importing_it_imports_nothing_heavy() -> None:
    code = "import sys, tool_gym.agents.curriculum, tool_gym.agents.policies.opening; print('torch' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False"]


def test_a_missing_extra_is_told() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from tool_gym import agents\n"
        "from tool_gym.agents.policies.opening import open_policy\n"
        "from tool_gym.errors import AgentError\n"
        "for ask in (lambda: agents.TransformersPolicy, open_policy('hf:x', 'hermes').__enter__):\n"
        "    try: ask()\n"
        "    except AgentError as error: print('tool-gym[train]' in str(error))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["True", "True"]


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'TransformerPolicy'"):
        agents.TransformerPolicy  # noqa: B018 - looking it up is what is tested


@pytest.mark.train
def test_every_name_is_there() -> None:
    assert all(getattr(agents, name) for name in agents.__all__)
