"""How turns, tools and results are written for a model, and read back from it.

A dialect's `parse` takes anything a model can produce, and never raises; what was meant as a call and cannot be read
as one becomes a [`BrokenCall`][tool_gym.turns.BrokenCall], which is counted like any other call.
"""

from __future__ import annotations

from tool_gym.dialects.base import INSTRUCTIONS, Dialect
from tool_gym.dialects.calls import MAX_CALLS_PARSED, MAX_TURN_CHARS, PROBLEMS
from tool_gym.dialects.hermes import Hermes
from tool_gym.dialects.llama3 import Llama3, Llama3Python
from tool_gym.dialects.mistral import Mistral, MistralV13
from tool_gym.dialects.openai import OpenAI
from tool_gym.dialects.pythonic import Pythonic
from tool_gym.dialects.structured import Structured
from tool_gym.dialects.xml import GLM, XML, Qwen3Coder
from tool_gym.errors import UnknownNameError

__all__ = ["DIALECTS", "INSTRUCTIONS", "MAX_CALLS_PARSED", "MAX_TURN_CHARS", "PROBLEMS", "Dialect", "get_dialect"]

_ALL: tuple[Dialect, ...] = (
    Hermes(),
    OpenAI(),
    Structured(),
    Mistral(),
    MistralV13(),
    XML(),
    Qwen3Coder(),
    GLM(),
    Llama3(),
    Llama3Python(),
    Pythonic(),
)

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in _ALL}
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
