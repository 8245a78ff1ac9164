"""What both kinds of model policies share."""

from __future__ import annotations

from tool_gym.envs.env import ToolUseEnv
from tool_gym.errors import AgentError


def check_dialect(env: ToolUseEnv, dialect: str, policy: str) -> None:
    """Raise `AgentError` unless an environment reads the dialect that a policy writes."""
    if env.dialect.name != dialect:
        msg = (
            f"the environment reads the dialect {env.dialect.name!r}, and the policy {policy!r} writes {dialect!r}: "
            "make both with the same"
        )
        raise AgentError(msg)


def check_range(**numbers: float | None) -> None:
    """Raise `AgentError` for a number that is not above 0; None will do."""
    for name, value in numbers.items():
        if value is not None and not value > 0:
            msg = f"{name} must be above 0, not {value}"
            raise AgentError(msg)
