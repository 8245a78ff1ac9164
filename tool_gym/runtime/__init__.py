"""How calls run: template tools in-process; foreign Python source only in isolated workers."""

from __future__ import annotations

from tool_gym.runtime.base import Session, ToolRuntime
from tool_gym.runtime.inprocess import InProcessRuntime

__all__ = ["InProcessRuntime", "Session", "ToolRuntime"]
