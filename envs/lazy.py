"""Dicts that are filled when they are first looked at."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_USES = (
    *("__contains__", "__eq__", "__getitem__", "__iter__", "__len__", "__ne__", "__or__", "__repr__", "__reversed__"),
    *("copy", "get", "items", "keys", "values"),
    *("__delitem__", "__ior__", "__setitem__", "clear", "pop", "popitem", "setdefault", "update"),
)
"""What reads or changes a dict. With `__iter__` among them, `dict(infos)` and `{**infos}` go by them too."""


class Unread:
    """What stands in a lazy dict until it is looked at."""

    def __repr__(self) -> str:
        return "<unread: make it a plain dict first, as in dict(info)>"


BLANK = {"unread": Unread()}
"""What a lazy dict is made from. Code in C that reads a dict's memory (orjson, pyarrow) stops at it, where it would
take an empty dict for all there is."""


class LazyDict(dict[str, Any]):
    """A dict that knows how to fill itself; it copies and pickles as a plain dict.

    A subclass says what it holds in `_made`. Make one from `BLANK` and set its `source`; one that has no source is a
    dict as any other.
    """

    __slots__ = ("source",)

    source: Any
    """What it is filled from; None once it is."""

    def __getattr__(self, name: str) -> Any:
        if name == "source":  # made by code that knows dicts only
            return None
        msg = f"{type(self).__name__!r} object has no attribute {name!r}"
        raise AttributeError(msg)

    def __reduce__(self) -> tuple[type[dict[str, Any]], tuple[dict[str, Any]]]:
        return dict, (self.copy(),)

    def fill(self) -> None:
        """Fill the dict now, unless it is filled."""
        source = self.source
        if source is not None:
            made = self._made(source)
            dict.clear(self)
            dict.update(self, made)
            self.source = None

    def _made(self, source: Any) -> dict[str, Any]:
        """Return what the dict holds."""
        raise NotImplementedError


def _filling(method: Callable[..., Any]) -> Callable[..., Any]:
    def call(self: LazyDict, *args: Any, **kwargs: Any) -> Any:
        self.fill()
        for other in args:
            if isinstance(other, LazyDict):
                other.fill()
        return method(self, *args, **kwargs)

    call.__name__, call.__doc__ = method.__name__, method.__doc__
    return call


for _name in _USES:
    setattr(LazyDict, _name, _filling(getattr(dict, _name)))
