"""check_availability: whether a resource is free on a date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tool_gym.tools.base import (
    ID_SCHEMA,
    Arguments,
    Bindings,
    Fact,
    Family,
    Parameters,
    Run,
    require_columns,
    require_row,
)
from tool_gym.tools.days_between import parse_date
from tool_gym.world import BaseTables, WorldView


class AvailabilityBindings(Bindings):
    """Which bookings occupy which resource."""

    table: str
    """The resource."""
    bookings: str
    """The table of bookings."""
    ref: str
    """The bookings' column that names the resource."""
    date: str
    """The bookings' date column."""
    state: str | None = None
    """The bookings' state column, or None where every booking counts."""
    blocking: tuple[str, ...] = ()
    """The states that occupy the resource."""


def _parameters(bindings: AvailabilityBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, ())
    require_columns(base, bindings.bookings, (bindings.ref,), ("ref",))
    require_columns(base, bindings.bookings, (bindings.date,), ("date",))
    require_columns(base, bindings.bookings, (bindings.state,), ("state",))
    date = {"type": "string", "minLength": 10, "maxLength": 10}
    return Parameters({"id": ID_SCHEMA, "date": date}, ("id", "date"))


def _compile(bindings: AvailabilityBindings, _: BaseTables) -> Run:
    def run(view: WorldView, arguments: Arguments) -> Any:
        require_row(view, bindings.table, arguments["id"])
        date = parse_date(arguments["date"]).isoformat()
        taken = [
            row
            for row in view.where(bindings.bookings, bindings.ref, arguments["id"])
            if row[bindings.date] == date and (bindings.state is None or row[bindings.state] in bindings.blocking)
        ]
        return {"available": not taken, "bookings": len(taken)}

    return run


def _facts(bindings: AvailabilityBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    key = ("availability", bindings.table, arguments["id"], None, (), (arguments["date"],))
    yield Fact(key, value["available"], ("available",))


FAMILY = Family(
    "check_availability", AvailabilityBindings, _parameters, _compile, _facts, lambda b: (b.table, b.bookings)
)
