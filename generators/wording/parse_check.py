"""Whether a request can only mean its goal."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

from tool_gym.generators.expressions import Agg, Attr, ById, ByName, Calc, Create, Days, Higher


def normal(term: Any) -> Any:
    """Return a goal as wording tells goals apart.

    Rows are named by name or id alike, how a count is read off does not show, and sides that may be swapped are put
    in one order.
    """
    if isinstance(term, tuple):
        return tuple(normal(part) for part in term)
    if isinstance(term, ByName | ById):
        return ById(term.entity, term.row)
    if not is_dataclass(term) or isinstance(term, type):
        return term
    if isinstance(term, Create):
        return Create(term.entity, normal(tuple(sorted(term.values))), normal(tuple(sorted(term.refs))))
    values = {field.name: normal(getattr(term, field.name)) for field in fields(term)}
    if isinstance(term, Agg):
        values["listed"] = False
    if isinstance(term, Days | Higher) or (isinstance(term, Calc) and term.operation in ("add", "multiply")):
        values["first"], values["second"] = sorted((values["first"], values["second"]), key=repr)
    return type(term)(**values)  # type: ignore[return-value]  # a dataclass of the same kind


__all__ = ["Attr", "normal"]
