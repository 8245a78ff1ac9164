"""A pack as an OpenEnv environment: in process, and over a socket on the loopback with OpenEnv's own server and client.

OpenEnv needs a version of `mcp` that the extra `mcp` excludes, so it stands in an environment of its own; elsewhere
these tests are skipped.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.handmade import SCENARIOS, WORLD, oracle_turns, play
from tool_gym.dialects import get_dialect
from tool_gym.envs.env import ToolUseEnv
from tool_gym.envs.pack_writer import write_pack
from tool_gym.errors import EpisodeError
from tool_gym.messages import assistant_message
from tool_gym.turns import ToolCall, Turn

pytestmark = pytest.mark.slow
pytest.importorskip("openenv.core")

PLAYED = ("three_hops", "write", "multi_turn", "ask", "checked_decline", "fault")
JUNK = Turn(calls=(ToolCall("nothing", {"x": 1}),))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of the hand-written scenarios."""
    folder = tmp_path_factory.mktemp("packs") / "hand"
    both = [("test", SCENARIOS[name]) for name in PLAYED]
    write_pack(folder, both, [WORLD], id="hand", version="1.0.0", licence="Apache-2.0")
    return folder


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    """Where OpenEnv's server listens."""
    import uvicorn

    from tool_gym.agents.interop.openenv_server import app

    server = uvicorn.Server(uvicorn.Config(app(folder), host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        threading.Event().wait(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(10)


def action_of(turn: Turn, number: int, *, as_text: bool) -> Any:
    from tool_gym.agents.interop.openenv_server import ToolGymAction

    if as_text:
        return ToolGymAction(text=get_dialect("hermes").write(turn))
    message = assistant_message(turn, number)
    return ToolGymAction(text=message["content"], tool_calls=message.get("tool_calls", []))


@pytest.mark.parametrize("as_text", [True, False], ids=["text", "calls"])
@pytest.mark.parametrize("name", PLAYED)
def test_episodes_over_the_socket_are_the_environments(name: str, as_text: bool, url: str) -> None:  # noqa: FBT001 - a parameter
    from tool_gym.agents.interop.openenv_server import ToolGymClient

    scenario = SCENARIOS[name]
    expected = play(scenario, [JUNK, *oracle_turns(scenario)])
    with ToolGymClient(base_url=url).sync() as client:
        begun = client.reset(scenario=scenario.id, episode_id="mine").observation
        assert begun.messages[-1]["content"] == scenario.user_turns[0]
        assert begun.tools == [tool.schema for tool in scenario.tools]
        assert scenario.user_turns[0] in begun.text
        for number, step in enumerate(expected.steps):
            result = client.step(action_of(step.turn, number, as_text=as_text))
            assert result.reward == pytest.approx(step.reward)
            shown = [message["content"] for message in result.observation.messages]
            assert shown == [one.text for one in step.results] + [step.reply] * bool(step.reply)
            assert result.observation.text == get_dialect("hermes").observe(step.turn.calls, step.results, step.reply)
            assert result.done == (number + 1 == len(expected.steps))
        state = client.state()
    assert state.score == pytest.approx(expected.episode_return)
    assert (state.scenario_id, state.episode_id, state.step_count) == (scenario.id, "mine", len(expected.steps))
    assert state.parts["goals"] == 1


def test_sessions_do_not_see_each_other(url: str) -> None:
    from tool_gym.agents.interop.openenv_server import ToolGymClient

    scenario = SCENARIOS["write"]
    turns = oracle_turns(scenario)
    with ToolGymClient(base_url=url).sync() as one, ToolGymClient(base_url=url).sync() as other:
        one.reset(scenario=scenario.id)
        other.reset(scenario=scenario.id)
        first = [one.step(action_of(turn, 0, as_text=True)).reward for turn in turns]
        second = [other.step(action_of(turn, 0, as_text=True)).reward for turn in turns]
    assert first == second
    assert sum(first) == pytest.approx(1)


def test_the_task_api_lists_the_pack(url: str) -> None:
    def post(route: str, **body: Any) -> Any:
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{url}/tool_gym/{route}", data, {"Content-Type": "application/json"})  # noqa: S310 - the loopback
        with urllib.request.urlopen(request) as answer:  # noqa: S310 - the loopback
            return json.load(answer)

    with urllib.request.urlopen(f"{url}/tool_gym/splits") as answer:  # noqa: S310 - the loopback
        assert [split["name"] for split in json.load(answer)] == ["test"]
    assert post("num_tasks", split="test")["num_tasks"] == len(PLAYED)
    listed = post("tasks", split="test")["tasks"]
    assert [task["id"] for task in listed] == [SCENARIOS[name].id for name in PLAYED]
    assert post("task", split="test", index=1)["task"] == listed[1]
    assert post("task_range", split="test", start=2, stop=4)["tasks"] == listed[2:4]


def test_tasks_are_played_by_split_and_index(folder: Path) -> None:
    from tool_gym.agents.interop.openenv_server import ToolGymEnvironment

    env = ToolGymEnvironment(folder)
    env.reset(split="test", index=2)
    assert env.state.scenario_id == SCENARIOS[PLAYED[2]].id
    with pytest.raises(IndexError, match="0 to 5, no 6"):
        env.reset(split="test", index=6)
    drawn = [ToolGymEnvironment(folder).reset(seed=5).messages for _ in range(2)]
    theirs = ToolUseEnv(folder)
    theirs.reset(seed=5)
    assert drawn[0] == drawn[1] == list(theirs.messages)


def test_a_step_before_reset_and_a_cap_are_told(folder: Path) -> None:
    from tool_gym.agents.interop.openenv_server import ToolGymAction, ToolGymEnvironment

    env = ToolGymEnvironment(folder, max_turns=2)
    with pytest.raises(EpisodeError, match="reset first"):
        env.step(ToolGymAction(text="x"))
    env.reset(scenario=SCENARIOS["three_hops"].id)
    env.step(action_of(JUNK, 0, as_text=True))
    cut = env.step(ToolGymAction(text="<tool_call>{"))
    assert (cut.done, cut.truncated) == (True, True)
