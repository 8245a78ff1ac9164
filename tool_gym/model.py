"""The base of the data model: frozen records, written without their defaults and still told apart by `kind`."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, SerializerFunctionWrapHandler, model_serializer
from pydantic_core import PydanticUndefined

_SCALARS = frozenset({str, int, float, bool, type(None)})


class Model(BaseModel):
    """A frozen record; unknown keys are refused. Copies and pickles leave behind what was computed from it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    brief: ClassVar[tuple[str, ...]] = ()
    """Fields that are not written where they hold nothing, whatever the defaults; see `without_empty`."""

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


def without_empty(written: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return a record as written without some keys where they hold nothing."""
    return {key: value for key, value in written.items() if value or key not in names}


def plain(
    value: Any, *, defaults: bool, left_out: Collection[str] = (), instead: Mapping[str, Any] = MappingProxyType({})
) -> Any:
    """Return a record, or what holds records, as JSON data: as pydantic's `model_dump`, only sooner.

    Args:
        value: A record, a tuple or dictionary of records, or JSON data, which is returned as it is.
        defaults: Whether fields are written that have their default.
        left_out: Names of fields of the record itself that are not.
        instead: Field of the record itself → what is written in its place.
    """
    kind: Any = type(value)
    if kind is tuple:
        return [item if type(item) in _SCALARS else plain(item, defaults=defaults) for item in value]
    if kind is dict:
        if all(type(item) in _SCALARS or not isinstance(item, Model) for item in value.values()):
            return value
        return {key: plain(item, defaults=defaults) for key, item in value.items()}
    fields = _fields(kind)
    if fields is _NO_RECORD:
        return value
    if fields is None:
        return value.model_dump(mode="json", exclude_defaults=not defaults)
    written = {}
    for name, held in value.__dict__.items() if not instead else {**value.__dict__, **instead}.items():
        field = fields.get(name)
        if field is None or name in left_out:
            continue
        default, brief = field
        if (defaults or (held is not default and held != default)) and not (brief and not held):
            scalar = type(held) in _SCALARS or name in instead
            written[name] = held if scalar else plain(held, defaults=defaults)
    return written


class _Field(NamedTuple):
    """What the writer has to know of a field."""

    default: Any
    """What it is left out for; nothing equals that of a field that is always written."""
    brief: bool


_NO_RECORD: dict[str, _Field] = {}


@cache
def _fields(kind: type) -> dict[str, _Field] | None:
    """Return the fields of a kind of record; `_NO_RECORD` for any other type, None if pydantic must write it."""
    if not issubclass(kind, Model):
        return _NO_RECORD
    serializers = kind.__pydantic_decorators__.model_serializers.keys() - {"_with_kind"}
    if serializers and not kind.brief:
        return None
    always = ("kind",) if issubclass(kind, Kind) else ()
    defaults = {
        name: PydanticUndefined if name in always else field.get_default(call_default_factory=True)
        for name, field in kind.model_fields.items()
    }
    return {name: _Field(default, name in kind.brief) for name, default in defaults.items()}
