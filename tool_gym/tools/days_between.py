"""days_between: the number of days from one date to another, order aside."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

from tool_gym.reading import check_date
from tool_gym.tools.base import Arguments, Bindings, Fact, Family, Parameters, Run, precondition
from tool_gym.world import BaseTables, WorldView


class DaysBindings(Bindings):
    """No choices."""


def _parameters(_: DaysBindings, __: BaseTables) -> Parameters:
    date = {"type": "string", "minLength": 10, "maxLength": 10}
    return Parameters({"start": date, "end": date}, ("start", "end"))


def parse_date(text: str) -> dt.date:
    """Return a date written as YYYY-MM-DD and in no other ISO form, or fail with a message the model can act on."""
    try:
        return dt.date.fromisoformat(check_date(text))
    except ValueError:
        msg = f"{text!r} is no date; write it as YYYY-MM-DD"
        raise precondition(msg) from None


def _compile(_: DaysBindings, __: BaseTables) -> Run:
    def run(_: WorldView, arguments: Arguments) -> Any:
        return {"days": abs((parse_date(arguments["end"]) - parse_date(arguments["start"])).days)}

    return run


def _facts(_: DaysBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    pair = tuple(sorted((arguments["start"], arguments["end"])))
    yield Fact(("days", None, None, None, (), pair), value["days"], ("days",))


FAMILY = Family("days_between", DaysBindings, _parameters, _compile, _facts, lambda _: ())
