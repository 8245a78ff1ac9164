"""A scenario as an MCP server over standard input and output, by the official SDK (`pip install "tool-gym[mcp]"`).

The server has the scenario's tools under their own names, with their schemas and documentation. A call gives what it
gives in an episode: the value as text and, where it is an object, as structured content; a refused call is an error
result with the same text. What calls change lasts as long as the process. Goals, golds and plans are not served.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tool_gym.envs.pack import Task
from tool_gym.errors import ExportError
from tool_gym.runtime import InProcessRuntime, Session
from tool_gym.version import __version__

if TYPE_CHECKING:
    from mcp import types
    from mcp.server import Server


def serve(task: Task) -> None:
    """Serve a scenario's tools until the client goes.

    Raises:
        ExportError: If the SDK is not installed.
        ScenarioError: If a tool is foreign source, or does not fit its world.
    """
    server = server_of(task)
    import anyio
    from mcp.server.stdio import stdio_server

    async def run() -> None:
        async with stdio_server() as (incoming, outgoing):
            await server.run(incoming, outgoing, server.create_initialization_options())

    anyio.run(run)


def server_of(task: Task) -> Server[Any]:
    """Return the server, its tools on a session of their own.

    Raises:
        ExportError: If the SDK is not installed.
        ScenarioError: If a tool is foreign source, or does not fit its world.
    """
    try:
        from mcp import types
        from mcp.server import Server
    except ImportError as error:
        msg = f"an MCP server needs the official SDK, version 2.3 or newer: pip install 'tool-gym[mcp]' ({error})"
        raise ExportError(msg) from None
    scenario = task.scenario
    session = InProcessRuntime(scenario.tools, task.world, scenario.faults).start()
    tools = [
        types.Tool(name=tool.name, description=tool.description, input_schema=tool.parameters)
        for tool in scenario.tools
    ]

    async def list_tools(_: Any, __: Any) -> types.ListToolsResult:
        return types.ListToolsResult(tools=tools)

    async def call_tool(_: Any, call: types.CallToolRequestParams) -> types.CallToolResult:
        return _result(session, call.name, call.arguments or {})

    said = "\n".join(scenario.user_turns)
    return Server(
        f"tool-gym {scenario.id}",
        version=__version__,
        instructions=f"Tools over one world (domain {scenario.domain}). The task they are for:\n{said}",
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _result(session: Session, name: str, arguments: dict[str, Any]) -> types.CallToolResult:
    from mcp import types

    result = session.call(name, arguments)
    content: list[Any] = [types.TextContent(type="text", text=result.text)]
    structured = result.value if result.ok and isinstance(result.value, dict) else None
    return types.CallToolResult(content=content, structured_content=structured, is_error=not result.ok)
