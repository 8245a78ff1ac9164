"""Which tools do the same, whatever they are called with: of such twins a set of tools has only one."""

from __future__ import annotations

from typing import TypeAlias

from tool_gym import jsonio
from tool_gym.generators.calls import template
from tool_gym.scenario import ToolSpec
from tool_gym.world import BaseTables

Function: TypeAlias = tuple[str, bytes]


def function_of(tool: ToolSpec, base: BaseTables) -> Function:
    """Return what a tool does, in one form for all that do it: its family, bindings and constants.

    Args:
        tool: A template tool.
        base: The tables it is bound to.
    """
    impl = template(tool)
    family, bindings, constants = impl.family, impl.bindings, impl.constants
    if family == "cancel":
        table, column = bindings["table"], bindings["column"]
        family, constants = "transition", {column: base.columns[table][column].cancel or ""}
    fixed = sorted(role for role in constants if role in ("field", "order_by", "operation"))
    told = {key: value for key, value in bindings.items() if key not in _NARROWED or not fixed}
    return family, jsonio.dump_bytes([told, constants], sort_keys=True)


_NARROWED = frozenset({"fields", "operations"})
"""Bindings that say nothing more once a constant has chosen from them."""
