"""The base of the data model: frozen records, written without their defaults and still told apart by `kind`."""

from __future__ import annotations

import copy
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer


class Model(BaseModel):
    """A frozen record; unknown keys are refused. Copies and pickles leave behind what was computed from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def __copy__(self) -> Self:
        copied = super().__copy__()
        for name in copied.__dict__.keys() - type(self).model_fields.keys():
            del copied.__dict__[name]
        return copied

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        return BaseModel.__deepcopy__(copy.copy(self), memo)

    def __getstate__(self) -> dict[Any, Any]:
        return BaseModel.__getstate__(copy.copy(self))


class Kind(Model):
    """A record of one of several kinds: its `kind` is written even where all other defaults are left out."""

    kind: str

    @model_serializer(mode="wrap")
    def _with_kind(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"kind": self.kind, **write(self)}
