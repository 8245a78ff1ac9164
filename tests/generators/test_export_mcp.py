"""The MCP server, in a process of its own and spoken to by the SDK's own client, is the tools as they are here."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest
from mcp import ClientSession
from mcp.client.stdio import StdioServerParameters, stdio_client

from tests.generators.exporting import alone, loaded, oracle_calls, random_calls, said, same, session_of, tasks
from tests.harbour import MORE_TOOLS, TOOLS
from tool_gym import jsonio
from tool_gym.envs.pack import Task
from tool_gym.errors import ExportError
from tool_gym.generators.export import server

T = TypeVar("T")

TASKS = [*tasks(1), alone(*TOOLS, *MORE_TOOLS)]
QUICK = ("multi_hop", "write")
"""Shapes that are tried in the first stage; a process takes a second to start."""


def of_stage(task: Task) -> Any:
    """Return a parameter, slow but for a few."""
    scenario = task.scenario
    quick = scenario.shape in QUICK or scenario.domain == "harbour"
    return pytest.param(task, id=scenario.id[:12], marks=() if quick else pytest.mark.slow)


def spoken_to(task: Task, folder: Path, talk: Callable[[ClientSession], Awaitable[T]]) -> T:
    """Start `tool-gym serve` for a scenario and talk to it."""
    path = folder / "scenario.json"
    scenario = task.scenario.model_copy(update={"world": task.world, "world_ref": None})
    path.write_text(scenario.to_json(), encoding="utf-8")
    command = ["-W", "error::DeprecationWarning:tool_gym", "-m", "tool_gym.cli", "serve", str(path)]

    async def run() -> T:
        parameters = StdioServerParameters(command=sys.executable, args=command)
        async with stdio_client(parameters) as (incoming, outgoing), ClientSession(incoming, outgoing) as client:
            await client.initialize()
            return await talk(client)

    return anyio.run(run)


@pytest.mark.parametrize("task", list(map(of_stage, TASKS)))
def test_here_there_and_in_the_module_calls_give_the_same(task: Task, tmp_path: Path) -> None:
    calls = [*oracle_calls(task.scenario), *random_calls(task, 30), *oracle_calls(task.scenario)]

    async def talk(client: ClientSession) -> list[Any]:
        return [await client.call_tool(call.name, call.arguments) for call in calls]

    session, module = session_of(task), loaded(task)
    for call, there in zip(calls, spoken_to(task, tmp_path, talk), strict=True):
        here = session.call(call.name, call.arguments)
        assert same(here, said(module, call)), call
        assert [part.text for part in there.content] == [here.text], call
        assert there.is_error == (not here.ok)
        assert there.structured_content == (here.value if here.ok else None)


def test_the_tools_are_listed_as_they_are_and_nothing_of_the_answer(tmp_path: Path) -> None:
    task = next(task for task in TASKS if task.scenario.shape == "multi_hop")

    async def talk(client: ClientSession) -> list[Any]:
        return list((await client.list_tools()).tools)

    listed = spoken_to(task, tmp_path, talk)
    tools = [(tool.name, tool.description, tool.input_schema) for tool in listed]
    assert tools == [(tool.name, tool.description, tool.parameters) for tool in task.scenario.tools]
    shown = jsonio.dumps([tool.model_dump(mode="json") for tool in listed])
    assert not any(goal.question in shown for goal in task.scenario.sub_goals)


def test_each_server_has_a_world_of_its_own(tmp_path: Path) -> None:
    async def talk(client: ClientSession) -> list[bool]:
        arguments = {"booking_id": "BK1"}
        return [(await client.call_tool("cancel_booking", arguments)).is_error or False for _ in range(2)]

    task = alone(*TOOLS)
    assert [spoken_to(task, tmp_path, talk) for _ in range(2)] == [[False, True]] * 2


def test_without_the_sdk_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mcp", None)
    with pytest.raises(ExportError, match=r"pip install 'tool-gym\[mcp\]'"):
        server.server_of(TASKS[0])
