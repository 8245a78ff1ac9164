"""What runs behind a tool: a family bound to a world by data, or somebody's Python source."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from tool_gym.model import Kind, without_empty
from tool_gym.tools.base import FAMILIES, Bindings, Family
from tool_gym.tools.codecs import ArgumentError, Codec
from tool_gym.tools.envelopes import Envelope
from tool_gym.values import Scalar


class Bound(NamedTuple):
    """A family, and the record of what a tool binds it to."""

    family: Family
    bindings: Bindings


class TemplateImpl(Kind):
    """A tool family bound to a world by data; runs in-process."""

    kind: Literal["template"] = "template"
    family: str
    bindings: dict[str, Any] = Field(default_factory=dict)
    constants: dict[str, Scalar] = Field(default_factory=dict)
    """Family arguments fixed for this tool, hence not among its parameters."""
    renames: dict[str, str] = Field(default_factory=dict)
    """Public parameter → the family's name for it, where they differ."""
    inert: tuple[str, ...] = ()
    """Public parameters that are accepted and change nothing."""
    expected: dict[str, Scalar] = Field(default_factory=dict)
    """Public parameters that change nothing → the only value they are accepted with."""
    codecs: dict[str, Codec] = Field(default_factory=dict)
    """Public parameter → the form it takes its value in, where that is not the family's."""
    envelope: Envelope | None = None
    """What results are wrapped into."""
    retired: str = ""
    """Why every call is refused; empty for a tool that works."""

    brief: ClassVar[tuple[str, ...]] = ("expected", "codecs", "envelope", "retired")
    """What few tools have."""

    @model_serializer(mode="wrap")
    def _brief(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"kind": self.kind, **without_empty(write(self), self.brief)}

    @cached_property
    def bound(self) -> Bound:
        """The family and its bindings, checked.

        Raises:
            KeyError: If there is no such family.
            ValidationError: If these are no bindings of it.
        """
        family = FAMILIES[self.family]
        return Bound(family, family.bindings.model_validate(self.bindings))

    def translate(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Turn public arguments into the family's: decode and rename them, drop inert ones, add constants.

        Raises:
            ArgumentError: If an argument cannot be decoded, or is not the value expected.
        """
        renames, inert = self.renames, self.inert
        if self.codecs or self.expected:
            arguments = self._decoded(arguments)
        family = {renames.get(name, name): value for name, value in arguments.items() if name not in inert}
        return {**family, **self.constants}

    def public(self, family: dict[str, Any]) -> dict[str, Any]:
        """Turn the family's arguments into public ones: what `translate` undoes."""
        names = {role: name for name, role in self.renames.items()}
        given = {names.get(role, role): value for role, value in family.items() if role not in self.constants}
        coded = {name: self.codecs[name].encode(value) for name, value in given.items() if name in self.codecs}
        return {**given, **coded, **self.expected}

    def served(self, shown: Any) -> Any:
        """Return the family's value from what a result shows.

        Raises:
            LookupError, TypeError: If no call to this tool can have shown that.
        """
        return shown if self.envelope is None else self.envelope.unwrap(shown)

    def _decoded(self, arguments: dict[str, Any]) -> dict[str, Any]:
        for name, wanted in self.expected.items():
            if name in arguments and arguments[name] != wanted:
                msg = f"argument {name!r} must be {wanted!r}; got {str(arguments[name])[:40]!r}"
                raise ArgumentError(msg)
        decoded = {name: value for name, value in arguments.items() if name not in self.expected}
        for name, codec in self.codecs.items():
            if name in decoded:
                try:
                    decoded[name] = codec.decode(decoded[name])
                except ArgumentError as error:
                    msg = f"argument {name!r} {error}"
                    raise ArgumentError(msg) from None
        return decoded


class PythonImpl(Kind):
    """Python source nobody here wrote; runs in isolated workers only."""

    kind: Literal["python"] = "python"
    source: str
    entry: str
    """Name of the function to call."""
