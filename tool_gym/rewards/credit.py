"""Which sub-goals a call serves: the matching of calls with the hop graph.

Everything here is a pure function of the scenario, the call and its result. Sub-goals are numbered; sets of
them are bit masks, so that an episode's state is a few integers.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from typing import Any, NamedTuple

import orjson

from tool_gym import jsonio
from tool_gym.scenario import Scenario, SubGoal, TemplateImpl, ToolSpec
from tool_gym.tools import FAMILIES
from tool_gym.tools.base import Bindings, FactKey, Family
from tool_gym.turns import ToolCall, ToolResult
from tool_gym.values import leaves, same
from tool_gym.world import fold

_MEMO_SIZE = 512
_PAGING = frozenset({"page", "page_size", "limit"})
"""Arguments that say how much is shown; a value equal to one of them is no echo."""

_SAYABLE = frozenset({"read", "find", "top"})
"""Operations that serve a cell or an id, which an argument can name beforehand; a statistic it cannot."""

_WORD = re.compile(r"\w+")
_DIGIT_GROUPS = re.compile(r"(?<=\d)[,_ ](?=\d)")

CallKey = tuple[str, bytes]


class _Reader(NamedTuple):
    family: Family
    bindings: Bindings
    impl: TemplateImpl


class CreditTable:
    """A scenario's sub-goals in the form calls are matched against; built once per scenario."""

    __slots__ = ("_by_effects", "_by_fact", "_by_tool", "_defaults", "_memo", "_readers", "count", "ids", "sub_goals")

    def __init__(self, scenario: Scenario) -> None:
        self.sub_goals = scenario.sub_goals
        self.count = len(scenario.sub_goals)
        self.ids = {sub_goal.id: number for number, sub_goal in enumerate(scenario.sub_goals)}
        self._by_fact: dict[FactKey, list[int]] = {}
        self._by_effects: dict[frozenset[Any], list[int]] = {}
        self._by_tool: dict[str, list[int]] = {}
        for number, sub_goal in enumerate(scenario.sub_goals):
            self._file(number, sub_goal)
        self._readers = {tool.name: tool.kept(_reader) for tool in scenario.tools}
        self._defaults = {tool.name: tool.kept(_defaults) for tool in scenario.tools}
        self._memo: dict[bytes, tuple[int, CallKey]] = {}

    @property
    def value_only(self) -> bool:
        """Whether some sub-goal can only be matched by tool and value, for want of a binding."""
        return bool(self._by_tool)

    @staticmethod
    def of(scenario: Scenario) -> CreditTable:
        """Return the scenario's table, built once."""
        table = scenario.derived.get(CreditTable)
        if table is None:
            table = scenario.derived[CreditTable] = CreditTable(scenario)
        return table

    def key(self, call: ToolCall) -> CallKey:
        """Return what makes two calls identical: the tool, and what the arguments mean to it.

        Key order, case, spacing, 2 for 2.0, defaults spelled out and inert arguments make no other call.
        """
        reader = self._readers.get(call.name)
        arguments = self._defaults.get(call.name, {}) | call.arguments
        if reader is not None:
            with suppress(LookupError, TypeError, ValueError, AttributeError):  # in a stored record anything may stand
                arguments = reader.impl.translate(arguments)
        return call_key(call._replace(arguments={name: _plain(item) for name, item in arguments.items()}))

    def served(self, call: ToolCall, result: ToolResult) -> tuple[int, CallKey]:
        """Return the mask of sub-goals an ok call's result serves or brings about, and the call's key."""
        if result.effects:
            return self._hits(call, result)
        try:
            said = orjson.dumps((call.name, call.arguments, result.value))
        except (TypeError, RecursionError):
            try:
                said = jsonio.dump_bytes((call.name, call.arguments, result.value))
            except jsonio.PlainJsonError:
                return 0, (call.name, b"")  # a stored record that holds what no tool serves
        known = self._memo.get(said)
        if known is None:
            known = self._hits(call, result)
            if len(self._memo) < _MEMO_SIZE:
                self._memo[said] = known
        return known

    def _hits(self, call: ToolCall, result: ToolResult) -> tuple[int, CallKey]:
        mask = self._served(call, result)
        return mask, self.key(call) if mask else (call.name, b"")

    def _file(self, number: int, sub_goal: SubGoal) -> None:
        if sub_goal.effects:
            cells = frozenset((cell.table, cell.row, cell.field, cell.after) for cell in sub_goal.effects)
            self._by_effects.setdefault(cells, []).append(number)
        elif sub_goal.binding is not None:
            self._by_fact.setdefault(sub_goal.binding.key, []).append(number)
        else:
            self._by_tool.setdefault(sub_goal.tool, []).append(number)

    def _served(self, call: ToolCall, result: ToolResult) -> int:
        mask = 0
        try:
            if result.effects:
                cells = frozenset((e.table, None if e.created else e.row, e.field, e.after) for e in result.effects)
                mask = mask_of(self._by_effects.get(cells, ()))
            mask |= self._facts_served(call, result.value)
            return mask | self._values_served(call, result.value)
        except (KeyError, TypeError, IndexError, AttributeError, ValueError):
            return mask  # a stored record whose result is not what the tool serves

    def _facts_served(self, call: ToolCall, value: Any) -> int:
        reader = self._readers.get(call.name)
        if reader is None or not self._by_fact:
            return 0
        arguments = reader.impl.translate(call.arguments)
        mask, given = 0, None
        for fact in reader.family.facts(reader.bindings, arguments, reader.impl.served(value)):
            numbers = self._by_fact.get(fact.key)
            if numbers is None:
                continue
            if given is None:
                given = [fold(leaf) for leaf in leaves({k: v for k, v in arguments.items() if k not in _PAGING})]
            if fact.key[0] in _SAYABLE and fold(fact.value) in given:
                continue  # the cell that a filter asked for, the id that was guessed
            for number in numbers:
                gold = self.sub_goals[number].gold
                if gold is not None and same(gold, fact.value):
                    mask |= 1 << number
        return mask

    def _values_served(self, call: ToolCall, value: Any) -> int:
        numbers = self._by_tool.get(call.name)
        if not numbers or (isinstance(value, dict) and value.get("error")):
            return 0
        given = _words(call.arguments) | _words(jsonio.dumps(call.arguments))  # leaves, and keys
        new = [item for item in (value, *leaves(value)) if not _words(item) <= given]
        golds = [(number, self.sub_goals[number].gold) for number in numbers]
        return mask_of(number for number, gold in golds if gold is not None and any(same(gold, item) for item in new))


def call_key(call: ToolCall) -> CallKey:
    """Return the tool and its arguments, key order aside."""
    return call.name, jsonio.dump_bytes(call.arguments, sort_keys=True)


class Matching:
    """A one-to-one matching of calls with sub-goals that never loses a sub-goal once it has it.

    Each call is offered once, with the mask of sub-goals it could solve at that time; augmenting paths
    (Kuhn 1955) keep the matching maximum over the calls offered so far.
    """

    __slots__ = ("_calls", "solved")

    def __init__(self) -> None:
        self.solved = 0
        """Mask of the sub-goals that are matched."""
        self._calls: dict[CallKey, tuple[int, int]] = {}

    def offer(self, key: CallKey, candidates: int) -> None:
        """Match the call with one of `candidates` if possible; an identical matched call gains nothing."""
        if key in self._calls:
            return
        free = candidates & ~self.solved
        bit = (free & -free) if free else self._make_room(candidates, 0)[0]
        if bit:
            self._calls[key] = (candidates, bit)
            self.solved |= bit

    def snapshot(self) -> tuple[int, dict[CallKey, tuple[int, int]]]:
        """Return the state."""
        return self.solved, dict(self._calls)

    def restore(self, state: tuple[int, dict[CallKey, tuple[int, int]]]) -> None:
        """Return to `state`."""
        self.solved, self._calls = state[0], dict(state[1])

    def _make_room(self, candidates: int, tried: int) -> tuple[int, int]:
        """Free one of `candidates` by moving its call to another sub-goal; return (freed bit or 0, bits tried)."""
        for key, (others, bit) in list(self._calls.items()):
            if not bit & candidates & ~tried:
                continue
            tried |= bit
            free = others & ~self.solved
            moved = free & -free
            if not moved:
                moved, tried = self._make_room(others, tried)
            if moved:
                self._calls[key] = (others, moved)
                self.solved |= moved
                return bit, tried
        return 0, tried


def mask_of(numbers: Iterable[int]) -> int:
    """Return the bit mask of a set of numbers."""
    mask = 0
    for number in numbers:
        mask |= 1 << number
    return mask


def _reader(tool: ToolSpec) -> _Reader | None:
    impl = tool.impl
    if not isinstance(impl, TemplateImpl) or impl.family not in FAMILIES or impl.retired:
        return None
    try:
        return _Reader(*impl.bound, impl)
    except ValueError:
        return None


def _defaults(tool: ToolSpec) -> dict[str, Any]:
    """Return the arguments a call without them is taken to have."""
    properties = tool.parameters.get("properties")
    schemas = properties.items() if isinstance(properties, dict) else ()
    return {name: schema["default"] for name, schema in schemas if isinstance(schema, dict) and "default" in schema}


def _plain(item: Any) -> Any:
    """Return an argument as tools take it: texts folded, whole numbers as integers."""
    return int(item) if type(item) is float and item.is_integer() else fold(item)


def _words(value: Any) -> set[str]:
    """Return the words of the texts and numbers in a JSON value, separators of thousands aside."""
    texts = (unicodedata.normalize("NFKC", str(_plain(leaf))).casefold() for leaf in leaves(value))
    return {word for text in texts for word in _WORD.findall(_DIGIT_GROUPS.sub("", text))}
