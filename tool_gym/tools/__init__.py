"""Tool families: each a template that becomes many tools by data, one file each."""

from __future__ import annotations

from tool_gym.tools import (
    calculate,
    cancel,
    check_availability,
    choose,
    compare,
    convert_unit,
    create,
    days_between,
    find,
    get,
    list,  # noqa: A004 - the family's name; the builtin is not used here
    match,
    measure,
    search,
    summarize,
    top,
    transition,
    update,
)
from tool_gym.tools.base import FAMILIES

__all__ = ["FAMILIES"]

_MODULES = (
    find, match, get, measure, list, search, top, summarize, compare, calculate, convert_unit, days_between,
    check_availability, create, update, transition, cancel, choose,
)  # fmt: skip
FAMILIES.update({module.FAMILY.name: module.FAMILY for module in _MODULES})
FAMILIES[choose.WRITING.name] = choose.WRITING
