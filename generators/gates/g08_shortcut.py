"""G8: no shorter way: what the last reads serve cannot be had in fewer rounds of calls than the plan takes.

"The price of the book with the lowest price" looks like two hops and is one `minimum`. In a prototype 18.5 % of
scenarios of four or more dependent calls had such a shortcut although every other gate passed. Declining to label
them is not enough: they pay for a route nobody planned.
"""

from __future__ import annotations

from typing import Any

from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.reach import Reach, TooWideError
from tool_gym.tools.base import COMPUTED
from tool_gym.values import plain

GATE = "G8"


def check(candidate: Candidate) -> dict[str, Any]:
    """Reject the candidate if some target is reachable early; return the rounds that were searched."""
    scenario = candidate.scenario
    levels: dict[str, int] = {}
    for sub_goal in scenario.sub_goals:
        levels[sub_goal.id] = 1 + max((levels.get(parent.id, 0) for parent in sub_goal.parents), default=0)
    used = {
        parent.id
        for sub_goal in scenario.sub_goals
        if sub_goal.binding is None or sub_goal.binding.operation not in COMPUTED
        for parent in sub_goal.parents
    }
    targets = [
        (levels[sub_goal.id], plain(sub_goal.gold))
        for sub_goal in scenario.sub_goals
        if sub_goal.id not in used
        and sub_goal.gold is not None
        and (sub_goal.binding is None or sub_goal.binding.operation not in COMPUTED)
    ]
    searched = max((level for level, _ in targets), default=0) - 1
    if searched < 1:
        return {"rounds": 0}
    try:
        rounds = Reach(candidate).rounds(searched)
    except TooWideError:
        raise RejectedError(GATE, "too wide to prove") from None
    for level, gold in targets:
        if level > 1 and gold in rounds[level - 2]:
            raise RejectedError(GATE, "a shorter way")
    return {"rounds": searched}
