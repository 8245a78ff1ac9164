"""The tool server of `verifiers_taskset`: every scenario's tools over MCP, one server for all rollouts.

Started by verifiers as `python -m`. A rollout says with each call which scenario it plays and who it is; the first call
starts its session. Sessions that have been idle for longest are forgotten when there are more than `MAX_SESSIONS`.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import verifiers.v1 as vf
from mcp.types import CallToolResult, TextContent, Tool

from tool_gym.envs.pack import Pack, open_pack
from tool_gym.runtime import InProcessRuntime, Session

MAX_SESSIONS = 10_000
"""Rollouts whose world is kept; it must be more than run at the same time."""


class ToolGymState(vf.State):
    """What the server has to know of a rollout."""

    pack: str = ""
    """A bundled pack's name, or a pack folder."""
    scenario_id: str = ""
    rollout: str = ""
    """Who calls: equal for the calls of one rollout, and for no others."""


class ToolGymToolset(vf.Toolset[vf.SharedToolsetConfig, ToolGymState]):
    """Serves the tools of the scenario that the calling rollout plays."""

    TOOL_PREFIX = None  # tools have the names the pack gives them

    def __init__(self, config: vf.SharedToolsetConfig) -> None:
        super().__init__(config)
        self._packs: dict[str, Pack] = {}
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    def register(self, mcp: Any) -> None:
        """Answer for tools that differ from rollout to rollout, as verifiers' own bridge to NeMo Gym does."""
        mcp.list_tools = self._with_state(self.list_tools)
        mcp.call_tool = self._with_state(self.call_tool)

    async def list_tools(self) -> list[Tool]:
        """Return the tools of the rollout's scenario."""
        functions = [tool.schema["function"] for tool in self._task().scenario.tools]
        return [
            Tool(name=one["name"], description=one["description"], input_schema=one["parameters"]) for one in functions
        ]

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Any = None) -> CallToolResult:
        """Run a call in the rollout's world; what went wrong is told in the result, as in an episode."""
        del context
        result = self._session().call(name, arguments)
        return CallToolResult(content=[TextContent(type="text", text=result.text)])

    def _task(self) -> Any:
        pack = self._packs.get(self.state.pack)
        if pack is None:
            pack = self._packs[self.state.pack] = open_pack(self.state.pack)
        return pack.task(self.state.scenario_id)

    def _session(self) -> Session:
        rollout = self.state.rollout
        if rollout not in self._sessions:
            task = self._task()
            scenario = task.scenario
            self._sessions[rollout] = InProcessRuntime(scenario.tools, task.world, scenario.faults).start()
            if len(self._sessions) > MAX_SESSIONS:
                self._sessions.popitem(last=False)[1].close()
        self._sessions.move_to_end(rollout)
        return self._sessions[rollout]


if __name__ == "__main__":
    ToolGymToolset.run()
