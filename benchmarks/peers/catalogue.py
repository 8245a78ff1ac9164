"""What is measured beside tool-gym: which release, on which Python, and what each path checks.

Every name here is the project's own on PyPI: the package's metadata names the repository it is known by.
"""

from __future__ import annotations

from typing import NamedTuple


class PeerError(Exception):
    """Raised when a peer cannot be measured; says why in one line."""


class ToolPath(NamedTuple):
    """One way to play ADD4 on a peer."""

    name: str
    """What the adapter calls it."""
    checks: str
    """What is checked and kept at each step, for the reader of the table."""


class Peer(NamedTuple):
    """A project and how it is measured."""

    name: str
    requirements: tuple[str, ...]
    """What pip installs, pinned to the releases that were measured; nothing for ours."""
    adapter: str
    """The module in this folder that plays it."""
    paths: tuple[ToolPath, ...]
    python: tuple[int, int] = (3, 11)
    """Oldest Python it runs on, as (major, minor)."""
    before: tuple[int, int] = (3, 14)
    """The first newer Python it is not offered."""
    with_dependencies: bool = True


OURS = Peer(
    name="tool-gym",
    requirements=(),
    adapter="ours_add4",
    paths=(
        ToolPath("bare gymnasium.Env", "nothing; the answer at the end"),
        ToolPath("bare, SyncVectorEnv, n=64", "nothing; the answer at the end"),
        ToolPath("bare, AsyncVectorEnv, n=8", "nothing; the answer at the end"),
        ToolPath("ToolUseEnv", "schema, strict score each step, trajectory"),
        ToolPath("gym.make", "schema, strict score each step, trajectory"),
        ToolPath("ToolUseVectorEnv, n=64", "schema, strict score each step, trajectory"),
        ToolPath("SyncVectorEnv, n=64", "schema, strict score each step, trajectory"),
        ToolPath("AsyncVectorEnv, n=8", "schema, strict score each step, trajectory"),
    ),
)
REFERENCE = "gym.make"
"""The path of ours that all others are compared with."""

PEERS = (
    Peer(
        name="GEM",
        requirements=("gem-llm==0.1.0",),
        adapter="gem_add4",
        paths=(
            ToolPath("ToolEnvWrapper", "nothing; the answer at the end"),
            ToolPath("SyncVectorEnv, n=64", "nothing; the answer at the end"),
            ToolPath("AsyncVectorEnv (threads), n=64", "nothing; the answer at the end"),
        ),
        before=(3, 12),
    ),
    Peer(
        name="SkyRL-gym",
        requirements=("skyrl-gym==0.4.0",),
        adapter="skyrl_gym_add4",
        paths=(ToolPath("make, init, step", "that the tool exists; the answer at the end; chat history"),),
    ),
    Peer(
        name="OpenEnv",
        requirements=("openenv==0.10.0",),
        adapter="openenv_add4",
        paths=(
            ToolPath("Environment.step", "typed actions; the answer at the end"),
            ToolPath("MCPEnvironment.step_async", "typed arguments, MCP session, timeout; the answer at the end"),
        ),
    ),
    Peer(
        name="verifiers",
        requirements=("verifiers==0.3.1",),  # see LEFT_OUT
        adapter="verifiers_add4",
        paths=(
            ToolPath("ToolEnv.env_response", "nothing, no score (calls alone)"),
            ToolPath("ToolEnv rollout, scored", "nothing; rubric at the end; trajectory"),
        ),
    ),
    Peer(
        name="BFCL",
        # Its executor needs mpmath alone; the rest are clients of model providers, and torch.
        requirements=("bfcl-eval==2026.3.23", "mpmath==1.3.0"),
        adapter="bfcl_add4",
        paths=(ToolPath("execute_multi_turn_func_call", "nothing, no score: evaluates Python text (calls alone)"),),
        with_dependencies=False,
    ),
    Peer(
        name="Inspect",
        requirements=("inspect-ai==0.3.285",),
        adapter="inspect_ai_add4",
        paths=(ToolPath("execute_tools", "schema, events, no score (calls alone)"),),
    ),
    Peer(
        name="smolagents",
        requirements=("smolagents==1.26.0",),
        adapter="smolagents_add4",
        paths=(
            ToolPath("LocalPythonExecutor", "Python interpreted, operations counted; no score"),
            ToolPath("ToolCallingAgent.run", "types of arguments; memory of the run; no score"),
        ),
    ),
    Peer(
        name="Pydantic AI",
        requirements=("pydantic-ai-slim==2.68.0",),
        adapter="pydantic_ai_add4",
        paths=(ToolPath("Agent.run", "schema; messages of the run; no score"),),
    ),
    Peer(
        name="NeMo Gym",
        requirements=("nemo-gym==0.4.0",),
        adapter="nemo_gym_add4",
        paths=(ToolPath("tool route and /verify, in process", "typed bodies; the answer at the end"),),
        python=(3, 12),
    ),
)

LEFT_OUT = {
    "tau2-bench": "not on PyPI (the PyPI project `tau2` computes magnetic relaxation rates)",
    "EnvScaler, Agent World Model": "not on PyPI",
    "verifiers 0.4": "each toolset is a server process; 0.3.1 is the last release with tools in process",
    "reasoning-gym, TextArena": "no tools",
    "TRL, verl": "the tool loop is inside the trainer and needs a model",
}
"""Not measured, and why."""
