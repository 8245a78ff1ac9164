"""The relations two values can stand in: what the condition of a request asks about."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

Relation: TypeAlias = Literal["more", "less", "least", "most", "same"]
"""first > second, <, >=, <=, or equal; dates in the order of time."""

_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "more": operator.gt,
    "less": operator.lt,
    "least": operator.ge,
    "most": operator.le,
    "same": operator.eq,
}


def is_so(relation: Relation, first: Any, second: Any) -> bool:
    """Return whether two values stand in a relation; dates as they are stored, year first.

    >>> is_so("least", 5, 5), is_so("less", "2025-01-31", "2025-02-01")
    (True, True)
    """
    return _RELATIONS[relation](first, second)
