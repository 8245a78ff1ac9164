"""A tool as scenarios hold it: what the model sees, what runs behind it, and what is kept of it if many share it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cached_property
from typing import Annotated, Any, TypeAlias, TypeVar

import orjson
from pydantic import Field

from tool_gym import jsonio
from tool_gym.implementation import PythonImpl, TemplateImpl
from tool_gym.model import Model, plain

ToolName: TypeAlias = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]{0,63}$")]

SORTED = orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS
"""How content is written that a hash is taken of."""

T = TypeVar("T")


class ToolSpec(Model):
    """A tool as the model sees it, and what runs behind it."""

    name: ToolName
    description: str
    parameters: dict[str, Any]
    """JSON Schema (draft 2020-12) of the arguments object."""
    impl: Annotated[TemplateImpl | PythonImpl, Field(discriminator="kind")]

    @property
    def schema(self) -> dict[str, Any]:  # type: ignore[override]  # pydantic's own is deprecated
        """The tool in OpenAI's `tools` form; a fresh dict each time."""
        function = {"name": self.name, "description": self.description, "parameters": self.parameters}
        return {"type": "function", "function": function}

    @cached_property
    def digest(self) -> bytes:
        """Hash of all that makes the tool do what it does."""
        content = jsonio.dump_bytes([self.name, plain(self.impl, defaults=False), self.parameters], sort_keys=True)
        return hashlib.blake2b(content, digest_size=16).digest()

    def keep(self) -> ToolSpec:
        """Have what is computed from the tool kept with it, and return the tool: for tools many scenarios share."""
        self.__dict__.setdefault("_kept", {})
        return self

    def kept(self, make: Callable[[ToolSpec], T]) -> T:
        """Return what `make` computes from the tool, computed once if the tool keeps it; see `keep`."""
        kept = self.__dict__.get("_kept")
        if kept is None:
            return make(self)
        found: T | None = kept.get(make)
        if found is None:
            found = kept[make] = make(self)
        return found


def written(tool: ToolSpec) -> orjson.Fragment:
    """Return the tool's JSON; raises TypeError if only a slower writer could write it."""
    return orjson.Fragment(orjson.dumps(plain(tool, defaults=False)))


def content(tool: ToolSpec) -> orjson.Fragment:
    """Return the tool's JSON with defaults and sorted keys, which ids are made of; raises as `written`."""
    return orjson.Fragment(orjson.dumps(plain(tool, defaults=True), option=SORTED))


def read_back(tool: ToolSpec) -> ToolSpec:
    """Return the tool as it is read after it was written: the same object if it is the same.

    Raises:
        TypeError: As `written`.
        ValidationError: If it breaks the data model.
    """
    read = ToolSpec.model_validate_json(orjson.dumps(tool.kept(written)))
    return tool if read == tool else read
