"""Stage A, scenario decomposition: a goal is drawn first, then its hop graph of single calls follows from it.

A goal is a tuple of expressions (`tool_gym.generators.expressions`): values to be told in order, or one act. It is
drawn by `tool_gym.generators.sampling`; `compile_goal` turns it into the calls that find it out, each reading what
earlier ones served; equal sub-expressions share one call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tool_gym.generators.dialogue_gap import Gap
from tool_gym.generators.dialogue_links import Link
from tool_gym.generators.expressions import (
    Agg,
    Attr,
    Best,
    ById,
    ByName,
    Calc,
    Cancel,
    Convert,
    Create,
    Days,
    Ent,
    Evaluator,
    Expression,
    Follow,
    Free,
    Higher,
    If,
    Percent,
    Said,
    Top,
    Transition,
    UndefinedError,
    Update,
    Val,
    walk,
)
from tool_gym.turns import ToolCall
from tool_gym.world import World, WorldView

if TYPE_CHECKING:
    from tool_gym.generators.missing import Missing

Goal: TypeAlias = tuple[Expression, ...]
Concept: TypeAlias = tuple[str | None, ...]
"""What a call does, before any tool is chosen for it: (family, entity, …)."""

Path: TypeAlias = tuple[str | int, ...]
Grouped: TypeAlias = Top | Best | Agg
"""What orders or summarises a group of rows."""

MIN_GROUP = 3
"""Fewest rows of a group that is ordered or summarised: smaller groups give shortcuts away."""

MIN_FILTERED = 2
"""Fewest rows a filter may leave."""

SHAPE = "shape"
"""Stands for the gate of a draft that fits no shape."""


class RejectedError(Exception):
    """Raised when a draft cannot become a scenario; `gate` and `reason` are counted and reported."""

    def __init__(self, gate: str, reason: str) -> None:
        super().__init__(f"{gate}: {reason}")
        self.gate = gate
        self.reason = reason


@dataclass(slots=True)
class Call:
    """One call of the hop graph; arguments in the family's own names."""

    expression: Expression
    concept: Concept
    path: Path
    """Where the wanted value stands in the result; empty for a write."""
    literals: dict[str, Any] = field(default_factory=dict)
    references: dict[str, tuple[int, Path]] = field(default_factory=dict)
    """Argument → (number of an earlier call, path in its result)."""
    decided_by: tuple[int, ...] = ()
    """Numbers of the earlier calls whose results decide that this one is made at all."""
    user_turn: int = 0
    """The user turn that asks for it."""


@dataclass(slots=True)
class Draft:
    """A goal and its hop graph."""

    goal: Goal
    calls: list[Call]
    outputs: list[tuple[int, Path]]
    """Where each of the goal's values comes from: (number of a call, path in its result)."""
    user_turns: tuple[int, ...] = ()
    """The user turn of each of the goal's expressions; empty where there is one turn."""
    sub_goals: list[str] = field(default_factory=list)
    """Id of the sub-goal that each call became; filled in by deployment, which may make one of several calls."""
    contrary: Draft | None = None
    """The hop graph if the goal's condition came out the other way; None without a condition."""
    turns: list[ToolCall] = field(default_factory=list)
    """The calls as they were made; filled in by deployment."""
    substitutes: dict[str, int] = field(default_factory=dict)
    """Sub-goal of another plan → the number of the call it stands for."""
    links: tuple[Link, ...] = ()
    """How each user turn takes up the ones before; empty where there is one turn."""
    gap: Gap | None = None
    """What the request leaves out, to be asked for; None if it says everything."""
    missing: Missing | None = None
    """What the request speaks of and the world does not have; the calls are the look then, and so is the goal."""

    def call_of(self, sub_goal: str) -> int:
        """Return the number of the call, the first of several, that became a sub-goal.

        Raises:
            KeyError: If there is none.
        """
        known = self.substitutes.get(sub_goal)
        if known is None and sub_goal not in self.sub_goals:
            raise KeyError(sub_goal)
        return known if known is not None else self.sub_goals.index(sub_goal)


def compile_goal(goal: Goal, world: World, user_turns: tuple[int, ...] = ()) -> Draft:
    """Return the calls that reach a goal, each after those it depends on.

    Args:
        goal: What is to be told or done.
        world: Where.
        user_turns: The user turn of each of its expressions; empty where there is one turn.

    Raises:
        RejectedError: If a condition in it cannot be decided.
    """
    draft = _compiled(goal, world, contrary=False, user_turns=user_turns)
    if any(isinstance(expression, If) for expression in goal):
        draft.contrary = _compiled(goal, world, contrary=True)
    return draft


def _compiled(goal: Goal, world: World, *, contrary: bool, user_turns: tuple[int, ...] = ()) -> Draft:
    compiler = _Compiler(world, contrary=contrary)
    outputs = []
    for number, expression in enumerate(goal):
        known = len(compiler.calls)
        outputs.append(compiler.output(expression))
        for call in compiler.calls[known:] if user_turns else ():
            call.user_turn = user_turns[number]
    return Draft(goal, compiler.calls, outputs, user_turns)


def groups_of(goal: Goal) -> list[Grouped]:
    """Return every ordered or summarised group in a goal."""
    return [part for expression in goal for part in walk(expression) if isinstance(part, Grouped)]


class _Compiler:
    def __init__(self, world: World, *, contrary: bool) -> None:
        self.calls: list[Call] = []
        self._world = world
        self._contrary = contrary
        self._known: dict[Expression, int] = {}

    def output(self, expression: Expression) -> tuple[int, Path]:
        if isinstance(expression, If):
            return self.decided(expression)
        number = self.call(expression)
        path = self.calls[number].path
        return number, (*path[:-1], "name") if isinstance(expression, Top | Best) else path

    def call(self, expression: Expression) -> int:
        """Return the number of the call that finds out `expression`, made on first use."""
        known = self._known.get(expression)
        if known is None:
            built = _BUILDERS[type(expression)](self, expression)
            self.calls.append(built)
            known = self._known[expression] = len(self.calls) - 1
        return known

    def decided(self, rule: If) -> tuple[int, Path]:
        """Make the calls of a condition and of the branch it leads to; those of that branch alone wait for it."""
        deciding = tuple(self.call(val) for val in (rule.test.first, rule.test.second) if not isinstance(val, Said))
        try:
            holds = Evaluator(WorldView(self._world.base)).holds(rule.test)
        except UndefinedError as error:
            raise RejectedError(SHAPE, str(error)) from None
        taken, other = (rule.then, rule.otherwise) if holds != self._contrary else (rule.otherwise, rule.then)
        elsewhere = set(walk(other))
        for part in walk(taken):
            if part in elsewhere and type(part) in _BUILDERS:
                self.call(part)
        start = len(self.calls)
        output = self.output(taken)
        for call in self.calls[start:]:
            call.decided_by = deciding
        return output

    def find(self, ent: ByName) -> Call:
        name = self._world.tables[ent.entity].rows[ent.row]["name"]
        return Call(ent, ("find", ent.entity), ("id",), {"name": name})

    def read(self, expr: Follow | Attr) -> Call:
        concept = ("get", expr.source.entity, expr.column)
        return self._bound(Call(expr, concept, (expr.column,), {"field": expr.column}), "id", expr.source)

    def top(self, ent: Top) -> Call:
        literals = {"order_by": ent.column, "direction": _order(ent)}
        return self._grouped(Call(ent, ("top", ent.entity, ent.by), ("id",), literals))

    def best(self, ent: Best) -> Call:
        literals = {ent.filter[0]: ent.filter[1], "sort_by": ent.column, "order": _order(ent), "limit": 1}
        return Call(ent, ("search", ent.entity), ("items", 0, "id"), literals)

    def aggregate(self, agg: Agg) -> Call:
        if agg.listed:
            return self._grouped(Call(agg, ("list", agg.entity, agg.by), ("total",)))
        call = Call(agg, ("summarize", agg.entity, agg.by, agg.operation, agg.column), ("value",))
        call.literals.update({"operation": agg.operation} | ({"field": agg.column} if agg.column else {}))
        call.literals.update([agg.filter] if agg.filter is not None else [])
        return self._grouped(call)

    def compare(self, ent: Higher) -> Call:
        call = Call(ent, ("compare", ent.entity), ("higher_id",), {"field": ent.column})
        return self._bound(self._bound(call, "first_id", ent.first), "second_id", ent.second)

    def free(self, val: Free) -> Call:
        call = Call(val, ("check_availability", val.source.entity), ("available",), {"date": val.date})
        return self._bound(call, "id", val.source)

    def calculate(self, val: Calc) -> Call:
        call = Call(val, ("calculate",), ("value",), {"operation": val.operation})
        return self._given(self._given(call, "a", val.first), "b", val.second)

    def percent(self, val: Percent) -> Call:
        call = Call(val, ("calculate",), ("value",), {"operation": "multiply", "b": val.factor})
        return self._given(call, "a", val.source)

    def convert(self, val: Convert) -> Call:
        literals = {"from_unit": val.unit, "to_unit": val.target}
        return Call(val, ("convert_unit",), ("value",), literals, {"value": self._reference(val.source)})

    def days(self, val: Days) -> Call:
        references = {"start": self._reference(val.first), "end": self._reference(val.second)}
        return Call(val, ("days_between",), ("days",), {}, references)

    def create(self, act: Create) -> Call:
        call = Call(act, ("create", act.entity), ())
        for column, value in act.values:
            self._given(call, column, value)
        for column, ent in act.refs:
            self._bound(call, column, ent)
        return call

    def update(self, act: Update) -> Call:
        call = self._given(Call(act, ("update", act.target.entity), (), {"field": act.column}), "value", act.value)
        return self._bound(call, "id", act.target)

    def transition(self, act: Transition) -> Call:
        concept = ("transition", act.target.entity, act.column)
        return self._bound(Call(act, concept, (), {act.column: act.value}), "id", act.target)

    def cancel(self, act: Cancel) -> Call:
        return self._bound(Call(act, ("cancel", act.target.entity, act.column), ()), "id", act.target)

    def _reference(self, expression: Expression) -> tuple[int, Path]:
        number = self.call(expression)
        return number, self.calls[number].path

    def _given(self, call: Call, name: str, value: Any) -> Call:
        """Give a call a value: literally where the user said it, else from the call that finds it out."""
        if isinstance(value, Said):
            call.literals[name] = value.value
        elif isinstance(value, Val):
            call.references[name] = self._reference(value)
        else:
            call.literals[name] = value
        return call

    def _bound(self, call: Call, name: str, ent: Ent) -> Call:
        """Give a call a row's id: literally where the user said it, else from the call that finds it."""
        if isinstance(ent, ById):
            call.literals[name] = ent.row
        else:
            call.references[name] = self._reference(ent)
        return call

    def _grouped(self, call: Call) -> Call:
        of: Any = call.expression
        return call if of.by is None or of.parent is None else self._bound(call, of.by, of.parent)


def _order(ent: Top | Best) -> str:
    return "descending" if ent.descending else "ascending"


_BUILDERS: dict[type, Callable[[_Compiler, Any], Call]] = {
    ByName: _Compiler.find,
    Follow: _Compiler.read,
    Attr: _Compiler.read,
    Top: _Compiler.top,
    Best: _Compiler.best,
    Agg: _Compiler.aggregate,
    Higher: _Compiler.compare,
    Free: _Compiler.free,
    Calc: _Compiler.calculate,
    Percent: _Compiler.percent,
    Convert: _Compiler.convert,
    Days: _Compiler.days,
    Create: _Compiler.create,
    Update: _Compiler.update,
    Transition: _Compiler.transition,
    Cancel: _Compiler.cancel,
}
"""How the call of each node is built."""
