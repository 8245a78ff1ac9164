"""How tools look in numbers: what a set of tools has of parameters, types and words, next to what real ones have.

The figures of real tools are of 870 servers in daily use (Toucan, as measured for the design of this project).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from tool_gym.scenario import ToolSpec

MANY = 6
"""Tools of as many parameters or more are counted together."""

REAL_PARAMETERS = (0.15, 0.32, 0.22, 0.13, 0.065, 0.045, 0.07)
"""Share of real tools with 0, 1, … 5, and 6 or more parameters. (What lies between 3 and 6 is known as a sum only.)"""

REAL_MEAN = 2.26
"""Mean number of parameters of a real tool."""

REAL_TYPES = {
    "string": 0.56, "number": 0.17, "array": 0.07, "boolean": 0.06, "enum": 0.05, "untyped": 0.06, "object": 0.03,
}  # fmt: skip
"""Share of the parameters of real tools by type."""

REAL_WORDS = 9
"""Median number of words of a real tool's description."""

REAL_EMPTY = 0.07
"""Share of real tools without a description."""


@dataclass(frozen=True)
class Marginals:
    """The numbers of some tools."""

    tools: int
    schemas: int
    """How many are different, by name, description and parameters."""
    parameters: tuple[float, ...]
    """Share of the tools with 0, 1, … parameters, the last of `MANY` or more."""
    mean_parameters: float
    required: float
    """Median number of required parameters."""
    types: dict[str, float]
    """Share of the parameters by type; a closed list is an "enum" whatever its type."""
    words: float
    """Median number of words of a description."""
    empty: float
    """Share of the tools without a description."""

    @property
    def distance(self) -> float:
        """The Kolmogorov-Smirnov distance of the number of parameters from that of real tools."""
        return ks_distance(self.parameters, REAL_PARAMETERS)


def marginals(tools: Iterable[ToolSpec]) -> Marginals:
    """Measure tools; equal ones count as often as they come.

    Raises:
        ValueError: If there is none.
    """
    found = list(tools)
    if not found:
        msg = "wanted at least one tool to measure, got none"
        raise ValueError(msg)
    counts = [len(tool.parameters["properties"]) for tool in found]
    many = Counter(min(count, MANY) for count in counts)
    kinds = Counter(_kind(schema) for tool in found for schema in tool.parameters["properties"].values())
    total = max(1, kinds.total())
    return Marginals(
        tools=len(found),
        schemas=len({repr((tool.name, tool.description, tool.parameters)) for tool in found}),
        parameters=tuple(many[count] / len(found) for count in range(MANY + 1)),
        mean_parameters=sum(counts) / len(found),
        required=median(len(tool.parameters.get("required", ())) for tool in found),
        types={kind: count / total for kind, count in kinds.most_common()},
        words=median(len(tool.description.split()) for tool in found),
        empty=sum(not tool.description for tool in found) / len(found),
    )


def ks_distance(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Return the largest difference of two cumulative distributions over the same classes.

    >>> ks_distance((0.5, 0.5), (0.25, 0.75))
    0.25
    """
    return max(abs(sum(first[:end]) - sum(second[:end])) for end in range(1, len(first) + 1))


def _kind(schema: dict[str, object]) -> str:
    if "enum" in schema:
        return "enum"
    kind = schema.get("type")
    return {"integer": "number"}.get(kind, kind) if isinstance(kind, str) else "untyped"
