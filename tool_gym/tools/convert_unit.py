"""convert_unit: a quantity in another unit of the same dimension."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tool_gym import units
from tool_gym.errors import ScenarioError
from tool_gym.tools.base import Arguments, Bindings, Fact, Family, Parameters, Run, precondition
from tool_gym.tools.calculate import LARGEST
from tool_gym.world import BaseTables, WorldView


class ConvertBindings(Bindings):
    """Which units are offered."""

    units: tuple[str, ...] = tuple(units.FACTORS)


def _parameters(bindings: ConvertBindings, _: BaseTables) -> Parameters:
    unknown = set(bindings.units) - units.FACTORS.keys()
    if unknown:
        msg = f"nothing converts the units {sorted(unknown)}"
        raise ScenarioError(msg)
    unit = {"type": "string", "enum": list(bindings.units)}
    properties: dict[str, dict[str, Any]] = {"value": {"type": "number"}, "from_unit": unit, "to_unit": unit}
    return Parameters(properties, tuple(properties))


def _compile(_: ConvertBindings, __: BaseTables) -> Run:
    def run(_: WorldView, arguments: Arguments) -> Any:
        source, target = arguments["from_unit"], arguments["to_unit"]
        value = units.convert(arguments["value"], source, target)
        if value is None:
            msg = f"{source} and {target} do not measure the same thing"
            raise precondition(msg)
        if abs(value) > LARGEST:
            msg = "the result is too large"
            raise precondition(msg)
        return {"value": value, "unit": target}

    return run


def _facts(_: ConvertBindings, arguments: Arguments, value: Any) -> Iterator[Fact]:
    inputs = (arguments["value"], arguments["from_unit"], arguments["to_unit"])
    yield Fact(("convert", None, None, None, (), inputs), value["value"], ("value",))


FAMILY = Family("convert_unit", ConvertBindings, _parameters, _compile, _facts, lambda _: ())
