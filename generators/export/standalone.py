"""The runtime of an exported module: tools bound to their world, called as they are in an episode.

Printed into exports. The session is tool-gym's own (`tool_gym.runtime.inprocess`), over a validator and records that
need no library.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from tool_gym.generators.export.plain import Checker, Data, dumps
from tool_gym.runtime.inprocess import InProcessSession, dressed
from tool_gym.tools.base import ToolFailure
from tool_gym.tools.codecs import ArgumentError
from tool_gym.world import BaseTables, WorldView


class ToolError(Exception):
    """A call that was refused; it changed nothing. `outcome` says in a word why, the message what to do about it."""

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(message)
        self.outcome = outcome


def rows(columns: tuple[str, ...], *cells: tuple[Any, ...]) -> dict[str, dict[str, Any]]:
    """Return the rows of a table by id."""
    return {row[0]: dict(zip(columns, row)) for row in cells}  # noqa: B905 - printed by us, each of the same length


def base_of(tables: dict[str, Any]) -> Any:
    """Return tables as tools read them."""
    return BaseTables(Data(tables=tables))  # type: ignore[arg-type]  # plain data in place of a World


class Tools(dict[str, Any]):
    """Tools by name."""

    @property
    def names(self) -> Any:
        """The names of all tools."""
        return self.keys()


def tool(run: Callable[..., Any], impl: Any, schema: dict[str, Any], roles: dict[str, Any]) -> Any:
    """Return a tool as a session calls it."""
    return dressed(run, impl, Checker(schema), Data(properties=roles))  # type: ignore[arg-type]  # all but the same


def called(session: InProcessSession, name: str, arguments: dict[str, Any]) -> Any:
    """Run one call and return its value; raise ToolError if it is refused."""
    result = session.call(name, arguments)
    if not result.ok:
        raise ToolError(result.outcome.label, result.message)
    return result.value


def rows_seen(base: Any, view: WorldView) -> dict[str, dict[str, Any]]:
    """Return every row of every table as the calls so far have left it."""
    return {table: {row["id"]: row for row in view.rows(table)} for table in base.rows}


def once(base: Any, checker: Checker, run: Any, decode: Any, arguments: dict[str, Any]) -> str:
    """Run one call on the world as it was at the start, and return its value or error as text."""
    if not checker.is_valid(arguments):
        return refusal("invalid_arguments", checker.explain(arguments))
    try:
        value = run(WorldView(base), decode(arguments) if decode is not None else arguments)
    except ArgumentError as error:
        return refusal("invalid_arguments", str(error))
    except ToolFailure as failure:
        return refusal(failure.outcome.label, str(failure))
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def refusal(outcome: str, message: str) -> str:
    """Return the text of a refused call."""
    return dumps({"error": outcome, "message": message})
