"""What can be reached without understanding: every value some short sequence of calls can serve.

From the constants of the request (names, ids, words of closed lists) all read tools are called with every
combination of arguments they take; the ids they serve feed the next round. Arithmetic is left out: it is judged by
its operands. This is the shortcut closure behind gates G8 and G11.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import Call
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.tools import FAMILIES
from tool_gym.values import leaves

MAX_CALLS = 4000
"""Most calls of one closure; beyond that the candidate is rejected as too wide to prove."""

_SKIPPED = frozenset({"calculate", "convert_unit", "days_between"})
_UNBOUND = object()


class TooWideError(Exception):
    """Raised when a closure would take more than `MAX_CALLS` calls."""


class Reach:
    """The values reachable from a candidate's request, round by round."""

    def __init__(self, candidate: Candidate) -> None:
        self._candidate = candidate
        self._world = candidate.world
        self._table_of = {row_id: name for name, table in candidate.world.tables.items() for row_id in table.rows}
        self._known: dict[str, dict[str, None]] = {name: {} for name in candidate.world.tables}
        self._names: dict[str, None] = {}
        self._dates: dict[str, None] = {}
        self._words: set[str] = set()
        for call in candidate.draft.calls:
            self._learn_constants(call)
        self._done: set[tuple[str, tuple[tuple[str, Any], ...]]] = set()
        self._calls = 0

    def rounds(self, count: int) -> list[set[Any]]:
        """Return the values served within 1, 2, … `count` rounds, each set including the ones before.

        Raises:
            TooWideError: If that takes too many calls.
        """
        session = self._candidate.runtime.start()
        tools = [tool for tool in self._candidate.scenario.tools if self._reads(tool)]
        served: set[Any] = set()
        rounds = []
        for _ in range(count):
            fresh: list[Any] = []
            for tool in tools:
                for arguments in self._arguments(tool):
                    self._calls += 1
                    if self._calls > MAX_CALLS:
                        raise TooWideError
                    result = session.call(tool.name, arguments)
                    if result.ok:
                        fresh += leaves(result.value)
            served |= set(fresh)
            rounds.append(set(served))
            for value in fresh:
                table = self._table_of.get(value) if type(value) is str else None
                if table is not None:
                    self._known[table][value] = None
        return rounds

    def _learn_constants(self, call: Call) -> None:
        for role, value in call.literals.items():
            if type(value) is not str:
                continue
            if value in self._table_of:
                self._known[self._table_of[value]][value] = None
            elif role == "name":
                self._names[value] = None
            else:
                self._words.add(value)

    def _reads(self, tool: ToolSpec) -> bool:
        impl = tool.impl
        return isinstance(impl, TemplateImpl) and impl.family not in _SKIPPED and not FAMILIES[impl.family].writes

    def _arguments(self, tool: ToolSpec) -> Iterator[dict[str, Any]]:
        """Yield each new combination of arguments the known constants allow."""
        impl = tool.impl
        if not isinstance(impl, TemplateImpl):
            return
        properties, required = tool.parameters["properties"], tool.parameters["required"]
        names = [name for name in properties if name not in impl.inert]
        choices = [self._choices(tool, impl, name, name in required) for name in names]
        for combination in itertools.product(*choices):
            arguments = {name: value for name, value in zip(names, combination, strict=True) if value is not _UNBOUND}
            key = (tool.name, tuple(arguments.items()))
            if key not in self._done:
                self._done.add(key)
                yield arguments

    def _choices(self, tool: ToolSpec, impl: TemplateImpl, name: str, required: bool) -> list[Any]:
        role = impl.renames.get(name, name)
        schema = tool.parameters["properties"][name]
        if "enum" in schema:
            choosing = required or role in ("field", "sort_by", "order")
            values = [value for value in schema["enum"] if choosing or value in self._words]
            return values if required else [_UNBOUND, *values]
        if schema["type"] == "integer":
            return [_UNBOUND]
        if role == "name":
            return list(self._names)
        if role == "date":
            return list(self._dates)
        table = self._target(impl, role)
        known = list(self._known[table]) if table in self._known else [i for ids in self._known.values() for i in ids]
        return known if required else [_UNBOUND, *known]

    def _target(self, impl: TemplateImpl, role: str) -> str | None:
        """Return the table whose ids a parameter takes; None where it takes any."""
        table = impl.bindings.get("table")
        if table is None:
            tables = list(impl.bindings.get("tables", ()))
            return tables[0] if len(tables) == 1 else None
        column = self._world.tables[table].columns.get(role)
        return column.table if column is not None and column.table is not None else str(table)
