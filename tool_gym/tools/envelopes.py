"""Other forms of a result: the value a family serves, wrapped into what real services put around theirs.

Every envelope can be undone: `unwrap(wrap(value)) == value` for what families serve, whose keys are lower-case words
joined by underscores. What is added carries no fact: rewards look at the value alone.
"""

from __future__ import annotations

import re
from typing import Any, Literal, TypeAlias

from pydantic import Field

from tool_gym.model import Model

Style: TypeAlias = Literal["snake", "camel", "kebab", "upper"]
"""How the keys of a value are written: build_cost, buildCost, build-cost, BUILD_COST."""

_LOWER, _UPPER = re.compile(r"_([a-z])"), re.compile(r"[A-Z]")


class Envelope(Model):
    """What stands around and beside a tool's value."""

    path: tuple[str, ...] = ()
    """The keys that lead to the value, from the outside; with none it stands as it is."""
    extras: dict[str, Any] = Field(default_factory=dict)
    """What stands beside the outermost key; nothing where there is no path."""
    style: Style = "snake"
    last: bool = False
    """Whether the value stands behind the extras, and the value's own keys in reverse order."""

    def wrap(self, value: Any) -> Any:
        """Return what the model is shown."""
        if self.style != "snake" or self.last:
            value = _restyled(value, self.style, backwards=self.last)
        for key in reversed(self.path[1:]):
            value = {key: value}
        if not self.path:
            return value
        own = {self.path[0]: value}
        return {**self.extras, **own} if self.last else {**own, **self.extras}

    def unwrap(self, shown: Any) -> Any:
        """Return the value the family served; raises LookupError or TypeError if this is not what `wrap` gave."""
        for key in self.path:
            shown = shown[key]
        return _plain(shown, self.style) if self.style != "snake" else shown

    def place(self, path: tuple[str | int, ...]) -> tuple[str | int, ...]:
        """Return where the part of a value that stood at `path` stands now."""
        return (*self.path, *(_styled(part, self.style) if isinstance(part, str) else part for part in path))


def _restyled(value: Any, style: Style, *, backwards: bool) -> Any:
    if isinstance(value, list):
        return [_restyled(item, style, backwards=backwards) for item in value]
    if not isinstance(value, dict):
        return value
    items = reversed(value.items()) if backwards else value.items()
    return {_styled(key, style): _restyled(item, style, backwards=backwards) for key, item in items}


def _plain(value: Any, style: Style) -> Any:
    if isinstance(value, list):
        return [_plain(item, style) for item in value]
    if not isinstance(value, dict):
        return value
    return {_unstyled(key, style): _plain(item, style) for key, item in value.items()}


def _styled(key: str, style: Style) -> str:
    if style == "camel":
        return _LOWER.sub(lambda match: match[1].upper(), key)
    if style == "kebab":
        return key.replace("_", "-")
    return key.upper() if style == "upper" else key


def _unstyled(key: str, style: Style) -> str:
    if style == "camel":
        return _UPPER.sub(lambda match: f"_{match[0].lower()}", key)
    if style == "kebab":
        return key.replace("-", "_")
    return key.lower() if style == "upper" else key
