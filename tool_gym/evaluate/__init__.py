"""Measurement: what a policy's trajectories amount to."""

from __future__ import annotations

from tool_gym.summary import Summary, summarize

__all__ = ["Summary", "summarize"]
