"""Scripted policies: references that show what a score means, without a model."""

from __future__ import annotations

from collections.abc import Callable

from tool_gym.envs.policies.base import BatchPolicy, Policy
from tool_gym.envs.policies.greedy import GreedyLexicalPolicy
from tool_gym.envs.policies.random_valid import RandomValidPolicy
from tool_gym.envs.policies.reference import OraclePolicy, RepeatPolicy, SilentPolicy
from tool_gym.errors import UnknownNameError

__all__ = [
    "POLICIES",
    "BatchPolicy",
    "GreedyLexicalPolicy",
    "OraclePolicy",
    "Policy",
    "RandomValidPolicy",
    "RepeatPolicy",
    "SilentPolicy",
    "get_policy",
]

POLICIES: dict[str, Callable[[], Policy]] = {
    "oracle": OraclePolicy,
    "greedy": GreedyLexicalPolicy,
    "random": RandomValidPolicy,
    "repeat": RepeatPolicy,
    "silent": SilentPolicy,
}
"""Policy name → its constructor."""


def get_policy(name: str) -> Policy:
    """Return a new scripted policy by name.

    Raises:
        UnknownNameError: If there is none of that name.
    """
    if name not in POLICIES:
        error = UnknownNameError.of("policy", name, POLICIES)
        raise error
    return POLICIES[name]()
