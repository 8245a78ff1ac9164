"""Why a scenario cannot be read, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tool_gym import jsonio
from tool_gym.errors import ScenarioError, VersionError

if TYPE_CHECKING:
    from pydantic import ValidationError


def explain(text: str | bytes, error: ValidationError, version: int) -> ScenarioError:
    """Return the error of a scenario that breaks the data model.

    Args:
        text: What was read.
        error: What pydantic found.
        version: The schema version this release reads; a scenario of another gets a `VersionError`.
    """
    try:
        written = jsonio.loads(text if isinstance(text, str) else text.decode()).get("schema_version", version)
    except (ValueError, AttributeError):
        written = version
    if written != version:
        return wrong_version(written, version)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"]) or "the top level"
    more = f", and {count - 1} more" if (count := error.error_count()) > 1 else ""
    return ScenarioError(f"not a scenario: {first['msg']} (at {where}){more}")


def wrong_version(written: Any, version: int) -> VersionError:
    """Return the error of a scenario written for another schema version."""
    return VersionError(
        f"the scenario has schema version {str(written)[:40]!r}; this release reads version {version}. "
        "Regenerate it, or install the release that wrote it"
    )
