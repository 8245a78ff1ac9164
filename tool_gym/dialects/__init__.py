"""How turns, tools and results are written for a model, and read back from it.

A dialect's `parse` takes anything a model can produce, and never raises; what was meant as a call and cannot be read
as one becomes a [`BrokenCall`][tool_gym.turns.BrokenCall], which is counted like any other call.
"""

from __future__ import annotations

from tool_gym.dialects.base import INSTRUCTIONS, Dialect
from tool_gym.dialects.calls import MAX_CALLS_PARSED, MAX_TURN_CHARS, PROBLEMS
from tool_gym.dialects.hermes import Hermes
from tool_gym.dialects.openai import OpenAI
from tool_gym.dialects.structured import Structured
from tool_gym.errors import UnknownNameError

__all__ = ["DIALECTS", "INSTRUCTIONS", "MAX_CALLS_PARSED", "MAX_TURN_CHARS", "PROBLEMS", "Dialect", "get_dialect"]

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (Hermes(), OpenAI(), Structured())}
"""Every dialect by name."""


def get_dialect(name: str) -> Dialect:
    """Return the dialect called `name`.

    Raises:
        UnknownNameError: If there is none.
    """
    try:
        return DIALECTS[name]
    except (KeyError, TypeError):
        error = UnknownNameError.of("dialect", name, DIALECTS)
        raise error from None
