"""G11: what is to be declined really cannot be done with the visible tools.

A question: there is another world in which the answer is different and yet every call to every visible tool shows the
same. So no sequence of calls, however long, can tell; error messages and what changes report included. The world is
found by changing the cells the hidden fact rests on, and every call that could touch a changed row is made in both.
A change: no visible tool can bring it about, directly or by way of cancelling a row and making a new one.

In a prototype 41 % of naive "hide one used tool" candidates were still solvable by another route.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from tool_gym.generators.calls import Caller, Stock, impls, is_write, parts, template
from tool_gym.generators.candidate import Candidate, answer_of
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.disturb import Cell, Change, Read, changed, changes
from tool_gym.generators.expressions import (
    Act,
    Agg,
    Attr,
    Best,
    Calc,
    Cancel,
    Convert,
    Create,
    Days,
    Evaluator,
    Expression,
    Free,
    Top,
    Transition,
    UndefinedError,
    Update,
)
from tool_gym.generators.gates.absent import check_missing
from tool_gym.generators.gates.unsettled import check_asks
from tool_gym.scenario import TemplateImpl, ToolSpec
from tool_gym.tools import FAMILIES
from tool_gym.world import WorldView

GATE = "G11"
MAX_WORLDS = 12
"""Most other worlds tried for one fact."""


def check(candidate: Candidate) -> dict[str, Any] | None:
    """Reject the candidate if its request can be met after all; return the change that nobody would notice."""
    if candidate.scenario.shape == "ask":
        return check_asks(candidate)
    if candidate.scenario.shape != "decline":
        return None
    if candidate.draft.missing is not None:
        return check_missing(candidate, candidate.draft.missing)
    if any(not isinstance(tool.impl, TemplateImpl) for tool in candidate.scenario.tools):
        raise RejectedError(GATE, "foreign source may do anything")
    targets = [target for goal in candidate.draft.goal for target in operands(goal)]
    for target in targets:
        if isinstance(target, Act):
            if any(serves(tool, target) for tool in candidate.scenario.tools):
                raise RejectedError(GATE, "a visible tool still does it")
            return {"hidden": type(target).__name__.lower()}
        if isinstance(target, Read):
            change = _unnoticed(candidate, target)
            if change is not None:
                return {"unnoticed": [f"{cell.table}.{cell.row}.{cell.column}" for cell in change]}
    raise RejectedError(GATE, "a visible tool still tells")


def operands(expression: Expression) -> list[Expression]:
    """Return the reads and changes an expression comes down to, arithmetic taken apart."""
    if isinstance(expression, Calc | Days):
        return [*operands(expression.first), *operands(expression.second)]
    if isinstance(expression, Convert):
        return operands(expression.source)
    return [expression]


def serves(tool: ToolSpec, target: Expression) -> bool:
    """Return whether a tool could tell a fact or make a change, as far as its bindings say: the tools to hide."""
    if not isinstance(tool.impl, TemplateImpl):
        return True
    return any(_serves(impl, target) for impl in impls(tool))


def _serves(impl: TemplateImpl, target: Expression) -> bool:
    if isinstance(target, Act):
        return _changes(impl, target)
    if isinstance(target, Attr):
        entity, column = target.source.entity, target.column
        return _shows(impl, entity, column) or _sorts_out(impl, entity, column)
    if isinstance(target, Top | Best):
        return _orders(impl, target.entity, target.column) or _shows(impl, target.entity, target.column)
    return _aggregates(impl, target) if isinstance(target, Agg) else _books(impl, target)


def _shows(impl: TemplateImpl, entity: str, column: str) -> bool:
    """Whether a tool shows cells of a column, or figures made of them."""
    family, bindings, constants = impl.family, impl.bindings, impl.constants
    if family == "get":
        return column in bindings["tables"].get(entity, ()) and constants.get("field", column) == column
    if bindings.get("table") != entity:
        return False
    if family == "summarize":
        return column in bindings.get("fields", ()) and constants.get("operation") != "count"
    if family == "measure":
        return bool(bindings["field"] == column)
    return (family == "compare" and column in bindings["fields"]) or (
        family == "search" and column in bindings.get("sort", ())
    )


def _sorts_out(impl: TemplateImpl, entity: str, column: str) -> bool:
    """Whether a tool picks rows by a category, or may fail by it."""
    family, bindings = impl.family, impl.bindings
    if bindings.get("table") != entity:
        return False
    if FAMILIES[family].writes:
        return bindings.get("column") == column or (family == "update" and column not in bindings["fields"])
    return column in (*bindings.get("filters", ()), *bindings.get("groups", ()), bindings.get("by"))


def _orders(impl: TemplateImpl, entity: str, column: str) -> bool:
    return impl.family == "top" and impl.bindings["table"] == entity and column in impl.bindings["order_by"]


def _books(impl: TemplateImpl, target: Expression) -> bool:
    """Whether a tool tells if a row is booked, or shows the bookings."""
    if not isinstance(target, Free):
        return True
    calendar = target.calendar
    columns = (calendar.date, calendar.ref, calendar.state)
    checks = impl.family == "check_availability" and impl.bindings["bookings"] == calendar.table
    return checks or any(_shows(impl, calendar.table, column) for column in columns if column is not None)


def _aggregates(impl: TemplateImpl, target: Agg) -> bool:
    if target.column is None:
        counts = impl.family in ("list", "search") or _summarizes(impl, target.entity, ("count", "sum", "average"))
        by_count = counts and impl.bindings.get("table") == target.entity
        grouped = [column for column in (target.by, *(target.filter or ())[:1]) if column is not None]
        return by_count or any(_shows(impl, target.entity, column) for column in grouped)
    if impl.family == "summarize" and target.operation in ("sum", "average"):
        extreme = impl.constants.get("operation") in ("minimum", "maximum")
        return not extreme and _shows(impl, target.entity, target.column)
    return _shows(impl, target.entity, target.column)


def _summarizes(impl: TemplateImpl, entity: str, operations: tuple[str, ...]) -> bool:
    operation = impl.constants.get("operation")
    ours = impl.family == "summarize" and impl.bindings["table"] == entity
    return ours and (operation is None or operation in operations)


def _changes(impl: TemplateImpl, target: Any) -> bool:
    family, bindings = impl.family, impl.bindings
    entity = target.entity if isinstance(target, Create) else target.target.entity
    if bindings.get("table") != entity or not FAMILIES[family].writes:
        return False
    if isinstance(target, Create | Update):
        return family == "create" or (
            family == "update" and isinstance(target, Update) and target.column in bindings["fields"]
        )
    if isinstance(target, Transition) and family == "create":
        return True  # a new row in place of the old one starts over
    return family == "transition" or (family == "cancel" and isinstance(target, Cancel))


def _unnoticed(candidate: Candidate, target: Read) -> Change | None:
    """Return a change of the world that alters the answer and that no visible tool shows; None if none was found."""
    base = WorldView(candidate.world.base)
    visible = [part.tool for tool in candidate.scenario.tools for part in parts(tool, candidate.world.base)]
    try:
        before = _answers(candidate, base)
        possible = [change for kind in changes(candidate.world, target).values() for change in islice(kind, MAX_WORLDS)]
        for change in possible[: 2 * MAX_WORLDS]:
            view = changed(candidate.world, change)
            if (
                _differs(candidate, view, before)
                and not _can_be_probed(candidate, change)
                and not any(_tells(candidate, tool, change, base, view) for tool in visible)
            ):
                return change
    except UndefinedError as error:
        raise RejectedError(GATE, f"undefined as it is: {error}") from None
    return None


def _answers(candidate: Candidate, view: WorldView) -> list[Any]:
    evaluate = Evaluator(view)
    return [answer_of(expression, evaluate) for expression in candidate.draft.goal]


def _differs(candidate: Candidate, view: WorldView, before: list[Any]) -> bool:
    try:
        return _answers(candidate, view) != before
    except UndefinedError:
        return False  # the other world must have an answer too


def _can_be_probed(candidate: Candidate, change: Change) -> bool:
    """Return whether rows around a changed one could be changed until an order, extreme or count gives it away."""
    behind = [impl for tool in candidate.scenario.tools for impl in impls(tool)]
    return any(
        FAMILIES[impl.family].writes and impl.bindings["table"] == cell.table and _looks_at(other, cell)
        for cell in change
        for impl in behind
        for other in behind
    )


def _looks_at(impl: TemplateImpl, cell: Cell) -> bool:
    looks = (_shows, _orders, _sorts_out)
    return not FAMILIES[impl.family].writes and any(look(impl, cell.table, cell.column) for look in looks)


def _tells(candidate: Candidate, tool: ToolSpec, change: Change, base: WorldView, view: WorldView) -> bool:
    """Return whether some call to a tool that concerns a changed row shows something else in the other world."""
    family, bindings = template(tool).bound
    tables = family.tables(bindings)
    if not {cell.table for cell in change} & set(tables):
        return False
    caller = Caller(candidate.world)
    run = caller.runs(tool)
    for arguments in _calls(caller, tool, change):
        shown = [caller.call(run, _copy(world), arguments) for world in (base, view)]
        if shown[0] != shown[1]:
            return True
    return False


def _calls(caller: Caller, tool: ToolSpec, change: Change) -> Iterator[dict[str, Any]]:
    """Yield every call whose outcome could depend on a changed cell."""
    world = caller.world
    stock = Stock.of(world)
    for cell in change:
        row = world.base.rows[cell.table][cell.row]
        for value in (*row.values(), cell.after):
            stock.add(world, value)
        stock.names[row["name"]] = None
        others = (other for other in world.base.rows[cell.table] if other != cell.row)
        stock.ids[cell.table].update(dict.fromkeys(islice(others, 2)))
    if is_write(tool):
        concerned = {cell.row: None for cell in change if cell.table == template(tool).bindings["table"]}
        yield from caller.attempts(tool, concerned)
        yield from caller.attempts(tool, concerned, spoiled=True)
    else:
        yield from caller.arguments(tool, stock)


def _copy(view: WorldView) -> WorldView:
    copied = WorldView(view.base)
    copied.delta = view.delta
    return copied
