"""calculate: one arithmetic operation on two numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

from tool_gym.tools.base import Arguments, Bindings, Fact, Family, Parameters, Run, precondition
from tool_gym.world import BaseTables, WorldView

OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
}
COMMUTATIVE = ("add", "multiply")


class CalculateBindings(Bindings):
    """Which operations are offered."""

    operations: tuple[str, ...] = tuple(OPERATIONS)


def _parameters(bindings: CalculateBindings, _: BaseTables) -> Parameters:
    number = {"type": "number"}
    properties = {"operation": {"type": "string", "enum": list(bindings.operations)}, "a": number, "b": number}
    return Parameters(properties, tuple(properties))


def _compile(_: CalculateBindings, __: BaseTables) -> Run:
    def run(_: WorldView, arguments: Arguments) -> Any:
        operation, a, b = arguments["operation"], arguments["a"], arguments["b"]
        if operation == "divide" and b == 0:
            raise precondition("division by zero")
        value = OPERATIONS[operation](a, b)
        if isinstance(value, float) and not math.isfinite(value):
            raise precondition("the result is too large")
        return {"value": round(value, 6)}

    return run


def _facts(_: CalculateBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    operation, inputs = arguments["operation"], (arguments["a"], arguments["b"])
    if operation in COMMUTATIVE:
        inputs = (min(inputs), max(inputs))
    yield Fact(("calculate", None, None, None, (), (operation, *inputs)), value["value"], ("value",))


FAMILY = Family("calculate", CalculateBindings, _parameters, _compile, _facts, lambda _: ())
