"""The seam between an environment and whatever runs its tools.

A runtime receives tools and world, never sub-goals, goals or plans: tool code cannot see the answer.
"""

from __future__ import annotations

from typing import Any, Protocol

from tool_gym.turns import ToolResult


class Session(Protocol):
    """The tools and world of one live episode."""

    def call(self, name: str, arguments: dict[str, Any]) -> ToolResult:
        """Run one call. Never raises for what the model wrote; a failed call leaves the world as it was."""
        ...

    def snapshot(self) -> object:
        """Return the state, to be given back to `restore`; it does not change as the session goes on."""
        ...

    def restore(self, state: object) -> None:
        """Return to a state `snapshot` gave, from this or another session of the same runtime."""
        ...

    def digest(self) -> str:
        """Hash the world as this episode sees it."""
        ...

    def close(self) -> None:
        """Release what the session holds; calling twice is harmless."""
        ...


class ToolRuntime(Protocol):
    """The tools of one scenario, ready for any number of episodes."""

    def start(self) -> Session:
        """Open the session of a new episode."""
        ...
