"""match: rows by words of their names; the row of exactly that name comes first."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tool_gym.tools.base import (
    Arguments,
    Bindings,
    Fact,
    Family,
    Parameters,
    Run,
    precondition,
    record_facts,
    require_columns,
)
from tool_gym.world import BaseTables, WorldView, fold

MAX_SHOWN = 5
"""Most rows that a call shows."""

_WORD = re.compile(r"\w+")


class MatchBindings(Bindings):
    """Which table is searched."""

    table: str


def _parameters(bindings: MatchBindings, base: BaseTables) -> Parameters:
    require_columns(base, bindings.table, ("name",))
    return Parameters({"query": {"type": "string", "minLength": 1, "maxLength": 200}}, ("query",))


def _compile(bindings: MatchBindings, _: BaseTables) -> Run:
    table = bindings.table

    def run(view: WorldView, arguments: Arguments) -> Any:
        words = set(_WORD.findall(fold(arguments["query"])))
        if not words:
            msg = "the query has no word to look for"
            raise precondition(msg)
        exact = view.where(table, "name", arguments["query"])
        others = [row for row in view.rows(table) if words <= set(_WORD.findall(fold(row["name"])))]
        found = [*exact, *(row for row in others if row not in exact)]
        shown = [{"id": row["id"], "name": row["name"]} for row in found[:MAX_SHOWN]]
        return {"total": len(found), "items": shown}

    return run


def _facts(bindings: MatchBindings, _: Arguments, value: Any) -> Iterator[Fact]:
    for index, item in enumerate(value["items"]):
        yield from record_facts(bindings.table, item, ("items", index))


FAMILY = Family("match", MatchBindings, _parameters, _compile, _facts, lambda b: (b.table,))
