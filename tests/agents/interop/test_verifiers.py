"""A pack as a taskset of verifiers: its own rollouts, tool server and chat program, and a model on the loopback.

verifiers pins a version of `mcp` that the extra `mcp` excludes, so it stands in an environment of its own; elsewhere
these tests are skipped. Its chat programs are started by `uv`, which fetches their dependencies.
"""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.interop.streaming import Player
from tests.handmade import SCENARIOS, WORLD, oracle_turns, play
from tool_gym.envs.pack_writer import write_pack
from tool_gym.trajectory import Trajectory
from tool_gym.turns import Outcome, ToolCall, Turn

pytestmark = pytest.mark.slow
vf = pytest.importorskip("verifiers.v1")
if shutil.which("uv") is None:
    pytest.skip("verifiers starts its chat programs with uv", allow_module_level=True)

PLUGIN = """
from tool_gym.agents.interop.verifiers_taskset import ToolGymEnv, ToolGymTaskset
__all__ = ["ToolGymEnv", "ToolGymTaskset"]
"""
PLAYED = ("three_hops", "write", "multi_turn", "ask", "checked_decline", "fault")
JUNK = Turn(calls=(ToolCall("nothing", {"x": 1}),))


def episodes(*, clumsy: bool) -> dict[str, Trajectory]:
    """Return, by what the user says first, the episodes to be played: the oracle's, or with a useless call in front."""
    found = {}
    for name in PLAYED:
        turns = oracle_turns(SCENARIOS[name])
        found[SCENARIOS[name].user_turns[0]] = play(SCENARIOS[name], [JUNK, *turns] if clumsy else turns)
    return found


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A pack of the hand-written scenarios, and the module by which verifiers finds it."""
    both = [("test", SCENARIOS[name]) for name in PLAYED]
    write_pack(tmp_path / "hand", both, [WORLD], id="hand", version="1.0.0", licence="Apache-2.0")
    (tmp_path / "tool_gym_taskset.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("FAKE_KEY", "key")
    yield tmp_path / "hand"
    sys.modules.pop("tool_gym_taskset", None)


async def run(pack: Path, url: str, **settings: Any) -> list[Any]:
    """Play every scenario of a pack, two at a time, and return the traces in order."""
    from verifiers.v1.utils.loaders import load_environment

    from tool_gym.agents.interop.verifiers_taskset import ToolGymEnvConfig

    config = ToolGymEnvConfig(
        taskset={"id": "tool-gym-taskset", "pack": str(pack), "split": "test", **settings},
        agent={"harness": {"id": "null"}, "runtime": {"type": "subprocess"}},
    )
    env = load_environment(config)
    client = vf.EvalClientConfig(base_url=url, api_key_var="FAKE_KEY")
    context = vf.ModelContext(client=client, model="fake", sampling=vf.SamplingConfig())
    two = asyncio.Semaphore(2)
    async with env.serving():
        slots = [slot for task in env.taskset for slot in env.slots(task)]
        played = await asyncio.gather(*(env.run_slot(slot, context, two) for slot in slots))
    assert [episode.errors for episode in played] == [[]] * len(played)
    return [trace for episode in played for trace in episode.traces]


@pytest.mark.parametrize("clumsy", [False, True], ids=["oracle", "clumsy"])
def test_rollouts_earn_what_the_environment_pays(clumsy: bool, folder: Path) -> None:  # noqa: FBT001 - a parameter
    said = episodes(clumsy=clumsy)
    with Player(said) as model:
        traces = asyncio.run(run(folder, model.base_url))
    assert len(traces) == len(PLAYED)
    for trace, expected in zip(traces, said.values(), strict=True):
        assert [error.message for error in trace.errors] == []
        assert trace.reward == pytest.approx(expected.episode_return)
        assert trace.info["tool_gym_rewards"] == pytest.approx([step.reward for step in expected.steps])
        assert trace.metrics["goals"] == 1
        results = [result for step in expected.steps for result in step.results]
        for message, result in zip(trace.tool_messages, results, strict=True):
            if result.outcome is not Outcome.UNKNOWN_TOOL:  # verifiers answers those itself
                assert message.content == result.text
        assert [one.content for one in trace.messages if one.role == "user"][1:] == [
            step.reply for step in expected.steps if step.reply
        ]


def test_a_reward_of_another_name_is_paid(folder: Path) -> None:
    said = episodes(clumsy=True)
    with Player(said) as model:
        traces = asyncio.run(run(folder, model.base_url, task={"reward": "solve:weight=0.9"}))
    for trace, expected in zip(traces, said.values(), strict=True):
        assert trace.reward < expected.episode_return
