"""Tools without their documentation: what names and types alone are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, get_args

from tool_gym.dialects.base import Tool
from tool_gym.envs.wrappers.base import ToolPresentation
from tool_gym.errors import ScenarioError, UnknownNameError

if TYPE_CHECKING:
    import gymnasium

Documentation = Literal["parameters", "tools", "all"]
"""What is hidden: the descriptions of parameters, those of the tools themselves, or both."""

_ANNOTATIONS = {"title", "description", "examples", "$comment"}
_NAMED_SCHEMAS = {"properties", "patternProperties", "dependentSchemas", "$defs", "definitions"}
_DATA = {"enum", "const", "default", "required", "dependentRequired"}


class HideDocumentation(ToolPresentation):
    """Hides descriptions of tools and parameters; names, types and limits stay.

    Opening observation and `info["tools"]` agree. A hidden description of a tool is the empty text, because chat
    templates look for one; a parameter loses its title and examples as well.
    """

    def __init__(self, env: gymnasium.Env[str, Any], what: Documentation = "all", probability: float = 1.0) -> None:
        """Wrap `env`.

        Args:
            env: A `ToolUseEnv`, or wrappers around one.
            what: "parameters", "tools" or "all".
            probability: With which each tool loses its documentation, drawn anew in each episode; in [0, 1].

        Raises:
            UnknownNameError: If `what` is none of them.
            ScenarioError: If `probability` is out of its range.
            EpisodeError: If `env` is no environment of that kind.
        """
        if what not in get_args(Documentation):
            error = UnknownNameError.of("documentation", what, get_args(Documentation))
            raise error
        if not 0 <= probability <= 1:
            msg = f"probability must be between 0 and 1, not {probability!r}"
            raise ScenarioError(msg)
        super().__init__(env, what=what, probability=probability)
        self._what = what
        self._probability = probability

    def _presented(self, tools: Sequence[Tool]) -> list[Tool]:
        return [self._hidden(tool) if self._draw(tool) < self._probability else tool for tool in tools]

    def _hidden(self, tool: Tool) -> Tool:
        function = dict(tool["function"])
        if self._what != "parameters":
            function["description"] = ""
        if self._what != "tools":
            function["parameters"] = _without_annotations(function["parameters"])
        return {**tool, "function": function}


def _without_annotations(schema: Any) -> Any:
    """Return a JSON Schema without what is only there to be read; a property may well be called "description"."""
    if isinstance(schema, list):
        return [_without_annotations(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    bare: dict[str, Any] = {}
    for key, value in schema.items():
        if key in _NAMED_SCHEMAS:
            bare[key] = {name: _without_annotations(of) for name, of in value.items()}
        elif key in _DATA:
            bare[key] = value
        elif key not in _ANNOTATIONS:
            bare[key] = _without_annotations(value)
    return bare
