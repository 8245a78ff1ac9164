"""Tool families: each a template that becomes many tools by data, one file each."""

from __future__ import annotations

from tool_gym.tools import (
    calculate,
    cancel,
    check_availability,
    compare,
    convert_unit,
    create,
    days_between,
    find,
    get,
    list,  # noqa: A004 - the family's name; the builtin is not used here
    search,
    summarize,
    top,
    transition,
    update,
)
from tool_gym.tools.base import Family

FAMILIES: dict[str, Family] = {
    module.FAMILY.name: module.FAMILY
    for module in (
        find,
        get,
        list,
        search,
        top,
        summarize,
        compare,
        calculate,
        convert_unit,
        days_between,
        check_availability,
        create,
        update,
        transition,
        cancel,
    )
}
"""Family name → family."""
