"""What an evaluator computes from rows and numbers, without any tool."""

from __future__ import annotations

from typing import Any

from tool_gym.world import Row


class UndefinedError(Exception):
    """Raised when an expression has no single value in a world: an empty group, a tie, a division by zero."""


def first_of(rows: list[Row], column: str, *, descending: bool) -> Row:
    """Return the row that comes first in an order.

    Raises:
        UndefinedError: If there is none, or more than one.
    """
    ordered = sorted(rows, key=lambda row: row[column], reverse=descending)
    if not ordered or (len(ordered) > 1 and ordered[0][column] == ordered[1][column]):
        msg = "tie" if ordered else "empty group"
        raise UndefinedError(msg)
    return ordered[0]


def statistic(operation: str, cells: list[Any]) -> Any:
    """Return a sum, average, maximum or minimum.

    Raises:
        UndefinedError: If there are no cells.
    """
    if not cells:
        msg = "empty group"
        raise UndefinedError(msg)
    if operation == "sum":
        return round(sum(cells), 2)
    if operation == "average":
        return round(sum(cells) / len(cells), 2)
    return round(max(cells) if operation == "maximum" else min(cells), 2)


def calculate(operation: str, first: float, second: float) -> float:
    """Return the result of an arithmetic operation on two numbers.

    Raises:
        UndefinedError: If it is a division by zero.
    """
    if operation == "divide":
        if second == 0:
            msg = "division by zero"
            raise UndefinedError(msg)
        return round(first / second, 6)
    if operation == "multiply":
        return round(first * second, 6)
    return round(first + second if operation == "add" else first - second, 6)
