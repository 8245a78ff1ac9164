"""calculate: one arithmetic operation on two numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

from tool_gym.tools.base import Arguments, Bindings, Fact, Family, Parameters, Run, precondition
from tool_gym.world import BaseTables, WorldView

OPERATIONS: dict[str, Callable[[float, float], float]] = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / b,
}
LARGEST = 1e300
"""Largest result; a larger one is a failed call."""

COMMUTATIVE = ("add", "multiply")


class CalculateBindings(Bindings):
    """Which operations are offered."""

    operations: tuple[Literal["add", "subtract", "multiply", "divide"], ...] = ("add", "subtract", "multiply", "divide")


def _parameters(bindings: CalculateBindings, _: BaseTables) -> Parameters:
    number = {"type": "number"}
    properties: dict[str, dict[str, Any]] = {
        "operation": {"type": "string", "enum": list(bindings.operations)},
        "a": number,
        "b": number,
    }
    return Parameters(properties, tuple(properties))


def _compile(_: CalculateBindings, __: BaseTables) -> Run:
    def run(_: WorldView, arguments: Arguments) -> Any:
        operation, a, b = arguments["operation"], arguments["a"], arguments["b"]
        if operation == "divide" and b == 0:
            msg = "division by zero"
            raise precondition(msg)
        value = OPERATIONS[operation](a, b)
        if abs(value) > LARGEST:
            msg = "the result is too large"
            raise precondition(msg)
        return {"value": round(value, 6)}

    return run


def _facts(_: CalculateBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    operation, inputs = arguments["operation"], (arguments["a"], arguments["b"])
    if operation in COMMUTATIVE:
        inputs = (min(inputs), max(inputs))
    yield Fact(("calculate", None, None, None, (), (operation, *inputs)), value["value"], ("value",))


FAMILY = Family("calculate", CalculateBindings, _parameters, _compile, _facts, lambda _: ())
