"""Batches: what all calls to one tool about one choice of ids come to. Made once in a world, however often asked for.

The closure of G8 makes the same calls for scenario after scenario: what changes is which ids are known when. A batch
is found by the tool's family and bindings, the choices of its other arguments, and the ids.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple, TypeAlias

from tool_gym.generators.calls import LEFT_OUT, Caller, Choices, Stock, among, tables_of, template
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.tools.base import Arguments, FactKey, Run, ToolFailure
from tool_gym.values import leaves
from tool_gym.world import World, WorldView

_Known: TypeAlias = "dict[tuple[Any, ...], Batch]"


class Called(NamedTuple):
    """A call that succeeded."""

    arguments: Arguments
    """In the family's names."""
    value: Any


class Told(NamedTuple):
    """What a call says."""

    values: frozenset[Any]
    ids: dict[str, str]
    """Those of the values that are ids of rows, each with its table."""

    @classmethod
    def of(cls, world: World, values: list[Any]) -> Told:
        """Return values with the ids among them."""
        return cls(frozenset(values), rows_among(world, values))


class Listing(NamedTuple):
    """A call that shows a list of rows."""

    size: int
    """How long the list is, further pages included."""
    items: list[dict[str, Any]]
    whole: Told
    """What it says to whoever goes through it."""
    certain: Told
    """What it says to others: all but the rows, except the first of an order."""

    @classmethod
    def of(cls, world: World, call: Called) -> Listing:
        """Read the result of a call."""
        items = call.value["items"]
        first = items[:1] if "sort_by" in call.arguments else []
        certain = leaves({**call.value, "items": first})
        size = max(len(items), call.value.get("total", 0))
        return cls(size, items, Told.of(world, leaves(call.value)), Told.of(world, certain))


class Batch:
    """Some calls to one tool, and what they say."""

    __slots__ = ("_facts", "_impl", "calls", "lists", "said", "told", "tried")

    def __init__(self, impl: TemplateImpl, calls: list[Called], tried: int, world: World) -> None:
        self._impl = impl
        self._facts: dict[FactKey, list[Any]] | None = None
        self.calls = calls
        self.tried = tried
        """Calls made, failed ones included."""
        listing = [isinstance(call.value, dict) and bool(call.value.get("items")) for call in calls]
        self.lists = [Listing.of(world, call) for call, lists in zip(calls, listing, strict=True) if lists]
        """The calls that show lists of rows."""
        others = (call for call, lists in zip(calls, listing, strict=True) if not lists)
        self.told = Told.of(world, [leaf for call in others for leaf in leaves(call.value)])
        """What the other calls show."""
        self.said = self.told.values.union(*(listed.whole.values for listed in self.lists))
        """What all of them show."""

    @property
    def facts(self) -> dict[FactKey, list[Any]]:
        """The values served, by the question each answers."""
        if self._facts is None:
            self._facts = {}
            family, bindings = self._impl.bound
            for call in self.calls:
                for fact in family.facts(bindings, call.arguments, call.value):
                    self._facts.setdefault(fact.key, []).append(fact.value)
        return self._facts


class Batches:
    """The batches of one tool that a stock of values gives.

    Args:
        tool: The tool.
        world: Where it is called.
        stock: The values; only ids may be added to it later.
    """

    def __init__(self, tool: ToolSpec, world: World, stock: Stock) -> None:
        caller = Caller(world)
        self.tool = tool
        self._world = world
        self._impl = template(tool)
        self._stock = stock
        self._caller = caller
        self._run: Run = caller.runs(tool)
        self._choices, self._ids = caller.choices(tool, stock)
        kind = (Batches, self._run, *(_key(role, options) for role, options in self._choices.items()), *self._ids)
        fixed = tuple(self._impl.constants.items())
        self._known: _Known = world.base.derived.setdefault((*kind, fixed), {})

    def fitting(self, fresh: Stock | None) -> Iterator[Batch]:
        """Yield the batches of every combination of ids; with `fresh`, only those that have one of these ids."""
        if self._impl.retired:
            return
        if fresh is None:
            yield from self._of({role: ids.among(self._stock) for role, ids in self._ids.items()})
        elif self._ids:
            for some in among(self._ids, self._stock, fresh):
                yield from self._of(some)

    def _of(self, some: dict[str, Choices]) -> Iterator[Batch]:
        known = self._known
        for ids in itertools.product(*some.values()):
            batch = known.get(ids)
            if batch is None:
                batch = known[ids] = self._made(ids)
            yield batch

    def _made(self, ids: tuple[Any, ...]) -> Batch:
        choices = {**self._choices, **{role: [row_id] for role, row_id in zip(self._ids, ids, strict=True)}}
        view, calls, tried = WorldView(self._world.base), [], 0
        for arguments in self._caller.combined(self._impl, choices):
            tried += 1
            try:
                calls.append(Called(arguments, self._run(view, arguments)))
            except ToolFailure:
                continue
        return Batch(self._impl, calls, tried, self._world)


def rows_among(world: World, values: list[Any]) -> dict[str, str]:
    """Return the values that are ids of rows, each with its table."""
    tables = tables_of(world)
    return {value: tables[value] for value in values if type(value) is str and value in tables}


def _key(role: str, options: Choices) -> tuple[Any, ...]:
    """Return choices as a key: True is no 1, and 1 no 1.0."""
    return (role, *((None if option is LEFT_OUT else type(option), option) for option in options))
