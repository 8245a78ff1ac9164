"""Parameter expansion (FTRL's second strategy): parameters that change nothing.

Levels: each tool has up to as many optional ones as the level says, which preserves the oracle; from level 2 on a
quarter, half, and then all of the tools also have mandatory ones that only one value will do for, which their
documentation states, and which the oracle's calls are rewritten to give.
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.scale.editing import extended
from tool_gym.generators.scale.interning import interned
from tool_gym.generators.seeding import stream
from tool_gym.scenario import ToolSpec

MANDATORY = (0.0, 0.0, 0.25, 0.5, 1.0)
"""Share of the tools with a mandatory parameter, by level."""

_OPTIONAL: dict[str, dict[str, Any]] = {
    "include_metadata": {"type": "boolean", "default": False, "description": "Also return technical metadata."},
    "language": {"type": "string", "enum": ["en", "de", "fr", "es"], "default": "en", "description": "Language."},
    "request_tag": {"type": "string", "maxLength": 40, "description": "Free tag for the request log."},
    "use_cache": {"type": "boolean", "default": True, "description": "Whether a cached result may be used."},
    "priority": {"type": "string", "enum": ["low", "normal", "high"], "default": "normal", "description": "Priority."},
    "trace_level": {"type": "integer", "minimum": 0, "maximum": 3, "default": 0, "description": "Detail of the log."},
}
_MANDATORY: dict[str, tuple[tuple[str, ...], str, str]] = {
    "locale": (("de-DE", "en-US", "fr-FR", "ja-JP"), "en-US", "Locale of the reply; only '{}' is served."),
    "currency": (("EUR", "USD", "GBP"), "USD", "Currency of amounts; has to be '{}'."),
    "response_format": (("csv", "json", "xml"), "json", "Format of the reply: '{}'; the others are switched off."),
    "api_version": (("v1", "v2", "v3"), "v2", "Version of the interface; calls must say '{}'."),
    "time_zone": (("CET", "EST", "UTC"), "UTC", "Time zone of dates; only '{}' is accepted."),
}
"""Name → its closed list, the one choice that is accepted, and the description that says so."""


def expand_parameters(tool: ToolSpec, level: int, variant: int) -> ToolSpec:
    """Return a tool with parameters that change nothing."""
    return tool if level == 0 else interned(tool, ("parameters", level, variant), lambda: _expand(tool, level, variant))


def _expand(tool: ToolSpec, level: int, variant: int) -> ToolSpec:
    rng = stream("parameters", tool.name, level, variant)
    known = tool.parameters["properties"]
    optional = rng.sample(list(_OPTIONAL), rng.randint(0, level))
    count = rng.randint(1, max(1, level - 2)) if rng.random() < MANDATORY[level] else 0
    mandatory = {}
    for name in rng.sample(list(_MANDATORY), count):
        choices, wanted, text = _MANDATORY[name]
        schema = {"type": "string", "enum": list(choices), "description": text.format(wanted)}
        mandatory[name] = (schema, wanted)
    return extended(
        tool,
        {name: _OPTIONAL[name] for name in sorted(optional) if name not in known},
        {name: mandatory[name] for name in sorted(mandatory) if name not in known},
    )
