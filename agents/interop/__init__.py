"""Interop: trajectories as other libraries' data sets, and scenarios as other libraries' environments.

Nothing here needs a library until it is used; each module says which.
"""

from __future__ import annotations

from tool_gym.agents.interop.formats import FORMATS, export_trajectories
from tool_gym.agents.interop.rows import Episode

__all__ = ["FORMATS", "Episode", "export_trajectories"]
