"""G8: no shorter way: nothing the plan finds out can be had in fewer rounds of calls than the plan takes.

"The price of the book with the lowest price" looks like two hops and is one `minimum`. In a prototype 18.5 % of
scenarios of four or more dependent calls had such a shortcut although every other gate passed. Relabeling them is not
enough: they pay for a route nobody planned. Compared by value: each figure and name that ends a chain, each row that
is changed, and each computed result. Yes, no and categories, which any row may have, are compared by what they are of.
And no call may do the work of two of the plan's, or the plan would not be minimal; nor may one show what a later user
turn asks for beside what is asked now, since nobody would look it up again.

What a caller could learn by luck, from the rows of a list longer than the whole plan, is no shortcut: `solve` does not
pay for it, since what led there was not found out.
"""

from __future__ import annotations

from typing import Any

from tool_gym.errors import ScenarioError
from tool_gym.generators.batches import Batch, Called
from tool_gym.generators.calls import impls, template
from tool_gym.generators.candidate import Candidate
from tool_gym.generators.decompose import RejectedError
from tool_gym.generators.reach import Reach, TooWideError
from tool_gym.scenario import Scenario, SubGoal, ToolSpec
from tool_gym.tools.base import COMPUTED, Fact
from tool_gym.values import BooleanValue, EnumValue, NumberValue, leaves, plain, same

GATE = "G8"


def check(candidate: Candidate) -> dict[str, Any]:
    """Reject the candidate if some target is reachable early; return the rounds and calls that were searched."""
    scenario = candidate.scenario
    levels, targets = _levels(scenario), _targets(scenario)
    searched = max((levels[target.id] for target in targets), default=1) - 1
    searched = max(searched, int(len(scenario.sub_goals) + len(candidate.later) > 1))
    if searched < 1:
        return {"rounds": 0}
    figures = any(isinstance(target.gold, NumberValue | BooleanValue) for target in targets)
    try:
        candidate.runtime.start()  # checks every tool: the dearer gate G1 comes later
        _check_records(candidate)
        reach = Reach(candidate, patience=len(scenario.oracle().steps), figures=figures)
        for number, served in enumerate(reach.rounds(searched), 1):
            early = [target for target in targets if levels[target.id] > number]
            if any(_is_had(target, served, reach) for target in early):
                raise RejectedError(GATE, "a shorter way")
            _check_single_calls(scenario.sub_goals, candidate.later, reach.rounds_made[-1])
    except ScenarioError as error:
        raise RejectedError(GATE, str(error)) from None
    except TooWideError:
        raise RejectedError(GATE, "too wide to prove") from None
    _check_choices(scenario, reach)
    return {"rounds": searched, "tried": reach.succeeded}


def _levels(scenario: Scenario) -> dict[str, int]:
    """Return the round from which each sub-goal's value can be had along the plan.

    What is asked of the greater of two rows can be asked of both without waiting for which it is: from the winner on,
    rounds count as if it had been known. (That the choice itself is no cheaper is checked apart.)
    """
    levels: dict[str, int] = {}
    known: dict[str, int] = {}
    for sub_goal in scenario.sub_goals:
        parents = [parent.id for parent in sub_goal.parents if parent.kind == "data"]
        levels[sub_goal.id] = known[sub_goal.id] = 1 + max((known[parent] for parent in parents), default=0)
        if _operation(sub_goal) == "compare":
            golds = {parent: scenario.sub_goal_by_id[parent].gold for parent in parents}
            winner = [known[parent] for parent, gold in golds.items() if gold == sub_goal.gold]
            known[sub_goal.id] = winner[0] if winner else 0  # a row that was named by its id
    return levels


def _targets(scenario: Scenario) -> list[SubGoal]:
    """Return the sub-goals that end a chain of reads, and all that is computed; the rest follows from these."""
    followed = {
        parent.id
        for sub_goal in scenario.sub_goals
        if not sub_goal.effects and _operation(sub_goal) not in COMPUTED
        for parent in sub_goal.parents
        if parent.kind == "data"
    }
    return [
        sub_goal
        for sub_goal in scenario.sub_goals
        if sub_goal.gold is not None
        and (sub_goal.id not in followed or _operation(sub_goal) in COMPUTED)
        and _operation(sub_goal) != "compare"
    ]


def _is_had(target: SubGoal, served: set[Any], reach: Reach) -> bool:
    gold = target.gold
    if isinstance(gold, EnumValue | BooleanValue):
        batches = (batch for made in reach.rounds_made for _, batch in made)
        return target.binding is not None and any(
            same(gold, value) for batch in batches for value in batch.facts.get(target.binding.key, ())
        )
    value: Any = plain(gold) if gold is not None else None
    if value in served:
        return True
    return _operation(target) == "calculate" and -value in served  # a difference, the other way round


def _check_single_calls(
    due: tuple[SubGoal, ...], later: tuple[SubGoal, ...], made: list[tuple[ToolSpec, Batch]]
) -> None:
    """Reject the candidate if one call finds out two things, at least one of them `due` in this user turn."""
    reads = [sub_goal for sub_goal in due if sub_goal.gold is not None]
    ahead = [sub_goal for sub_goal in later if sub_goal.gold is not None]
    golds = {plain(sub_goal.gold) for sub_goal in (*reads, *ahead) if sub_goal.gold is not None}
    for tool, batch in made:
        if len(golds & batch.said) < 2:
            continue
        for call in batch.calls:
            if len(golds.intersection(leaves(call.value))) > 1:
                facts = _facts(tool, call)
                served = sum(any(_serves(sub_goal, fact) for fact in facts) for sub_goal in reads)
                if served > 1 or (served and any(_serves(s, fact) for s in ahead for fact in facts)):
                    raise RejectedError(GATE, "one call that does for two")


def _check_records(candidate: Candidate) -> None:
    """Reject the candidate if one record shows two of the cells that are read, now or in later user turns."""
    cells: dict[tuple[str | None, str | None], set[str]] = {}
    for sub_goal in (*candidate.scenario.sub_goals, *candidate.later):
        binding = sub_goal.binding
        if binding is not None and binding.operation == "read" and binding.field is not None:
            cells.setdefault((binding.entity, binding.row), set()).add(binding.field)
    several = [(entity, fields) for (entity, _), fields in cells.items() if len(fields) > 1]
    for impl in (impl for tool in candidate.scenario.tools if several for impl in impls(tool)):
        if impl.family != "get" or impl.bindings.get("by_field", True) or impl.retired:
            continue
        if any(len(fields.intersection(impl.bindings["tables"].get(entity, ()))) > 1 for entity, fields in several):
            raise RejectedError(GATE, "one call that does for two")


def _check_choices(scenario: Scenario, reach: Reach) -> None:
    """Reject a comparison whose outcome some other call gives away: an order the row stands in, or whole records."""
    for sub_goal in scenario.sub_goals:
        binding = sub_goal.binding
        if binding is None or binding.operation != "compare":
            continue
        pair = set(binding.inputs[1:])
        for tool in scenario.tools:
            bindings = template(tool).bindings
            if (
                template(tool).family == "get"
                and binding.entity in bindings["tables"]
                and not bindings.get("by_field", True)
            ):
                raise RejectedError(GATE, "records instead of a comparison")
        for reading in reach.readings:
            arguments = reading.arguments
            ordered = binding.field in (arguments.get("order_by"), arguments.get("sort_by"))
            if (
                ordered
                and template(reading.tool).bindings["table"] == binding.entity
                and pair & set(leaves(reading.value))
            ):
                raise RejectedError(GATE, "an order instead of a comparison")


def _facts(tool: ToolSpec, call: Called) -> list[Fact]:
    family, bindings = template(tool).bound
    return list(family.facts(bindings, call.arguments, call.value))


def _serves(sub_goal: SubGoal, fact: Fact) -> bool:
    binding, gold = sub_goal.binding, sub_goal.gold
    return binding is not None and gold is not None and binding.key == fact.key and same(gold, fact.value)


def _operation(sub_goal: SubGoal) -> str:
    return sub_goal.binding.operation if sub_goal.binding is not None else ""
