"""How well predicted calls match a reference's, as ToolRL scores it (arXiv 2504.13958).

With gold calls G and predicted calls P, and m the most there is to earn,

    R = 2 m (names + Σ best) / (1 + Σ_g (1 + parameters of g)) - m      in [-m, m]

*names* is the Jaccard index of the multisets of tool names. *best* pairs each gold call with at most one predicted
call of the same tool, and is the Jaccard index of the two sets of parameter names plus the number of gold parameters
whose value is equal. Values are equal as Python's are: 1, 1.0 and true are, and "1" is not. Without gold calls R is 0.

The released code pairs *greedily*: each gold call in order takes the best predicted call that is left, the first of
equals. The paper speaks of the best pairing, which is `assignment="optimal"` here. Where no two gold calls are of one
tool they are the same. R is m if and only if the calls are equal up to their order.

Coarser forms: *intermediate* pairs only calls that are equal, for 1 point each of 1 + |G|; *coarse* is m if both lists
are equal, order included, else -m.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

from tool_gym.turns import BrokenCall, ToolCall

GRANULARITIES = ("fine", "intermediate", "coarse")
ASSIGNMENTS = ("greedy", "optimal")

Call: TypeAlias = ToolCall | BrokenCall


def match_calls(
    gold: Sequence[ToolCall],
    predicted: Sequence[Call],
    *,
    granularity: str = "fine",
    assignment: str = "greedy",
    most: float = 3.0,
) -> float:
    """Return the correctness of predicted calls.

    Args:
        gold: The reference's calls.
        predicted: The calls made; one that cannot be read matches nothing, and is counted.
        granularity: One of `GRANULARITIES`.
        assignment: One of `ASSIGNMENTS`.
        most: m, the value of a perfect match; the least is its negative.

    >>> match_calls([ToolCall("get", {"id": 1})], [ToolCall("get", {"id": 1}), ToolCall("get", {"id": 2})])
    2.0
    """
    if not gold:
        return 0.0
    if granularity == "coarse":
        equal = len(gold) == len(predicted) and all(map(_same_call, gold, predicted))
        return most if equal else -most
    gains = [[_gain(wanted, made, granularity) for made in predicted] for wanted in gold]
    pairs = greedy(gains) if assignment == "greedy" else optimal(gains)
    points = jaccard([call.name for call in gold], [_name(call) for call in predicted]) + pairs
    possible = 1 + sum(1 + (len(call.arguments) if granularity == "fine" else 0) for call in gold)
    return 2 * most * points / possible - most


def jaccard(first: Collection[object], second: Collection[object]) -> float:
    """Return the Jaccard index of two multisets; 1 for two empty ones.

    >>> jaccard("aab", "ab"), jaccard("", "")
    (0.6666666666666666, 1.0)
    """
    left, shared = list(second), 0
    for item in first:
        if item in left:
            left.remove(item)
            shared += 1
    union = len(first) + len(left)
    return shared / union if union else 1.0


def greedy(gains: Sequence[Sequence[float]]) -> float:
    """Return the sum where each row in turn takes the best column left, the first of equals, if it gains anything."""
    left = set(range(len(gains[0]))) if gains else set()
    total = 0.0
    for row in gains:
        best = max(sorted(left), key=row.__getitem__, default=None)
        if best is not None and row[best] > 0:
            total += row[best]
            left.remove(best)
    return total


def optimal(gains: Sequence[Sequence[float]]) -> float:
    """Return the largest sum over pairings of rows with columns (Kuhn 1955, Munkres 1957); gains are at least 0."""
    if not gains or not gains[0]:
        return 0.0
    if len(gains) > len(gains[0]):
        gains = list(zip(*gains, strict=True))
    pairing = _Pairing(gains)
    for row in range(len(gains)):
        pairing.add(row)
    return sum(gains[row][column] for column, row in enumerate(pairing.row_of) if row is not None)


class _Pairing:
    """Rows paired with columns so that the sum of gains is as large as it can be; no more rows than columns."""

    def __init__(self, gains: Sequence[Sequence[float]]) -> None:
        self._gains = gains
        self.row_of: list[int | None] = [None] * len(gains[0])
        """Column → its row."""
        self._prices = [0.0] * len(gains[0])
        self._worth = [0.0] * len(gains)
        """What each row gains at the present prices."""

    def add(self, row: int) -> None:
        """Pair one more row, along the cheapest path of re-pairings that ends at a free column."""
        gains, prices, worth = self._gains, self._prices, self._worth
        worth[row] = max(gain - price for gain, price in zip(gains[row], prices, strict=True))
        left, done = set(range(len(prices))), list[int]()
        cost, came_from = [float("inf")] * len(prices), [-1] * len(prices)
        column, spent, owner = -1, 0.0, row
        while True:
            for other in left:
                price = spent + worth[owner] + prices[other] - gains[owner][other]
                if price < cost[other]:
                    cost[other], came_from[other] = price, column
            column = min(left, key=cost.__getitem__)
            spent, next_owner = cost[column], self.row_of[column]
            if next_owner is None:
                break
            owner = next_owner
            left.remove(column)
            done.append(column)
        self._reprice(row, done, cost, spent)
        while column >= 0:
            before = came_from[column]
            self.row_of[column] = self.row_of[before] if before >= 0 else row
            column = before

    def _reprice(self, row: int, done: list[int], cost: list[float], spent: float) -> None:
        self._worth[row] -= spent
        for column in done:
            owner = self.row_of[column]
            if owner is not None:
                self._worth[owner] -= spent - cost[column]
            self._prices[column] += spent - cost[column]


def _gain(wanted: ToolCall, made: Call, granularity: str) -> float:
    if not isinstance(made, ToolCall) or made.name != wanted.name:
        return 0.0
    if granularity == "intermediate":
        return float(_same(wanted.arguments, made.arguments))
    equal = sum(
        name in made.arguments and _same(value, made.arguments[name]) for name, value in wanted.arguments.items()
    )
    return jaccard(wanted.arguments, made.arguments) + equal


def _name(call: Call) -> str | None:
    return call.name if isinstance(call, ToolCall) else None


def _same_call(wanted: ToolCall, made: Call) -> bool:
    return isinstance(made, ToolCall) and made.name == wanted.name and _same(wanted.arguments, made.arguments)


def _same(wanted: Any, made: Any) -> bool:
    try:
        return bool(wanted == made)
    except RecursionError:  # a stored record may nest deeper than any tool is given
        return False
